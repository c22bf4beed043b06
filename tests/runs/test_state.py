"""Where a set stands: what is complete, what is stale, and how long the rest takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.analysis.plan.plan import Goal
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import evaluate, results, start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.queue.records import Progress
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import authoring, collection
from tests.support import studios
from tests.support.workers import Watched


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def little(studio: Studio) -> TaskSet:
    return collection.open_set(studio.settings, "little")


def test_coverage_names_what_is_stale(here: Studio) -> None:
    task = little(here)
    some = here.catalogue.match_globs(["ladder-small-arch1/*"])
    before = run_state.coverage(here, task, some)
    assert (before.done, before.total, len(before.stale)) == (0, 60, 6)
    evaluate.evaluate(here, task, some)
    assert run_state.coverage(here, task, some).stale == ()
    edited = task.model_copy(update={"questions": (*task.questions[:5], studios.question(77, id="q6"))})
    after = run_state.coverage(here, edited, some)
    assert (after.done, after.total, after.stale) == (50, 60, ("q6",))


def test_coverage_by_what_was_measured_is_the_same(here: Studio) -> None:
    task = little(here)
    edited = task.model_copy(update={"questions": (*task.questions[:5], studios.question(77, id="q6"))})
    some = here.catalogue.match_globs(["ladder-small-arch1/*", "ladder-large-arch1/*"])
    evaluate.evaluate(here, task, some[:13])
    for version in (task, edited):
        measured = results.load_measurements(here, version, some)
        assert run_state.coverage_of(measured) == run_state.coverage(here, version, some)
    studios.start_run(here, "little", some)
    job = here.jobs.claim("test", 60)
    assert job is not None
    here.jobs.finish(job)
    fleet = run_state.fleet_of_set(here, "little")
    measured = results.load_measurements(here, edited, *fleet.run_arguments)
    by_measuring = run_state.state_by_coverage(
        here, edited, start.latest_job(here, "little"), fleet, run_state.coverage_of(measured)
    )
    assert by_measuring == studios.state_of_set(here, "little", edited)
    assert (by_measuring.kind, by_measuring.stale) == ("stale", 6)


def test_an_estimate_needs_a_pace(here: Studio) -> None:
    task, every = little(here), here.catalogue.checkpoints
    assert run_state.estimate(here, task, every) == run_state.Estimate(total=240, missing=240, seconds=None)
    job = here.jobs.get(studios.start_run(here, "little", every))
    claimed = here.jobs.claim("test", 60)
    assert claimed is not None
    assert claimed.id == job.id
    here.jobs.report(
        claimed, [Progress(name=every[0].name, done=6, total=6, computed=4, reused=2, seconds=2.0)]
    )
    here.jobs.finish(claimed)
    assert run_state.estimate(here, task, every).seconds == pytest.approx(240 * 0.5)
    assert run_state.estimate(here, task, every, num_fewshot=1).seconds is None
    evaluate.evaluate(here, task, every)
    assert run_state.estimate(here, task, every) == run_state.Estimate(total=240, missing=0, seconds=0.0)


def test_the_pace_of_a_sweep_is_not_that_of_an_edit(here: Studio) -> None:
    task, (first, *_) = little(here), here.catalogue.checkpoints
    for computed, seconds in ((20, 1.0), (1, 5.0), (1, 5.0)):
        studios.start_run(here, "little", [first])
        job = here.jobs.claim("test", 60)
        assert job is not None
        row = Progress(name=first.name, done=6, total=6, computed=computed, seconds=seconds)
        here.jobs.report(job, [row])
        here.jobs.finish(job)
    assert run_state.estimate(here, task, [first]).seconds == pytest.approx(6 * 1.0 / 20)


def test_a_set_that_never_ran_is_run_on_everything(here: Studio) -> None:
    assert run_state.fleet_of_set(here, "little").run_arguments == (here.catalogue.checkpoints, None)


def test_the_state_of_a_set_from_never_run_to_stale(here: Studio) -> None:
    collection.copy_set(here.settings, "little", "mine")
    task = collection.open_set(here.settings, "mine")
    some = here.catalogue.match_globs(["ladder-small-arch1/*"])
    assert studios.state_of_set(here, "mine", task.model_copy(update={"questions": ()})).kind == "empty"
    assert studios.state_of_set(here, "mine", task).kind == "never run"
    studios.start_run(here, "mine", some)
    first = here.jobs.claim("test", 60)
    assert first is not None
    here.jobs.finish(first, "It is too long.")
    failed = studios.state_of_set(here, "mine", task)
    assert (failed.kind, failed.failure) == ("never run", "It is too long.")
    studios.start_run(here, "mine", some)
    queued = studios.state_of_set(here, "mine", task)
    assert (queued.kind, queued.done, queued.total) == ("running", 0, 60)
    job = here.jobs.claim("test", 60)
    assert job is not None
    evaluate.evaluate(here, task, some, progress=Watched(lambda row: here.jobs.report(job, [row])))
    running = studios.state_of_set(here, "mine", task)
    assert (running.kind, running.done, running.total) == ("running", 60, 60)
    here.jobs.finish(job)
    done = studios.state_of_set(here, "mine", task)
    assert (done.kind, done.failure) == ("up to date", "")
    edited = authoring.update_questions(here.settings, "mine", {"q1": {"question": "Another?"}})
    stale = studios.state_of_set(here, "mine", edited)
    assert (stale.kind, stale.stale, stale.done, stale.total) == ("stale", 1, 50, 60)


def test_a_plan_is_drawn_from_the_checkpoints_and_timed_on_the_fleet(here: Studio) -> None:
    task = little(here)
    some = here.catalogue.match_globs(["ladder-small-arch1/*", "ladder-large-arch1/*"])
    evaluate.evaluate(here, task, some)
    measured = results.load_measurements(here, task, some)
    goal = Goal("mean", "norm_prob", 0.2, ("ladder-small-arch1",))
    whole = run_state.plan_for(here, measured, some, None, goal, seconds=0.5)
    assert [part.checkpoints for part in whole.fleet] == [10, 10]
    assert whole.pace is not None
    assert set(whole.pace.seconds.values()) == {0.5}
    assert whole.seconds == pytest.approx((whole.questions or 0) * 20 * 0.5)
    half = run_state.plan_for(here, measured, some[:10], None, goal)
    assert [part.checkpoints for part in half.fleet] == [10]
    assert (half.pace, half.seconds) == (None, None)
    other = run_state.plan_for(
        here, measured, some, None, goal, family="e2lm", simulated=lambda *_: whole.widths
    )
    assert {part.checkpoints for part in other.fleet} == {27}
    assert other.questions == whole.questions
