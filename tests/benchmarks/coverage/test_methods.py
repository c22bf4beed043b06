"""The studies' further interval methods on replicates that are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage.methods import METHODS, MirroredReplicates, interval, mirrored_replicates
from e2lm_core.scores.uncertainty import intervals, methods
from e2lm_core.scores.uncertainty.methods import Bounds, Replicates
from tests.support import simulation

RNG = np.random.default_rng(0)
Z = 1.959963984540054
FURTHER = sorted(METHODS.keys() - methods.METHODS.keys())


def given_normal(estimate: float, centre: float, spread: float) -> MirroredReplicates:
    forward = centre + spread * RNG.standard_normal(20_000)
    return MirroredReplicates(np.asarray(estimate), forward, forward.copy(), 2 * centre - forward)


def of(method: str, replicates: Replicates) -> Bounds:
    return METHODS[method](replicates, 0.95)


def test_the_studios_methods_are_among_the_studies() -> None:
    assert methods.METHODS.items() <= METHODS.items()
    assert len(FURTHER) == 6


@pytest.mark.parametrize("method", FURTHER)
def test_without_bias_every_method_is_the_normal_interval(method: str) -> None:
    low, high = of(method, given_normal(estimate=5.0, centre=5.0, spread=0.1))
    assert low == pytest.approx(5 - Z * 0.1, abs=0.01)
    assert high == pytest.approx(5 + Z * 0.1, abs=0.01)


def test_what_each_method_does_with_bias() -> None:
    """S = 0.5, and resampling takes 0.1 off it."""
    given = given_normal(estimate=0.5, centre=0.4, spread=0.05)
    middle = {name: float(np.mean(of(name, given))) for name in FURTHER}
    assert middle["reflected"] == pytest.approx(0.6, abs=0.01)
    for name in ("noise_corrected", "pivot", "split_half", "parametric"):
        assert middle[name] == pytest.approx(0.5, abs=0.01), name


def test_a_skewed_spread_is_kept_or_reflected() -> None:
    skewed = RNG.exponential(size=20_000)
    given = Replicates(np.asarray(1.0), skewed, np.zeros(20_000))
    kept, turned = of("noise_corrected", given), of("pivot", given)
    assert kept[1] - 1 > 1 - kept[0]
    assert turned[1] - 1 < 1 - turned[0]


def test_split_half_halves_the_difference_of_the_halves() -> None:
    forward = np.array([0.6, 0.4] * 50)
    low, high = of("split_half", MirroredReplicates(np.asarray(0.5), forward, forward, 1 - forward))
    assert (high - low) / 2 == pytest.approx(Z * 0.1)


def test_a_ratio_has_a_relative_spread() -> None:
    given = Replicates(np.asarray(8.0), np.exp(RNG.normal(1.0, 0.2, 20_000)), np.zeros(20_000))
    low, high = of("relative", given)
    assert np.log(high / 8) == pytest.approx(Z * 0.2, rel=0.03)
    assert low * high == pytest.approx(64)


def test_an_interval_is_cut_as_the_studio_cuts_it() -> None:
    given = given_normal(estimate=0.99, centre=0.9, spread=0.1)
    assert interval("normal", given, (0.0, 1.0), 0.95) == methods.interval("normal", given, (0.0, 1.0))
    assert interval("reflected", given, (0.0, 1.0), 0.95)[1] == 1.0


def test_mirrored_replicates_lie_on_the_other_side_of_the_measured_curves() -> None:
    fleet = simulation.fleet("fast", 1)
    runs = simulation.runs(fleet, simulation.draw(fleet, 60, 1))
    given = intervals.resample(runs, np.full(60, 4), ("margin",), resamples=20)
    whole, models = mirrored_replicates(given, "margin")
    assert set(models) == set(runs)
    plain, _ = intervals.replicates(given, "margin")
    np.testing.assert_array_equal(whole["sq"].forward, plain["sq"].forward)
    assert whole["sq"].mirrored.shape == (20,)
    assert (whole["sq"].mirrored != whole["sq"].forward).any()
