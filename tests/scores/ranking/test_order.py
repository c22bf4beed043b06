"""Ranks, Kendall's tau and ranking consistency, against scipy on ties and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from e2lm_core.scores.ranking.order import (
    average_ranks,
    consistency,
    ranking_consistency,
    ranks,
    tau,
    tau_matrix,
)

NAN = math.nan
# Few distinct values, so that most draws tie.
tied = st.lists(st.integers(0, 3), min_size=2, max_size=9)


def same(a, b):
    return (math.isnan(a) and math.isnan(b)) or a == pytest.approx(b, abs=1e-12)


def test_ranks_by_hand():
    scores = np.array([[0.3, 0.5], [0.7, 0.5], [0.5, 0.1]])
    assert ranks(scores).tolist() == [[3, 1.5], [1, 1.5], [2, 3]]


def test_a_missing_score_leaves_its_checkpoint_unranked():
    got = ranks(np.array([[0.3, NAN], [0.7, 0.5]]))
    assert got[:, 0].tolist() == [2, 1]
    assert np.isnan(got[:, 1]).all()


def test_tau_by_hand():
    assert tau([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)
    assert tau([1, 1, 2], [1, 2, 3]) == pytest.approx(2 / math.sqrt(2 * 3))
    assert tau([1, 2, 3], [1, 2, 3]) == 1.0


@pytest.mark.parametrize(("a", "b"), [([1, 1], [1, 2]), ([1], [1]), ([], []), ([1, NAN], [1, 2])])
def test_tau_is_nan_where_there_is_no_ranking(a, b):
    assert math.isnan(tau(a, b))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_equal_to_scipy_on_ties(data):
    a = data.draw(tied)
    b = data.draw(st.lists(st.integers(0, 3), min_size=len(a), max_size=len(a)))
    assert same(tau(a, b), float(stats.kendalltau(a, b).statistic))
    np.testing.assert_array_equal(average_ranks(a), stats.rankdata(a))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_models_may_come_in_any_order(data):
    a = data.draw(tied)
    b = data.draw(st.lists(st.integers(0, 3), min_size=len(a), max_size=len(a)))
    order = list(data.draw(st.permutations(range(len(a)))))
    before = tau(a, b)
    assert same(tau(np.array(a)[order], np.array(b)[order]), before)
    assert same(tau(b, a), before)
    assert same(tau(np.exp(a), b), before)  # only the order counts
    assert same(tau(np.negative(a), b), -before)


def test_tau_matrix_holds_each_pair_of_checkpoints():
    scores = np.random.default_rng(1).integers(0, 5, (6, 7)).astype(float)
    matrix = tau_matrix(scores)
    assert matrix.shape == (7, 7)
    for i in range(7):
        for j in range(7):
            assert same(matrix[i, j], tau(scores[:, i], scores[:, j]))
    scores[:, 2] = 1.0
    assert np.isnan(tau_matrix(scores)[2]).all()


def test_consistency_by_hand():
    end = [0.3, 0.5, 0.7]
    later = np.array([[0.4, 0.9, 0.4], [0.6, 0.5, 0.8], [0.8, 0.1, 0.6]])
    # tau: 1, -1 (counted as 0), 1/3
    assert ranking_consistency(end, later).value == pytest.approx((1 + 0 + 1 / 3) / 3)


@pytest.mark.parametrize(
    ("end", "later", "says"),
    [
        ([0.5], [[0.5]], "2 models"),
        ([], np.zeros((0, 3)), "2 models"),
        ([0.5, 0.6], np.zeros((2, 0)), "after the early window"),
        ([0.5, NAN], [[0.5], [0.6]], "missing"),
        ([0.5, 0.6], [[0.5], [NAN]], "missing"),
        ([0.5, 0.5], [[0.5], [0.6]], "early window's end"),
        ([0.5, 0.6], [[0.5, 0.4], [0.6, 0.4]], "1 of the 2"),
    ],
)
def test_undefined_consistency_says_why(end, later, says):
    got = ranking_consistency(end, later)
    assert got.value is None
    assert says in got.why


def test_consistency_refuses_other_shapes():
    with pytest.raises(ValueError):
        ranking_consistency([1, 2], [[1, 2, 3]])


def test_resamples_are_carried_along_without_a_loop():
    rng = np.random.default_rng(2)
    end, later = rng.random((50, 6)), rng.random((50, 6, 4))
    together = consistency(end, later)
    assert together.shape == (50,)
    for i in (0, 17, 49):
        assert together[i] == pytest.approx(ranking_consistency(end[i], later[i]).value, abs=1e-12)
    assert tau(end, end).tolist() == [1.0] * 50
    assert ranks(later).shape == later.shape
    assert tau_matrix(later).shape == (50, 4, 4)
    assert np.isnan(consistency(end, later[..., :0])).all()
