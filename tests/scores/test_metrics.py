"""Per-question metrics: by hand first, then what must hold for any log-likelihoods."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.records import METRICS
from e2lm_core.scores.metrics import chance, curve, oriented, per_question

NAN = math.nan


def one(ll, gold=0, chars=(1, 1, 1, 1), gold_bytes=1):
    values = per_question(
        np.array([[ll]]), np.array([gold]), np.array([chars[: len(ll)]], float), np.array([gold_bytes])
    )
    return {metric: value[0, 0] for metric, value in values.items()}


def test_all_five_by_hand():
    got = one([-2.0, -1.0, -3.0, -4.0], gold=0, chars=(4, 1, 2, 2), gold_bytes=5)
    assert set(got) == set(METRICS)
    assert got["acc"] == 0.0  # -1 is the largest
    assert got["acc_norm"] == 1.0  # -.5 against -1, -1.5, -2
    assert got["margin"] == pytest.approx(-2.0 + 8 / 3)
    exps = [math.exp(x) for x in (-2, -1, -3, -4)]
    assert got["norm_prob"] == pytest.approx(exps[0] / sum(exps))
    assert got["bpb"] == pytest.approx(2.0 / (5 * math.log(2)))


def test_first_of_equal_choices_is_the_answer_as_in_the_harness():
    assert one([-1.0, -1.0], gold=0)["acc"] == 1.0
    assert one([-1.0, -1.0], gold=1)["acc"] == 0.0


def test_padding_enters_nothing():
    ll = np.array([[[-2.0, -1.0, 99.0], [-3.0, -2.0, -1.0]]])
    chars = np.array([[2, 3, NAN], [1, 1, 1]])
    got = per_question(ll, np.array([1, 2]), chars, np.array([3, 1]))
    alone = per_question(ll[:, :1, :2], np.array([1]), chars[:1, :2], np.array([3]))
    for metric in METRICS:
        assert got[metric][0, 0] == alone[metric][0, 0]


def test_a_missing_real_choice_makes_the_question_missing_there_only():
    ll = np.array([[[-2.0, NAN], [-1.0, -2.0]], [[-2.0, -3.0], [-1.0, -2.0]]])
    got = per_question(ll, np.array([0, 0]), np.ones((2, 2)), np.ones(2))
    for values in got.values():
        assert np.isnan(values).tolist() == [[True, False], [False, False]]
        assert np.isnan(curve(values)).tolist() == [True, False]


def test_very_unlikely_choices_neither_overflow_nor_vanish():
    got = one([-5000.0, -5001.0])
    assert got["norm_prob"] == pytest.approx(1 / (1 + math.exp(-1)))


@pytest.mark.parametrize(
    ("gold", "chars", "size"),
    [(2, [[1, 1]], [1]), (-1, [[1, 1]], [1]), (1, [[1, NAN]], [1]), (0, [[0, 1]], [1]), (0, [[1, 1]], [0])],
)
def test_impossible_questions_are_refused(gold, chars, size):
    with pytest.raises(ValueError):
        per_question(np.zeros((1, 1, 2)), np.array([gold]), np.array(chars, float), np.array(size))


def test_shapes_that_disagree_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        per_question(np.zeros((1, 2, 2)), np.array([0]), np.ones((1, 2)), np.ones(1))
    with pytest.raises(ValueError, match="gold_bytes"):
        per_question(np.zeros((1, 1, 2)), np.array([0]), np.ones((1, 2)), np.ones(2))


def test_chance_is_the_mean_of_one_over_choices():
    assert chance([4, 4, 2]) == pytest.approx((0.25 + 0.25 + 0.5) / 3)
    assert math.isnan(chance([]))
    with pytest.raises(ValueError):
        chance([4, 0])


def test_curve_is_a_mean_over_questions_and_never_zero_for_nothing():
    assert curve([[1.0, 0.0], [1.0, 1.0]]).tolist() == [0.5, 1.0]
    assert np.isnan(curve(np.zeros((3, 0)))).all()


def test_bpb_is_negated_and_nothing_else():
    assert oriented("bpb", [1.0, 2.0]).tolist() == [-1.0, -2.0]
    assert oriented("acc", [1.0, 2.0]).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="f1"):
        oriented("f1", [1.0])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_order_of_choices_and_a_common_shift_change_nothing(data):
    choices = data.draw(st.integers(2, 6))
    ll = data.draw(st.lists(st.floats(-200, -0.01), min_size=choices, max_size=choices, unique=True))
    order = data.draw(st.permutations(range(choices)))
    before = one(ll, gold=0, chars=(3,) * choices)
    moved = one([ll[i] for i in order], gold=order.index(0), chars=(3,) * choices)
    for metric in METRICS:
        assert moved[metric] == pytest.approx(before[metric], rel=1e-9, abs=1e-9)
    shifted = one([x - 7.0 for x in ll], gold=0, chars=(3,) * choices)
    assert shifted["margin"] == pytest.approx(before["margin"], abs=1e-9)
    assert shifted["norm_prob"] == pytest.approx(before["norm_prob"], abs=1e-9)


def test_leading_axes_are_carried_along():
    rng = np.random.default_rng(0)
    ll = -rng.random((3, 2, 5, 4))  # three models at once
    gold, chars, size = rng.integers(0, 4, 5), rng.integers(1, 9, (5, 4)).astype(float), np.full(5, 4)
    together = per_question(ll, gold, chars, size)
    for m in range(3):
        for metric, values in per_question(ll[m], gold, chars, size).items():
            np.testing.assert_array_equal(together[metric][m], values)
