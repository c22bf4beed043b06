"""Interval methods on replicates that are known, and the taking out of noise on curves that are."""

import numpy as np
import pytest

from e2lm_core.scores.uncertainty.methods import METHODS, Replicates, denoise, interval, quantiles, wiggle

RNG = np.random.default_rng(0)
Z = 1.959963984540054


def given_normal(estimate=0.5, centre=0.5, spread=0.1, size=20_000):
    forward = centre + spread * RNG.standard_normal(size)
    return Replicates(np.asarray(estimate), forward, forward.copy())


def test_quantiles_are_numpys():
    samples = RNG.normal(size=(101, 3))
    np.testing.assert_allclose(
        quantiles(samples, [0.025, 0.975]), np.quantile(samples, [0.025, 0.975], axis=0)
    )


def test_undefined_replicates_are_left_out_while_they_are_few():
    samples = np.append(np.arange(100.0), [np.nan] * 5)
    assert quantiles(samples, [0.5])[0] == 49.5
    assert np.isnan(quantiles(np.append(samples, np.nan), [0.5]))
    assert np.isnan(quantiles(np.full(10, np.nan), [0.5]))


@pytest.mark.parametrize("method", [name for name in METHODS if name != "cautious"])
def test_without_bias_every_method_is_the_normal_interval(method):
    low, high = METHODS[method](given_normal(estimate=5.0, centre=5.0, spread=0.1), 0.95)
    assert low == pytest.approx(5 - Z * 0.1, abs=0.01)
    assert high == pytest.approx(5 + Z * 0.1, abs=0.01)


def test_what_each_method_does_with_bias():
    """S = 0.5, and resampling takes 0.1 off it."""
    given = given_normal(estimate=0.5, centre=0.4, spread=0.05)
    middle = {name: float(np.mean(METHODS[name](given, 0.95))) for name in METHODS}
    assert middle["percentile"] == pytest.approx(0.4, abs=0.01)
    for name in ("normal", "parametric_moved", "parametric_normal", "wider"):
        assert middle[name] == pytest.approx(0.5, abs=0.01), name


def test_the_wider_takes_the_larger_spread():
    forward, denoised = RNG.normal(0, 0.1, 9999), RNG.normal(0, 0.3, 9999)
    low, high = METHODS["wider"](Replicates(np.asarray(0.0), forward, denoised), 0.95)
    assert high == pytest.approx(Z * 0.3, rel=0.03)
    assert low == -high


def test_the_cautious_is_a_fifth_wider_still():
    given = given_normal()
    (low, high), (lower, higher) = METHODS["wider"](given, 0.95), METHODS["cautious"](given, 0.95)
    assert (higher - lower) == pytest.approx(1.2 * (high - low))


def test_the_regressed_leans_to_the_mean_of_the_wider_replicates_and_holds_the_score():
    forward, denoised = RNG.normal(0.4, 0.1, 9999), RNG.normal(0.6, 0.05, 9999)
    low, high = METHODS["regressed"](Replicates(np.asarray(0.5), forward, denoised), 0.95)
    assert (low, high) == pytest.approx((0.4 - Z * 0.1, 0.4 + Z * 0.1), abs=0.01)
    _, high = METHODS["regressed"](Replicates(np.asarray(0.9), forward, denoised), 0.95)
    assert high == 0.9
    # Scaled about the score: at .5 its middle lies halfway between the score and the replicates' mean.
    half = Replicates(np.asarray(0.5), forward, denoised)
    low, high = interval("regressed", half, (-np.inf, np.inf), scale=0.5)
    assert (low + high) / 2 == pytest.approx(0.45, abs=0.005)


def test_where_all_resamples_agree_a_bounded_score_keeps_a_little_room():
    same = Replicates(np.asarray(1.0), np.ones(100), np.ones(100))
    assert interval("normal", same, (0.0, 1.0)) == (0.995, 1.0)
    assert interval("normal", same, (0.0, np.inf)) == (1.0, 1.0)


def test_a_ratio_has_a_relative_spread():
    given = Replicates(np.asarray(8.0), np.zeros(1), np.exp(RNG.normal(1.0, 0.2, 20_000)))
    low, high = METHODS["parametric_relative"](given, 0.95)
    assert np.log(high / 8) == pytest.approx(Z * 0.2, rel=0.03)
    assert low * high == pytest.approx(64)


def test_intervals_are_cut_to_the_scores_range_and_undefined_with_the_score():
    forward = RNG.normal(0.9, 0.1, (500, 2))
    given = Replicates(np.array([0.99, np.nan]), forward, forward)
    low, high = interval("normal", given, (0.0, 1.0))
    assert high[0] == 1
    assert 0 < low[0] < 0.9
    assert np.isnan([low[1], high[1]]).all()


def test_an_unknown_method_is_said():
    with pytest.raises(ValueError, match="unknown method 'bca'; known are percentile"):
        interval("bca", given_normal(), (0, 1))


# --- denoise ------------------------------------------------------------------------------------------


def test_curves_without_noise_stay_as_they_are():
    curves = RNG.normal(size=(4, 9))
    np.testing.assert_allclose(denoise(curves, np.zeros((10, 4, 9))), curves)


def test_noise_alone_leaves_the_level():
    """Noise that is estimated at twice what is there explains everything but the level."""
    curves = 0.25 + 0.01 * RNG.standard_normal((4, 12))
    quiet = denoise(curves, 0.02 * RNG.standard_normal((400, 4, 12)))
    assert np.ptp(quiet) < 0.2 * np.ptp(curves)
    assert quiet.mean() == pytest.approx(curves.mean())


def test_a_strong_trend_survives_and_its_noise_goes():
    trend = np.linspace(0.2, 0.8, 12) + np.array([[-0.1], [0.0], [0.1]])
    errors_before, errors_after = [], []
    for _ in range(30):
        noisy = trend + 0.03 * RNG.standard_normal(trend.shape)
        quiet = denoise(noisy, 0.03 * RNG.standard_normal((200, *trend.shape)))
        errors_before.append(np.abs(noisy - trend).mean())
        errors_after.append(np.abs(quiet - trend).mean())
    assert np.mean(errors_after) < 0.75 * np.mean(errors_before)


def test_one_model_and_two_points_are_no_obstacle():
    curves = np.array([[0.1, 0.9]])
    np.testing.assert_allclose(denoise(curves, np.zeros((5, 1, 2))), curves)


# --- wiggle -------------------------------------------------------------------------------------------


def test_noise_of_questions_and_of_checkpoints_are_told_apart():
    truth = np.linspace(0, 1, 2000)
    curve = truth + 0.04 * RNG.standard_normal(2000) + 0.03 * RNG.standard_normal(2000)
    questions, checkpoints = wiggle(curve, 0.04 * RNG.standard_normal((50, 2000)))
    assert questions == pytest.approx(0.04, rel=0.03)
    assert checkpoints == pytest.approx(0.03, rel=0.2)


def test_a_straight_curve_has_no_checkpoint_noise():
    questions, checkpoints = wiggle(np.arange(6.0), np.zeros((5, 6)))
    assert (questions, checkpoints) == (0, 0)
    assert np.isnan(wiggle(np.zeros(2), np.zeros((5, 2)))).all()


def test_noise_that_moves_the_whole_curve_is_no_wiggle():
    level = RNG.standard_normal((50, 1)) * np.ones(8)
    questions, _ = wiggle(np.zeros(8), level)
    assert questions == pytest.approx(0, abs=1e-12)
