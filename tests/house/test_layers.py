"""The house: which room may use which, which room owns which library, and which module has its test."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "e2lm_core"
UNTESTED_LINES = 40  # a module longer than this has a test of its name, or says which test covers it

# A room may use itself and these. A new module needs no entry; a new room adds its line.
MAY_USE = {
    "base": "",
    "people": "base",
    "scores": "base",
    "analysis": "base scores",
    "checkpoints": "base people",
    "sets": "base people",
    "assist": "base people sets",
    "engine": "base checkpoints",
    "runs": "base people scores analysis checkpoints sets engine",
    "relevance": "base people sets",
    "imported": "base people scores analysis checkpoints",
    "charts": "base analysis imported",
    "export": "base people scores analysis checkpoints sets runs relevance charts",
    "deploy": "base people sets runs",
    "commands": "base people scores analysis checkpoints sets assist runs relevance imported export deploy",
    "ui": "base people scores analysis checkpoints sets assist runs relevance imported charts export deploy",
}
ONLY_IN = {
    "streamlit": "ui",
    "typer": "commands",
    "rich": "commands",
    "plotly": "charts export ui",
    "torch": "engine checkpoints relevance",
    "transformers": "engine",
    "ray": "engine",
    "safetensors": "engine checkpoints",
    "huggingface_hub": "checkpoints relevance deploy",
    "httpcore2": "assist",
    "sentence_transformers": "relevance",
    "sklearn": "relevance",
    "sqlite3": "base relevance runs deploy",
    "yaml": "base sets",
    "jinja2": "sets export",
    "pyarrow": "imported sets",
    "openpyxl": "sets",
    "defusedxml": "sets",
    "charset_normalizer": "sets",
    "scipy": "scores analysis charts",
}
# Entries of `ui`, from the ground up: each may use those before it.
UI_LEVELS = ["base", "requests", "session", "run_launcher", "cache", "app", "editor", "places", "server"]
# Pure rooms take values and give values. Three modules read the one table that lies beside them.
PURE = ("scores", "analysis")
IMPURE = {"io", "os", "pathlib", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib", "http"}
READS_ITS_OWN_TABLE = {
    "scores/uncertainty/coverage.py",
    "analysis/score/published.py",
    "analysis/decisions/probability.py",
}


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every dotted name that a file imports, in functions as well, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno} imports relatively: write the whole name."
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def modules(package: Path) -> dict[str, Path]:
    """`e2lm_core.scores.signal` -> its file; a package has its own name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def target(dotted: str, files: dict[str, Path]) -> str | None:
    """The module of the package that an imported name is in, None for anything else."""
    while dotted and dotted not in files:
        dotted = dotted.rpartition(".")[0]
    return dotted or None


def room(path: Path, package: Path) -> str:
    """The folder below the package; `` for what lies at the top."""
    parts = path.relative_to(package).parts
    return parts[0] if len(parts) > 1 else ""


def upward(package: Path) -> list[str]:
    """Imports that the table does not allow, as sentences."""
    files, found = modules(package), []
    for path in files.values():
        own = room(path, package)
        allowed = {own, *MAY_USE.get(own, "").split()} if own else {*MAY_USE}
        for dotted, line in imports_of(path):
            name = target(dotted, files)
            if name and (to := room(files[name], package)) not in allowed and to:
                found.append(f"{path.relative_to(package)}:{line} imports {name}: {own} may not use {to}")
    return found


def foreign(package: Path) -> list[str]:
    """Imports of a library outside the rooms that own it."""
    return [
        f"{path.relative_to(package)}:{line} imports {top}: it belongs to {ONLY_IN[top]}"
        for path in modules(package).values()
        for dotted, line in imports_of(path)
        if (top := dotted.split(".")[0]) in ONLY_IN and room(path, package) not in ONLY_IN[top].split()
    ]


def circle(package: Path) -> list[str]:
    """The files of a circle of imports, empty where there is none."""
    files = modules(package)
    graph = {
        name: {to for dotted, _ in imports_of(path) if (to := target(dotted, files)) and to != name}
        for name, path in files.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def entries(folder: Path) -> list[str]:
    """The modules and folders with modules of one folder, but for its `__init__` and `__main__`."""
    names = [path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")]
    return sorted(names + [path.name for path in folder.iterdir() if (path / "__init__.py").exists()])


def families(folder: Path) -> list[str]:
    """First or last words that three entries of a folder share: the name of a folder that is missing."""
    split = [name.split("_") for name in {entry.removeprefix("test_") for entry in entries(folder)}]
    ends = Counter(f"{words[0]}_*" for words in split) + Counter(f"*_{words[-1]}" for words in split)
    return [f"{folder.name}/{pattern}" for pattern, count in ends.items() if count > 2]


def unmirrored(package: Path, tests: Path) -> list[str]:
    """Modules of some length that have neither a test of their name nor a docstring that says where they are tested."""
    found = []
    for path in modules(package).values():
        text = path.read_text(encoding="utf-8")
        inside = path.relative_to(package)
        mirror = tests / inside.parent / f"test_{path.stem}.py"
        named = re.findall(r"[Tt]ested in (tests/[\w/]+\.py)", ast.get_docstring(ast.parse(text)) or "")
        known = mirror.exists() or (named and all((tests.parent / name).exists() for name in named))
        if len(text.splitlines()) > UNTESTED_LINES and not known and path.stem != "loader":
            found.append(str(inside))
    return found


def test_the_table_names_every_room() -> None:
    assert {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()} == set(MAY_USE)


def test_the_table_has_no_way_up() -> None:
    rank = list(MAY_USE)
    for own, uses in MAY_USE.items():
        assert all(rank.index(used) < rank.index(own) for used in uses.split()), own


def test_rooms_use_only_what_they_may() -> None:
    assert not upward(PACKAGE)


def test_entries_of_the_interface_use_only_those_below_them() -> None:
    folder = PACKAGE / "ui"
    assert {p.stem for p in folder.iterdir() if p.stem != "__init__"} - {"__pycache__"} == set(UI_LEVELS)
    found = []
    for path in sorted(folder.rglob("*.py")):
        own = path.relative_to(folder).with_suffix("").parts[0]
        for dotted, line in imports_of(path):
            used = dotted.removeprefix("e2lm_core.ui.").split(".")[0]
            if dotted.startswith("e2lm_core.ui.") and UI_LEVELS.index(used) > UI_LEVELS.index(own):
                found.append(f"{path.relative_to(folder)}:{line} uses {dotted}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("top", ["e2lm_core", "benchmarks", "ladder"])
def test_files_import_each_other_in_no_circle(top: str) -> None:
    assert not circle(ROOT / top)


def test_libraries_stay_in_the_rooms_that_own_them() -> None:
    assert not foreign(PACKAGE)


def test_pure_rooms_touch_nothing_outside() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line} imports {dotted}"
        for name in PURE
        for path in (PACKAGE / name).rglob("*.py")
        for dotted, line in imports_of(path)
        if dotted.split(".")[0] in IMPURE and str(path.relative_to(PACKAGE)) not in READS_ITS_OWN_TABLE
    ]
    assert not found


def test_pure_rooms_open_no_file() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for name in PURE
        for path in (PACKAGE / name).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
    ]
    assert not found


@pytest.mark.parametrize("top", ["e2lm_core", "tests", "benchmarks"])
def test_a_folders_name_replaces_a_prefix(top: str) -> None:
    folders = [f for f in [ROOT / top, *(ROOT / top).rglob("*")] if (f / "__init__.py").exists()]
    assert not [family for folder in folders for family in families(folder)]


def test_every_module_of_some_length_has_its_test() -> None:
    assert not unmirrored(PACKAGE, ROOT / "tests")


def test_the_library_knows_nothing_of_what_stands_around_it() -> None:
    outside = {"app", "pages", "ladder", "benchmarks", "tests", "scripts", "lm_eval"}
    found = [
        f"{path.relative_to(PACKAGE)}:{line} imports {dotted}"
        for path in modules(PACKAGE).values()
        for dotted, line in imports_of(path)
        if dotted.split(".")[0] in outside
    ]
    assert not found


def test_benchmarks_use_of_the_tests_their_support_alone() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {dotted}"
        for path in modules(ROOT / "benchmarks").values()
        for dotted, line in imports_of(path)
        if dotted.startswith("tests.") and not dotted.startswith("tests.support.")
    ]
    assert not found


def test_tests_use_no_benchmark_but_one_that_they_test() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {dotted}"
        for path in modules(ROOT / "tests").values()
        for dotted, line in imports_of(path)
        if dotted.startswith("benchmarks.") and path.relative_to(ROOT).parts[1] not in ("benchmarks", "whole")
    ]
    assert not found


def test_pages_hold_no_logic() -> None:
    heavy = {"torch", "transformers", "sqlite3", "sentence_transformers", "safetensors", "lm_eval", "scipy"}
    found = [
        f"{path.name}:{line} imports {dotted}"
        for path in [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]
        for dotted, line in imports_of(path)
        if dotted.split(".")[0] in heavy
    ]
    assert not found


# --- the check itself -----------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A house of two rooms, as the table has them."""
    for name in ("", "scores", "base"):
        (tmp_path / "house" / name).mkdir(exist_ok=True)
        (tmp_path / "house" / name / "__init__.py").write_text('"""A room."""\n')
    return tmp_path / "house"


def test_a_module_in_the_wrong_room_is_seen(small: Path) -> None:
    (small / "scores" / "good.py").write_text("def f():\n    from house.base import words\n")
    assert not upward(small)
    (small / "base" / "bad.py").write_text("def f():\n    from house.scores import signal\n")
    assert upward(small) == ["base/bad.py:2 imports house.scores: base may not use scores"]


def test_a_circle_is_seen(small: Path) -> None:
    (small / "base" / "one.py").write_text("from house.base import two\n")
    (small / "base" / "two.py").write_text("import house.base.one\n")
    assert set(circle(small)) == {"house.base.one", "house.base.two"}


def test_a_library_in_the_wrong_room_is_seen(small: Path) -> None:
    (small / "scores" / "bad.py").write_text("import torch\n")
    assert foreign(small) == ["scores/bad.py:1 imports torch: it belongs to engine checkpoints relevance"]


def test_a_family_of_names_is_seen(small: Path) -> None:
    for name in ("rank_words", "plan_words"):
        (small / "base" / f"{name}.py").touch()
    assert not families(small / "base")
    (small / "base" / "score_words.py").touch()
    assert families(small / "base") == ["base/*_words"]


def test_a_module_without_its_test_is_seen(small: Path) -> None:
    tests = small.parent / "tests"
    (tests / "base").mkdir(parents=True)
    body = "x = 1\n" * UNTESTED_LINES
    (small / "base" / "short.py").write_text('"""Short."""\n')
    (small / "base" / "long.py").write_text(f'"""Long."""\n{body}')
    (small / "base" / "told.py").write_text(f'"""Long.\n\nTested in tests/base/test_long.py.\n"""\n{body}')
    assert unmirrored(small, tests) == ["base/long.py", "base/told.py"]
    (tests / "base" / "test_long.py").touch()
    assert not unmirrored(small, tests)


def test_a_relative_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text("from ..records import Question\n")
    with pytest.raises(AssertionError, match="write the whole name"):
        list(imports_of(tmp_path / "sample.py"))
