"""Interval methods of the coverage studies: those of the studio, and others that they were compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from e2lm_core.scores.arrays import EXACT, Floats
from e2lm_core.scores.uncertainty import intervals, methods
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.methods import MAX_UNDEFINED, Bounds, Method, Replicates, span

SCALED = ("regressed",)  # used only with the scale of a kind


@dataclass(frozen=True)
class MirroredReplicates(Replicates):
    """Replicates with S(y - d) [R, ...] besides."""

    mirrored: Floats


def mean_of_defined(values: Floats) -> Floats:
    """Mean over the first axis, NaN left out: the few sets whose score is undefined are no values of it."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, values, 0).sum(axis=0) / known.sum(axis=0)


def reflected(replicates: Replicates, level: float) -> Bounds:
    """Interval [2 S - q_high, 2 S - q_low] of S(y + d), the basic bootstrap; removes the bias twice."""
    low, high = span(replicates.forward, level)
    return 2 * replicates.estimate - high, 2 * replicates.estimate - low


def noise_corrected(replicates: Replicates, level: float) -> Bounds:
    """Percentile interval moved back by its bias: [q_low - b, q_high - b], b = mean S(y + d) - S."""
    return methods.parametric_moved(replace(replicates, denoised=replicates.forward), level)


def pivotal(replicates: Replicates, level: float) -> Bounds:
    """Interval [S - (q_high - m), S - (q_low - m)] of S(y + d), reflected about its mean m."""
    return parametric(replace(replicates, denoised=replicates.forward), level)


def split_half(replicates: Replicates, level: float) -> Bounds:
    """Normal interval S -+ z sqrt(mean (S(y + d) - S(y - d))^2) / 2 from complementary half sets.

    y + d and y - d stand for two complementary halves of the set: their noises are independent and each is
    that of half as many questions, with none on top. For a smooth score their difference has four times the
    variance that S has on the whole set.
    """
    assert isinstance(replicates, MirroredReplicates)
    apart = replicates.forward - replicates.mirrored
    enough = (~np.isnan(apart)).mean(axis=0) >= 1.0 - MAX_UNDEFINED
    spread = np.where(enough, np.sqrt(mean_of_defined(apart**2)), np.nan) / 2
    reach = NormalDist().inv_cdf((1 + level) / 2) * spread
    return replicates.estimate - reach, replicates.estimate + reach


def parametric(replicates: Replicates, level: float) -> Bounds:
    """Interval [S - (q_high - m), S - (q_low - m)] of S(c + d), m its mean.

    It has noise once, about curves without noise.
    """
    low, high = span(replicates.denoised, level)
    centre = mean_of_defined(replicates.denoised)
    return replicates.estimate - (high - centre), replicates.estimate - (low - centre)


def log_normal(replicates: Replicates, level: float) -> Bounds:
    """Interval [S exp(-z s), S exp(z s)], s = sd log S(y + d), for a positive ratio with relative spread."""
    return methods.parametric_log_normal(replace(replicates, denoised=replicates.forward), level)


# In the order of the studies' tables.
METHODS: dict[str, Method] = {
    "percentile": methods.percentile,
    "reflected": reflected,
    "noise_corrected": noise_corrected,
    "pivot": pivotal,
    "normal": methods.normal,
    "split_half": split_half,
    "parametric": parametric,
    "parametric_moved": methods.parametric_moved,
    "parametric_normal": methods.parametric_normal,
    "wider": methods.wider_spread,
    "cautious": methods.cautious_spread,
    "regressed": methods.shrunken,
    "relative": log_normal,
    "parametric_relative": methods.parametric_log_normal,
}


def interval(method: str, replicates: Replicates, allowed: tuple[float, float], level: float) -> Bounds:
    """Interval as the studio shows it, by any of `METHODS`."""
    return methods.cut_interval(METHODS[method](replicates, level), replicates.estimate, allowed)


def mirrored_replicates(
    resampled: Resampled, metric: str
) -> tuple[dict[str, MirroredReplicates], dict[str, MirroredReplicates]]:
    """Replicates of every score, and of each model's own SQ, with the mirrored ones besides."""
    observed, drawn = resampled.observed[metric], resampled.curves[metric]
    opposite = {name: np.round(2 * observed[name] - drawn[name], EXACT) for name in drawn}
    mirrored = resampled.scores(metric, opposite, 2 * resampled.chance - resampled.chances)
    whole, models = intervals.replicates(resampled, metric)
    return (
        {
            score: MirroredReplicates(**vars(own), mirrored=mirrored.whole[score])
            for score, own in whole.items()
        },
        {
            name: MirroredReplicates(**vars(own), mirrored=mirrored.models[name])
            for name, own in models.items()
        },
    )
