"""Smoothing: by hand, and what it never does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.analysis.curves.smoothing import HELP, METHODS, smooth_curve

curves = st.lists(st.floats(-10, 10), min_size=1, max_size=12)


def test_the_mean_of_three_by_hand() -> None:
    assert smooth_curve([0.0, 3.0, 6.0, 0.0], "mean of 3").tolist() == [1.5, 3.0, 3.0, 3.0]
    assert smooth_curve([1.0, 2.0], "mean of 3").tolist() == [1.5, 1.5]
    assert smooth_curve([1.0], "mean of 3").tolist() == [1.0]


def test_the_monotone_line_by_hand() -> None:
    assert smooth_curve([1.0, 3.0, 2.0, 4.0], "monotone").tolist() == [1.0, 2.5, 2.5, 4.0]
    assert smooth_curve([4.0, 2.0, 3.0], "monotone", lower_is_better=True).tolist() == [4.0, 2.5, 2.5]


@settings(max_examples=50, deadline=None)
@given(curves)
def test_smooth_lines_stay_within_the_points(values: list[float]) -> None:
    for method in METHODS:
        line = smooth_curve(values, method)
        assert len(line) == len(values)
        assert min(values) - 1e-9 <= line.min()
        assert line.max() <= max(values) + 1e-9
    assert (np.diff(smooth_curve(values, "monotone")) >= -1e-9).all()


def test_a_missing_point_is_refused_and_every_method_explained() -> None:
    with pytest.raises(ValueError, match="known points"):
        smooth_curve([1.0, float("nan")], "monotone")
    assert set(HELP) == set(METHODS)
