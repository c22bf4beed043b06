"""The census of the harness's tasks, in its short form."""

from __future__ import annotations

import pytest

from benchmarks.interop import census
from e2lm_core.sets.folder.foreign import harness_subprocess


def test_a_refusal_is_of_a_kind() -> None:
    said = "x.yaml: process_docs is !function utils.f, and the studio runs no code from a task"
    assert census.reason_of(said) == "process_docs is a function that nobody knows"
    assert census.reason_of("x.yaml names no data; use y") == "rows or templates: names no data"
    assert census.reason_of("a 'b' 3") == "a … …"


def test_its_table_has_every_count_and_share() -> None:
    found = {
        "configurations": 8,
        "folders": 3,
        "folders_with_an_opened_task": 2,
        "opened": 6,
        "opened_by_our_functions": 1,
        "refused": 2,
        "reasons": {"names no data": 2},
        "crashed": [],
    }
    said = census.table(found)
    assert "8 configurations in 3 folders" in said
    assert "| opened | 6 | 75.0% |" in said
    assert "| refused: names no data | 2 | 25.0% |" in said
    assert said.endswith("| crashed | 0 | 0.0% |")


@pytest.mark.slow
def test_every_fiftieth_task_opens_or_is_refused_in_a_sentence() -> None:
    if harness_subprocess.find_harness_tasks() is None:
        pytest.skip("lm-evaluation-harness is not installed")
    found = census.census(every=50)
    assert not found["crashed"]
    assert found["configurations"] > 120
    assert found["opened_share"] >= 0.6
