"""Where a curve stays on one side for good, by hand and by properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.scores.uncertainty.means.onset import estimate_onset, first_lasting_index


@pytest.mark.parametrize(
    ("holds", "place"),
    [([1, 1, 1], 0), ([1, 0, 1], 2), ([0, 1, 1], 1), ([1, 1, 0], 3), ([0, 0, 0], 3), ([1], 0), ([0], 1)],
)
def test_the_last_stretch_by_hand(holds: list[int], place: int) -> None:
    assert int(first_lasting_index(np.array(holds, bool))) == place


def test_further_axes_are_carried_along() -> None:
    assert first_lasting_index([[[True, False], [True, True]]]).tolist() == [[2, 0]]


def test_a_crossing_by_hand() -> None:
    drawn = np.vstack([np.tile([-1.0, 1.0, 1.0], (98, 1)), np.tile([-1.0, -1.0, -1.0], (2, 1))])
    found = estimate_onset([-1.0, 0.5, 0.5], drawn, 0.95)
    assert (found.measured, found.low, found.high) == (1, 1, 1)
    assert found.share == 0.98
    drawn[:10] = -1.0
    found = estimate_onset([-1.0, 0.5, 0.5], drawn, 0.95)
    assert (found.measured, found.low, found.high) == (1, 1, 3)  # 3 of 3 checkpoints: never


def test_a_tie_at_the_end_counts_half_and_is_not_above() -> None:
    found = estimate_onset([0.0], np.array([[0.0], [0.0], [1.0], [-1.0]]), 0.95)
    assert found.share == 0.5
    assert found.measured == 1


def test_without_an_interval_the_measured_place_remains() -> None:
    found = estimate_onset([1.0, 1.0], np.ones((5, 2)), math.nan)
    assert (found.measured, found.low, found.high) == (0, None, None)


@pytest.mark.parametrize(
    ("values", "drawn"), [([], np.ones((5, 0))), ([1.0], np.ones((5, 2))), ([1.0], [1.0])]
)
def test_other_shapes_are_refused(values: list[float], drawn: object) -> None:
    with pytest.raises(ValueError, match="expected a difference"):
        estimate_onset(values, drawn, 0.95)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_places_are_in_order_and_follow_a_shift(seed: int, points: int) -> None:
    random = np.random.default_rng(seed)
    drawn = random.normal(size=(40, points))
    found = estimate_onset(drawn[0], drawn, 0.9)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.high <= points
    higher = estimate_onset(drawn[0] + 0.5, drawn + 0.5, 0.9)
    assert higher.measured <= found.measured
