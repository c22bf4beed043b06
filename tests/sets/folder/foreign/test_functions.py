"""Functions known by what they say: another writing is the same, another meaning is not, and ours do what the harness's do."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from benchmarks.interop.needs import NEEDS
from e2lm_core.base.errors import TaskError
from e2lm_core.base.strangers.safeyaml import FunctionName
from e2lm_core.sets.folder.foreign import ours
from e2lm_core.sets.folder.foreign.columns import typed
from e2lm_core.sets.folder.foreign.functions import digest_of, known
from tests.sets.folder.foreign.made import ARC, ARC_ROWS, opened, write

SAID = b'''
import datasets
LIST = ["A", "B"]
def process(data: datasets.Dataset, name):
    """What it does."""
    return data.filter(lambda row: row["a"] in LIST)  # a comment
'''


def test_another_writing_is_the_same_function_and_another_meaning_is_not() -> None:
    digest = digest_of(SAID, "process")
    rewritten = SAID.replace(b'    """What it does."""\n', b"").replace(b"  # a comment", b"")
    assert digest == digest_of(rewritten + b"\nOTHER = 3\n", "process")
    assert digest != digest_of(SAID.replace(b'"B"', b'"C"'), "process")  # what it uses counts too
    assert digest != digest_of(SAID.replace(b"in LIST", b"not in LIST"), "process")
    assert digest_of(SAID, "made_while_it_runs") != digest_of(SAID + b"\nOTHER = 3\n", "made_while_it_runs")


@pytest.mark.parametrize("source", [b"def f(:", b"\0", b"(" * 5_000, b"x = " + b"-" * 150_000 + b"1"])
def test_what_is_no_python_is_nobody(source: bytes) -> None:
    assert known({"utils.py": source}, FunctionName("utils.f")) is None


def test_a_name_without_a_module_or_a_file_is_nobody() -> None:
    assert known({}, FunctionName("f")) is None
    assert known({"utils.py": b"def f(): pass"}, FunctionName("other.f")) is None


def test_a_known_function_is_ours_and_nothing_is_run(tmp_path: Path) -> None:
    keys = ARC | {"process_docs": "PLACE"}
    rows = [ARC_ROWS[0] | {"fact": fact} for fact in ("told", "", "told")]
    folder = write(tmp_path / "f", "f.yaml", keys, test=rows)
    text = (folder / "f.yaml").read_text().replace('"PLACE"', "!function utils.filter_dataset")
    (folder / "f.yaml").write_text(text)
    known_one = (
        "import datasets\ndef filter_dataset(dataset: datasets.Dataset) -> datasets.Dataset:\n"
        "    return dataset.filter(lambda example: len(example['fact']) > 0)\n"
    )
    (folder / "utils.py").write_text(f"raise SystemExit  # it is never run\n{known_one}")
    assert len(opened(folder).task.questions) == 2
    (folder / "utils.py").write_text(known_one.replace("> 0", ">= 0"))
    with pytest.raises(
        TaskError, match=r"process_docs is !function utils\.filter_dataset, and the studio runs no"
    ):
        opened(folder)


@pytest.fixture(scope="module")
def theirs() -> dict[str, tuple[Path, str]]:
    """Where the installed harness has each function that is known."""
    lm_eval = pytest.importorskip("lm_eval")
    found: dict[str, tuple[Path, str]] = {}
    names = {"process_anatomy", "process_stem", "process_docs", "filter_multiple_choice", "filter_dataset"}
    names |= {"doc_to_text", "doc_to_choice", "doc_to_target"}
    seen: set[bytes] = set()
    for path in sorted((Path(lm_eval.__file__).parent / "tasks").rglob("*.py")):
        source = path.read_bytes()
        if source in seen or len(source) > 100_000:
            continue
        seen.add(source)
        for name in names:
            whole = name in ("process_anatomy", "process_stem")
            if whole or f"def {name}".encode() in source:
                found.setdefault(digest_of(source, name) or "", (path, name))
    return found


@pytest.mark.slow
def test_every_function_of_ours_does_what_the_harness_s_does(theirs: dict[str, tuple[Path, str]]) -> None:
    datasets = pytest.importorskip("datasets")
    assert set(ours.KNOWN) <= set(theirs), set(ours.KNOWN) - set(theirs)
    for digest, make in ours.KNOWN.items():
        path, name = theirs[digest]
        spec = importlib.util.spec_from_file_location("theirs", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        function, mine = getattr(module, name), make(name)
        tried = 0
        for needs in (NEEDS.get(digest), *NEEDS.values()):
            rows = typed([dict(needs(n, name)) for n in range(13)], "rows") if needs else []
            try:
                if name.startswith("doc_to"):
                    wanted: Any = [function(row) for row in rows]
                    got: Any = [mine(row) for row in rows]
                else:
                    wanted = function(datasets.Dataset.from_list(rows)).to_list()
                    got = typed(mine(rows), "rows")
            except (KeyError, TypeError, ValueError, AttributeError, IndexError):
                continue
            if rows and wanted:
                assert got == wanted, (digest, path, name)
                tried += 1
        assert tried, (digest, path, name)
