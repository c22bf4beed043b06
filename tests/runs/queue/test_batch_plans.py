"""What a job's chunks are planned from stays what it was, as long as it fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.database import Database
from e2lm_core.base.settings import Limits
from e2lm_core.runs.queue.batch_plans import BatchPlans
from e2lm_core.runs.queue.queue import JobQueue

A, B, C, D = (letter * 16 for letter in (b"a", b"b", b"c", b"d"))


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    return JobQueue(Database(tmp_path / "studio.sqlite"), Limits())


def plans(queue: JobQueue) -> BatchPlans:
    return BatchPlans(queue.database, queue.submit("evaluate", {}))


def rows(queue: JobQueue) -> int:
    with queue.database.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM plans").fetchone()[0])


def test_the_first_attempt_fixes_it_in_its_order(queue: JobQueue) -> None:
    first = plans(queue)
    assert first.planned_requests("m/1", [C, A, B], {A, B, C, D}) == [C, A, B]
    for left in ([A, B], [B], [C, A, B]):
        assert BatchPlans(queue.database, first.job).planned_requests("m/1", left, {A, B, C, D}) == [C, A, B]


def test_each_job_and_checkpoint_has_its_own(queue: JobQueue) -> None:
    one, other = plans(queue), plans(queue)
    assert one.planned_requests("m/1", [A, B], {A, B}) == [A, B]
    assert one.planned_requests("m/2", [B], {A, B}) == [B]
    assert other.planned_requests("m/1", [B], {A, B}) == [B]
    assert one.planned_requests("m/1", [B], {A, B}) == [A, B]


def test_a_set_edited_in_between_is_planned_anew(queue: JobQueue) -> None:
    one = plans(queue)
    one.planned_requests("m/1", [A, B], {A, B})
    assert one.planned_requests("m/1", [B, C], {A, B, C}) == [B, C]  # a request that was not there
    assert one.planned_requests("m/1", [C], {A, C}) == [
        C
    ]  # one that is no longer asked, so its text is not known
    assert one.planned_requests("m/1", [C], {A, C}) == [C]


def test_what_is_computed_or_will_never_be_is_dropped(queue: JobQueue) -> None:
    one, other = plans(queue), plans(queue)
    one.planned_requests("m/1", [A], {A})
    other.planned_requests("m/1", [A], {A})
    one.delete("m/1")
    assert rows(queue) == 1
    assert one.planned_requests("m/1", [B], {A, B}) == [B]
    queue.cancel(other.job)
    one.planned_requests("m/2", [A], {A})
    assert rows(queue) == 2
