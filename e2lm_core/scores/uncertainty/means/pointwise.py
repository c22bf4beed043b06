"""Intervals of means and differences at each checkpoint.

Axes: R resamples, K points, Q questions. The input is the measured values [K, Q] and the means of resamples
[R, K], which reflect groups: their spread over that of independent questions is the design effect.

    means of acc, acc_norm, norm_prob   Wilson's, of the effective number of questions
    differences on the same questions   Bonett and Price's
    differences of other questions      Newcombe's for these three metrics
    margin, bpb                         the percentile interval of the resamples

Too few questions or groups have no interval, and no interval has width zero: `docs/uncertainty.md` has the
coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from e2lm_core.base.records import BOUNDED_METRICS, SHARES
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.uncertainty.means import proportions, seed_variance
from e2lm_core.scores.uncertainty.methods import LEVEL, small_sample_level, span

MIN_SHARES, MIN_GROUPS, FEWEST = 2, 10, 30
ALIKE = Sentence("No interval: every question has the same value, which says nothing of others.")


@dataclass(frozen=True)
class Evidence:
    """Centre and standard error of a mean or a difference, for tests.

    Attributes:
        centre: Centre [K] in the metric's unit.
        error: Standard error [K].
        freedom: Degrees of freedom, infinite for the normal distribution.
    """

    centre: Floats
    error: Floats
    freedom: float


def too_few_reason(metric: str, questions: int, clusters: int) -> str | None:
    """Reason why so few questions have no interval; None where there are enough.

    Args:
        metric: Name of the metric.
        questions: Number of questions.
        clusters: Number of questions with groups counted once.
    """
    least = MIN_SHARES if metric in SHARES else FEWEST
    if clusters < questions and clusters < MIN_GROUPS:
        return Sentence(
            "No interval: questions in groups need {least} groups, and there are {groups}.",
            least=MIN_GROUPS,
            groups=clusters,
        )
    if clusters < least:
        return Sentence(
            "No interval: {metric} needs {least} questions, and {number} is there.",
            "No interval: {metric} needs {least} questions, and {number} are there.",
            metric=metric,
            least=least,
            number=clusters,
        )
    return None


def quantile(metric: str, questions: int, clusters: int, level: float = LEVEL) -> float:
    """Quantile of an interval: normal for shares of ungrouped questions, else Student's.

    The variance of a share of single questions is known; for all others it is estimated, with `clusters` - 1
    degrees of freedom.

    Args:
        metric: Name of the metric.
        questions: Number of questions.
        clusters: Number of questions with groups counted once.
        level: Level of the two-sided interval.
    """
    if metric in SHARES and clusters == questions:
        return NormalDist().inv_cdf((1 + level) / 2)
    return float(stdtrit(max(clusters - 1, 1), (1 + level) / 2))


def mean_interval(
    metric: str,
    values: ArrayLike,
    samples: ArrayLike,
    clusters: int,
    size: int | None = None,
) -> Floats:
    """Interval of the mean at every point.

    Args:
        metric: Name of the metric.
        values: Values [K, Q] of the questions.
        samples: Resampled means [R, K].
        clusters: Number of questions with groups counted once.
        size: Number of questions of another set like the measured one, in so many `clusters`; the measured
            number where None.

    Returns:
        Interval [K, 2], NaN where there is none (`too_few_reason`, a missing value, or equal values).
    """
    array, drawn = np.asarray(values, dtype=np.float64), np.asarray(samples, dtype=np.float64)
    questions = size or array.shape[-1]
    if too_few_reason(metric, questions, clusters):
        return np.full((*array.shape[:-1], 2), np.nan)
    mean = array.mean(axis=-1)
    if metric not in BOUNDED_METRICS:
        return _percentile(drawn, clusters)
    number = _effective(mean, array, drawn, clusters, questions)
    low, high = proportions.wilson(mean, number, quantile(metric, questions, clusters))
    known = np.isfinite(mean)
    if metric not in SHARES:
        known &= np.ptp(array, axis=-1) > 0
    return np.where(known[..., None], np.stack([low, high], axis=-1), np.nan)


def paired_interval(
    metric: str,
    values: ArrayLike,
    samples: ArrayLike,
    clusters: int,
    size: int | None = None,
) -> Floats:
    """Interval of the mean of paired differences at every point.

    The method is Bonett and Price's, see `evidence`.

    Args:
        metric: Name of the metric.
        values: Differences [K, Q] of the questions.
        samples: Resampled differences [R, K].
        clusters: Number of questions with groups counted once.
        size: Number of questions of another set like the measured one, in so many `clusters`; the measured
            number where None.

    Returns:
        Interval [K, 2], NaN where there is none (`too_few_reason`, a missing value, or no spread).
    """
    array = np.asarray(values, dtype=np.float64)
    questions = size or array.shape[-1]
    if too_few_reason(metric, questions, clusters):
        return np.full((*array.shape[:-1], 2), np.nan)
    found = evidence(metric, array, samples, clusters, questions)
    reach = quantile(metric, questions, clusters) * found.error
    bounds = np.stack([found.centre - reach, found.centre + reach], axis=-1)
    return np.where((found.error > 0)[..., None], bounds, np.nan)


def unpaired_interval(
    metric: str,
    first: tuple[ArrayLike, ArrayLike, int],
    second: tuple[ArrayLike, ArrayLike, int],
) -> Floats:
    """Interval of the difference second - first of means over different questions.

    Args:
        metric: Name of the metric.
        first: Values [Q] of the first set, its resampled means [R], and its number of questions with groups
            counted once.
        second: The same of the second set.

    Returns:
        Interval [2], NaN where there is none.
    """
    (one, drawn_one, groups_one), (two, drawn_two, groups_two) = first, second
    if metric not in BOUNDED_METRICS:
        clusters = min(groups_one, groups_two)
        least = min(np.shape(one)[-1], np.shape(two)[-1])
        if too_few_reason(metric, least, clusters):
            return np.full(2, np.nan)
        return _percentile(np.asarray(drawn_two) - np.asarray(drawn_one), clusters)
    each = [
        mean_interval(metric, np.asarray(values)[None], np.asarray(drawn)[:, None], groups)[0]
        for values, drawn, groups in (first, second)
    ]
    low, high = proportions.newcombe(
        np.mean(np.asarray(one)), (each[0][0], each[0][1]), np.mean(np.asarray(two)), (each[1][0], each[1][1])
    )
    return np.array([low, high])


def evidence(
    metric: str, values: ArrayLike, samples: ArrayLike, clusters: int, size: int | None = None
) -> Evidence:
    """Bonett and Price's centre and error of paired differences, for the effective number of questions.

    Args:
        metric: Name of the metric.
        values: Differences [K, Q] of the questions.
        samples: Resampled differences [R, K].
        clusters: Number of questions with groups counted once.
        size: Number of questions of another set like the measured one; the measured number where None.

    Returns:
        Centre and standard error [K], NaN where a value is missing, with their degrees of freedom.
    """
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
    """Tests that follow from a 95% interval of a difference.

    With c the middle of the interval, q its quantile and e its half width over q: the p-value follows from
    the distance of the value to the end towards 0; the margin is |c| + q_.90 e; the detectable difference is
    (q + q_.60) e, q_.60 the quantile below which 80% lie.

    Args:
        metric: Name of the metric.
        value: Difference in the metric's unit.
        bounds: Its 95% interval (low, high).
        questions: Number of questions.
        clusters: Number of questions with groups counted once.

    Returns:
        Two-sided p-value of no difference, margin of equivalence, and detectable difference.
    """
    low, high = bounds
    of = partial(quantile, metric, questions, clusters)
    towards = (value - low if value > 0 else high - value) / of(LEVEL)
    error, middle = (high - low) / 2 / of(LEVEL), (high + low) / 2
    freedom = np.inf if metric in SHARES and clusters == questions else max(clusters - 1.0, 1.0)
    p = seed_variance.p_value(value, towards, freedom)
    return p, abs(middle) + of(0.90) * error, (of(LEVEL) + of(0.60)) * error


def design_effect(variance: ArrayLike, questions: int, samples: Floats, clusters: int) -> Floats:
    """Variance of the resampled mean, groups drawn whole, relative to that of independent questions.

    Not below 1: fewer groups than questions cannot be more precise.

    Args:
        variance: Variance [K] over questions.
        questions: Number of questions.
        samples: Resampled means [R, K].
        clusters: Number of questions with groups counted once.

    Returns:
        Design effect [K], at least 1; 1 without groups.
    """
    spread = np.asarray(variance, dtype=np.float64)
    if clusters >= questions:
        return np.ones_like(spread)
    of_groups = samples.var(axis=0) * clusters / max(clusters - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(spread > 0, of_groups * questions / spread, 1.0)
    return np.maximum(effect, 1.0)


def _effective(mean: Floats, array: Floats, drawn: Floats, clusters: int, questions: int) -> Floats:
    """Effective number of yes-or-no questions behind means between 0 and 1."""
    variance = array.var(axis=-1)
    alone = proportions.effective_size(mean, variance / questions, questions)
    return np.maximum(alone / design_effect(variance, questions, drawn, clusters), 1.0)


def _percentile(samples: Floats, clusters: int) -> Floats:
    """Percentile interval, [R, ...] -> [..., 2]; NaN where it has no width."""
    low, high = span(samples, small_sample_level(clusters))
    bounds = np.stack([low, high], axis=-1)
    return np.where((low < high)[..., None], bounds, np.nan)
