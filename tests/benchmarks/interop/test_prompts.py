"""Prompts of the harness's tasks beside its own, in the short form."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.interop import prompts
from e2lm_core.sets.folder.foreign import outside
from tests.conftest import ROOT

REFERENCE = Path(os.environ.get("E2LM_REFERENCE") or ROOT.parent / "shared" / "reference").resolve()


@pytest.mark.slow
def test_prompts_are_the_harness_s_or_refused_with_the_reason() -> None:
    if outside.installed() is None:
        pytest.skip("lm-evaluation-harness is not installed")
    theirs = REFERENCE / "tasks"  # the organisers' mmlu_var0shots and the like, where they were put
    found = prompts.study(18, theirs if theirs.is_dir() else None)
    lines = [
        task for task in found["read"] if any(str(task[s]).startswith("different") for s in ("0", "2", "5"))
    ]
    assert not lines
    assert found["counts"]["0"]["equal"] >= 14
    assert found["counts"]["2"]["equal"] >= 10
