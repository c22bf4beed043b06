"""Intervals of shares against published figures, and what no interval may do: have no width, or leave its share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.scores.uncertainty.means import proportions

Z = 1.959964


def test_wilsons_interval_by_hand() -> None:
    # 10 of 10: 1 / (1 + z^2 / 10) = 10 / 13.8415; 81 of 263 is Newcombe's (1998) first example, .2553 to .3662.
    low, high = proportions.wilson([1.0, 81 / 263, 0.0], [10, 263, 10], Z)
    np.testing.assert_allclose(low, [0.7225, 0.2553, 0.0], atol=5e-5)
    np.testing.assert_allclose(high, [1.0, 0.3662, 0.2775], atol=5e-5)


def test_newcombes_difference_is_the_published_one() -> None:
    # Newcombe 1998, Table II, 56/70 - 48/80, method 10: .0524 to .3339.
    second, first = 56 / 70, 48 / 80
    low, high = proportions.newcombe(
        first, proportions.wilson(first, 80, Z), second, proportions.wilson(second, 70, Z)
    )
    np.testing.assert_allclose([low, high], [0.0524, 0.3339], atol=5e-5)


def test_bonett_and_prices_by_hand() -> None:
    # 8 better and 2 worse of 50: (9 - 3) / 52, and the variance of 9 ones and 3 minus ones among 52.
    size = proportions.pseudo_count_size(10 / 50, 50, 10, 1.0)
    centre, error = proportions.bonett_price(6 / 50, 10 / 50, 50, size)
    assert size == 1
    assert centre == pytest.approx(6 / 52)
    assert error == pytest.approx(np.sqrt((12 / 52 - (6 / 52) ** 2) / 52))


def test_a_made_up_change_is_as_large_as_the_others_where_there_are_many() -> None:
    assert proportions.pseudo_count_size(0.0, 40, 0, 1.0) == 1  # none has changed: one may change altogether
    assert proportions.pseudo_count_size(0.01, 1000, 1000, 1.0) == pytest.approx(0.1, rel=0.06)


def test_an_effective_number_of_yes_or_no_questions() -> None:
    assert proportions.effective_size(0.5, 0.25 / 40, 40) == 40
    assert proportions.effective_size([1.0, 0.3], [0.0, 0.0], 7).tolist() == [7, 7]
    assert proportions.effective_size(0.5, 1.0, 7) == 1


@given(st.integers(1, 400), st.floats(0, 1), st.floats(1, 4))
def test_wilsons_holds_its_share_within_0_and_1_and_has_a_width(
    number: int, share: float, quantile: float
) -> None:
    low, high = proportions.wilson(share, number, quantile)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    assert high - low > 1e-4
    again = proportions.wilson(1 - share, number, quantile)
    np.testing.assert_allclose(again, (1 - high, 1 - low), atol=1e-9)
    wider = proportions.wilson(share, number / 2, quantile)
    assert wider[1] - wider[0] >= high - low - 1e-12


@given(st.lists(st.sampled_from([-1, 0, 0, 0, 1]), min_size=1, max_size=80))
def test_a_paired_difference_always_has_a_width_and_turns_with_its_sides(changes: list[int]) -> None:
    d = np.array(changes, dtype=float)
    size = proportions.pseudo_count_size((d**2).mean(), len(d), np.count_nonzero(d), 1.0)
    centre, error = proportions.bonett_price(d.mean(), (d**2).mean(), len(d), size)
    turned = proportions.bonett_price(-d.mean(), (d**2).mean(), len(d), size)
    assert error > 0
    assert turned[0] == pytest.approx(-centre)
    assert turned[1] == pytest.approx(error)
