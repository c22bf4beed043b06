"""Interval methods for means and for biased functions of noisy curves.

The estimand of every interval: the expected value that a fresh set of as many questions from the same source
would get from the same checkpoints. For a mean that is the source's mean. A score like SQ is a biased
function of a noisy curve, but as an estimate of *this* it is unbiased, so an interval needs the spread of the
score about its own mean, and the position of a bootstrap's centre is irrelevant: resampling adds noise on top
of noise, which moves the centre.

Axes: R resamples in front, then the score's own. All are pure functions; `docs/uncertainty.md` has their
measured coverage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from e2lm_core.scores.arrays import Floats

Bounds = tuple[Floats, Floats]

LEVEL = 0.95
# A score that is undefined in more resamples than the interval leaves out has no interval.
MAX_UNDEFINED = 0.05
# Added on both sides of a bounded score's interval: half of the second decimal. Even if every resample has
# the same score (three models in the same order), the expected score still lies a little inside of it.
GRAIN = 0.005
CAUTION = 1.2
TREND_DEGREE = 3  # a learning curve of a dozen points shows level, slope, bend and S beside noise


@dataclass(frozen=True)
class Replicates:
    """A score and its replicates over R resamples.

    With y the curves, d the deviation of a resample's curves from them, S the score, and c the curves that
    `denoise` gives. A method uses those replicates that it needs.

    Attributes:
        estimate: S(y) [...].
        forward: S(y + d) [R, ...], the plain bootstrap.
        denoised: S(c + d) [R, ...].
    """

    estimate: Floats
    forward: Floats
    denoised: Floats


Method = Callable[[Replicates, float], Bounds]


def quantiles(samples: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Quantiles over the first axis, undefined (NaN) samples left out: [R, ...] -> [P, ...].

    Linear interpolation as numpy's default. NaN where more than `MAX_UNDEFINED` of the samples are undefined.
    """
    ordered = np.sort(np.asarray(samples, dtype=np.float64), axis=0)  # NaN goes last
    total = len(ordered)
    known = (~np.isnan(ordered)).sum(axis=0)
    wanted = np.asarray(probabilities, dtype=np.float64).reshape(-1, *[1] * known.ndim)
    place = wanted * np.maximum(known - 1, 0)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(known - 1, 0))
    low = np.take_along_axis(ordered, below, axis=0)
    high = np.take_along_axis(ordered, above, axis=0)
    return np.where(known >= (1.0 - MAX_UNDEFINED) * total, low + (place - below) * (high - low), np.nan)


def span(samples: ArrayLike, level: float) -> Bounds:
    """Ends of the middle `level` of the samples: [R, ...] -> two of [...], NaN as in `quantiles`."""
    low, high = quantiles(samples, [(1 - level) / 2, (1 + level) / 2])
    return low, high


def share_above(samples: ArrayLike) -> float:
    """Share of the samples [R] that are above zero, ties counted half."""
    values = np.asarray(samples, dtype=np.float64)
    return float((values > 0).mean() + (values == 0).mean() / 2)


def small_sample_level(clusters: int, level: float = LEVEL) -> float:
    """Nominal level at which a bootstrap interval of n clusters is as wide as Student's.

        1 - 2 Phi(-sqrt(n / (n - 1)) t),   t the Student quantile of `level` with n - 1 degrees of freedom

    A bootstrap of n clusters has too small a spread by sqrt((n - 1) / n) and does not account for the
    uncertainty of that spread; at this level instead its interval of a mean is as wide as Student's. NaN for
    fewer than two clusters.

    Source: Hesterberg 2015, "What teachers should know about the bootstrap" (the expanded percentile
    interval).
    """
    if clusters < 2:
        return float("nan")
    t = stdtrit(clusters - 1, (1.0 + level) / 2.0)
    return float(1.0 - 2.0 * ndtr(-np.sqrt(clusters / (clusters - 1.0)) * t))


def percentile(replicates: Replicates, level: float = LEVEL) -> Bounds:
    """Interval [q_low, q_high] of S(y + d).

    It covers for means and paired differences; for SQ its centre is off.
    """
    return span(replicates.forward, level)


def normal(replicates: Replicates, level: float = LEVEL) -> Bounds:
    """Normal interval S -+ z sd S(y + d)."""
    return _normal(replicates.estimate, _deviation(replicates.forward), level)


def parametric_moved(replicates: Replicates, level: float = LEVEL) -> Bounds:
    """Interval [q_low - b, q_high - b] of S(c + d), b = mean S(c + d) - S."""
    low, high = span(replicates.denoised, level)
    bias = _mean(replicates.denoised) - replicates.estimate
    return low - bias, high - bias


def parametric_normal(replicates: Replicates, level: float = LEVEL) -> Bounds:
    """Normal interval S -+ z sd S(c + d)."""
    return _normal(replicates.estimate, _deviation(replicates.denoised), level)


def wider_spread(replicates: Replicates, level: float = LEVEL) -> Bounds:
    """Normal interval S -+ z max(sd S(y + d), sd S(c + d)).

    Near a bound one of the two spreads may collapse, rarely both.
    """
    deviation = np.maximum(_deviation(replicates.forward), _deviation(replicates.denoised))
    return _normal(replicates.estimate, deviation, level)


def cautious_spread(replicates: Replicates, level: float = LEVEL) -> Bounds:
    """Interval of `wider_spread` with 1.2 z, for scores whose resamples misjudge their own spread."""
    low, high = wider_spread(replicates, level)
    reach = CAUTION * (high - low) / 2
    return replicates.estimate - reach, replicates.estimate + reach


def shrunken(replicates: Replicates, level: float = LEVEL) -> Bounds:
    """Interval m -+ z s, extended to S, with the larger spread s of two kinds of replicates.

    s is the larger of sd S(y + d) and sd S(c + d), m the mean of the same replicates. A score that is high or
    low by chance falls back in a resample as it does in a fresh set: for scores of the models' order. Far too
    wide by itself, it is scaled by kind, which moves the middle back towards S.
    """
    spreads = _deviation(replicates.forward), _deviation(replicates.denoised)
    larger = spreads[0] >= spreads[1]
    centre = np.where(larger, _mean(replicates.forward), _mean(replicates.denoised))
    low, high = _normal(centre, np.maximum(*spreads), level)
    return np.minimum(low, replicates.estimate), np.maximum(high, replicates.estimate)


def parametric_log_normal(replicates: Replicates, level: float = LEVEL) -> Bounds:
    """Interval [S exp(-z s), S exp(z s)], s = sd log S(c + d), for a positive ratio with relative spread."""
    samples = replicates.denoised
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(np.where(samples > 0, samples, np.nan))
    reach = np.exp(NormalDist().inv_cdf((1 + level) / 2) * _deviation(logarithms))
    return replicates.estimate / reach, replicates.estimate * reach


METHODS: dict[str, Method] = {
    "percentile": percentile,
    "normal": normal,
    "parametric_moved": parametric_moved,
    "parametric_normal": parametric_normal,
    "wider": wider_spread,
    "cautious": cautious_spread,
    "regressed": shrunken,
    "parametric_relative": parametric_log_normal,
}


def interval(
    method: str,
    replicates: Replicates,
    allowed: tuple[float, float],
    level: float = LEVEL,
    scale: float = 1.0,
) -> Bounds:
    """Interval as it is shown: scaled, and cut to the values that the score may have.

    The ends lie `scale` times as far from the estimate as the method places them. The interval of a bounded
    score is `GRAIN` wider on both sides before it is cut.

    Args:
        method: Name of the method in `METHODS`.
        replicates: Estimate [...] and replicates [R, ...] of the score.
        allowed: Lowest and highest value that the score may have.
        level: Level of the interval.
        scale: Factor on the distance of the ends from the estimate.

    Returns:
        Lower and upper ends [...], NaN where the estimate or an end is undefined.

    Raises:
        ValueError: The method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known are {', '.join(METHODS)}")
    return cut_interval(METHODS[method](replicates, level), replicates.estimate, allowed, scale)


def cut_interval(ends: Bounds, estimate: Floats, allowed: tuple[float, float], scale: float = 1.0) -> Bounds:
    """Ends [...] of a method's interval about an estimate [...], scaled and cut as in `interval`."""
    low, high = ends
    if scale != 1.0:
        low, high = (estimate + scale * (end - estimate) for end in ends)
    undefined = np.isnan(estimate) | np.isnan(low) | np.isnan(high)
    grain = GRAIN if np.isfinite(allowed).all() else 0.0
    bottom, top = np.clip(low - grain, *allowed), np.clip(high + grain, *allowed)
    return np.where(undefined, np.nan, bottom), np.where(undefined, np.nan, top)


def denoise(curves: ArrayLike, deviations: ArrayLike) -> Floats:
    """Curves without the energy that question noise explains: [..., M, K], [R, M, K] -> [..., M, K].

        c = sum over parts of w_part * part(y),   w = sqrt(max(0, 1 - E|part(d)|^2 / |part(y)|^2))

    The parts separate signal from noise: along checkpoints the orthogonal polynomials up to degree 3 one by
    one and the rest together, across models the mean and the deviations from it. The mean level is kept. A
    part that is no larger than the noise in it vanishes; a large one is unchanged.

    Args:
        curves: Curves y [..., M, K].
        deviations: Deviations d [R, M, K] of resampled curves from `curves`, or from others of the same
            noise.

    Returns:
        Denoised curves c [..., M, K]; all inputs have to be finite.
    """
    values, noise = np.asarray(curves, dtype=np.float64), np.asarray(deviations, dtype=np.float64)
    points = values.shape[-1]
    degree = min(TREND_DEGREE, points - 1)
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, points), degree + 1, increasing=True))
    shared, of_noise = values.mean(axis=-2, keepdims=True), noise.mean(axis=-2, keepdims=True)
    result = np.zeros_like(values)
    for part, part_noise, keep_level in (
        (shared, of_noise, True),
        (values - shared, noise - of_noise, False),
    ):
        parts, noisy = part @ basis, part_noise @ basis
        weight = _shrinkage((parts**2).sum(axis=-2), (noisy**2).sum(axis=-2).mean(axis=0))
        if keep_level:
            weight[..., 0] = 1.0
        rest, noisy_rest = part - parts @ basis.T, part_noise - noisy @ basis.T
        rest_weight = _shrinkage((rest**2).sum(axis=(-2, -1)), (noisy_rest**2).sum(axis=(-2, -1)).mean())
        result = result + (parts * weight[..., None, :]) @ basis.T + rest * rest_weight[..., None, None]
    return result


def wiggle(curves: ArrayLike, deviations: ArrayLike) -> tuple[Floats, Floats]:
    """Question noise and checkpoint noise: standard deviations of one point of a curve.

        r_k         = y_k - (y_k-1 + y_k+1) / 2                      (0 where the curve is straight)
        questions   = sqrt(mean over resamples and k of r_k(d)^2 / 1.5)
        checkpoints = sqrt(max(0, mean over k of r_k(y)^2 / 1.5 - questions^2))

    The movement of a curve from point to point has two causes: the choice of the questions, which more
    questions reduce, and the model's own training, which they do not. 1.5 is the variance of r of noise with
    variance 1. The curve's own bend counts with the checkpoints.

    Args:
        curves: Curves y [..., K].
        deviations: Deviations d [R, ..., K] of resampled curves from `curves`.

    Returns:
        Question noise [...] and checkpoint noise [...] in the metric's unit, NaN with fewer than 3 points.
    """
    values, noise = np.asarray(curves, dtype=np.float64), np.asarray(deviations, dtype=np.float64)
    if values.shape[-1] < 3:
        missing = np.full(values.shape[:-1], np.nan)
        return missing, missing
    of_questions = (_bend(noise) ** 2).mean(axis=(0, -1)) / 1.5
    of_both = (_bend(values) ** 2).mean(axis=-1) / 1.5
    return np.sqrt(of_questions), np.sqrt(np.maximum(of_both - of_questions, 0.0))


def _bend(curves: Floats) -> Floats:
    return curves[..., 1:-1] - (curves[..., :-2] + curves[..., 2:]) / 2


def _shrinkage(energy: ArrayLike, noise: ArrayLike) -> Floats:
    observed = np.asarray(energy, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(observed > 0, 1.0 - np.asarray(noise) / observed, 0.0)
    return np.sqrt(np.maximum(share, 0.0))


def _normal(estimate: Floats, deviation: Floats, level: float) -> Bounds:
    reach = NormalDist().inv_cdf((1 + level) / 2) * deviation
    return estimate - reach, estimate + reach


def _mean(samples: Floats) -> Floats:
    known = ~np.isnan(samples)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, samples, 0.0).sum(axis=0) / known.sum(axis=0)


def _deviation(samples: Floats) -> Floats:
    apart = samples - _mean(samples)
    enough = (~np.isnan(apart)).mean(axis=0) >= 1.0 - MAX_UNDEFINED
    return np.where(enough, np.sqrt(_mean(apart**2)), np.nan)
