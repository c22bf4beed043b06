"""Holm by hand; and how often anything is found among many comparisons where there is nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from e2lm_core.scores.uncertainty.means.multiple_testing import first_significant_index, holm


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, np.nan, 0.02]), [0.5, np.nan, 0.04])
    assert holm([]).tolist() == []


def test_a_place_by_hand() -> None:
    assert first_significant_index([[0.2, 0.01, 0.04]]).tolist() == [1]
    assert first_significant_index([[0.01, 0.2, 0.04]]).tolist() == [2]
    assert first_significant_index([[0.01, 0.01, 0.06]]).tolist() == [3]
    # Two curves: ends at .025 and .05, earlier checkpoints at .025.
    assert first_significant_index([[0.02, 0.03, 0.01], [0.02, 0.01, 0.04]]).tolist() == [2, 0]
    assert first_significant_index([]).tolist() == []
    assert first_significant_index([[]]).tolist() == [0]


def test_nothing_is_found_in_nothing_in_19_of_20_families() -> None:
    """15 pairs of curves over 12 checkpoints whose noise wanders: any claim at all, in 1,000 families."""
    random = np.random.default_rng(2)
    noise = random.normal(size=(1000, 15, 12))
    for k in range(1, 12):
        noise[..., k] = 0.8 * noise[..., k - 1] + 0.6 * noise[..., k]
    p = 2 * norm.sf(np.abs(noise))
    found = [bool((first_significant_index(list(family)) < 12).any()) for family in p]
    assert np.mean(found) <= 0.065
    alone = [(p[n] <= 0.05)[:, -1].any() for n in range(1000)]
    assert np.mean(alone) > 0.4  # what judging each at 95% does


@given(st.lists(st.floats(0, 1), max_size=12))
def test_an_adjusted_p_is_no_smaller_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
