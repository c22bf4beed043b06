"""Bootstrap intervals of curves, differences and scores.

Axes: R resamples, K checkpoints of a model, Q questions. Which method a score gets, and whether it gets any, is
what `docs/uncertainty.md` measured; the table comes in as an argument (`coverage.load`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import METRICS, Value
from e2lm_core.scores import metrics, set_scores
from e2lm_core.scores.arrays import EXACT, Floats
from e2lm_core.scores.layout import Curves, Layout, Run
from e2lm_core.scores.set_scores import RANGES, SCORES, CurveScores
from e2lm_core.scores.uncertainty import bootstrap, calibration, strata
from e2lm_core.scores.uncertainty.bootstrap import RESAMPLES
from e2lm_core.scores.uncertainty.means import pointwise
from e2lm_core.scores.uncertainty.methods import (
    Replicates,
    denoise,
    interval,
    share_above,
    small_sample_level,
    wiggle,
)
from e2lm_core.scores.uncertainty.rules import CoverageTable, IntervalRule, few_for_a_difference

UNDEFINED = "The score is undefined."
OFTEN_UNDEFINED = "The score is undefined in more than 5% of the resamples."


@dataclass(frozen=True)
class Interval:
    """`bounds` (low, high) at 95% by `method`, whose measured `coverage` stands beside it, that of sets of a
    `kind` where it was measured by kinds; or `why` there is none."""

    bounds: tuple[float, float] | None
    coverage: float | None = None
    method: str | None = None
    why: str | None = None
    kind: str | None = None

    def attach(self, value: Value) -> Value:
        """`value` with this interval, or with the reason why it has none; an undefined value stays as it is."""
        if value.value is None:
            return value
        if self.bounds is None:
            return value.model_copy(update={"why": self.why})
        return value.model_copy(
            update={"interval": self.bounds, "coverage": self.coverage, "kind": self.kind}
        )


@dataclass(frozen=True)
class Resampled:
    """One bootstrap of everything that was measured, of `questions`, of which groups count once in `clusters`.

    `observed` {metric: {model: [K]}} and `curves` {metric: {model: [R, K]}} are as measured (bpb not
    negated), NaN at incomplete checkpoints; resample r is the same for all. `chance` and `chances` [R] likewise.
    `places` [U] are the questions in the union of two sets that were drawn together, -1 where this one lacks one.
    """

    runs: Mapping[str, Run]
    questions: int
    clusters: int
    observed: Mapping[str, Curves]
    curves: Mapping[str, Curves]
    chance: float
    chances: Floats
    places: NDArray[np.intp] | None = None

    @property
    def counted(self) -> tuple[str, ...]:
        """The models that count in scores: no twins, no further seeds."""
        return tuple(name for name, run in self.runs.items() if run.counts)

    def kind(self, metric: str) -> str | None:
        """Of what kind the set is, by how far its early curves rise; None where that is not known."""
        return strata.stratum_of(
            strata.standardised_rise(self.runs, self.observed[metric], self.curves[metric], metric)
        )

    def differing_questions(self, metric: str) -> float:
        """On how many questions (groups count once) two of its models differ, see `kinds.differing`."""
        return self.clusters * strata.differing_questions(self.runs, self.observed[metric], metric)

    def layout(self, metric: str) -> Layout:
        """Which measured checkpoints enter which score of one metric."""
        return Layout.from_runs(self.runs, self.observed[metric])

    def scores(
        self, metric: str, curves: Curves, chance: ArrayLike, wanted: Collection[str] = SCORES
    ) -> CurveScores:
        """The scores of `curves` {model: [..., K]} of one metric, at the chance level [...]; see `set_scores`."""
        layout = self.layout(metric)
        against = set_scores.chance_floor(self.runs, layout, metric, chance, self.questions)
        return set_scores.curve_scores(layout, curves, metric, against, wanted)


@dataclass(frozen=True)
class CurveDifference:
    """`value` = first - second with its `bounds`; `share` of resamples in which the first is higher, ties half.

    All None where a checkpoint is incomplete, `bounds` also where `why` says why there are none; `changed` is how
    many questions differ at all. From the bounds follow `p`, two-sided, of no difference; `within`, the smallest margin
    within which an equivalence test (two one-sided ones at 5%) finds the two; and `detectable`, the smallest difference
    that would be found in 80% of cases.
    """

    value: float | None
    bounds: tuple[float, float] | None
    share: float | None
    why: str | None = None
    changed: int | None = None
    p: float | None = None
    within: float | None = None
    detectable: float | None = None

    @classmethod
    def from_samples(
        cls, metric: str, value: float, bounds: Floats, samples: Floats, each: Floats, clusters: int
    ) -> CurveDifference:
        """From the bounds [2], NaN where there are none, of the values `each` [Q] in groups that count once."""
        none = bool(np.isnan(bounds).any())
        why = pointwise.too_few_reason(metric, len(each), clusters) or pointwise.ALIKE if none else None
        changed, share = int((each != 0).sum()), share_above(samples)
        if none:
            return cls(value, None, share, why, changed)
        low, high = float(bounds[0]), float(bounds[1])
        told = pointwise.difference_tests(metric, value, (low, high), len(each), clusters)
        return cls(value, (low, high), share, None, changed, *told)


@dataclass(frozen=True)
class MetricIntervals:
    """`scores` by the names in `set_scores.SCORES`, `sq_models` by model, `bands` {model: [K, 2]}."""

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
    design = bootstrap.resampling_design(len(share), groups, subjects)
    wanted: dict[tuple[str, str], NDArray] = {
        (metric, name): run.per_question[metric] for metric in metric_names for name, run in runs.items()
    }
    means = bootstrap.resampled_means({**wanted, ("", ""): share}, design, resamples, seed)
    return Resampled(
        runs=runs,
        questions=len(share),
        clusters=design.clusters,
        observed={
            m: {name: metrics.curve(run.per_question[m]) for name, run in runs.items()} for m in metric_names
        },
        curves={m: {name: means[m, name] for name in runs} for m in metric_names},
        chance=metrics.chance(np.asarray(choices)),
        chances=means["", ""],
    )


def replicates(
    resampled: Resampled, metric: str, mirrored: bool = True, denoised: bool = True
) -> tuple[dict[str, Replicates], dict[str, Replicates]]:
    """Every score's estimate and replicates: by the names in `set_scores.SCORES`, and each model's own SQ."""
    variants = {
        variant: resampled.scores(metric, curves, chance)
        for variant, (curves, chance) in _variants(resampled, metric, mirrored, denoised).items()
    }
    estimate = variants["estimate"]
    whole = {
        score: Replicates(**{variant: scores.whole[score] for variant, scores in variants.items()})
        for score in estimate.whole
    }
    models = {
        name: Replicates(**{variant: scores.models[name] for variant, scores in variants.items()})
        for name in estimate.models
    }
    return whole, models


def _variants(
    resampled: Resampled, metric: str, mirrored: bool, denoised: bool
) -> dict[str, tuple[Curves, ArrayLike]]:
    """The curves and the chance level of which `Replicates` holds the scores, by its names."""
    observed, drawn = resampled.observed[metric], resampled.curves[metric]
    variants: dict[str, tuple[Curves, ArrayLike]] = {
        "estimate": (observed, resampled.chance),
        "forward": (drawn, resampled.chances),
    }
    if mirrored:
        opposite = {name: np.round(2 * observed[name] - drawn[name], EXACT) for name in drawn}
        variants["mirrored"] = (opposite, 2 * resampled.chance - resampled.chances)
    if denoised:
        quiet = quiet_curves(resampled, metric)
        clean = {name: quiet[name] + (drawn[name] - observed[name]) for name in drawn}
        variants["denoised"] = (clean, resampled.chances)
    return variants


def score_intervals(resampled: Resampled, metric: str, table: CoverageTable) -> MetricIntervals:
    """Every score's interval for one metric, by the method that the coverage study chose for it.

    A score has none where it is undefined, where no method covers (`table` says so), or where it is undefined in
    too many resamples; `why` tells.
    """
    whole, models = replicates(resampled, metric, mirrored=False)
    clusters, counted = resampled.clusters, len(resampled.counted)
    level = small_sample_level(clusters)
    kind, differing = resampled.kind(metric), resampled.differing_questions(metric)
    rules = {name: table.rule(name, metric, clusters, counted, kind, differing) for name in SCORES}
    rules = calibrated(resampled, metric, rules, level)
    return MetricIntervals(
        scores={name: _interval(whole[name], rule, name, level) for name, rule in rules.items()},
        sq_models={
            name: _interval(of_model, table.rule("sq_model", metric, clusters, 1, kind), "sq_model", level)
            for name, of_model in models.items()
        },
        bands={name: point_band(resampled, metric, name) for name in resampled.runs},
    )


def calibrated(
    resampled: Resampled,
    metric: str,
    rules: Mapping[str, IntervalRule],
    level: float,
    quiet: Curves | None = None,
) -> dict[str, IntervalRule]:
    """The rules {score: rule} with the scale of those that are `calibrated` on the set itself (`calibration.scales`); `quiet`
    are its curves without the noise of questions, where they are known."""
    methods = {name: rule.method for name, rule in rules.items() if rule.calibrated and rule.method}
    if not methods:
        return dict(rules)
    observed, drawn = resampled.observed[metric], resampled.curves[metric]
    scales = calibration.calibration_scales(
        quiet_curves(resampled, metric) if quiet is None else quiet,
        {name: drawn[name] - observed[name] for name in drawn},
        lambda curves: quiet_curves(resampled, metric, curves),
        lambda curves: resampled.scores(metric, curves, resampled.chance, methods).whole,
        methods,
        level,
    )
    return {
        name: replace(rule, scale=rule.scale * scales[name]) if name in scales else rule
        for name, rule in rules.items()
    }


def _interval(of_score: Replicates, rule: IntervalRule, score: str, level: float) -> Interval:
    if np.isnan(of_score.estimate):
        return Interval(None, why=UNDEFINED)
    return interval_by_rule(of_score, rule, RANGES[score], level, OFTEN_UNDEFINED)


def interval_by_rule(
    of_score: Replicates, rule: IntervalRule, allowed: tuple[float, float], level: float, undefined: str
) -> Interval:
    """The interval that the rule gives a defined score; none, with the reason, where it gives none.

    `allowed` are the lowest and the highest value that the score may have; `undefined` is the reason where it has no
    value in too many resamples.
    """
    if rule.method is None:
        return Interval(None, why=rule.why)
    low, high = interval(rule.method, of_score, allowed, level, rule.scale)
    if np.isnan(low) or np.isnan(high):
        return Interval(None, why=undefined)
    if low == high:
        return Interval(None, why=pointwise.ALIKE)
    return Interval((float(low), float(high)), rule.coverage, rule.method, kind=rule.kind)


def point_band(resampled: Resampled, metric: str, model: str) -> Floats:
    """[K, 2]: the interval of every point of a model's curve; NaN where it has none (`pointwise.of_mean`)."""
    values = resampled.runs[model].per_question[metric]
    return pointwise.mean_interval(metric, values, resampled.curves[metric][model], resampled.clusters)


def difference(
    resampled: Resampled, metric: str, first: tuple[str, int], second: tuple[str, int]
) -> CurveDifference:
    """How much higher the curve of one (model, checkpoint) is than another's, on the same resamples.

    Which tells two models apart at a checkpoint, or two checkpoints of a model. Values as measured: of bpb less
    is better. No interval on a set of few questions, or whose models differ on few (`rules.few_for_a_difference`).
    """
    observed, drawn = resampled.observed[metric], resampled.curves[metric]
    value = float(observed[first[0]][first[1]] - observed[second[0]][second[1]])
    samples = drawn[first[0]][:, first[1]] - drawn[second[0]][:, second[1]]
    if np.isnan(samples).any():
        return CurveDifference(None, None, None)
    each = (
        resampled.runs[first[0]].per_question[metric][first[1]]
        - resampled.runs[second[0]].per_question[metric][second[1]]
    )
    if few := few_for_a_difference(resampled.clusters, resampled.differing_questions(metric)):
        return CurveDifference(value, None, share_above(samples), few, int((each != 0).sum()))
    bounds = pointwise.paired_interval(metric, each[None], samples[:, None], resampled.clusters)[0]
    return CurveDifference.from_samples(metric, value, bounds, samples, each, resampled.clusters)


def noise(resampled: Resampled, metric: str, model: str) -> tuple[float, float]:
    """(question noise, checkpoint noise) of a model's complete checkpoints, see `methods.wiggle`."""
    curve = resampled.observed[metric][model]
    known = np.isfinite(curve)
    drawn = resampled.curves[metric][model][:, known]
    questions, checkpoints = wiggle(curve[known], drawn - curve[known])
    return float(questions), float(checkpoints)


def quiet_curves(resampled: Resampled, metric: str, curves: Curves | None = None) -> dict[str, Floats]:
    """{model: [..., K]}: `denoise`d `curves` of the same noise, or those measured; models that were measured at the same
    checkpoints are taken together."""
    measured, drawn = resampled.observed[metric], resampled.curves[metric]
    given = measured if curves is None else curves
    together: dict[tuple[int, ...], list[str]] = {}
    for name, run in resampled.runs.items():
        known = np.flatnonzero(np.isfinite(measured[name]))
        together.setdefault(tuple(run.steps[known].tolist()), []).append(name)
    quiet = {name: values.copy() for name, values in given.items()}
    for steps, names in together.items():
        if len(steps) < 2:
            continue
        at = {name: np.isin(resampled.runs[name].steps, steps) for name in names}
        noise = np.stack([(drawn[name] - measured[name])[:, at[name]] for name in names], axis=1)
        values = denoise(np.stack([given[name][..., at[name]] for name in names], axis=-2), noise)
        for place, name in enumerate(names):
            quiet[name][..., at[name]] = values[..., place, :]
    return quiet
