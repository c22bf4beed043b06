"""Interval width as a function of the number of questions.

Axes: R resamples, K checkpoints, Q measured questions. A set of n questions is drawn from the measured ones
with replacement (m out of n), so that the measured questions stand for their source. The methods and the
measured rules are those of the interval on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import EXACT, Floats
from e2lm_core.scores.layout import Run
from e2lm_core.scores.set_scores import RANGES
from e2lm_core.scores.uncertainty import bootstrap, intervals
from e2lm_core.scores.uncertainty.bootstrap import ResamplingDesign
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.means import pointwise
from e2lm_core.scores.uncertainty.methods import interval, small_sample_level
from e2lm_core.scores.uncertainty.rules import CoverageTable, few_for_a_difference

SIZES = (25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000)
# A width needs fewer draws than the ends of an interval that is shown, and it is computed for many sizes.
RESAMPLES_A_SIZE = 300
ALIKE = Sentence(
    "Every measured question has the same value there, so drawing among them says nothing of others."
)
UNDEFINED = Sentence("It is undefined on what was measured.")


@dataclass(frozen=True)
class Target:
    """Quantity whose interval width is wanted.

    Attributes:
        name: `mean` (of one model at one checkpoint), `difference` (of two models there), or the name of a
            score.
        first: Model and index of its checkpoint; None for a score.
        second: Model and index of its checkpoint, for a difference only.
    """

    name: str
    first: tuple[str, int] | None = None
    second: tuple[str, int] | None = None


@dataclass(frozen=True)
class Widths:
    """Interval width and expected value for sets of each of N sizes.

    Attributes:
        sizes: Numbers of questions [N].
        width: Full width of the interval [N], NaN where there is none. It falls with size: sizes at which the
            simulation's own noise reverses the order are pooled.
        expected: Expected value [N], NaN where there is none.
        why: Reason why a width is missing; None where none is.
    """

    sizes: tuple[int, ...]
    width: Floats
    expected: Floats
    why: str | None


@dataclass(frozen=True)
class _Width:
    """Full width of the interval and expected value at one size, or the reason why there is no width."""

    width: float = float("nan")
    expected: float = float("nan")
    why: str | None = None


def widths(
    runs: Mapping[str, Run],
    choices: ArrayLike,
    metric: str,
    target: Target,
    table: CoverageTable,
    groups: Sequence[str | None] | None = None,
    sizes: Sequence[int] = SIZES,
    resamples: int = RESAMPLES_A_SIZE,
) -> Widths:
    """Width of the 95% interval of a target on sets of each size.

    For a mean or a difference it is the interval of `means.pointwise` for n questions like those measured.
    For a score it is the interval of the coverage study, of S(y + d_n) and S(c + d_n), about the mean of S(c
    + d_n); y are the measured curves, c those without question noise, d_n the deviation of a drawn set of n.

    Args:
        runs: Runs by model, with values [K, Q] of the metric.
        choices: Number of choices of each question [Q].
        metric: Name of the metric.
        target: Quantity whose width is wanted.
        table: Coverage table of the intervals of scores.
        groups: Group of each question [Q]; None where no groups are known.
        sizes: Numbers of questions [N] to study.
        resamples: Number of resamples R at each size.

    Returns:
        Widths and expected values [N].

    Raises:
        ValueError: An array is not as long as the set, a question has no choice, or `resamples` is below 1.
    """
    measured = intervals.resample(runs, choices, (metric,), groups, resamples=resamples)
    design = bootstrap.resampling_design(measured.questions, groups)
    quiet = intervals.quiet_curves(measured, metric) if target.first is None else {}
    of_sizes = []
    for place, size in enumerate(sizes):
        clusters = max(1, round(size * design.clusters / max(design.questions, 1)))
        drawn = _drawn(measured, np.asarray(choices), metric, design, clusters, resamples, 1 + place)
        if target.first is not None:
            of_sizes.append(_of_mean(drawn, metric, target))
        else:
            of_sizes.append(_of_score(drawn, metric, target.name, table, quiet))
    return _falling(sizes, of_sizes)


def _falling(sizes: Sequence[int], of_sizes: Sequence[_Width]) -> Widths:
    """Widths of all sizes, pooled where the simulation's own noise makes a larger set's interval wider."""
    width = np.array([at.width for at in of_sizes])
    reasons = [at.why for at in of_sizes if at.why]
    known = np.isfinite(width)
    if known.any():
        width[known] = isotonic_regression(width[known], increasing=False).x
    elif not reasons:
        reasons = [UNDEFINED]
    expected = np.array([at.expected for at in of_sizes])
    return Widths(tuple(sizes), width, expected, reasons[0] if reasons else None)


def required_questions(widths: Widths, target_width: float) -> int | None:
    """Fewest questions at which the interval is at most so wide.

    Between two sizes the logarithm of the width is interpolated over the logarithm of the size.

    Args:
        widths: Widths by size.
        target_width: Full width that is wanted.

    Returns:
        A number of questions; None where no size studied reaches the width, and the smallest size with a
        width where even that one does.
    """
    sizes, width = widths.sizes, widths.width
    known = np.flatnonzero(np.isfinite(width))
    narrow = [place for place in known if width[place] <= target_width]
    if not narrow:
        return None
    at = narrow[0]
    before = known[known < at]
    if not len(before) or width[at] <= 0:
        return sizes[at]
    wide = before[-1]
    low, high = np.log(width[wide]), np.log(width[at])
    share = (low - np.log(target_width)) / (low - high) if low > high else 1.0
    size = np.exp(np.log(sizes[wide]) + share * np.log(sizes[at] / sizes[wide]))
    return int(min(sizes[at], np.ceil(round(float(size), 6))))


def _drawn(
    measured: Resampled,
    choices: NDArray,
    metric: str,
    design: ResamplingDesign,
    clusters: int,
    resamples: int,
    seed: int,
) -> Resampled:
    """Measurements with resampled curves of sets of `clusters` drawn questions (groups count once)."""
    rng = np.random.default_rng([seed, 5])
    picked = rng.integers(0, design.clusters, (resamples, clusters))
    picked += np.arange(resamples)[:, None] * design.clusters
    counts = np.bincount(picked.ravel(), minlength=resamples * design.clusters)
    weights = counts.reshape(resamples, design.clusters)[:, design.cluster_of].astype(np.float32)
    total = weights.sum(axis=1, dtype=np.float64)[:, None]
    curves = {
        name: _means(np.asarray(run.per_question[metric], dtype=np.float64), weights, total)
        for name, run in measured.runs.items()
    }
    chances = _means((1.0 / choices)[None, :], weights, total)[:, 0]
    size = round(clusters * design.questions / design.clusters)
    return replace(measured, questions=size, clusters=clusters, curves={metric: curves}, chances=chances)


def _means(values: Floats, weights: NDArray[np.float32], total: Floats) -> Floats:
    """Means [R, K] of values [K, Q] by weights [R, Q], see `bootstrap.weighted_means`."""
    means = bootstrap.weighted_means(weights, total, *bootstrap.summands(values, weights.shape[1]))
    return np.asarray(np.round(means, EXACT), dtype=np.float64)


def _of_mean(resampled: Resampled, metric: str, target: Target) -> _Width:
    assert target.first is not None
    drawn, measured = resampled.curves[metric], resampled.observed[metric]
    samples, value = drawn[target.first[0]][:, target.first[1]], measured[target.first[0]][target.first[1]]
    if target.second is not None:
        samples = samples - drawn[target.second[0]][:, target.second[1]]
        value = value - measured[target.second[0]][target.second[1]]
    each = np.asarray(resampled.runs[target.first[0]].per_question[metric][target.first[1]], dtype=np.float64)
    if target.second is not None:
        each = each - resampled.runs[target.second[0]].per_question[metric][target.second[1]]
    if np.isnan(samples).any():
        return _Width(expected=float(value))
    if target.second is not None and (
        few := few_for_a_difference(resampled.clusters, resampled.differing_questions(metric))
    ):
        return _Width(expected=float(value), why=few)
    clusters, size = resampled.clusters, resampled.questions
    told = pointwise.mean_interval if target.second is None else pointwise.paired_interval
    low, high = told(metric, each[None], samples[:, None], clusters, size=size)[0]
    if np.isnan(low):
        return _Width(expected=float(value), why=pointwise.too_few_reason(metric, size, clusters) or ALIKE)
    return _Width(float(high - low), float(value))


def _of_score(
    resampled: Resampled, metric: str, score: str, table: CoverageTable, quiet: Mapping[str, Floats]
) -> _Width:
    kind, differing = resampled.kind(metric), resampled.differing_questions(metric)
    rule = table.rule(score, metric, resampled.clusters, len(resampled.counted), kind, differing)
    if rule.method is None:
        return _Width(why=rule.why)
    level = small_sample_level(resampled.clusters)
    rule = intervals.calibrated(resampled, metric, {score: rule}, level, quiet)[score]
    of_score = intervals.replicates(resampled, metric, quiet)[0][score]
    known = of_score.denoised[np.isfinite(of_score.denoised)]
    if not known.size:
        return _Width()
    expected = float(known.mean())
    about_it = replace(of_score, estimate=np.asarray(expected))
    low, high = interval(str(rule.method), about_it, RANGES[score], level, rule.scale)
    return _Width(float(high - low), expected)
