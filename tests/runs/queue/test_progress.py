"""How far a run is and how long it still takes, in every state of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.runs import start
from e2lm_core.runs.queue.progress import RunProgress, prompts_per_checkpoint, run_progress
from e2lm_core.runs.queue.records import Job, Progress
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from e2lm_core.sets.prompts.wrong_question_control import control_set
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def claimed(here: Studio, checkpoints: int, **options: object) -> Job:
    studios.start_run(here, "little", here.catalogue.checkpoints[:checkpoints], **options)
    job = here.jobs.claim("a worker", 60)
    assert job is not None
    return job


def of(here: Studio, job: Job) -> RunProgress:
    return run_progress(here.jobs, here.jobs.get(job.id), collection.open_set(here.settings, "little"))


def row(job: Job, place: int, done: int, computed: int, seconds: float, total: int = 6) -> Progress:
    name = job.payload["checkpoints"][place]
    return Progress(
        name=name, done=done, total=total, computed=computed, reused=done - computed, seconds=seconds
    )


def test_a_run_that_waits_has_no_time_left_and_knows_what_goes_before(here: Studio) -> None:
    here.jobs.submit("evaluate", {"set": "other", "checkpoints": []})
    number = studios.start_run(here, "little", here.catalogue.checkpoints[:4])
    waits = of(here, here.jobs.get(number))
    assert waits == RunProgress(state="queued", done=0, total=24, complete=0, checkpoints=4, ahead=1)
    assert waits.share == 0.0


def test_the_time_left_follows_the_pace_of_what_was_computed(here: Studio) -> None:
    job = claimed(here, 4)
    assert of(here, job).seconds_left is None  # no pace yet
    here.jobs.report(job, [row(job, 0, 6, 6, 2.0), row(job, 1, 3, 3, 1.0)])
    half = of(here, job)
    assert (half.done, half.total, half.complete, half.checkpoints) == (9, 24, 1, 4)
    assert half.seconds_left == pytest.approx(15 / 3)  # 3 + 2 · 6 at a third of a second each
    here.jobs.finish(job)
    assert of(here, job).seconds_left is None


def test_the_time_left_is_said_from_five_in_a_hundred_on(here: Studio) -> None:
    job = claimed(here, 10)
    here.jobs.report(job, [row(job, 0, 2, 2, 1.0)])
    assert of(here, job).seconds_left is None  # 2 of 60
    here.jobs.report(job, [row(job, 0, 3, 3, 1.5)])
    assert of(here, job).seconds_left == pytest.approx(57 / 2)


def test_checkpoints_that_were_there_already_make_the_rest_neither_quicker_nor_slower(here: Studio) -> None:
    job = claimed(here, 10)
    here.jobs.report(job, [row(job, place, 6, 0, 0.0) for place in range(5)])
    assert of(here, job).seconds_left is None
    here.jobs.report(job, [row(job, 5, 6, 6, 3.0)])
    assert of(here, job).seconds_left == pytest.approx(4 * 3.0)


def test_of_a_few_stale_questions_the_time_left_is_theirs_and_not_that_of_the_whole_set(here: Studio) -> None:
    """Five of six are there at every checkpoint: a second each for the sixth."""
    job = claimed(here, 10)
    here.jobs.report(job, [row(job, place, 6, 1, 1.0) for place in range(4)])
    assert of(here, job).seconds_left == pytest.approx(6.0)


def test_an_edits_run_counts_the_edited_questions_alone(here: Studio) -> None:
    job = claimed(here, 4, questions=["q2", "q5", "gone"])
    task = collection.open_set(here.settings, "little")
    assert prompts_per_checkpoint(job, task) == 2
    here.jobs.report(job, [row(job, place, 2, 2, 0.5, total=2) for place in range(3)])
    now = of(here, job)
    assert (now.done, now.total, now.share) == (6, 8, 0.75)
    assert now.seconds_left == pytest.approx(0.5)
    here.jobs.finish(job)
    nothing = claimed(here, 4, questions=[])
    assert of(here, nothing).share == 0.0
    here.jobs.report(nothing, [row(nothing, place, 0, 0, 0.0, total=0) for place in range(3)])
    assert of(here, nothing).share == 0.75


def test_a_run_that_has_begun_everywhere_has_only_its_rest_left(here: Studio) -> None:
    job = claimed(here, 2)
    here.jobs.report(job, [row(job, 0, 6, 6, 3.0), row(job, 1, 4, 4, 2.0)])
    assert of(here, job).seconds_left == pytest.approx(2 * 0.5)
    here.jobs.finish(job)
    nothing = claimed(here, 1, questions=[])
    here.jobs.report(nothing, [row(nothing, 0, 0, 0, 0.0, total=0)])
    assert of(here, nothing).share == 1.0


def test_the_control_counts_its_own_prompts(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    number = studios.start_run(here, "little", here.catalogue.checkpoints[:2], kind=start.CONTROL)
    assert prompts_per_checkpoint(here.jobs.get(number), task) == len(control_set(task).questions)


def test_a_question_that_was_deleted_meanwhile_makes_no_share_above_one(here: Studio) -> None:
    job = claimed(here, 1)
    here.jobs.report(job, [row(job, 0, 6, 6, 1.0)])
    task = collection.open_set(here.settings, "little")
    fewer = task.model_copy(update={"questions": task.questions[:4]})
    assert run_progress(here.jobs, job, fewer).share == 1.0
