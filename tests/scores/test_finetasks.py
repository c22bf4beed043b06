"""FineTasks' four criteria, by hand and where they are undefined."""

import math

import numpy as np
import pytest
from scipy import stats

from e2lm_core.scores.finetasks import THRESHOLDS, criteria, ordering_consistency, seed_deviation

CURVES = np.array([[0.25, 0.30, 0.40, 0.50], [0.26, 0.28, 0.27, 0.45]])
SEEDS = np.array([[0.25, 0.30, 0.40, 0.50], [0.27, 0.32, 0.42, 0.52]])  # everywhere .02 apart


def test_by_hand():
    got = criteria(CURVES, 0.25, SEEDS)
    assert set(got) == set(THRESHOLDS)
    deviation = 0.02 / math.sqrt(2)
    assert got["monotonicity"].value == pytest.approx((1 + stats.spearmanr(range(4), CURVES[1])[0]) / 2)
    assert got["snr"].value == pytest.approx(0.475 / deviation)
    assert got["above_baseline"].value == pytest.approx(0.25 / deviation)
    assert got["ordering"].value == pytest.approx((-1 + 1 + 1) / 3)


def test_seed_noise_is_null_without_replicates():
    for seeds in (None, SEEDS[:1]):
        got = criteria(CURVES, 0.25, seeds)
        for name in ("snr", "above_baseline"):
            assert got[name].value is None
            assert "seeds" in got[name].why
        assert got["monotonicity"].value is not None


@pytest.mark.parametrize("chance", [None, math.nan])
def test_no_baseline_without_a_chance_level(chance):
    got = criteria(CURVES, chance, SEEDS)
    assert got["above_baseline"].why == "This metric has no chance level."
    assert got["snr"].value is not None


def test_equal_seeds_have_no_noise():
    assert "no noise" in criteria(CURVES, 0.25, SEEDS[[0, 0]])["snr"].why


def test_missing_scores_are_said():
    hole = CURVES.copy()
    hole[0, 1] = math.nan
    assert all("missing" in value.why for value in criteria(hole, 0.25, SEEDS).values())
    seeds = SEEDS.copy()
    seeds[0, 0] = math.nan
    got = criteria(CURVES, 0.25, seeds)
    assert "seed" in got["snr"].why
    assert got["ordering"].value is not None


@pytest.mark.parametrize(
    ("curves", "name", "says"),
    [
        ([[0.2, 0.2]], "monotonicity", "flat"),
        ([[0.2]], "monotonicity", "2 checkpoints"),
        ([[0.2, 0.3]], "ordering", "2 models"),
        ([[0.2], [0.3]], "ordering", "2 checkpoints"),
        ([[0.2, 0.3], [0.2, 0.4]], "ordering", "same score"),
    ],
)
def test_undefined_says_why(curves, name, says):
    got = criteria(curves, 0.25, None)[name]
    assert got.value is None
    assert says in got.why


def test_every_undefined_value_has_a_reason():
    for curves in (np.zeros((0, 4)), np.zeros((2, 0)), np.zeros((1, 1)), np.ones((3, 5))):
        for value in criteria(curves, None, None).values():
            assert (value.value is None) == (value.why is not None)


def test_resamples_are_carried_along_without_a_loop():
    curves = np.random.default_rng(4).random((20, 5, 9))
    assert ordering_consistency(curves)[3] == pytest.approx(criteria(curves[3], None)["ordering"].value)
    assert seed_deviation(curves).shape == (20,)


def test_one_checkpoint_has_a_deviation_and_none_has_not():
    assert seed_deviation([[0.25], [0.27]]) == pytest.approx(0.02 / math.sqrt(2))
    assert math.isnan(seed_deviation(np.empty((2, 0))))


def test_curves_have_two_axes():
    with pytest.raises(ValueError):
        criteria([0.1, 0.2], 0.25)
