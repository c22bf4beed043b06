"""Components of a curve's noise, each by itself."""

from __future__ import annotations

import pytest

from e2lm_core.analysis.curves import noises
from e2lm_core.scores.uncertainty import set_intervals
from tests.support.measured import LARGE, SEED2, SMALL, curve, measurements


def test_seeds_are_known_where_a_model_was_trained_twice_and_are_less_than_both() -> None:
    low, high = [0.3] * 10, [0.5] * 10
    both = measurements(
        curve(SMALL, low, questions=100), curve(SEED2, high, questions=100), curve(LARGE, low, questions=100)
    )
    found = noises.noise_components(both, set_intervals.resample(both, ("acc",)), "acc")
    assert found[SMALL.name].checkpoints == 0
    assert found[SMALL.name].questions == 0  # the same questions are right at every checkpoint
    assert found[SMALL.name].seeds == found[LARGE.name].seeds == pytest.approx(0.2 / 2**0.5, rel=0.05)
    table = noises.noise_frame(found)
    assert list(table) == ["model", "question noise", "checkpoint noise", "seed noise"]


def test_nobody_trained_twice_leaves_it_open() -> None:
    one = measurements(curve(SMALL, [0.3] * 10))
    found = noises.noise_components(one, set_intervals.resample(one, ("acc",)), "acc")
    assert found[SMALL.name].seeds is None
    assert noises.noise_frame(found)["seed noise"].isna().all()
    assert noises.noise_frame({}).empty
