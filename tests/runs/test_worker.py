"""The worker: cancelling, overtaking, failing, and being killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate, results, start, worker
from e2lm_core.runs import state as run_state
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.prompts.wrong_question_control import control_set, variant_count
from tests.conftest import ROOT
from tests.support import studios
from tests.support.fake_backend import FakeBackend
from tests.support.workers import Slow, computed, until


def claim(studio: Studio) -> Job:
    job = studio.jobs.claim("test", 60)
    assert job is not None
    return job


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def test_a_job_is_computed_and_told_checkpoint_by_checkpoint(here: Studio) -> None:
    number = studios.start_run(here, "little", here.catalogue.checkpoints)
    assert worker.run_worker(here, once=True) == 1
    job = here.jobs.get(number)
    assert (job.state, job.error) == ("done", None)
    assert len(job.progress) == len(here.catalogue.checkpoints)
    assert computed(job) == 6 * len(here.catalogue.checkpoints)
    assert (
        studios.state_of_set(here, "little", collection.open_set(here.settings, "little")).kind
        == "up to date"
    )


def test_a_control_is_a_run_of_its_own(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    ends = run_order.last_of_each(here.catalogue.checkpoints)
    number = start.submit_run(here, task, ends, kind=start.CONTROL)
    assert start.latest_job(here, "little") is None
    assert worker.run_worker(here, once=True) == 1
    job = here.jobs.get(number)
    assert (job.kind, job.state, len(job.progress)) == ("control", "done", len(ends))
    assert computed(job) == 6 * variant_count(task) * len(ends)
    measured = results.load_measurements(here, control_set(task), ends)
    assert measured.complete_checkpoints == len(ends)
    assert studios.state_of_set(here, "little", task).kind == "never run"


def test_an_empty_queue_ends_a_worker_that_was_told_so(here: Studio) -> None:
    assert worker.run_worker(here, once=True) == 0
    assert worker.run_worker(here, idle_exit_s=0.0) == 0


@pytest.mark.parametrize("lease_s", [0.0, -1.0, 0.9, float("nan"), float("inf")])
def test_a_lease_that_cannot_be_kept_or_never_ends_is_refused(here: Studio, lease_s: float) -> None:
    with pytest.raises(StudioError, match="use 1 to 3,600 seconds"):
        worker.run_worker(here, once=True, lease_s=lease_s)


def test_a_lease_is_as_long_as_asked_for_and_is_extended(tmp_path: Path) -> None:
    here = studios.studio(tmp_path, backend=Slow(0.02))
    studios.write_example(here.settings, studios.task(count=200, name="long"))
    number = studios.start_run(here, "long", here.catalogue.checkpoints)
    job = here.jobs.claim("test", 60)
    assert job is not None
    thread = threading.Thread(target=worker.run_job, args=(here, job), kwargs={"lease_s": 3.0})
    thread.start()
    ends = set()

    def seen() -> bool:
        left = (here.jobs.get(number).lease_until or 0) - time.time()
        if left <= 3.0:
            ends.add(here.jobs.get(number).lease_until)
            assert left > 1.0
        return len(ends) >= 2

    try:
        until(seen)
    finally:
        here.jobs.cancel(number)
        thread.join()


def test_an_attempt_after_another_keeps_its_plan_and_a_finished_job_none(tmp_path: Path) -> None:
    backend = Slow(0.02)
    here = studios.studio(tmp_path, backend=backend)
    studios.write_example(here.settings, studios.task(count=60, name="long"))
    number = studios.start_run(here, "long", here.catalogue.checkpoints[:2])

    def plans() -> list[tuple[str, int]]:
        with here.store.database.reading() as connection:
            return connection.execute("SELECT checkpoint, length(digests) FROM plans").fetchall()

    worker.run_job(here, claim(here), lambda: computed(here.jobs.get(number)) > 0)
    (kept,) = plans()
    assert kept == (backend.seen[0], 16 * 4 * 60)
    assert 0 < computed(here.jobs.get(number)) < 60
    worker.run_job(here, claim(here), lambda: computed(here.jobs.get(number)) > 30)
    assert plans() == [kept]
    assert worker.run_worker(here, once=True) == 1
    assert plans() == []
    assert backend.computed == 4 * 60 * 2


def test_the_signal_handlers_of_the_process_are_put_back(here: Studio) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    worker.run_worker(here, once=True)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"set": "gone", "checkpoints": [], "num_fewshot": None}, "no question set 'gone'"),
        (
            {"set": "little", "checkpoints": ["no/iter_1"], "num_fewshot": None},
            "no/iter_1 is no longer there",
        ),
        ({"set": "little", "checkpoints": [], "num_fewshot": None}, "choose at least one"),
    ],
)
def test_a_job_that_cannot_be_done_fails_with_its_reason(here: Studio, payload: dict, says: str) -> None:
    number = here.jobs.submit(start.KIND, payload)
    worker.run_worker(here, once=True)
    job = here.jobs.get(number)
    assert job.state == "failed"
    assert job.error is not None
    assert says in job.error


def test_a_job_of_an_unknown_kind_fails_and_the_next_is_done(here: Studio) -> None:
    odd = here.jobs.submit("something", {})
    good = studios.start_run(here, "little", here.catalogue.checkpoints[:1])
    assert worker.run_worker(here, once=True) == 2
    assert [here.jobs.get(n).state for n in (odd, good)] == ["failed", "done"]


def test_a_defect_fails_the_job_and_not_the_worker(tmp_path: Path) -> None:
    class Broken(FakeBackend):
        def chunks(self, *_: object, **__: object):
            raise ZeroDivisionError
            yield

    here = studios.studio(tmp_path, backend=Broken())
    number = studios.start_run(here, "little", here.catalogue.checkpoints[:1])
    assert worker.run_worker(here, once=True) == 1
    job = here.jobs.get(number)
    assert job.state == "failed"
    assert job.error is not None
    assert "ZeroDivisionError" not in job.error


def test_cancelling_stops_it_soon_and_keeps_what_was_computed(tmp_path: Path) -> None:
    here = studios.studio(tmp_path, backend=Slow(0.02))
    studios.write_example(here.settings, studios.task(count=200, name="long"))
    number = studios.start_run(here, "long", here.catalogue.checkpoints)
    job = claim(here)
    thread = threading.Thread(target=worker.run_job, args=(here, job))
    thread.start()
    until(lambda: computed(here.jobs.get(number)))
    here.jobs.cancel(number)
    thread.join()
    stopped = here.jobs.get(number)
    assert stopped.state == "cancelled"
    kept = computed(stopped)
    assert 0 < kept < 200 * len(here.catalogue.checkpoints)
    task = collection.open_set(here.settings, "long")
    assert run_state.coverage(here, task, here.catalogue.checkpoints).done == kept


@pytest.mark.parametrize("end", ["cancelled", "queued"])
def test_what_ends_its_turn_takes_effect_before_the_next_batch(tmp_path: Path, end: str) -> None:
    class Watched(FakeBackend):
        batches = 0

        def chunks(self, *arguments, **options):
            for chunk in super().chunks(*arguments, **options):
                self.batches += 1
                if self.batches == 3:
                    if end == "cancelled":
                        here.jobs.cancel(number)
                    else:
                        here.jobs.submit(start.KIND, {}, priority=evaluate.INTERACTIVE)
                yield chunk

    backend = Watched()
    here = studios.studio(tmp_path, backend=backend)
    studios.write_example(here.settings, studios.task(count=60, name="long"))
    number = studios.start_run(here, "long", here.catalogue.checkpoints)
    worker.run_job(here, claim(here))
    assert backend.batches == 3
    job = here.jobs.get(number)
    assert job.state == end
    task = collection.open_set(here.settings, "long")
    assert run_state.coverage(here, task, here.catalogue.checkpoints).done == computed(job) > 0


def test_a_question_just_edited_overtakes_a_long_sweep_which_then_goes_on(tmp_path: Path) -> None:
    backend = Slow(0.02)
    here = studios.studio(tmp_path, backend=backend)
    studios.write_example(here.settings, studios.task(count=60, name="long"))
    collection.copy_set(here.settings, "little", "mine")
    authoring.update_questions(here.settings, "mine", {"q1": {"question": "A question just edited?"}})
    every = here.catalogue.checkpoints[:4]
    sweep = studios.start_run(here, "long", every)
    job = claim(here)
    thread = threading.Thread(target=worker.run_job, args=(here, job))
    thread.start()
    until(lambda: computed(here.jobs.get(sweep)))
    quick = studios.start_run(here, "mine", every[:1], priority=evaluate.INTERACTIVE)
    thread.join()
    assert here.jobs.get(sweep).state == "queued"
    assert claim(here).id == quick
    here.jobs.release(here.jobs.get(quick))
    assert worker.run_worker(here, once=True) == 2
    ended = [here.jobs.get(n) for n in (quick, sweep)]
    assert [j.state for j in ended] == ["done", "done"]
    assert (ended[0].finished_at or 0) <= (ended[1].finished_at or 0)
    assert 1 <= computed(ended[0]) <= 6  # the sweep had its other questions too, as far as it had come
    assert sum(row.computed + row.reused for row in ended[1].progress) == 60 * len(every)
    assert backend.computed == 4 * (1 + 60 * len(every))


# --- processes ----------------------------------------------------------------------------------------


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "e2lm_core", "worker", "--once", "--lease", "1"],
        cwd=ROOT,
        env=os.environ | studios.environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studios.real_ladder(tmp_path_factory.mktemp("worker") / "ladder", models=("ladder-small-arch1",))


def real_studio(tmp_path: Path, ladder: Path, count: int = 400) -> Studio:
    settings = studios.settings(tmp_path, ladder=ladder)
    studios.write_example(settings, studios.task(count=count, name="long"))
    return open_studio(settings)


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_nothing_counts_twice(tmp_path: Path, ladder: Path) -> None:
    here = real_studio(tmp_path, ladder)
    every = here.catalogue.checkpoints
    number = studios.start_run(here, "long", every)
    kept = []
    for _ in range(2):
        before = computed(here.jobs.get(number))
        process = start_worker(here.settings)
        until(lambda before=before: computed(here.jobs.get(number)) > before, 120)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        job = here.jobs.get(number)
        kept.append(computed(job))
        task = collection.open_set(here.settings, "long")
        assert run_state.coverage(here, task, every).done == kept[-1] < 400 * len(every)
        until(lambda: time.time() > (here.jobs.get(number).lease_until or 0), 10)
    assert start_worker(here.settings).wait() == 0
    job = here.jobs.get(number)
    assert (job.state, job.attempt) == ("done", 3)
    assert all((row.done, row.total, row.computed, row.reused) == (400, 400, 400, 0) for row in job.progress)
    assert len(job.progress) == len(every)
    with here.jobs.database.reading() as connection:
        events = connection.execute("SELECT what FROM events WHERE job = ? ORDER BY id", (number,)).fetchall()
    assert [what for (what,) in events] == ["submitted", "claimed", "reclaimed", "reclaimed", "done"]
    fresh = open_studio(here.settings.model_copy(update={"home": tmp_path / "other"}))
    evaluate.evaluate(fresh, task, every)
    for checkpoint in every:
        scope = here.backend.scope(checkpoint)
        assert studios.stored_count(here.store, scope) == studios.stored_count(fresh.store, scope)


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_hands_its_job_back(tmp_path: Path, ladder: Path) -> None:
    here = real_studio(tmp_path, ladder)
    number = studios.start_run(here, "long", here.catalogue.checkpoints)
    process = start_worker(here.settings)
    until(lambda: computed(here.jobs.get(number)), 120)
    process.terminate()
    assert process.wait(30) == 0
    job = here.jobs.get(number)
    assert job.state == "queued"
    assert 0 < computed(job) < 400 * len(here.catalogue.checkpoints)


@pytest.mark.slow
def test_a_spawned_worker_outlives_the_call_and_leaves_when_idle(
    tmp_path: Path, ladder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = real_studio(tmp_path, ladder, count=3)
    for name, value in studios.environment(here.settings).items():
        monkeypatch.setenv(name, value)
    number = studios.start_run(here, "long", here.catalogue.checkpoints[:2])
    process, own = worker.spawn_worker(idle_exit_s=0.5), os.getpriority(os.PRIO_PROCESS, 0)
    until(
        lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, own + worker.NICE)
    )  # pages go first
    assert process.wait(120) == 0
    assert here.jobs.get(number).state == "done"
