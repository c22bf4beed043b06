"""Measuring again takes over what cannot have changed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.records import TaskSet
from e2lm_core.runs import evaluate, measure
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import collection
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def little(here: Studio) -> TaskSet:
    return collection.open_set(here.settings, "little")


def edited(task: TaskSet) -> TaskSet:
    """Another second question, the first two in the other order, and one fewer at the end."""
    first, _, *rest = task.questions
    changed = studios.question(77, id="q2", choices=("1", "2", "3", "4", "5"))
    return task.model_copy(update={"questions": (changed, first, *rest[:-1])})


def same(a: Measurements, b: Measurements) -> bool:
    return (a.question_ids, a.keys, a.scopes) == (b.question_ids, b.keys, b.scopes) and all(
        np.array_equal(x.ll, y.ll, equal_nan=True) for x, y in zip(a.curves, b.curves, strict=True)
    )


def test_an_edited_set_is_measured_as_if_for_the_first_time(here: Studio) -> None:
    task, every = little(here), here.catalogue.checkpoints
    evaluate.evaluate(here, task, every[:15])
    before = measure.measure(here, task, every)
    evaluate.evaluate(here, edited(task), every[10:12])
    evaluate.evaluate(here, task, every[15:20])
    again = measure.measure(here, edited(task), every, like=before)
    assert same(again, measure.measure(here, edited(task), every))
    assert same(measure.measure(here, task, every[5:], like=again), measure.measure(here, task, every[5:]))


def test_other_prompts_and_other_weights_take_nothing_over(here: Studio, monkeypatch) -> None:
    task, every = little(here), here.catalogue.checkpoints
    evaluate.evaluate(here, task, every)
    before = measure.measure(here, task, every)
    assert measure.measure(here, task, every, 1, like=before).measured == 0
    real = here.backend.scope
    monkeypatch.setattr(
        here.backend, "scope", lambda c: real(c).model_copy(update={"fingerprint": f"anew {c.name}"})
    )
    assert measure.measure(here, task, every, like=before).measured == 0
    assert measure.refreshed(here, before).measured == 0


def test_refreshing_adds_what_came_in_and_is_the_same_object_where_nothing_did(here: Studio) -> None:
    task, every = little(here), here.catalogue.checkpoints
    nothing = measure.measure(here, task, every)
    assert measure.refreshed(here, nothing) is nothing
    evaluate.evaluate(here, task, every[3:9])
    some = measure.refreshed(here, nothing)
    assert some.complete_checkpoints == 6
    assert same(some, measure.measure(here, task, every))
    assert measure.refreshed(here, some) is some
