"""Intervals for a set's curves, their differences and its scores: one bootstrap over questions for all of them.

Axes: R resamples, K checkpoints of a model, Q questions. Which method a score gets, and whether it gets any, is
what `docs/uncertainty.md` measured; the table comes in as an argument (`coverage.load`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import METRICS, Value
from e2lm_core.scores import metrics, vectorised
from e2lm_core.scores.uncertainty import bootstrap
from e2lm_core.scores.uncertainty.methods import (
    Replicates,
    denoise,
    interval,
    quantiles,
    small_sample_level,
    wiggle,
)
from e2lm_core.scores.uncertainty.rules import CoverageTable, Rule
from e2lm_core.scores.vectorised import RANGES, SCORES, CurveScores, Layout, Run

Floats = NDArray[np.float64]
Curves = Mapping[str, Floats]

RESAMPLES = 1000
_EXACT = 12  # decimals: what tied before an addition still ties after it


@dataclass(frozen=True)
class Interval:
    """`bounds` (low, high) at 95% by `method`, whose measured `coverage` stands beside it, or `why` there is none."""

    bounds: tuple[float, float] | None
    coverage: float | None = None
    method: str | None = None
    why: str | None = None

    def attach(self, value: Value) -> Value:
        """`value` with this interval; an undefined value stays as it is."""
        if value.value is None or self.bounds is None:
            return value
        return value.model_copy(update={"interval": self.bounds, "coverage": self.coverage})


@dataclass(frozen=True)
class Resampled:
    """One bootstrap of everything that was measured.

    `observed` {metric: {model: [K]}} and `resampled` {metric: {model: [R, K]}} are curves as measured (bpb not
    negated), NaN at incomplete checkpoints; resample r is the same for all. `chance` and `chances` [R] likewise.
    """

    runs: Mapping[str, Run]
    plan: Layout
    questions: int
    clusters: int
    observed: Mapping[str, Curves]
    resampled: Mapping[str, Curves]
    chance: float
    chances: Floats


@dataclass(frozen=True)
class Difference:
    """`value` = first - second with its `bounds`; `share` of resamples in which the first is higher, ties half.

    All None where a checkpoint is incomplete, `bounds` also where there are fewer than two questions.
    """

    value: float | None
    bounds: tuple[float, float] | None
    share: float | None


@dataclass(frozen=True)
class MetricIntervals:
    """`scores` by the names in `vectorised.SCORES`, `sq_models` by model, `bands` {model: [K, 2]}."""

    scores: dict[str, Interval]
    sq_models: dict[str, Interval]
    bands: dict[str, Floats]


def resample(
    runs: Mapping[str, Run],
    choices: ArrayLike,
    metric_names: Sequence[str] = METRICS,
    groups: Sequence[str | None] | None = None,
    subjects: Sequence[str | None] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resampled:
    """Curves of all models in `resamples` sets drawn from the questions with replacement.

    Args:
        runs: {model: Run} with [K, Q] values of each of `metric_names`, the same Q for all.
        choices: [Q] how many choices each question has.
        groups, subjects: see `bootstrap.design`; subjects only to keep every subject's share fixed.
    """
    share = 1.0 / np.asarray(choices, dtype=np.float64)
    plan = bootstrap.design(len(share), groups, subjects)
    wanted: dict[tuple[str, str], NDArray] = {
        (metric, name): run.per_question[metric] for metric in metric_names for name, run in runs.items()
    }
    means = bootstrap.resampled_means({**wanted, ("", ""): share}, plan, resamples, seed)
    return Resampled(
        runs=runs,
        plan=vectorised.layout(runs),
        questions=len(share),
        clusters=plan.clusters,
        observed={
            m: {name: metrics.curve(run.per_question[m]) for name, run in runs.items()} for m in metric_names
        },
        resampled={m: {name: means[m, name] for name in runs} for m in metric_names},
        chance=metrics.chance(np.asarray(choices)),
        chances=means["", ""],
    )


def replicates(
    given: Resampled, metric: str, mirrored: bool = True, denoised: bool = True
) -> tuple[dict[str, Replicates], dict[str, Replicates]]:
    """Every score's estimate and replicates: by name, and each model's own SQ."""
    observed, drawn = given.observed[metric], given.resampled[metric]
    variants: dict[str, tuple[Curves, ArrayLike]] = {
        "estimate": (observed, given.chance),
        "forward": (drawn, given.chances),
    }
    if mirrored:
        opposite = {name: np.round(2 * observed[name] - drawn[name], _EXACT) for name in drawn}
        variants["mirrored"] = (opposite, 2 * given.chance - given.chances)
    if denoised:
        quiet = quiet_curves(given, metric)
        clean = {name: quiet[name] + (drawn[name] - observed[name]) for name in drawn}
        variants["denoised"] = (clean, given.chances)
    found: dict[str, CurveScores] = {}
    for variant, (curves, chance) in variants.items():
        against = vectorised.floor(given.runs, given.plan, metric, chance, given.questions)
        found[variant] = vectorised.scores(given.plan, curves, metric, against)
    whole = {
        score: Replicates(**{variant: own.whole[score] for variant, own in found.items()})
        for score in found["estimate"].whole
    }
    models = {
        name: Replicates(**{variant: own.models[name] for variant, own in found.items()})
        for name in found["estimate"].models
    }
    return whole, models


def score_intervals(given: Resampled, metric: str, table: CoverageTable) -> MetricIntervals:
    """Every score's interval for one metric, by the method that the coverage study chose for it.

    A score has none where it is undefined, where no method covers (`table` says so), or where it is undefined in
    too many resamples; `why` tells.
    """
    whole, models = replicates(given, metric, mirrored=False)
    counted = len(given.plan.counted)
    return MetricIntervals(
        scores={
            name: _interval(
                whole[name], name, table.rule(name, metric, given.clusters, counted), given.clusters
            )
            for name in SCORES
        },
        sq_models={
            name: _interval(
                own, "sq_model", table.rule("sq_model", metric, given.clusters, 1), given.clusters
            )
            for name, own in models.items()
        },
        bands={name: band(given, metric, name) for name in given.runs},
    )


def band(given: Resampled, metric: str, model: str) -> Floats:
    """[K, 2]: percentile interval of every point of a model's curve; NaN at incomplete checkpoints."""
    return _percentile(given.resampled[metric][model], given.clusters).T


def difference(given: Resampled, metric: str, first: tuple[str, int], second: tuple[str, int]) -> Difference:
    """How much higher the curve of one (model, checkpoint) is than another's, on the same resamples.

    Which tells two models apart at a checkpoint, or two checkpoints of a model. Values as measured: of bpb less
    is better.
    """
    observed, drawn = given.observed[metric], given.resampled[metric]
    value = float(observed[first[0]][first[1]] - observed[second[0]][second[1]])
    samples = drawn[first[0]][:, first[1]] - drawn[second[0]][:, second[1]]
    if np.isnan(samples).any():
        return Difference(None, None, None)
    low, high = _percentile(samples, given.clusters)
    bounds = None if np.isnan(low) else (float(low), float(high))
    return Difference(value, bounds, float((samples > 0).mean() + (samples == 0).mean() / 2))


def noise(given: Resampled, metric: str, model: str) -> tuple[float, float]:
    """(question noise, checkpoint noise) of a model's complete checkpoints, see `methods.wiggle`."""
    curve = given.observed[metric][model]
    known = np.isfinite(curve)
    drawn = given.resampled[metric][model][:, known]
    questions, checkpoints = wiggle(curve[known], drawn - curve[known])
    return float(questions), float(checkpoints)


def _percentile(samples: Floats, clusters: int) -> Floats:
    """[R, ...] -> [2, ...]."""
    level = small_sample_level(clusters)
    if np.isnan(level):
        return np.full((2, *samples.shape[1:]), np.nan)
    return quantiles(samples, [(1 - level) / 2, (1 + level) / 2])


def _interval(own: Replicates, score: str, rule: Rule, clusters: int) -> Interval:
    if np.isnan(own.estimate):
        return Interval(None, why="The score is undefined.")
    if rule.method is None:
        return Interval(None, why=rule.why)
    low, high = interval(rule.method, own, RANGES[score], small_sample_level(clusters))
    if np.isnan(low) or np.isnan(high):
        return Interval(None, why="The score is undefined in more than 5% of the resamples.")
    return Interval((float(low), float(high)), rule.coverage, rule.method)


def quiet_curves(given: Resampled, metric: str) -> dict[str, Floats]:
    """`denoise`d curves; models that were measured at the same checkpoints are taken together."""
    together: dict[tuple[int, ...], list[str]] = {}
    for name, run in given.runs.items():
        known = np.flatnonzero(np.isfinite(given.observed[metric][name]))
        together.setdefault(tuple(run.steps[known].tolist()), []).append(name)
    quiet = {name: values.copy() for name, values in given.observed[metric].items()}
    for steps, names in together.items():
        if len(steps) < 2:
            continue
        at = {name: np.isin(given.runs[name].steps, steps) for name in names}
        observed = np.stack([given.observed[metric][name][at[name]] for name in names])
        drawn = np.stack([given.resampled[metric][name][:, at[name]] for name in names], axis=1)
        for name, values in zip(names, denoise(observed, drawn - observed), strict=True):
            quiet[name][at[name]] = values
    return quiet
