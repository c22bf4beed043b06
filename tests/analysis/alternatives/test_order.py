"""Orders of choices: a planted effect of the place is found, and none is found where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.alternatives.messages import orders as messages
from e2lm_core.analysis.alternatives.order import OrderEffect, order_effect
from e2lm_core.base.records import Checkpoint
from e2lm_core.scores.measurements import Measurements, ModelCurve
from tests.support.measured import LARGE, SEED2, SMALL, WEB, measurements

QUESTIONS, CHOICES = 60, 4


def under_orders(bonus: float, hanging: int = 0, seed: int = 3, missing: int | None = None) -> OrderEffect:
    """Every place in turn for models that know half; `bonus` nats for A, and much for A in the first questions."""
    rng = np.random.default_rng(seed)
    models = [SMALL, LARGE, SEED2, WEB] + [LARGE.model_copy(update={"name": f"m{n}"}) for n in range(6)]
    liked = {
        m.name: rng.normal(0, 1, (QUESTIONS, CHOICES)) for m in models
    }  # of the texts, wherever they stand
    gold = rng.integers(0, CHOICES, QUESTIONS)
    for m in models:
        liked[m.name][np.arange(QUESTIONS), gold] += 1.0
    measured: list[Measurements] = []
    for turn in range(CHOICES):
        curves = []
        for m in models:
            ll = np.roll(liked[m.name], -turn, axis=1) + rng.normal(0, 0.2, (QUESTIONS, CHOICES))
            ll[:, 0] += bonus
            ll[:hanging, 0] += 6.0
            if missing is not None:
                ll[missing, 1] = np.nan
            curves.append(ModelCurve(model=m, checkpoints=(Checkpoint(model=m, step=1),), ll=ll[None]))
        one = measurements(*curves)
        whole = replace(one, gold=(gold - turn) % CHOICES, chars=np.full((QUESTIONS, CHOICES), 1.0))
        measured.append(whole)
    return order_effect(measured, [f"moved by {turn}" for turn in range(CHOICES)])


def test_a_planted_effect_of_the_place_is_found() -> None:
    found = under_orders(bonus=0.8)
    assert found.p <= 0.005
    assert int(np.argmax(found.by_place)) == 0
    assert found.answered[0] > 0.3
    assert "Right answers at A are found" in messages.place_sentence(found)
    assert found.models == 9, "web-only twins take no part"


def test_none_is_found_where_there_is_none() -> None:
    ps = [under_orders(bonus=0.0, seed=seed).p for seed in range(10, 20)]
    assert sum(p <= 0.05 for p in ps) <= 2
    calm = under_orders(bonus=0.0, seed=10)
    assert "no difference" in messages.place_sentence(calm)
    assert len(calm.hanging) <= 3 * calm.expected + 3


def test_the_questions_that_hang_on_the_place_come_first() -> None:
    found = under_orders(bonus=0.0, hanging=5)
    assert {one.question_id for one in found.questions[:5]} == {f"q{n}" for n in range(5)}
    assert all((one.by_place[0] or 0) > 0.9 for one in found.questions[:5])
    assert f"{len(found.hanging)} of 60 questions hang" in messages.questions_sentence(found)
    assert found.expected == pytest.approx(3.0)


def test_spread_and_interval() -> None:
    found = under_orders(bonus=0.8)
    assert found.spread == pytest.approx(max(found.accuracy) - min(found.accuracy))
    assert found.interval is not None
    assert found.interval[0] < found.accuracy[0] < found.interval[1]
    assert "moves the accuracy by" in messages.headline(found)
    document = messages.document(found)
    assert [row["place"] for row in document["places"]] == ["A", "B", "C", "D"]
    assert len(document["questions"]) == QUESTIONS
    assert messages.question_rows(found)[0]["A"] is not None


def test_questions_without_all_results_are_left_out() -> None:
    found = under_orders(bonus=0.0, missing=2)
    assert len(found.questions) == QUESTIONS - 1
    assert "q2" not in {one.question_id for one in found.questions}
