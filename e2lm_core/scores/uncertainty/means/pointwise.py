"""Intervals of means and differences at each checkpoint.

Axes: R resamples, K points, Q questions. What was measured comes as values [K, Q], and as the means of resamples
[R, K], which know of groups: their spread over that of independent questions is the design effect.

    means of acc, acc_norm, norm_prob   Wilson's, of the effective number of questions
    differences on the same questions   Bonett and Price's
    differences of other questions      Newcombe's for these three metrics
    margin, bpb                         the percentile interval of the resamples

Nothing is told of too few questions or groups, and nothing of width zero: `docs/uncertainty.md` has the coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from e2lm_core.base.records import BOUNDED_METRICS, SHARES
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.uncertainty.means import proportions, seed_variance
from e2lm_core.scores.uncertainty.methods import LEVEL, small_sample_level, span

FEWEST_SHARES, FEWEST_GROUPS, FEWEST = 2, 10, 30
FEW = "No interval: {metric} needs {least} questions, and {number} {are}."
FEW_GROUPS = "No interval: questions in groups need {least} groups, and there are {number}."
ALIKE = "No interval: every question has the same value, which says nothing of others."


@dataclass(frozen=True)
class Evidence:
    """What a mean or a difference rests on: a centre and standard error for tests, [K], with degrees of freedom."""

    centre: Floats
    error: Floats
    freedom: float


def too_few_reason(metric: str, questions: int, clusters: int) -> str | None:
    """Why so few questions (groups count once in `clusters`) have no interval; None where they have."""
    least = FEWEST_SHARES if metric in SHARES else FEWEST
    if clusters < questions and clusters < FEWEST_GROUPS:
        return FEW_GROUPS.format(least=FEWEST_GROUPS, number=clusters)
    if clusters < least:
        return FEW.format(
            metric=metric, least=least, number=clusters, are="is there" if clusters == 1 else "are there"
        )
    return None


def quantile(metric: str, questions: int, clusters: int, level: float = LEVEL) -> float:
    """The normal quantile where shares rest on single questions, whose variance is known; Student's otherwise."""
    if metric in SHARES and clusters == questions:
        return NormalDist().inv_cdf((1 + level) / 2)
    return float(stdtrit(max(clusters - 1, 1), (1 + level) / 2))


def mean_interval(
    metric: str,
    values: ArrayLike,
    samples: ArrayLike,
    clusters: int,
    level: float = LEVEL,
    size: int | None = None,
) -> Floats:
    """[K, 2]: the interval of every point's mean; NaN where there is none (`few`, or values that are all alike).

    With a `size`, that of a set of so many questions like these, in so many `clusters`.
    """
    array, drawn = np.asarray(values, dtype=np.float64), np.asarray(samples, dtype=np.float64)
    questions = size or array.shape[-1]
    if too_few_reason(metric, questions, clusters):
        return np.full((*array.shape[:-1], 2), np.nan)
    mean = array.mean(axis=-1)
    if metric not in BOUNDED_METRICS:
        return _percentile(drawn, clusters, level)
    number = _effective(mean, array, drawn, clusters, questions)
    low, high = proportions.wilson(mean, number, quantile(metric, questions, clusters, level))
    known = np.isfinite(mean)
    if metric not in SHARES:
        known &= np.ptp(array, axis=-1) > 0
    return np.where(known[..., None], np.stack([low, high], axis=-1), np.nan)


def paired_interval(
    metric: str,
    values: ArrayLike,
    samples: ArrayLike,
    clusters: int,
    level: float = LEVEL,
    size: int | None = None,
) -> Floats:
    """[K, 2]: the interval of the mean of paired differences `values` [K, Q], NaN where there is none; see `of_mean`."""
    array = np.asarray(values, dtype=np.float64)
    questions = size or array.shape[-1]
    if too_few_reason(metric, questions, clusters):
        return np.full((*array.shape[:-1], 2), np.nan)
    found = evidence(metric, array, samples, clusters, questions)
    reach = quantile(metric, questions, clusters, level) * found.error
    bounds = np.stack([found.centre - reach, found.centre + reach], axis=-1)
    return np.where((found.error > 0)[..., None], bounds, np.nan)


def unpaired_interval(
    metric: str,
    first: tuple[ArrayLike, ArrayLike, int],
    second: tuple[ArrayLike, ArrayLike, int],
    level: float = LEVEL,
) -> Floats:
    """[2]: the interval of second - first, means of different questions, each as (values [Q], samples [R], clusters)."""
    (one, drawn_one, groups_one), (two, drawn_two, groups_two) = first, second
    if metric not in BOUNDED_METRICS:
        clusters = min(groups_one, groups_two)
        least = min(np.shape(one)[-1], np.shape(two)[-1])
        if too_few_reason(metric, least, clusters):
            return np.full(2, np.nan)
        return _percentile(np.asarray(drawn_two) - np.asarray(drawn_one), clusters, level)
    each = [
        mean_interval(metric, np.asarray(values)[None], np.asarray(drawn)[:, None], groups, level)[0]
        for values, drawn, groups in (first, second)
    ]
    low, high = proportions.newcombe(
        np.mean(np.asarray(one)), (each[0][0], each[0][1]), np.mean(np.asarray(two)), (each[1][0], each[1][1])
    )
    return np.array([low, high])


def evidence(
    metric: str, values: ArrayLike, samples: ArrayLike, clusters: int, size: int | None = None
) -> Evidence:
    """Bonett and Price's centre and error of the mean of paired differences, with groups of the effective number."""
    array, drawn = np.asarray(values, dtype=np.float64), np.asarray(samples, dtype=np.float64)
    questions = size or array.shape[-1]
    mean, square = array.mean(axis=-1), (array**2).mean(axis=-1)
    changed = (array != 0).mean(axis=-1) * questions
    largest = 1.0 if metric in BOUNDED_METRICS else np.abs(array).max(axis=-1, initial=0.0)
    made_up = proportions.pseudo_count_size(square, questions, changed, largest)
    number = questions / design_effect(square - mean**2, questions, drawn, clusters)
    centre, error = proportions.bonett_price(mean, square, number, made_up)
    freedom = np.inf if metric in SHARES and clusters == questions else max(clusters - 1.0, 1.0)
    return Evidence(centre, error, freedom)


def difference_tests(
    metric: str, value: float, bounds: tuple[float, float], questions: int, clusters: int
) -> tuple[float, float, float]:
    """(p of no difference, margin of equivalence, detectable difference) that follow from a 95% interval.

    With c its middle, q its quantile and e its half width over q: p from how far the end towards 0 lies from the value;
    |c| + q_.90 e; (q + q_.60) e, q_.60 the quantile below which 80% lie.
    """
    low, high = bounds
    of = partial(quantile, metric, questions, clusters)
    towards = (value - low if value > 0 else high - value) / of(LEVEL)
    error, middle = (high - low) / 2 / of(LEVEL), (high + low) / 2
    freedom = np.inf if metric in SHARES and clusters == questions else max(clusters - 1.0, 1.0)
    p = seed_variance.p_value(value, towards, freedom)
    return p, abs(middle) + of(0.90) * error, (of(LEVEL) + of(0.60)) * error


def design_effect(variance: ArrayLike, questions: int, samples: Floats, clusters: int) -> Floats:
    """Variance of the resampled mean, groups drawn whole, over that of independent questions; 1 without groups.

    `variance` [K] is that over questions, `samples` [R, K] the resampled means. Not below 1: fewer groups than
    questions cannot be surer.
    """
    spread = np.asarray(variance, dtype=np.float64)
    if clusters >= questions:
        return np.ones_like(spread)
    of_groups = samples.var(axis=0) * clusters / max(clusters - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(spread > 0, of_groups * questions / spread, 1.0)
    return np.maximum(effect, 1.0)


def _effective(mean: Floats, array: Floats, drawn: Floats, clusters: int, questions: int) -> Floats:
    """The effective number of yes-or-no questions behind means between 0 and 1."""
    variance = array.var(axis=-1)
    alone = proportions.effective_size(mean, variance / questions, questions)
    return np.maximum(alone / design_effect(variance, questions, drawn, clusters), 1.0)


def _percentile(samples: Floats, clusters: int, level: float) -> Floats:
    """[R, ...] -> [..., 2]; NaN where it has no width."""
    low, high = span(samples, small_sample_level(clusters, level))
    bounds = np.stack([low, high], axis=-1)
    return np.where((low < high)[..., None], bounds, np.nan)
