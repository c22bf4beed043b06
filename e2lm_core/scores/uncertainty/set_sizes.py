"""How wide an interval would be on a larger or smaller set: resamples of any size from the questions measured.

Axes: R resamples, K checkpoints, Q measured questions. A set of n questions is drawn from the measured ones with
replacement (m out of n), so that the source of the questions is taken to be what was measured of it. What holds
for the interval on the page holds here: the same methods, the same measured rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from e2lm_core.scores import vectorised
from e2lm_core.scores.uncertainty import bootstrap, intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.methods import Replicates, interval, quantiles, small_sample_level
from e2lm_core.scores.uncertainty.rules import CoverageTable, Rule
from e2lm_core.scores.vectorised import RANGES, Floor, Run

Floats = NDArray[np.float64]
SIZES = (25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000)
RESAMPLES = 300
ALIKE = "Every measured question has the same value there, so drawing among them says nothing of others."
_EXACT = 12  # decimals: what ties in whole answers ties in their means


@dataclass(frozen=True)
class Target:
    """What is to be known: a `mean` (of one model at one checkpoint), a `difference` of two models there, or a score.

    `first`, `second` are (model, checkpoint); a score has none.
    """

    name: str
    first: tuple[str, int] | None = None
    second: tuple[str, int] | None = None


@dataclass(frozen=True)
class Widths:
    """For each of `sizes` [N]: the interval's full `width` and the `expected` value, NaN where there is none.

    `why` says why a width is missing; widths fall with size (what the simulation's own noise breaks is pooled).
    """

    sizes: tuple[int, ...]
    width: Floats
    expected: Floats
    why: str | None


def widths(
    runs: Mapping[str, Run],
    choices: ArrayLike,
    metric: str,
    target: Target,
    table: CoverageTable,
    groups: Sequence[str | None] | None = None,
    sizes: Sequence[int] = SIZES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Widths:
    """The 95% interval's width of `target` on a set of each size.

    mean, difference: percentile interval of the means of n drawn questions
    scores: the interval of the coverage study, of S(y + d_n) and S(c + d_n), about the mean of S(c + d_n);
            y are the measured curves, c those without question noise, d_n the deviation of a drawn set of n
    """
    measured = intervals.resample(runs, choices, (metric,), groups, resamples=resamples, seed=seed)
    design = bootstrap.design(measured.questions, groups)
    quiet = intervals.quiet_curves(measured, metric) if target.first is None else {}
    width, expected = np.full(len(sizes), np.nan), np.full(len(sizes), np.nan)
    why = None
    for place, size in enumerate(sizes):
        clusters = max(1, round(size * design.clusters / max(design.questions, 1)))
        given = _drawn(measured, np.asarray(choices), metric, design, clusters, resamples, seed + 1 + place)
        if target.first is not None:
            expected[place], width[place] = _of_mean(given, metric, target, clusters)
            if width[place] == 0:  # no spread is no certainty: of such questions a resample knows nothing
                width[place], why = np.nan, ALIKE
            continue
        rule = table.rule(target.name, metric, clusters, len(given.plan.counted))
        if rule.method is None:
            why = why or rule.why
            continue
        expected[place], width[place] = _of_score(given, metric, target.name, rule, quiet, clusters)
    known = np.isfinite(width)
    if known.any():
        width[known] = isotonic_regression(width[known], increasing=False).x
    elif why is None:
        why = "It is undefined on what was measured."
    return Widths(tuple(sizes), width, expected, why)


def needed(found: Widths, wanted: float) -> int | None:
    """The fewest questions at which the width is at most `wanted`, between two sizes by their logarithms.

    None where no size studied reaches it; the smallest size with a width where even that does.
    """
    known = np.flatnonzero(np.isfinite(found.width))
    narrow = [place for place in known if found.width[place] <= wanted]
    if not narrow:
        return None
    at = narrow[0]
    before = known[known < at]
    if not len(before) or found.width[at] <= 0:
        return found.sizes[at]
    wide = before[-1]
    low, high = np.log(found.width[wide]), np.log(found.width[at])
    share = (low - np.log(wanted)) / (low - high) if low > high else 1.0
    size = np.exp(np.log(found.sizes[wide]) + share * np.log(found.sizes[at] / found.sizes[wide]))
    return int(min(found.sizes[at], np.ceil(round(float(size), 6))))


def _drawn(
    measured: Resampled,
    choices: NDArray,
    metric: str,
    design: bootstrap.Design,
    clusters: int,
    resamples: int,
    seed: int,
) -> Resampled:
    """The same measurements with resampled curves of sets of `clusters` drawn questions (groups count once)."""
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
    return replace(measured, questions=size, clusters=clusters, resampled={metric: curves}, chances=chances)


def _means(values: Floats, weights: NDArray[np.float32], total: Floats) -> Floats:
    """[K, Q], [R, Q] -> [R, K]; whole numbers exactly, others as deviations from their mean, as `bootstrap` does."""
    with np.errstate(invalid="ignore"):
        whole = bool(((values == np.rint(values)) | np.isnan(values)).all())
        centre = np.zeros(len(values)) if whole else values.mean(axis=1)
        deviations = (values - centre[:, None]).astype(np.float32)
        means = (weights @ deviations.T).astype(np.float64) / total + centre
        return np.asarray(np.round(means, _EXACT), dtype=np.float64)


def _floor(given: Resampled, metric: str) -> Floor:
    """As `vectorised.floor`, with the error of norm_prob's mean that a set of the drawn size would have."""
    if metric != "norm_prob":
        return vectorised.floor(given.runs, given.plan, metric, given.chances, given.questions)
    errors = {}
    for pair in given.plan.contrasts:
        values = np.asarray(given.runs[pair.science].per_question[metric], dtype=np.float64)
        spread = values.std(axis=-1, ddof=1) if values.shape[-1] > 1 else np.full(len(values), np.nan)
        errors[pair.science] = spread / np.sqrt(given.questions)
    return Floor(given.chances, errors)


def _of_mean(given: Resampled, metric: str, target: Target, clusters: int) -> tuple[float, float]:
    assert target.first is not None
    drawn, seen = given.resampled[metric], given.observed[metric]
    samples, value = drawn[target.first[0]][:, target.first[1]], seen[target.first[0]][target.first[1]]
    if target.second is not None:
        samples = samples - drawn[target.second[0]][:, target.second[1]]
        value = value - seen[target.second[0]][target.second[1]]
    level = small_sample_level(clusters)
    if np.isnan(level) or np.isnan(samples).any():
        return float(value), float("nan")
    low, high = quantiles(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(value), float(high - low)


def _of_score(
    given: Resampled, metric: str, score: str, rule: Rule, quiet: Mapping[str, Floats], clusters: int
) -> tuple[float, float]:
    assert rule.method is not None
    drawn, observed = given.resampled[metric], given.observed[metric]
    against = _floor(given, metric)
    forward = vectorised.scores(given.plan, drawn, metric, against).whole[score]
    clean = {name: quiet[name] + (drawn[name] - observed[name]) for name in drawn}
    denoised = vectorised.scores(given.plan, clean, metric, against).whole[score]
    known = denoised[np.isfinite(denoised)]
    if not known.size:
        return float("nan"), float("nan")
    expected = float(known.mean())
    own = Replicates(np.asarray(expected), forward, denoised=denoised)
    low, high = interval(rule.method, own, RANGES[score], small_sample_level(clusters))
    return expected, float(high - low)
