"""Functions known by what they say: another writing is the same, another meaning is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.untrusted.safeyaml import FunctionName
from e2lm_core.sets.folder.foreign.functions import find_replacement, function_digest
from tests.sets.folder.foreign.made import ARC, ARC_ROWS, opened, write

SAID = b'''
import datasets
LIST = ["A", "B"]
def process(data: datasets.Dataset, name):
    """What it does."""
    return data.filter(lambda row: row["a"] in LIST)  # a comment
'''


def test_another_writing_is_the_same_function_and_another_meaning_is_not() -> None:
    digest = function_digest(SAID, "process")
    rewritten = SAID.replace(b'    """What it does."""\n', b"").replace(b"  # a comment", b"")
    assert digest == function_digest(rewritten + b"\nOTHER = 3\n", "process")
    assert digest != function_digest(SAID.replace(b'"B"', b'"C"'), "process")  # what it uses counts too
    assert digest != function_digest(SAID.replace(b"in LIST", b"not in LIST"), "process")
    assert function_digest(SAID, "made_while_it_runs") != function_digest(
        SAID + b"\nOTHER = 3\n", "made_while_it_runs"
    )


@pytest.mark.parametrize("source", [b"def f(:", b"\0", b"(" * 5_000, b"x = " + b"-" * 150_000 + b"1"])
def test_what_is_no_python_is_nobody(source: bytes) -> None:
    assert find_replacement({"utils.py": source}, FunctionName("utils.f")) is None


def test_a_name_without_a_module_or_a_file_is_nobody() -> None:
    assert find_replacement({}, FunctionName("f")) is None
    assert find_replacement({"utils.py": b"def f(): pass"}, FunctionName("other.f")) is None


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
