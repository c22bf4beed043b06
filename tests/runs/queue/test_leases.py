"""Leases by a clock that nobody sets: the wall clock back or forward an hour changes nothing."""

from __future__ import annotations

import time

import pytest

from e2lm_core.base.database import Database
from e2lm_core.base.settings import Limits
from e2lm_core.runs.queue import leases
from e2lm_core.runs.queue.claims import CheckpointClaims, open_checkpoints
from e2lm_core.runs.queue.queue import JobQueue

HOUR = 3_600.0
HELD_S, DEAD_S = 60.0, 0.05


@pytest.fixture
def queue(tmp_path) -> JobQueue:
    return JobQueue(Database(tmp_path / "studio.sqlite"), Limits())


@pytest.fixture(params=[-HOUR, HOUR], ids=["back", "forward"])
def shifted(request, monkeypatch):
    """Sets the wall clock, as an administrator or a time server does."""
    real = time.time

    def shift() -> None:
        monkeypatch.setattr(time, "time", lambda: real() + request.param)

    return shift


def claimed(queue: JobQueue, lease_s: float):
    queue.submit("run", {"checkpoints": ["a"]})
    job = queue.claim("first", lease_s)
    assert job is not None
    return job


def test_a_living_workers_run_stays_its_own(queue, shifted):
    job = claimed(queue, HELD_S)
    shares = CheckpointClaims(queue.database, job, HELD_S)
    assert shares.take("a")
    shifted()
    assert queue.claim("second", HELD_S) is None
    assert [led.id for led in queue.led_by_other_workers("second")] == [job.id]
    assert open_checkpoints(queue, job.model_copy(update={"worker": "second"})) == (["a"], [])
    assert queue.heartbeat(job, HELD_S)
    assert queue.claim("second", HELD_S) is None


def test_a_dead_workers_run_is_taken_over_as_soon_as_ever(queue, shifted):
    job = claimed(queue, DEAD_S)
    shares = CheckpointClaims(queue.database, job, DEAD_S)
    shares.take("a")
    shifted()
    time.sleep(2 * DEAD_S)
    again = queue.claim("second", HELD_S)
    assert again is not None
    assert (again.id, again.attempt) == (job.id, 2)
    assert CheckpointClaims(queue.database, again, HELD_S).take("a")


@pytest.mark.parametrize("started_s", [5.0, 200.0])
def test_no_lease_outlives_the_machines_start(queue, monkeypatch, started_s):
    monkeypatch.setattr(leases, "monotonic_now", lambda: 150.0)
    job = claimed(queue, HELD_S)
    assert queue.claim("second", HELD_S) is None
    monkeypatch.setattr(leases, "monotonic_now", lambda: started_s if started_s < 150 else 150 + HELD_S + 1)
    again = queue.claim("second", HELD_S)
    assert again is not None
    assert again.id == job.id


def test_a_lease_without_its_beginning_is_over(queue):
    job = claimed(queue, HELD_S)
    with queue.database.transaction() as connection:
        connection.execute("UPDATE jobs SET lease_from = NULL, lease_s = NULL WHERE id = ?", (job.id,))
    assert queue.claim("second", HELD_S) is not None


def test_a_turn_is_as_long_as_ever(queue, shifted):
    queue.submit("run", {}, owner="one")
    job = queue.claim("first", HELD_S)
    assert job is not None
    queue.submit("run", {}, owner="other")
    assert not queue.is_preempted(job)
    shifted()
    assert not queue.is_preempted(job)
