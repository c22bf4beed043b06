"""The control: what is right unread, how often luck gives as much, and which questions are given away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions.suspects import wrong_question_control
from e2lm_core.scores.measurements import Measurements
from tests.support.simulation import answered


def unread(own: Measurements, others: int = 4, familiar: tuple[int, ...] = (), seed: int = 5) -> Measurements:
    """Results of a control: tastes that have nothing to do with the key, but for questions whose key is familiar."""
    rng = np.random.default_rng(seed)
    number, width = own.chars.shape
    tastes = rng.normal(size=(1, 1, number, width))
    curves = []
    for curve in own.curves:
        ll = tastes + rng.normal(scale=0.3, size=(1, 1 + others, number, width))
        for q in familiar:
            ll[:, :, q, own.gold[q]] += 8
        curves.append(replace(curve, checkpoints=curve.checkpoints[-1:], ll=ll.reshape(1, -1, width)))
    ids = tuple(f"{variant} {name}" for variant in range(1 + others) for name in own.question_ids)
    return replace(
        own, question_ids=ids, chars=np.tile(own.chars, (1 + others, 1)), curves=tuple(curves), keys=()
    )


def test_a_set_that_must_be_read_is_right_as_often_as_chance():
    own = answered(200)
    found = wrong_question_control.evaluate_control(own, unread(own))
    assert found.others == pytest.approx(0.25, abs=0.08)
    assert found.p > 0.05
    assert [one.model for one in found.models] == [curve.model.name for curve in own.curves]


def test_familiar_keys_are_given_away_and_the_set_is_told_from_luck():
    own = answered(100)
    found = wrong_question_control.evaluate_control(own, unread(own, familiar=tuple(range(40))))
    assert found.p < 0.001
    listed = {suspect.question_id for suspect in found.listed}
    assert {f"q{n}" for n in range(40)} <= listed
    assert len(found.listed) > found.by_luck
    assert found.listed[0].evidence > 0.9


def test_luck_gives_as_many_favourites_as_there_are_choices_for_them():
    """Under keys drawn at random the number of giveaways is, on average, the one that is said."""
    own = answered(300)
    rng = np.random.default_rng(3)
    counts = []
    asked = unread(own, familiar=tuple(range(50)))
    for _ in range(25):
        drawn = replace(own, gold=rng.integers(0, 4, 300))
        found = wrong_question_control.evaluate_control(drawn, asked)
        counts.append(len(found.listed))
    assert np.mean(counts) == pytest.approx(found.by_luck, abs=3.0)


def test_p_is_small_as_often_as_it_says_where_keys_are_random():
    own = answered(80)
    asked = unread(own)
    rng = np.random.default_rng(4)
    small = [
        wrong_question_control.evaluate_control(replace(own, gold=rng.integers(0, 4, 80)), asked).p <= 0.05
        for _ in range(60)
    ]
    assert np.mean(small) == pytest.approx(0.05, abs=0.08)


def test_nothing_run_is_no_control_and_a_single_question_has_the_blank_prompt_alone():
    own = answered(30)
    nothing = unread(own)
    nothing = replace(
        nothing, curves=tuple(replace(c, ll=np.full_like(c.ll, np.nan)) for c in nothing.curves)
    )
    assert wrong_question_control.evaluate_control(own, nothing) is None
    blank = wrong_question_control.evaluate_control(own, unread(own, others=0))
    assert (blank.others, blank.p) == (None, None)
