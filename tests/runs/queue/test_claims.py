"""Several workers on one job: each checkpoint is one worker's at a time, and a dead one's are free again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from e2lm_core.base.database import Database
from e2lm_core.base.errors import Cancelled
from e2lm_core.base.settings import Limits
from e2lm_core.runs.queue.claims import CheckpointClaims, find_joinable_job, open_checkpoints
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.queue.records import Job

LEASE_S = 60.0
PAST = -1.0  # a lease that has run out already
NAMES = ["m/1", "m/2", "m/3"]


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    return JobQueue(Database(tmp_path / "studio.sqlite"), Limits())


def led(queue: JobQueue, worker: str = "leader", priority: int = 0, lease_s: float = LEASE_S) -> Job:
    queue.submit("evaluate", {"checkpoints": NAMES}, priority)
    job = queue.claim(worker, lease_s)
    assert job is not None
    return job


def as_worker(job: Job, worker: str) -> Job:
    return job.model_copy(update={"worker": worker})


def shares(queue: JobQueue, job: Job, worker: str, lease_s: float = LEASE_S) -> CheckpointClaims:
    return CheckpointClaims(queue.database, as_worker(job, worker), lease_s)


def row(name: str, done: int, total: int = 9) -> dict[str, object]:
    return {"name": name, "done": done, "total": total, "computed": done}


def test_a_checkpoint_is_one_workers_at_a_time(queue: JobQueue) -> None:
    job = led(queue)
    one, other = shares(queue, job, "leader"), shares(queue, job, "helper")
    assert one.take("m/1")
    assert one.take("m/1")  # its own again
    assert not other.take("m/1")
    assert other.take("m/2")
    assert not one.take("m/2")
    one.release_all()
    assert other.take("m/1")


def test_a_job_that_is_gone_is_a_run_that_was_stopped(queue: JobQueue, tmp_path: Path) -> None:
    job = led(queue)
    another = JobQueue(Database(tmp_path / "another.sqlite"), Limits())  # at the place of a deleted home
    with pytest.raises(Cancelled, match=f"The run {job.id} is gone"):
        shares(another, job, "leader").take("m/1")


def test_jobs_share_nothing_with_one_another(queue: JobQueue) -> None:
    first, second = led(queue), led(queue)
    assert shares(queue, first, "a").take("m/1")
    assert shares(queue, second, "b").take("m/1")


def test_what_a_dead_helper_held_is_free_when_its_lease_has_run_out(queue: JobQueue) -> None:
    job = led(queue)
    assert shares(queue, job, "dead", PAST).take("m/1")
    assert shares(queue, job, "leader").take("m/1")
    brief = shares(queue, job, "slow", 0.2)
    assert brief.take("m/2")
    for _ in range(4):
        time.sleep(0.1)
        brief.extend()
        assert not shares(queue, job, "leader").take("m/2")


def test_what_a_dead_leader_held_is_free_with_its_job(queue: JobQueue) -> None:
    job = led(queue, "dead", lease_s=PAST)
    assert shares(queue, job, "dead").take("m/1")
    assert shares(queue, job, "helper").take("m/2")
    again = queue.claim("next", LEASE_S)
    assert again is not None
    assert shares(queue, again, "next").take("m/1")
    assert not shares(queue, again, "next").take("m/2")


def test_what_is_open_and_what_is_free(queue: JobQueue) -> None:
    job = led(queue)
    assert open_checkpoints(queue, job) == (NAMES, NAMES)
    queue.report(job, [row("m/1", 9), row("m/2", 4)])
    shares(queue, job, "helper").take("m/2")
    assert open_checkpoints(queue, job) == (["m/2", "m/3"], ["m/3"])
    assert open_checkpoints(queue, as_worker(job, "helper")) == (["m/2", "m/3"], ["m/2", "m/3"])


def test_a_job_is_joined_while_another_leads_it_and_something_is_free(queue: JobQueue) -> None:
    job = led(queue)
    assert find_joinable_job(queue, "leader", ["evaluate"]) is None
    assert find_joinable_job(queue, "helper", ["another kind"]) is None
    found = find_joinable_job(queue, "helper", ["evaluate"])
    assert found is not None
    assert (found.id, found.worker, found.attempt) == (job.id, "helper", job.attempt)
    for name in NAMES:
        assert shares(queue, job, "leader").take(name)
    assert find_joinable_job(queue, "helper", ["evaluate"]) is None
    shares(queue, job, "leader").release_all()
    queue.report(job, [row(name, 9) for name in NAMES])
    assert find_joinable_job(queue, "helper", ["evaluate"]) is None


def test_the_more_urgent_job_is_joined_first_and_a_dead_leaders_is_claimed_instead(queue: JobQueue) -> None:
    led(queue, "a")
    urgent = led(queue, "b", priority=10)
    found = find_joinable_job(queue, "helper", ["evaluate"])
    assert found is not None
    assert found.id == urgent.id
    queue.finish(urgent)
    dead = led(queue, "c", priority=10, lease_s=PAST)
    found = find_joinable_job(queue, "helper", ["evaluate"])
    assert found is not None
    assert found.id != dead.id
    claimed = queue.claim("helper", LEASE_S)
    assert claimed is not None
    assert claimed.id == dead.id


def test_a_helper_tells_of_its_own_checkpoints_whoever_leads(queue: JobQueue) -> None:
    job = led(queue, "dead", lease_s=PAST)
    helper = as_worker(job, "helper")
    shares(queue, job, "helper").take("m/2")
    queue.claim("next", LEASE_S)
    assert queue.is_active(helper)
    assert queue.report(helper, [row("m/2", 3)])
    assert not queue.report(helper, [row("m/1", 3)])
    assert {r.name: r.done for r in queue.get(job.id).progress} == {"m/2": 3}
    released = queue.get(job.id)
    assert queue.release(released)
    assert not queue.is_active(helper)
    assert not queue.report(helper, [row("m/2", 5)])  # counted all the same, and the helper stops
    assert {r.name: r.done for r in queue.get(job.id).progress} == {"m/2": 5}
