"""Prompts of the harness's tasks beside its own, in the short form."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from benchmarks.interop import prompts
from e2lm_core.base.records import PromptStyle
from e2lm_core.sets.folder.files import read_task, write_task
from e2lm_core.sets.folder.foreign import harness_subprocess
from tests.conftest import ROOT
from tests.sets.folder.foreign.made import LIMITS, write

REFERENCE = Path(os.environ.get("E2LM_REFERENCE") or ROOT.parent / "shared" / "reference").resolve()


@pytest.mark.slow
def test_prompts_are_the_harness_s_or_refused_with_the_reason() -> None:
    if harness_subprocess.find_harness_tasks() is None:
        pytest.skip("lm-evaluation-harness is not installed")
    theirs = REFERENCE / "tasks"  # the organisers' mmlu_var0shots and the like, where they were put
    found = prompts.study(18, theirs if theirs.is_dir() else None)
    lines = [
        task for task in found["read"] if any(str(task[s]).startswith("different") for s in ("0", "2", "5"))
    ]
    assert not lines
    assert found["counts"]["0"]["equal"] >= 14
    assert found["counts"]["2"]["equal"] >= 10


@pytest.mark.slow
def test_choices_that_are_asked_before_one_ending_are_the_harness_s(tmp_path: Path) -> None:
    """As winogrande is written."""
    pytest.importorskip("lm_eval")
    keys = {"task": "gaps", "dataset_path": "somebody/gaps", "output_type": "multiple_choice"}
    keys |= {"training_split": "train", "validation_split": "validation"}
    keys |= {key: f"PLACE {key}" for key in ("doc_to_text", "doc_to_choice", "doc_to_target")}
    rows = [
        {
            "sentence": f"The cup {n} and the jar, as _ is  broken {n}.",
            "one": "the cup",
            "two": "the jar",
            "right": n % 2,
        }
        for n in range(6)
    ]
    folder = write(tmp_path / "gaps", "gaps.yaml", keys)
    yaml = folder / "gaps.yaml"
    yaml.write_text(re.sub(r'"PLACE (\w+)"', r"!function utils.\1", yaml.read_text()))
    (folder / "utils.py").write_text(
        "def doc_to_text(doc):\n    return doc['right']\n"
        "def doc_to_target(doc):\n    return doc['sentence'].split('_')[1].strip()\n"
        "def doc_to_choice(doc):\n    return [doc['sentence'].split('_')[0] + doc[k] for k in ('one', 'two')]\n"
    )
    kept = write(tmp_path / "rows", "x.none", {}, train=rows[:3], validation=rows[3:])
    task, _ = harness_subprocess.build_with_harness(str(yaml), LIMITS, kept)
    assert task.config.style is PromptStyle.ENDING
    assert task.questions[0].choices == (
        "The cup 3 and the jar, as the cup",
        "The cup 3 and the jar, as the jar",
    )
    splits = {"train": rows[:3], "validation": rows[3:]}
    write_task(task, tmp_path / "kept" / "gaps", LIMITS)
    again = read_task(tmp_path / "kept" / "gaps", LIMITS, strict=True).task
    for shots in (0, 2):
        assert prompts.ours(again, shots) == prompts.theirs(yaml, splits, shots)
