import os
import signal
import subprocess
import sys
import time

import pytest

from e2lm_core.base.database import Database
from e2lm_core.base.errors import LimitError, StoreError
from e2lm_core.base.records import Loglikelihood, Scope
from e2lm_core.base.settings import Limits
from e2lm_core.runs.queue import queue as job_queue
from e2lm_core.runs.queue.batch_plans import BatchPlans
from e2lm_core.runs.queue.queue import MAX_DEATHS_IN_A_ROW, JobQueue
from e2lm_core.runs.queue.records import Progress
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore
from tests.support import studios

LEASE_S = 60.0
PAST = -1.0  # a lease that has run out already


@pytest.fixture
def queue(tmp_path):
    return JobQueue(tmp_path / "studio.sqlite", Limits())


def whats(queue, job_id):
    with queue.database.reading() as connection:
        return [
            what
            for (what,) in connection.execute("SELECT what FROM events WHERE job = ? ORDER BY id", (job_id,))
        ]


def test_a_job_from_submission_to_done(queue):
    job_id = queue.submit("run", {"task": "é", "checkpoints": ["a", "b"]})
    waiting = queue.get(job_id)
    assert (waiting.state, waiting.attempt, waiting.over) == ("queued", 0, False)
    job = queue.claim("w1", LEASE_S)
    assert job is not None
    assert (job.id, job.state, job.worker, job.attempt) == (job_id, "running", "w1", 1)
    assert job.payload == {"task": "é", "checkpoints": ["a", "b"]}
    assert queue.claim("w2", LEASE_S) is None
    assert queue.heartbeat(job, LEASE_S)
    assert queue.finish(job)
    done = queue.get(job_id)
    assert (done.state, done.error, done.over) == ("done", None, True)
    assert done.created_at <= done.started_at <= done.finished_at
    assert whats(queue, job_id) == ["submitted", "claimed", "done"]


def test_progress_is_set_by_name_and_keeps_its_order(queue):
    queue.submit("run", {})
    job = queue.claim("w", LEASE_S)
    assert queue.report(job, [{"name": "m/2", "done": 0, "total": 9}, {"name": "m/1", "done": 0, "total": 9}])
    row = Progress(
        name="m/2",
        done=9,
        total=9,
        seconds=1.5,
        computed=4,
        reused=5,
        note="plain path",
        tokens=70,
        harness_tokens=900,
    )
    assert queue.report(job, [row])
    assert queue.get(job.id).progress == (row, Progress(name="m/1", done=0, total=9))
    assert queue.progress_of(job.id, "m/2") == row
    assert queue.progress_of(job.id, "m/3") is None


def test_the_jobs_of_a_set_are_found_by_its_name_alone(queue):
    first = queue.submit("evaluate", {"set": "mine"})
    for kind, payload in (("evaluate", {"set": "other"}), ("study", {"set": "mine"}), ("evaluate", {})):
        queue.submit(kind, payload)
    last = queue.submit("evaluate", {"set": "mine"})
    assert [job.id for job in queue.jobs_of_set("evaluate", "mine")] == [last, first]
    assert [job.id for job in queue.jobs_of_set("evaluate", "mine", limit=1)] == [last]
    queue.cancel(last)
    assert [job.id for job in queue.jobs_of_set("evaluate", "mine", still_open=True)] == [first]


def test_higher_priority_first_then_the_oldest(queue):
    first, second = queue.submit("sweep", {}), queue.submit("sweep", {})
    urgent = queue.submit("edit", {}, priority=10)
    assert [queue.claim("w", LEASE_S).id for _ in range(3)] == [urgent, first, second]


def test_an_urgent_job_overtakes_and_the_long_one_goes_on(queue):
    long_id = queue.submit("sweep", {})
    job = queue.claim("w", LEASE_S)
    queue.report(job, [{"name": "m/1", "done": 3, "total": 9}])
    assert not queue.is_preempted(job)
    urgent_id = queue.submit("edit", {}, priority=1)
    assert queue.is_preempted(job)
    assert queue.release(job)
    assert not queue.heartbeat(job, LEASE_S)
    urgent = queue.claim("w", LEASE_S)
    assert urgent.id == urgent_id
    assert queue.finish(urgent)
    again = queue.claim("w", LEASE_S)
    assert (again.id, again.attempt, again.progress[0].done) == (long_id, 2, 3)


def test_cancelling_a_waiting_job(queue):
    job_id = queue.submit("run", {})
    assert queue.cancel(job_id)
    assert not queue.cancel(job_id)
    assert queue.claim("w", LEASE_S) is None
    assert queue.get(job_id).state == "cancelled"


def test_cancelling_a_running_job_is_seen_at_the_next_heartbeat(queue):
    queue.submit("run", {})
    job = queue.claim("w", LEASE_S)
    assert queue.cancel(job.id)
    assert not queue.heartbeat(job, LEASE_S)
    assert not queue.report(job, [{"name": "m/1", "done": 2, "total": 9, "computed": 2}])
    assert not queue.finish(job)
    assert queue.get(job.id).state == "cancelled"
    assert queue.get(job.id).progress[0].computed == 2  # what was computed until then is true


def test_a_worker_that_lost_its_job_changes_nothing(queue):
    queue.submit("run", {})
    lost = queue.claim("slow", PAST)
    taken = queue.claim("other", LEASE_S)
    assert (taken.id, taken.attempt) == (lost.id, 2)
    assert not queue.heartbeat(lost, LEASE_S)
    assert not queue.report(lost, [{"name": "m/1", "done": 1, "total": 9}])
    assert not queue.release(lost)
    assert not queue.finish(lost, error="no")
    assert queue.get(lost.id).progress == ()
    assert queue.finish(taken)
    assert whats(queue, lost.id) == ["submitted", "claimed", "reclaimed", "done"]


def test_a_late_heartbeat_keeps_a_job_that_nobody_took(queue):
    queue.submit("run", {})
    job = queue.claim("slow", PAST)
    assert queue.heartbeat(job, LEASE_S)
    assert queue.claim("other", LEASE_S) is None


def test_failed_says_why(queue):
    queue.submit("run", {})
    job = queue.claim("w", LEASE_S)
    assert queue.finish(job, error="The checkpoint m/1 is missing.")
    assert (queue.get(job.id).state, queue.get(job.id).error) == ("failed", "The checkpoint m/1 is missing.")


def test_a_job_that_kills_its_workers_is_given_up_in_the_end(queue):
    job_id = queue.submit("run", {})
    for _ in range(MAX_DEATHS_IN_A_ROW):
        assert queue.claim("w", PAST) is not None
    assert queue.claim("w", PAST) is None
    assert queue.get(job_id).state == "failed"
    assert "died 10 times in a row" in queue.get(job_id).error


def test_progress_starts_the_count_of_deaths_again(queue):
    queue.submit("run", {})
    for i in range(3 * MAX_DEATHS_IN_A_ROW):
        job = queue.claim("w", PAST)
        assert job is not None
        if i % 5 == 0:
            queue.report(job, [{"name": "m/1", "done": i, "total": 99}])


def test_the_queue_is_bounded(tmp_path):
    queue = JobQueue(tmp_path / "studio.sqlite", Limits(max_queued_jobs=2))
    queue.submit("run", {})
    queue.submit("run", {})
    with pytest.raises(LimitError, match=r"2 runs are waiting already \(at most 2\)"):
        queue.submit("run", {})
    queue.claim("w", LEASE_S)
    queue.submit("run", {})


# --- fair ---------------------------------------------------------------------------------------------


def owners(queue, *names, priority=0):
    return [queue.submit("run", {}, priority, owner=name) for name in names]


def test_one_visitors_many_jobs_do_not_starve_anothers(queue):
    a = owners(queue, "a", "a", "a")
    b = owners(queue, "b", "b")
    served = []
    for _ in range(5):
        job = queue.claim("w", LEASE_S)
        served.append(job.id)
        queue.finish(job)
    assert served == [a[0], b[0], a[1], b[1], a[2]]


def test_who_has_the_fewest_running_is_next(queue):
    a = owners(queue, "a", "a", "a")
    assert queue.claim("w1", LEASE_S).id == a[0]
    b = owners(queue, "b", "b")
    assert queue.claim("w2", LEASE_S).id == b[0]
    c = owners(queue, "c")
    assert queue.claim("w3", LEASE_S).id == c[0]
    queue.finish(queue.get(a[0]))
    assert queue.claim("w4", LEASE_S).id == a[1]  # b has one running, a none


def test_a_dead_workers_job_counts_as_no_turn_that_goes_on(queue):
    a = owners(queue, "a")
    queue.claim("dead", PAST)
    b = owners(queue, "b")
    assert [queue.claim("w", LEASE_S).id for _ in range(2)] == [b[0], a[0]]


def test_priority_goes_before_fairness(queue):
    owners(queue, "a", "b")
    urgent = owners(queue, "a", "a", priority=10)
    assert [queue.claim("w", LEASE_S).id for _ in range(2)] == urgent


def test_a_turn_ends_where_another_owner_waits(queue, monkeypatch):
    a = owners(queue, "a", "a")
    job = queue.claim("w", LEASE_S)
    monkeypatch.setattr(job_queue, "TURN_S", -1.0)
    assert not queue.is_preempted(job)  # its own other job waits for its end
    b = owners(queue, "b")
    monkeypatch.setattr(job_queue, "TURN_S", 60.0)
    assert not queue.is_preempted(job)
    monkeypatch.setattr(job_queue, "TURN_S", -1.0)
    assert queue.is_preempted(job)
    assert queue.release(job)
    assert [queue.claim("w", LEASE_S).id for _ in range(3)] == [b[0], *a]
    urgent = owners(queue, "c", priority=5)
    sweep = owners(queue, "d")
    job = queue.claim("w", LEASE_S)
    assert job.id == urgent[0]
    assert not queue.is_preempted(job)  # one of lower priority does not end its turn
    assert sweep


def test_the_queue_is_bounded_for_each_visitor(tmp_path):
    queue = JobQueue(tmp_path / "studio.sqlite", Limits(max_queued_jobs=5, max_queued_jobs_of_one=2))
    owners(queue, "a", "a")
    with pytest.raises(LimitError, match=r"2 of your runs are waiting already \(at most 2\)"):
        owners(queue, "a")
    owners(queue, "b")
    queue.claim("w", LEASE_S)
    owners(queue, "a")
    owners(queue, "", "")  # whoever is at the machine itself is no visitor among many
    with pytest.raises(LimitError, match="5 runs are waiting already"):
        owners(queue, "")


def test_jobs_that_are_over_are_forgotten_in_the_end_and_results_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(job_queue, "KEPT_JOBS", 3)
    database = Database(tmp_path / "studio.sqlite")
    queue, store = JobQueue(database, Limits()), LoglikelihoodStore(database)
    scope = Scope(fingerprint="f", dtype="float32", max_length=8, bos="none", scoring_version=1)
    store.put(scope, [(bytes(16), Loglikelihood(-1.0, 1))])
    waiting = queue.submit("run", {}, priority=-1)
    ids = []
    for state in ("done", "failed", "cancelled", "done", "done"):
        ids.append(queue.submit("run", {}))
        job = queue.claim("w", LEASE_S)
        assert job.id == ids[-1]
        BatchPlans(database, job.id).planned_requests("m/1", [bytes(16)], [bytes(16)])
        queue.report(job, [{"name": "m/1", "done": 1, "total": 1}])
        if state == "cancelled":
            queue.cancel(job.id)
        else:
            queue.finish(job, None if state == "done" else "no")
    newest = queue.submit("run", {})
    assert [job.id for job in queue.recent()] == [newest, *ids[:1:-1], waiting]
    with database.reading() as connection:
        for table in ("progress", "events", "plans"):
            of = {number for (number,) in connection.execute(f"SELECT job FROM {table}")}
            assert not of & set(ids[:2])
    assert studios.stored_count(store, scope) == 1


# --- seen from outside --------------------------------------------------------------------------------


def test_still_open_are_those_that_wait_or_run_however_old(queue):
    first, second, third = (queue.submit("run", {"n": n}) for n in range(3))
    assert [job.id for job in queue.open_jobs()] == [third, second, first]
    claimed = queue.claim("w", LEASE_S)
    assert claimed.id == first
    queue.report(claimed, [{"name": "m/1", "done": 1, "total": 2}])
    queue.cancel(second)
    assert [(job.id, job.state, len(job.progress)) for job in queue.open_jobs()] == [
        (third, "queued", 0),
        (first, "running", 1),
    ]
    queue.finish(claimed, None)
    assert [job.id for job in queue.open_jobs()] == [third]


def test_recent_is_newest_first_and_an_unknown_id_is_a_sentence(queue):
    ids = [queue.submit("run", {"n": n}) for n in range(5)]
    assert [job.id for job in queue.recent(3)] == ids[:1:-1]
    with pytest.raises(StoreError, match="There is no run 99"):
        queue.get(99)


def test_results_and_progress_are_saved_together_or_not_at_all(tmp_path):
    database = Database(tmp_path / "studio.sqlite")
    queue, store = JobQueue(database, Limits()), LoglikelihoodStore(database)
    scope = Scope(fingerprint="f", dtype="float32", max_length=8, bos="none", scoring_version=1)
    queue.submit("run", {})
    job = queue.claim("w", LEASE_S)

    def save(dies: bool) -> None:
        with database.transaction():
            store.put(scope, [(bytes(16), Loglikelihood(-1.0, 1))])
            queue.report(job, [{"name": "m/1", "done": 1, "total": 1, "computed": 1}])
            if dies:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save(dies=True)
    assert (studios.stored_count(store, scope), queue.get(job.id).progress) == (0, ())
    save(dies=False)
    assert (studios.stored_count(store, scope), queue.get(job.id).progress[0].computed) == (1, 1)


# --- real processes ---------------------------------------------------------------------------------

_HEAD = """
import sys, time
from pathlib import Path
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.base.settings import Limits
queue = JobQueue(Path(sys.argv[1]), Limits())
"""
_HANGING = (
    _HEAD
    + """
job = queue.claim("killed", 0.4)
queue.report(job, [{"name": "m/1", "done": 7, "total": 9, "computed": 7}])
print("claimed", flush=True)
while True:
    time.sleep(0.05)
    queue.heartbeat(job, 0.4)
"""
)
_BUSY = (
    _HEAD
    + """
while (job := queue.claim(sys.argv[2], 30)) is not None:
    print(job.id, flush=True)
    queue.finish(job)
"""
)


def start(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def test_a_killed_workers_job_goes_on_after_its_lease(tmp_path, queue):
    path = tmp_path / "studio.sqlite"
    job_id = queue.submit("run", {})
    worker = start(_HANGING, path)
    assert worker.stdout.readline() == "claimed\n"
    time.sleep(0.6)  # longer than the lease: its heartbeat holds the job
    assert queue.claim("second", LEASE_S) is None
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate()
    deadline = time.monotonic() + 10
    while (job := queue.claim("second", LEASE_S)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (job.id, job.attempt, job.progress[0].done) == (job_id, 2, 7)
    assert queue.finish(job)
    assert whats(queue, job_id) == ["submitted", "claimed", "reclaimed", "done"]


def test_two_processes_share_the_work_and_do_nothing_twice(tmp_path, queue):
    ids = [queue.submit("run", {}) for _ in range(40)]
    workers = [start(_BUSY, tmp_path / "studio.sqlite", name) for name in ("a", "b")]
    done = [int(line) for worker in workers for line in worker.communicate()[0].split()]
    assert sorted(done) == ids
    assert {queue.get(i).state for i in ids} == {"done"}


def test_what_runs_and_what_is_more_urgent_or_older_goes_before(queue):
    first, second, third, urgent = (queue.submit("evaluate", {"set": str(n)}, n == 3) for n in range(4))

    def ahead() -> list[int | None]:
        return [queue.queue_position(queue.get(job)) for job in (first, second, third, urgent)]

    assert ahead() == [1, 2, 3, 0]
    claimed = queue.claim("a worker", 60)
    assert claimed is not None
    assert claimed.id == urgent
    assert ahead() == [1, 2, 3, None]
    queue.finish(claimed)
    queue.cancel(second)
    assert ahead() == [0, None, 1, None]
