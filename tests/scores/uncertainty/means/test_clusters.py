"""Groups by hand, and the design effect as the ratio of variances that it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.scores.uncertainty.means.clusters import design_effect, intraclass_correlation


def test_pairs_by_hand() -> None:
    groups = ["a", "a", "b", "b"]
    assert intraclass_correlation([1, 1, 0, 0], groups) == 1
    assert design_effect([1, 1, 0, 0], groups) == 2
    # Means .5 and .5: between 0, within 1 / 2 each of 2 degrees of freedom: (0 - .5) / (0 + .5).
    assert intraclass_correlation([1, 0, 1, 0], groups) == pytest.approx(-1)
    assert design_effect([1, 0, 1, 0], groups) == 1
    # Means 1 and .5: MSB = .25, MSW = .25.
    assert intraclass_correlation([1, 1, 1, 0], groups) == pytest.approx(0)


def test_groups_of_unequal_size_by_hand() -> None:
    # Means .75 and 0: MSB = .75, MSW = .75 / 4, m0 = 6 - 20 / 6 = 8 / 3: (12 - 3) / (12 + 5) sixteenths.
    assert intraclass_correlation([1, 1, 1, 0, 0, 0], ["a"] * 4 + ["b"] * 2) == pytest.approx(9 / 17)


def test_what_has_no_groups_has_no_effect() -> None:
    assert design_effect([1, 0, 1], [None, "", None]) == 1
    assert intraclass_correlation([1, 0, 1], [None, "", None]) is None
    assert intraclass_correlation([1, 1, 1, 1], ["a", "a", "b", "b"]) is None
    assert intraclass_correlation([1, 0], ["a", "a"]) is None
    assert design_effect([], []) == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.floats(0.1, 2))
def test_the_effect_is_that_of_the_correlation(seed: int, size: int, shared: float) -> None:
    random = np.random.default_rng(seed)
    values = (random.normal(0, shared, (4000, 1)) + random.normal(size=(4000, size))).ravel()
    groups = [f"g{n}" for n in range(4000) for _ in range(size)]
    correlation = intraclass_correlation(values, groups)
    assert correlation == pytest.approx(shared**2 / (shared**2 + 1), abs=0.15)
    assert design_effect(values, groups) == pytest.approx(max(1, 1 + (size - 1) * correlation), rel=0.05)
