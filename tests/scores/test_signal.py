"""Signal quality against a second implementation in plain Python, then AI2's two ratios."""

import json
import math
import os
import statistics
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from e2lm_core.scores.signal import (
    autocorrelation,
    mean_quality,
    pair_agreement,
    quality_bounds,
    rho,
    signal_quality,
    signal_to_noise,
    snr,
    spearman,
)
from tests.conftest import ROOT

NAN = math.nan
REFERENCE = Path(os.environ.get("E2LM_REFERENCE") or ROOT.parent / "shared" / "reference").resolve()
CURVES = REFERENCE / "e2lm-curves-arch1.json"


# --- the second implementation: no numpy, written from the definition alone ---------------------------


def plain_rho(y):
    n = len(y)
    by_size = sorted(range(n), key=lambda i: y[i])  # Python's sort is stable
    distance = sum((i - rank) ** 2 for rank, i in enumerate(by_size))
    return max(0.0, 1 - 6 * distance / (n * (n * n - 1)))


def plain_correlation(a, b):
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    both = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return both / math.sqrt(math.fsum((x - mean_a) ** 2 for x in a) * math.fsum((y - mean_b) ** 2 for y in b))


def plain_autocorrelation(y):
    lags = list(range(1, len(y) // 4))
    return math.fsum(abs(plain_correlation(y[lag:], y[:-lag])) for lag in lags) / len(lags)


def reference_curves():
    if not CURVES.is_file():
        pytest.skip("the organisers' curve file is absent (set E2LM_REFERENCE to its folder)")
    for model, columns in json.loads(CURVES.read_text())["data"].items():
        keep = [
            i
            for i, (iteration, tokens) in enumerate(
                zip(columns["iteration"], columns["gtokens"], strict=True)
            )
            if iteration % 4000 == 0 and tokens <= 206
        ]
        for benchmark, scores in columns.items():
            if benchmark not in ("iteration", "gtokens", "model_type", "experiment"):
                yield model, benchmark, [scores[i] for i in keep]


def test_all_reference_curves_equal_the_second_implementation():
    seen = 0
    for model, benchmark, y in reference_curves():
        got = signal_quality(y)
        assert got.points == 14
        expected = plain_rho(y), plain_autocorrelation(y)
        assert got.rho == pytest.approx(expected[0], abs=1e-12, rel=0), (model, benchmark)
        assert got.autocorrelation == pytest.approx(expected[1], abs=1e-12, rel=0), (model, benchmark)
        assert got.sq == pytest.approx(sum(expected) / 2, abs=1e-12, rel=0), (model, benchmark)
        assert got.spearman == pytest.approx(stats.spearmanr(range(14), y).statistic, abs=1e-12)
        seen += 1
    assert seen == 72


def test_leading_axes_give_the_same_as_one_curve_at_a_time():
    curves = np.array([y for _, _, y in reference_curves()])
    stacked = np.stack([curves, curves[::-1]])
    for core in (rho, autocorrelation, spearman):
        together = core(stacked)
        assert together.shape == (2, 72)
        np.testing.assert_allclose(together[0], [float(core(y)) for y in curves], rtol=0, atol=1e-15)


# --- known curves -------------------------------------------------------------------------------------


def test_a_straight_rise_is_perfect():
    got = signal_quality(np.linspace(0.25, 0.7, 14))
    assert (got.rho, got.points, got.why) == (1.0, 14, None)
    assert got.sq == pytest.approx(1.0)


def test_a_steady_fall_scores_half():
    got = signal_quality(np.linspace(0.7, 0.25, 14))
    assert got.sq == pytest.approx(0.5)
    assert got.spearman == pytest.approx(-1.0)  # what the official figure hides
    assert got.signed_autocorrelation == pytest.approx(1.0)


def test_a_sawtooth_scores_high_and_the_sort_decides_how_high():
    saw = np.arange(20) % 2
    got = signal_quality(saw)
    assert got.rho == pytest.approx(4 / 7)  # by hand: zeros at 0, 2, … ranked 0 … 9, ones 10 … 19
    assert got.autocorrelation == pytest.approx(1.0)
    assert got.sq == pytest.approx(11 / 14)
    assert got.signed_autocorrelation == pytest.approx(0.0)  # -1, 1, -1, 1
    assert got.spearman == pytest.approx(stats.spearmanr(range(20), saw).statistic)


def test_white_noise_scores_about_a_seventh():
    noise = np.random.default_rng(0).normal(size=(4000, 20))
    assert ((rho(noise) + autocorrelation(noise)) / 2).mean() == pytest.approx(0.14, abs=0.01)


@pytest.mark.parametrize("level", [0.0, 0.25, 0.3, 1 / 3])
def test_a_flat_curve_has_the_official_rho_of_one_and_no_signal_quality(level):
    got = signal_quality([level] * 14)
    assert got.rho == 1.0
    assert (got.autocorrelation, got.sq, got.spearman, got.signed_autocorrelation) == (None,) * 4
    assert "flat" in got.why


@pytest.mark.parametrize("points", range(8))
def test_fewer_than_eight_points_leave_no_lag(points):
    got = signal_quality(np.arange(points))
    assert got.points == points
    assert (got.sq, got.autocorrelation) == (None, None)
    assert got.rho == (None if points < 2 else 1.0)
    assert "at least 8" in got.why
    assert f"has {points} point" in got.why


def test_eight_points_have_one_lag():
    y = [1, 3, 2, 4, 6, 5, 8, 7]
    assert signal_quality(y).autocorrelation == pytest.approx(abs(plain_correlation(y[1:], y[:-1])))


@pytest.mark.parametrize("y", [[0.3] * 13 + [0.4], [0.2] + [0.3] * 13])
def test_a_constant_stretch_has_no_correlation_as_in_numpy(y):
    with np.errstate(all="ignore"):
        assert np.isnan(np.corrcoef(np.ones(13), np.arange(13))[0, 1])
    got = signal_quality(y)
    assert got.sq is None
    assert got.rho is not None
    assert "constant" in got.why


@pytest.mark.parametrize("hole", [NAN, math.inf, -math.inf])
def test_missing_points_are_the_callers_to_decide(hole):
    y = [*np.arange(13.0), hole]
    with pytest.raises(ValueError):
        signal_quality(y)
    assert np.isnan(rho(y))
    assert np.isnan(autocorrelation(y))
    assert np.isnan(spearman(y))


def test_a_curve_has_one_axis():
    with pytest.raises(ValueError):
        signal_quality(np.zeros((2, 14)))


def test_tied_points_keep_their_order():
    assert signal_quality([1, 1, 1, 1, 2, 2, 2, 2]).rho == 1.0
    assert signal_quality([2, 2, 2, 2, 1, 1, 1, 1]).rho == plain_rho([2, 2, 2, 2, 1, 1, 1, 1])


def test_the_mean_over_models_is_a_tasks_signal_quality():
    up, down = signal_quality(np.arange(14)), signal_quality(-np.arange(14))
    assert mean_quality({"a": up, "b": down}).value == pytest.approx(0.75)
    flat = mean_quality({"a": up, "b": signal_quality(np.zeros(14))})
    assert flat.value is None
    assert flat.why.startswith("b: The curve is flat")
    assert mean_quality({}).why is not None


# --- what must hold for any curve ---------------------------------------------------------------------

points = st.lists(st.integers(-1000, 1000), min_size=8, max_size=40)


def steady_enough(y):
    lags = range(1, len(y) // 4)
    return all(len(set(y[lag:])) > 1 and len(set(y[:-lag])) > 1 for lag in lags)


@settings(max_examples=120, deadline=None)
@given(points)
def test_any_curve_equals_the_second_implementation(y):
    assume(steady_enough(y))
    got = signal_quality(y)
    assert got.rho == pytest.approx(plain_rho(y), abs=1e-12)
    assert got.autocorrelation == pytest.approx(plain_autocorrelation(y), abs=1e-9)
    assert got.spearman == pytest.approx(stats.spearmanr(range(len(y)), y).statistic, abs=1e-12)
    assert 0 <= got.sq <= 1
    assert -1 <= got.signed_autocorrelation <= got.autocorrelation + 1e-15


@settings(max_examples=60, deadline=None)
@given(points, st.sampled_from([np.exp, np.cbrt, np.arctan]))
def test_an_increasing_map_leaves_rho_alone(y, increasing):
    array = np.array(y, float) / 100
    assert rho(increasing(array)) == rho(array)
    assert (np.diff(array) >= 0).all() == (rho(array) == 1.0)


@settings(max_examples=60, deadline=None)
@given(points, st.floats(1e-9, 1e9), st.floats(-100, 100))
def test_a_change_of_scale_leaves_signal_quality_alone(y, scale, shift):
    assume(steady_enough(y))
    moved = (np.array(y) + shift) * scale
    assert float(autocorrelation(moved)) == pytest.approx(float(autocorrelation(y)), abs=1e-9)
    assert float(autocorrelation(np.negative(y))) == pytest.approx(float(autocorrelation(y)), abs=1e-12)


# --- AI2's signal-to-noise ratio and decision accuracy -------------------------------------------------


def plain_snr(curves, last=5):
    tails = [list(curve)[-last:] for curve in curves]
    means = [statistics.fmean(tail) for tail in tails]
    signal = max(abs(a - b) for a in means for b in means) / statistics.fmean(means)
    noise = statistics.fmean(statistics.pstdev(tail) / mean for tail, mean in zip(tails, means, strict=True))
    return signal / noise


def test_snr_equals_a_plain_computation():
    curves = np.random.default_rng(5).random((6, 16)) + 0.2
    assert snr(curves).value == pytest.approx(plain_snr(curves), rel=1e-12)
    assert snr(curves, last=8).value == pytest.approx(plain_snr(curves, 8), rel=1e-12)
    assert snr(curves[::-1]).value == pytest.approx(snr(curves).value, rel=1e-12)
    assert snr(curves * 7).value == pytest.approx(snr(curves).value, rel=1e-12)
    assert snr(-curves).value == pytest.approx(snr(curves).value, rel=1e-12)  # negated bpb


def test_detrended_noise_leaves_a_rise_out():
    x = np.arange(5.0)
    wiggle = np.array([1, -2, 0, 2, -1]) * 0.01  # no mean, no slope: sum 0, sum x*w = 0
    assert wiggle @ x == pytest.approx(0)
    curves = np.stack([1 + 0.1 * x + wiggle, 2 + 0.2 * x + wiggle])
    means = curves.mean(axis=1)
    noise = np.sqrt((wiggle**2).mean()) / means
    expected = (means[1] - means[0]) / means.mean() / noise.mean()
    assert snr(curves, detrend=True).value == pytest.approx(expected)
    assert snr(curves).value < expected


@pytest.mark.parametrize(
    ("curves", "says"),
    [
        (np.ones((1, 5)), "fewer than 2"),
        (np.ones((0, 5)), "fewer than 2"),
        (np.ones((2, 4)), "there are 4"),
        ([[1, 2, 3, 4, NAN], [1, 2, 3, 4, 5]], "missing"),
        ([[-1, 2, 3, 4, 5], [1, 2, 3, 4, 5]], "cross zero"),
        ([[0] * 5, [1, 2, 3, 4, 5]], "is 0"),
        ([[0.3] * 5, [0.1] * 5], "no noise"),
    ],
)
def test_undefined_snr_says_why(curves, says):
    got = snr(curves)
    assert got.value is None
    assert says in got.why


def test_straight_lines_have_no_detrended_noise():
    lines = np.outer([0.1, 0.3], np.arange(1.0, 6.0))
    assert snr(lines).value is not None
    assert snr(lines, detrend=True).value is None


def test_equal_models_have_no_signal():
    curve = [0.3, 0.4, 0.35, 0.4, 0.5]
    assert snr([curve, curve]).value == 0.0


def test_snr_refuses_what_is_no_noise():
    with pytest.raises(ValueError):
        snr(np.ones((2, 5)), last=1)
    with pytest.raises(ValueError):
        snr(np.ones((2, 5)), last=2, detrend=True)
    with pytest.raises(ValueError):
        snr(np.ones(5))


def test_decision_accuracy_by_hand():
    assert pair_agreement([1, 2, 3], [1, 3, 2]) == pytest.approx(2 / 3)
    assert pair_agreement([1, 1, 3], [1, 2, 3]) == pytest.approx(2 / 3)  # a tie decides nothing
    assert pair_agreement([1, 1, 3], [2, 2, 3]) == 1.0
    assert pair_agreement([1, 2], [2, 1]) == 0.0


def test_decision_accuracy_needs_two_models_and_every_score():
    assert np.isnan(pair_agreement([1], [1]))
    assert np.isnan(pair_agreement([1, NAN], [1, 2]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_decision_accuracy_equals_a_plain_count_in_any_order(data):
    early = data.draw(st.lists(st.integers(0, 4), min_size=2, max_size=8))
    late = data.draw(st.lists(st.integers(0, 4), min_size=len(early), max_size=len(early)))
    pairs = [(i, j) for i in range(len(early)) for j in range(i)]
    alike = [
        (early[i] > early[j]) == (late[i] > late[j]) and (early[i] < early[j]) == (late[i] < late[j])
        for i, j in pairs
    ]
    expected = sum(alike) / len(pairs)
    assert pair_agreement(early, late) == pytest.approx(expected)
    order = list(data.draw(st.permutations(range(len(early)))))
    shuffled = pair_agreement(np.array(early)[order], np.array(late)[order])
    assert shuffled == pytest.approx(expected)


def test_resamples_are_carried_along_without_a_loop():
    curves = np.random.default_rng(6).random((30, 7, 16))
    assert signal_to_noise(curves)[4] == pytest.approx(snr(curves[4]).value)
    assert signal_to_noise(curves, detrend=True)[4] == pytest.approx(snr(curves[4], detrend=True).value)
    agreement = pair_agreement(curves[..., 3], curves[..., -1])
    assert agreement[4] == pytest.approx(pair_agreement(curves[4, :, 3], curves[4, :, -1]))
    assert np.isnan(signal_to_noise(curves[:, :1])).all()
    assert np.isnan(pair_agreement(curves[:, :1, 0], curves[:, :1, 1])).all()


# --- points that are missing ---------------------------------------------------------------------------


@given(
    st.lists(st.floats(0, 1), min_size=9, max_size=16),
    st.sets(st.integers(0, 8), min_size=1, max_size=2),
    st.lists(st.floats(0, 1), min_size=2, max_size=2),
)
def test_whatever_the_missing_points_are_the_quality_lies_within_its_bounds(values, missing, filled):
    curve = np.array(values)
    assume(np.ptp(np.delete(curve, list(missing))) > 0.01)
    curve[list(missing)] = filled[: len(missing)]
    found = signal_quality(curve).sq
    holed = curve.copy()
    holed[list(missing)] = np.nan
    bounds = quality_bounds(holed)
    assume(found is not None)
    assert bounds is not None
    assert bounds[0] - 0.01 <= found <= bounds[1] + 0.01


def test_bounds_by_hand():
    """Nine points of one lag: the last unknown one at best continues the rise, at worst falls to the bottom."""
    rising = [(k + 1) / 10 for k in range(8)]
    low, high = quality_bounds([*rising, NAN])
    assert high == pytest.approx(1.0, abs=1e-6)
    assert low == pytest.approx(signal_quality([*rising, 0.0]).sq, abs=1e-6)
    assert quality_bounds([*rising, 0.9]) is None
    assert quality_bounds([*rising, NAN, NAN, NAN]) is None
    assert quality_bounds([0.5] * 8 + [NAN]) is None  # a flat stretch has no SQ
