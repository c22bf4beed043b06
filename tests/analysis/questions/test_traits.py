"""Figures of single questions, worked out by hand, and what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import linregress

from e2lm_core.analysis.questions import traits
from tests.support import studios


def test_doublings_are_log2_of_tokens_and_of_steps_where_tokens_are_not_known() -> None:
    assert traits.log2_tokens([2, 4, 16], [1, 2, 3]).tolist() == [1, 2, 4]
    assert traits.log2_tokens([np.nan, 4, 16], [1, 2, 8]).tolist() == [0, 1, 3]
    assert np.isnan(traits.log2_tokens([0, 4], [0, 1])).tolist() == [True, False]


def test_slope_by_hand() -> None:
    values = np.array([[0.0, 5.0], [1.0, 5.0], [5.0, 5.0]])
    assert traits.least_squares_slope(values, [0, 1, 2]).tolist() == [2.5, 0.0]  # (−1·0 + 0·1 + 1·5) / 2
    # the point without a place on the axis is left out
    assert traits.least_squares_slope(values, [np.nan, 1, 2]).tolist() == [4.0, 0.0]
    assert np.isnan(traits.least_squares_slope(values, [np.nan, np.nan, 2])).all()


@settings(max_examples=20, deadline=None)
@given(hnp.arrays(float, (2, 6, 3), elements=st.floats(-5, 5)))
def test_slope_is_that_of_scipy(values: np.ndarray) -> None:
    x = np.array([0.0, 1.0, 1.5, 3.0, 4.0, 4.5])
    found = traits.least_squares_slope(values, x)
    for m in range(2):
        for q in range(3):
            assert found[m, q] == pytest.approx(linregress(x, values[m, :, q]).slope, abs=1e-9)


def test_discrimination_takes_growth_out_and_leaves_the_question_out() -> None:
    order = np.array([0.0, 1.0, 2.0])  # three models
    growth = np.array([0.0, 10.0, 20.0])  # three checkpoints
    with_the_rest = order[:, None] + growth
    against = -order[:, None] + growth  # grows as all do, but worse models do better on it
    flat = np.zeros((3, 3)) + growth
    values = np.stack([with_the_rest, with_the_rest * 2, with_the_rest * 2, against, flat], axis=-1)
    found = traits.discrimination(values)
    assert found[:4] == pytest.approx([1.0, 1.0, 1.0, -1.0])
    assert np.isnan(found[4])


def test_discrimination_by_hand() -> None:
    values = np.array([[[0.0, 0.0]], [[1.0, 0.0]], [[2.0, 3.0]]])  # [3 models, 1 checkpoint, 2 questions]
    # deviations −1, 0, 1 and −1, −1, 2: 3 / √(2 · 6)
    assert traits.discrimination(values) == pytest.approx([3 / np.sqrt(12)] * 2)


def test_discrimination_needs_three_models_and_two_questions() -> None:
    values = np.random.default_rng(0).random((3, 5, 4))
    assert np.isfinite(traits.discrimination(values)).all()
    assert np.isnan(traits.discrimination(values[:2])).all()
    assert np.isnan(traits.discrimination(values[..., :1])).all()


def test_text_traits_by_hand() -> None:
    found = traits.text_traits(
        [
            studios.question(1, question="Which?", choices=("abcd", "ab", "a"), answer=0),
            studios.question(2, question="Is it 7?", choices=("yes", ""), answer=0),
            studios.question(3, question="What?", choices=("H2O", "ozone"), answer=1),
        ]
    )
    assert found["length"].tolist() == [6, 8, 5]
    assert found["choices"].tolist() == [3, 2, 2]
    assert found["gold_ratio"][[0, 2]] == pytest.approx([4 / 1.5, 5 / 3])
    assert np.isnan(found["gold_ratio"][1])  # the others are empty
    assert found["digits"].tolist() == [False, True, True]
    assert traits.text_traits([])["length"].shape == (0,)
