"""A job as a record: when it is over, and what it does not take."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from e2lm_core.runs.queue.records import Job, Progress

JOB = {
    "id": 1,
    "kind": "evaluate",
    "payload": {"set": "little"},
    "priority": 0,
    "created_at": 1.0,
    "started_at": None,
    "finished_at": None,
    "worker": None,
    "attempt": 0,
    "lease_until": None,
    "error": None,
}


@pytest.mark.parametrize(
    ("state", "over"),
    [("queued", False), ("running", False), ("done", True), ("failed", True), ("cancelled", True)],
)
def test_a_job_is_over_when_nothing_more_will_come(state: str, over: bool) -> None:
    assert Job.model_validate({**JOB, "state": state}).over is over


def test_a_job_is_asked_for_at_the_machine_itself_where_no_visitor_is_named() -> None:
    job = Job.model_validate({**JOB, "state": "queued"})
    assert (job.owner, job.claimed_at, job.progress) == ("", None, ())


@pytest.mark.parametrize("change", [{"state": "paused"}, {"state": None}, {"colour": "red"}])
def test_a_state_or_a_field_that_there_is_not_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Job.model_validate({**JOB, "state": "queued", **change})
    assert [error["loc"] for error in refused.value.errors()] == [(next(iter(change)),)]


def test_progress_knows_nothing_of_tokens_where_nobody_counted_them() -> None:
    """0 would say that nothing was computed; None says that an older version did not count."""
    row = Progress(name="m/1", done=0, total=9)
    assert (row.computed, row.reused, row.seconds) == (0, 0, 0.0)
    assert (row.tokens, row.harness_tokens, row.note) == (None, None, None)
