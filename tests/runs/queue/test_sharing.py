"""Workers that work side by side: on several jobs, on one job together, and for an app that has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from e2lm_core.base.records import Checkpoint, Request
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate, start, worker
from e2lm_core.runs.queue import claims
from e2lm_core.runs.queue.claims import find_joinable_job
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio
from tests.conftest import ROOT
from tests.support import studios
from tests.support.workers import Slow, computed, until

COUNT = 40


class Meeting(Slow):
    """Computes its first two checkpoints at one moment only, if asked; fails at one, if told."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.broken: str | None = None
        self.meeting: threading.Barrier | None = None

    def chunks(self, checkpoint: Checkpoint, requests: Sequence[Request], cancelled=None, skip=()):
        if checkpoint.name == self.broken:
            raise ZeroDivisionError
        if self.meeting is not None and len(self.seen) < 2:
            self.meeting.wait(60)
        yield from super().chunks(checkpoint, requests, cancelled, skip)


def long_studio(tmp_path: Path, seconds: float = 0.02) -> tuple[Studio, Meeting]:
    backend = Meeting(seconds)
    here = studios.studio(tmp_path, backend=backend)
    studios.write_example(here.settings, studios.task(count=COUNT, name="long"))
    return here, backend


def begin(here: Studio, job: Job, helps: bool = False, lease_s: float = 10.0) -> threading.Thread:
    thread = threading.Thread(
        target=worker.join_job if helps else worker.run_job, args=(here, job), kwargs={"lease_s": lease_s}
    )
    thread.start()
    return thread


def claimed(here: Studio, name: str) -> Job:
    job = here.jobs.claim(name, 10.0)
    assert job is not None
    return job


def joined(here: Studio, name: str) -> Job:
    job = find_joinable_job(here.jobs, name, (start.KIND,))
    assert job is not None
    return job


def test_two_workers_share_one_jobs_checkpoints_and_compute_nothing_twice(tmp_path: Path) -> None:
    here, backend = long_studio(tmp_path)
    every = here.catalogue.checkpoints[:6]
    number = studios.start_run(here, "long", every)
    leader = begin(here, claimed(here, "leader"))
    until(lambda: backend.seen)
    helper = begin(here, joined(here, "helper"), helps=True)
    until(
        lambda: len(backend.seen) >= 2 and computed(here.jobs.get(number)) < COUNT
    )  # begun before one is done
    leader.join()
    helper.join()
    job = here.jobs.get(number)
    assert job.state == "done"
    assert sorted(backend.seen) == sorted(c.name for c in every)  # each begun once
    assert backend.computed == 4 * COUNT * len(every)
    assert all((row.done, row.computed, row.reused) == (COUNT, COUNT, 0) for row in job.progress)


def test_two_workers_take_two_jobs(tmp_path: Path) -> None:
    here, _ = long_studio(tmp_path)
    first = studios.start_run(here, "little", here.catalogue.checkpoints[:3])
    second = studios.start_run(here, "long", here.catalogue.checkpoints[:3])
    threads = [begin(here, claimed(here, name)) for name in ("a", "b")]
    for thread in threads:
        thread.join()
    assert [here.jobs.get(n).state for n in (first, second)] == ["done", "done"]
    assert [here.jobs.get(n).worker for n in (first, second)] == ["a", "b"]
    for number, count in ((first, 6), (second, COUNT)):
        rows = here.jobs.get(number).progress
        assert [row.computed + row.reused for row in rows] == [count] * 3


def test_what_a_helper_that_died_had_begun_is_finished_by_the_leader(tmp_path: Path) -> None:
    here, backend = long_studio(tmp_path)
    every = here.catalogue.checkpoints[:2]
    number = studios.start_run(here, "long", every)
    job = claimed(here, "leader")
    dead = job.model_copy(update={"worker": "dead"})
    shares = claims.CheckpointClaims(here.jobs.database, dead, 1.0)
    assert shares.take(every[-1].name)
    begin(here, job).join()
    assert here.jobs.get(number).state == "done"
    assert backend.computed == 4 * COUNT * 2
    assert [row.computed for row in here.jobs.get(number).progress] == [COUNT, COUNT]


def test_a_helper_goes_on_where_the_leader_is_lost_and_another_leads(tmp_path: Path) -> None:
    here, backend = long_studio(tmp_path)
    every = here.catalogue.checkpoints[:2]
    number = studios.start_run(here, "long", every)
    lost = here.jobs.claim("lost", 1.0)  # a leader that never beats
    assert lost is not None
    helper = begin(here, joined(here, "helper"), helps=True)
    until(lambda: backend.seen)
    until(lambda: time.time() > (here.jobs.get(number).lease_until or 0))
    leader = begin(here, claimed(here, "next"))
    helper.join()
    leader.join()
    job = here.jobs.get(number)
    assert (job.state, job.attempt) == ("done", 2)
    assert backend.computed == 4 * COUNT * 2
    assert [row.computed for row in job.progress] == [COUNT, COUNT]


def test_cancelling_stops_both(tmp_path: Path) -> None:
    here, backend = long_studio(tmp_path)
    number = studios.start_run(here, "long", here.catalogue.checkpoints)
    threads = [begin(here, claimed(here, "leader")), begin(here, joined(here, "helper"), helps=True)]
    until(lambda: len(backend.seen) >= 2)
    here.jobs.cancel(number)
    for thread in threads:
        thread.join()
    assert here.jobs.get(number).state == "cancelled"
    assert backend.computed < 4 * COUNT * len(here.catalogue.checkpoints)
    with here.store.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM shares").fetchone() == (0,)


def test_an_urgent_job_is_taken_by_the_helper_and_the_sweep_goes_on(tmp_path: Path) -> None:
    here, backend = long_studio(tmp_path)
    sweep = studios.start_run(here, "long", here.catalogue.checkpoints[:4])
    threads = [begin(here, claimed(here, "leader")), begin(here, joined(here, "helper"), helps=True)]
    until(lambda: len(backend.seen) >= 2)
    quick = studios.start_run(here, "little", here.catalogue.checkpoints[:1], priority=evaluate.INTERACTIVE)
    for thread in threads:
        thread.join()
    assert here.jobs.get(sweep).state == "queued"
    assert worker.run_worker(here, once=True) == 2
    ended = [here.jobs.get(n) for n in (quick, sweep)]
    assert [job.state for job in ended] == ["done", "done"]
    assert (ended[0].finished_at or 0) <= (ended[1].finished_at or 0)
    assert sum(row.computed + row.reused for row in ended[1].progress) == COUNT * 4


def test_a_defect_in_a_helpers_part_fails_the_job_for_both(tmp_path: Path) -> None:
    here, backend = long_studio(tmp_path)
    every = here.catalogue.checkpoints[:4]
    number = studios.start_run(here, "long", every)
    backend.broken = run_order.plan_order(every)[1].name
    threads = [begin(here, claimed(here, "leader")), begin(here, joined(here, "helper"), helps=True)]
    for thread in threads:
        thread.join()
    assert here.jobs.get(number).state == "failed"


# --- the app's end ------------------------------------------------------------------------------------


def test_a_worker_whose_app_has_ended_finishes_what_is_queued_and_ends(tmp_path: Path) -> None:
    here, _ = long_studio(tmp_path, 0.001)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    numbers = [studios.start_run(here, name, here.catalogue.checkpoints[:2]) for name in ("little", "long")]
    assert worker.run_worker(here, parent=ended.pid) == 2
    assert {here.jobs.get(number).state for number in numbers} == {"done"}
    assert worker.run_worker(here, parent=10**12) == 0


def test_a_worker_waits_as_long_as_its_app_lives(tmp_path: Path) -> None:
    here, _ = long_studio(tmp_path)
    app = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    assert worker.run_worker(here, idle_exit_s=0.2, parent=app.pid) == 0
    waiting = threading.Timer(0.3, app.communicate)
    waiting.start()
    assert worker.run_worker(here, parent=app.pid) == 0
    waiting.join()
    assert app.poll() == 0


@pytest.mark.slow
def test_a_spawned_worker_ends_with_the_process_that_spawned_it(tmp_path: Path) -> None:
    here, _ = long_studio(tmp_path)
    script = "from e2lm_core.runs import worker; import sys; print(worker.spawn_worker().pid, flush=True); sys.stdin.read()"
    environment = os.environ | studios.environment(here.settings)
    app = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert app.stdout is not None
    spawned = int(app.stdout.readline())
    place = Path(f"/proc/{spawned}/stat")
    time.sleep(1.0)
    assert place.exists()
    app.kill()
    app.wait()
    until(lambda: not place.exists() or place.read_text().rsplit(")", 1)[1].split()[0] == "Z", 60)
