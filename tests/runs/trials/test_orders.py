"""Trials of other orders of choices."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials import orders as order_trials
from e2lm_core.sets import collection
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def test_every_right_answer_stands_at_every_place_once(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    trial = order_trials.plan_order_trial(here, task, here.catalogue.checkpoints, as_letters=True)
    assert trial.variants[0].label == "as it stands"
    places = [[int(m.gold[q]) for m in trial.measurements()] for q in range(6)]
    assert all(sorted(of) == [0, 1, 2, 3] for of in places)
    assert {c.step for c in trial.checkpoints} == {max(studios.STEPS)}, "each model's last checkpoint alone"
    trial.compute()
    found = order_trials.judge_order_trial(trial)
    assert len(found.accuracy) == 4
    assert len(found.questions) == 6
    # A real order: a letter's request differs by what stands before it.
    assert len({doc.context for doc in trial.prompts()}) == 24


def test_random_orders(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    trial = order_trials.plan_order_trial(here, task, here.catalogue.checkpoints, draws=3, as_letters=True)
    assert len(trial.variants) == 4
    with pytest.raises(TaskError, match="draw 1 to 20"):
        order_trials.plan_order_trial(here, task, here.catalogue.checkpoints, draws=0, as_letters=True)


def test_a_format_that_shows_no_choices_is_not_run_again(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    with pytest.raises(TaskError, match="their order does not change what a model reads"):
        order_trials.plan_order_trial(here, task, here.catalogue.checkpoints)
