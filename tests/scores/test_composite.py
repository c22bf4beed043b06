import numpy as np
import pytest

from e2lm_core.base.records import Value
from e2lm_core.scores.composite import WEIGHTS, score, weighted_sum


def known(x):
    return Value(value=x)


def test_weights_are_the_competitions():
    assert WEIGHTS == {"sq": 0.5, "rc": 0.1, "cs": 0.4}
    assert score(known(0.9), known(0.5), known(0.25)).value == pytest.approx(0.45 + 0.05 + 0.1)
    assert score(known(1.0), known(1.0), known(1.0)).value == pytest.approx(1.0)


def test_undefined_where_a_part_is_with_every_reason():
    got = score(known(0.9), Value(value=None, why="One model only."), Value(value=None, why="No twin."))
    assert got.value is None
    assert "Ranking consistency: One model only." in got.why
    assert "Compliance with science: No twin." in got.why
    assert "Signal" not in got.why


def test_a_zero_is_a_value():
    assert score(known(0.0), known(0.0), known(0.0)).value == 0.0


def test_arrays_add_elementwise_and_keep_what_is_missing():
    got = weighted_sum(np.array([1.0, np.nan]), np.array([1.0, 1.0]), 0.5)
    assert got[0] == pytest.approx(0.8)
    assert np.isnan(got[1])
