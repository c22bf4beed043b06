"""Trials: computed by a worker or here, handed over once, and never stored."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.runs import evaluate, results, start, worker
from e2lm_core.runs.queue.progress import run_progress
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials import trial as trials
from e2lm_core.runs.trials.trial import Trial
from e2lm_core.sets import collection
from e2lm_core.sets.variants import Variant
from tests.support import studios

VARIANTS = [
    Variant(label="other", questions=(studios.question(90), studios.question(91))),
    Variant(label="own"),
]


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def rows(studio: Studio) -> int:
    with studio.store.database.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])


def test_a_trial_gives_what_a_run_would_and_stores_nothing(here: Studio) -> None:
    task, checkpoints = collection.open_set(here.settings, "little"), here.catalogue.checkpoints
    trial = Trial(here, task, VARIANTS, checkpoints)
    assert np.isnan(trial.measurements()[0].curves[0].ll).all()
    trial.compute()
    assert rows(here) == 0
    other, own = trial.measurements()
    evaluate.evaluate(here, task, checkpoints)
    stored = results.load_measurements(here, task, checkpoints)
    for tried, run in zip(own.curves, stored.curves, strict=True):
        np.testing.assert_array_equal(tried.ll, run.ll)
    assert other.question_ids == ("q90", "q91")
    assert not np.isnan(other.curves[0].ll).any()


def test_a_worker_hands_a_trial_over_once(here: Studio) -> None:
    task, checkpoints = collection.open_set(here.settings, "little"), here.catalogue.checkpoints
    trial = Trial(here, task, VARIANTS, checkpoints)
    job = start.submit_run(here, task, checkpoints, kind=start.TRIAL, variants=trial.variants)
    assert run_progress(here.jobs, here.jobs.get(job), task).total == 8 * len(checkpoints)
    assert not trials.take_results(here, job, trial), "it has not begun"
    assert start.latest_job(here, "little") is None, "a trial is no run of the set"
    assert worker.run_worker(here, once=True) == 1
    assert here.jobs.get(job).state == "done"
    assert rows(here) == 0
    (left,) = (here.settings.cache / "trials").iterdir()
    assert left.stat().st_mode & 0o077 == 0
    assert trials.take_results(here, job, trial)
    assert not np.isnan(trial.measurements()[0].curves[-1].ll).any()
    assert not any((here.settings.cache / "trials").iterdir())
    assert not trials.take_results(here, job, Trial(here, task, VARIANTS, checkpoints)), "it is gone"


def test_what_nobody_reads_is_deleted_by_a_later_trial(here: Studio) -> None:
    task, checkpoints = collection.open_set(here.settings, "little"), here.catalogue.checkpoints[:1]
    jobs = []
    for _ in range(2):
        jobs.append(start.submit_run(here, task, checkpoints, kind=start.TRIAL, variants=VARIANTS[:1]))
        worker.run_worker(here, once=True)
        old = here.settings.cache / "trials" / f"{jobs[0]}.npz"
        if old.exists():
            os.utime(old, (time.time() - 2 * trials.KEPT_S,) * 2)
    assert [path.name for path in (here.settings.cache / "trials").iterdir()] == [f"{jobs[1]}.npz"]


def test_a_new_trial_of_a_set_replaces_the_one_before(here: Studio) -> None:
    task, checkpoints = collection.open_set(here.settings, "little"), here.catalogue.checkpoints
    first = start.submit_run(here, task, checkpoints, kind=start.TRIAL, variants=VARIANTS)
    start.submit_run(here, task, checkpoints, kind=start.TRIAL, variants=VARIANTS)
    assert here.jobs.get(first).state == "cancelled"


def test_too_much_for_one_trial_is_refused(here: Studio) -> None:
    task, checkpoints = collection.open_set(here.settings, "little"), here.catalogue.checkpoints
    with pytest.raises(TaskError, match="41 variants are too many"):
        Trial(here, task, [Variant(label="x")] * 41, checkpoints)
    many = Variant(label="x", questions=(studios.question(1),) * (trials.MAX_PROMPTS + 1))
    with pytest.raises(TaskError, match="prompts are too many"):
        Trial(here, task, [many], checkpoints)
