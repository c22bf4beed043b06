import math

import pytest

from e2lm_core.runs import evaluate, results, start
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.runs.queue.progress import run_progress
from e2lm_core.runs.queue.records import Progress
from e2lm_core.runs.state import SetState
from e2lm_core.ui.app import status_bar
from tests.support import studios


@pytest.fixture
def studio(tmp_path):
    return studios.studio(tmp_path)


def far(studio, task) -> tuple[float, str]:
    run = run_progress(studio.jobs, start.latest_job(studio, task.name), task)
    return run.share, run_words.progress_sentence(run)


def took(name: str, done: int, seconds: float = 1.0) -> Progress:
    return Progress(name=name, done=done, total=6, computed=done, reused=0, seconds=seconds)


def test_a_run_says_how_far_it_is_and_how_long_it_takes(studio):
    studios.start_run(studio, "little", studio.catalogue.checkpoints[:4])
    task = studios.task(count=6)
    assert far(studio, task) == (0.0, "0%, 0 of 4 checkpoints (waiting for the worker)")
    job = studio.jobs.claim("a worker", 60)
    studio.jobs.report(
        job, [took(job.payload["checkpoints"][0], 6, 2.0), took(job.payload["checkpoints"][1], 3, 1.0)]
    )
    # 15 are left at a third of a second each
    assert far(studio, task) == (9 / 24, "37%, 1 of 4 checkpoints, about 5 s left")
    studio.jobs.cancel(job.id)
    assert far(studio, task)[1] == "37%, 1 of 4 checkpoints (cancelled; what was computed is kept)"


def test_a_run_says_what_it_saved_against_the_harness_and_what_the_engine_noted(studio):
    studios.start_run(studio, "little", studio.catalogue.checkpoints[:4])
    job = studio.jobs.claim("a worker", 60)
    names = job.payload["checkpoints"]
    assert run_words.token_savings(job) is None  # nothing yet
    note = "llama models are scored in plain batches: packed rows differed from them."
    studio.jobs.report(
        job,
        [
            Progress(name=names[0], done=6, total=6, tokens=400_000, harness_tokens=7_000_000, note=note),
            Progress(name=names[1], done=3, total=6, tokens=800_000, harness_tokens=14_000_000, note=note),
            Progress(name=names[2], done=6, total=6, reused=6),  # by an older version, or nothing to compute
        ],
    )
    now = studio.jobs.get(job.id)
    saved = "1.2 M tokens where lm-evaluation-harness would compute 21.0 M (18×)."
    assert run_words.token_savings(now) == f"Computed so far {saved}"
    assert run_words.engine_notes(now) == [note]
    frame = run_words.job_frame(now)
    assert frame["tokens"][0] == 400_000
    assert math.isnan(frame["harness_tokens"][2])
    studio.jobs.cancel(job.id)
    assert run_words.token_savings(studio.jobs.get(job.id)) == f"Computed {saved}"


def test_a_planned_checkpoint_has_its_row_before_it_begins(studio):
    studios.start_run(studio, "little", studio.catalogue.checkpoints[:2])
    job = studio.jobs.claim("a worker", 60)
    studio.jobs.report(job, [took(job.payload["checkpoints"][0], 3)])
    frame = run_words.job_frame(studio.jobs.get(job.id))
    assert list(frame["checkpoint"]) == job.payload["checkpoints"]
    assert list(frame["progress"]) == [0.5, 0.0]
    assert frame["computed"][0] == 3
    assert math.isnan(frame["computed"][1])


def test_what_is_there_is_said_model_by_model(studio):
    task = studios.task()
    own = studio.catalogue.checkpoints_of("ladder-small-arch1")
    evaluate.evaluate(studio, task, own[:5])
    measured = results.load_measurements(studio, task, studio.catalogue.checkpoints)
    frame = run_words.coverage_frame(measured).set_index("model")
    assert frame["complete"]["ladder-small-arch1"] == 0.5
    assert frame["complete"]["ladder-large-arch1"] == 0.0
    assert frame["text"]["ladder-small-arch1-web"] == "web"
    assert frame["last"]["ladder-small-arch1"] == own[-1].tokens_seen


def test_what_the_engine_noted_is_said_once(studio):
    studios.start_run(studio, "little", studio.catalogue.checkpoints[:3])
    job = studio.jobs.claim("a worker", 60)
    noted = [
        took(name, 6).model_copy(update={"note": "mistral models …"}) for name in job.payload["checkpoints"]
    ]
    studio.jobs.report(job, [noted[0], noted[1], took(noted[2].name, 6)])
    assert run_words.engine_notes(studio.jobs.get(job.id)) == ["mistral models …"]
    assert run_words.engine_notes(job) == []


def test_a_run_that_gives_way_says_what_it_waits_for_and_no_time(studio):
    """The review of the interface saw *running 66%, about 65 s left* stand still for minutes."""
    task = studios.task(count=6)
    studios.start_run(studio, "little", studio.catalogue.checkpoints[:4])
    job = studio.jobs.claim("a worker", 60)
    studio.jobs.report(job, [took(job.payload["checkpoints"][0], 6, 2.0)])
    studio.jobs.release(job)
    studio.jobs.submit("evaluate", job.payload | {"set": "another"}, priority=job.priority + 1)
    now = studios.state_of_set(studio, "little", task)
    assert (now.kind, now.run.ahead) == ("running", 1)
    assert run_words.progress_sentence(now.run) == "25%, 1 of 4 checkpoints (waiting for 1 other run)"
    assert far(studio, task) == (now.run.share, run_words.progress_sentence(now.run))
    assert "waiting for 1 other run" in run_words.headline(now, 6)
    assert (
        status_bar.state_text(task, now)
        == "6 questions · :material/hourglass: 25%, 1 of 4 checkpoints (waiting for 1 other run)"
    )
    other = studio.jobs.claim("a worker", 60)
    assert studios.state_of_set(studio, "little", task).run.ahead == 1  # it computes now
    studio.jobs.finish(other)
    assert studios.state_of_set(studio, "little", task).run.ahead == 0
    studio.jobs.claim("a worker", 60)
    going = studios.state_of_set(studio, "little", task)
    assert going.run.ahead is None
    assert "running 25%, 1 of 4 checkpoints, about 6 s left" in status_bar.state_text(task, going)


def test_a_set_whose_first_run_failed_was_run():
    failed = SetState(kind="never run", failure="It is too long.")
    assert run_words.headline(failed, 6) == "The last run failed before its first result."
    said = status_bar.state_text(studios.task(count=6), failed)
    assert said == "6 questions · :red[:material/error: last run failed]"
