"""Bootstrap intervals of curves and scores.

Axes: R resamples, K checkpoints of a model, Q questions. `docs/uncertainty.md` has the measurements that
decide which method a score gets, and if it gets any; the table is an argument (`coverage.load`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import METRICS, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import metrics, set_scores
from e2lm_core.scores.arrays import Floats
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
from e2lm_core.scores.uncertainty.rules import CoverageTable, IntervalRule

UNDEFINED = Sentence("The score is undefined.")
OFTEN_UNDEFINED = Sentence("The score is undefined in more than 5% of the resamples.")


@dataclass(frozen=True)
class Interval:
    """95% interval of a value, or the reason why there is none.

    Attributes:
        bounds: Interval (low, high); None if there is none, see `why`.
        coverage: Measured coverage of the method, for sets of `kind` where it was measured by kinds.
        method: Name of the method in `methods.METHODS`.
        why: Reason why there is no interval.
        kind: Kind of sets that `coverage` is of; None where it is the lowest over kinds.
    """

    bounds: tuple[float, float] | None
    coverage: float | None = None
    method: str | None = None
    why: str | None = None
    kind: str | None = None

    def attach(self, value: Value) -> Value:
        """Copy of a value with this interval or its `why`; an undefined value is unchanged."""
        if value.value is None:
            return value
        if self.bounds is None:
            return value.model_copy(update={"why": self.why})
        return value.model_copy(
            update={"interval": self.bounds, "coverage": self.coverage, "kind": self.kind}
        )


@dataclass(frozen=True)
class Resampled:
    """One bootstrap of everything that was measured on a set; resample r is the same for all curves.

    Attributes:
        runs: Runs by model.
        questions: Number of questions.
        clusters: Number of questions with groups counted once.
        observed: Measured curves, {metric: {model: [K]}}, bpb not negated, NaN at incomplete checkpoints.
        curves: Resampled curves, {metric: {model: [R, K]}}, in the same way.
        chance: Chance level of the set.
        chances: Chance level [R] in each resample.
        places: Index [U] of each question in the union of two sets that were drawn together, -1 where this
            set lacks it; None for a set drawn by itself.
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
        """Names of the models that count in scores: no twins, no other seeds."""
        return tuple(name for name, run in self.runs.items() if run.counts)

    def kind(self, metric: str) -> str | None:
        """Kind of the set, by the rise of its early curves (`strata.KINDS`); None where it is not known."""
        return strata.stratum_of(
            strata.standardised_rise(self.runs, self.observed[metric], self.curves[metric], metric)
        )

    def differing_questions(self, metric: str) -> float:
        """Number of questions (groups count once) on which two of its models differ, see `strata`."""
        return self.clusters * strata.differing_questions(self.runs, self.observed[metric], metric)

    def layout(self, metric: str) -> Layout:
        """Selection of measured checkpoints for each score of one metric."""
        return Layout.from_runs(self.runs, self.observed[metric])

    def scores(
        self, metric: str, curves: Curves, chance: ArrayLike, wanted: Collection[str] = SCORES
    ) -> CurveScores:
        """Scores of curves of one metric at a chance level, see `set_scores.curve_scores`.

        Args:
            metric: Name of the metric.
            curves: Curves {model: [..., K]} as measured (bpb not negated).
            chance: Chance level [...].
            wanted: Names of the scores to compute.
        """
        layout = self.layout(metric)
        against = set_scores.chance_floor(self.runs, layout, metric, chance, self.questions)
        return set_scores.curve_scores(layout, curves, metric, against, wanted)


@dataclass(frozen=True)
class CurveDifference:
    """Difference of two means, see `paired.mean_difference`.

    Attributes:
        value: Difference in the metric's unit; None if a checkpoint is incomplete.
        bounds: 95% interval (low, high) in the same unit; None if there is none, see `why`.
        share: Share of resamples in which the difference is positive, ties counted half, in [0, 1]; None for one
            question or group, of which every resample is the same.
        why: Reason why there is no interval.
        changed: Number of questions on which the two differ.
        p: Two-sided p-value of no difference; like the next two it follows from `bounds`.
        within: Smallest margin at which two one-sided 5% tests find the two equivalent.
        detectable: Smallest difference found with 80% power.
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
        """Build the record, with the tests that follow from the interval.

        Args:
            metric: Name of the metric.
            value: Difference in the metric's unit.
            bounds: Interval [2], NaN where there is none.
            samples: Differences [R] in the resamples.
            each: Differences [Q] of the single questions, or the values of both sets where they share none.
            clusters: Number of questions with groups counted once.
        """
        none = bool(np.isnan(bounds).any())
        why = pointwise.too_few_reason(metric, len(each), clusters) or pointwise.ALIKE if none else None
        changed, share = int((each != 0).sum()), share_above(samples) if clusters > 1 else None
        if none:
            return cls(value, None, share, why, changed)
        low, high = float(bounds[0]), float(bounds[1])
        told = pointwise.difference_tests(metric, value, (low, high), len(each), clusters)
        return cls(value, (low, high), share, None, changed, *told)


@dataclass(frozen=True)
class MetricIntervals:
    """Intervals of one metric.

    Attributes:
        scores: Interval of each score, by the names in `set_scores.SCORES`.
        sq_models: Interval of each model's SQ.
        bands: Interval at each checkpoint, {model: [K, 2]}, NaN where there is none.
    """

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
    """Curves of all models in sets drawn from the questions with replacement.

    Args:
        runs: Runs by model, with values [K, Q] of each of `metric_names` and the same Q for all.
        choices: Number of choices of each question [Q].
        metric_names: Names of the metrics to resample.
        groups: Group of each question [Q], see `bootstrap.resampling_design`.
        subjects: Subject of each question [Q], only to keep every subject's share fixed.
        resamples: Number of resamples R.
        seed: Seed of the random numbers.

    Raises:
        ValueError: A list or array is not as long as the set, a question has no choice, or `resamples` is
            below 1.
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
    resampled: Resampled, metric: str, quiet: Curves | None = None
) -> tuple[dict[str, Replicates], dict[str, Replicates]]:
    """Estimate and replicates of every score, and of each model's own SQ.

    Args:
        resampled: The bootstrap.
        metric: Name of the metric.
        quiet: Measured curves without question noise, {model: [K]}; computed where None.

    Returns:
        Replicates by the names in `set_scores.SCORES`, and by model.
    """
    observed, drawn = resampled.observed[metric], resampled.curves[metric]
    quiet = quiet_curves(resampled, metric) if quiet is None else quiet
    clean = {name: quiet[name] + (drawn[name] - observed[name]) for name in drawn}
    estimate = resampled.scores(metric, observed, resampled.chance)
    forward = resampled.scores(metric, drawn, resampled.chances)
    denoised = resampled.scores(metric, clean, resampled.chances)
    whole = {
        score: Replicates(of_set, forward.whole[score], denoised.whole[score])
        for score, of_set in estimate.whole.items()
    }
    models = {
        name: Replicates(of_model, forward.models[name], denoised.models[name])
        for name, of_model in estimate.models.items()
    }
    return whole, models


def score_intervals(resampled: Resampled, metric: str, table: CoverageTable) -> MetricIntervals:
    """Intervals of every score for one metric, by the methods that the coverage study chose.

    A score has no interval, with the reason in `why`, where it is undefined, where no method covers (by
    `table`), or where it is undefined in too many resamples.
    """
    whole, models = replicates(resampled, metric)
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
    """Interval rules of which those marked `calibrated` got their scale from the set itself.

    Args:
        resampled: The bootstrap.
        metric: Name of the metric.
        rules: Rules by score.
        level: Level of the intervals, `methods.small_sample_level`.
        quiet: The set's curves without question noise, {model: [K]}; computed where None.

    Returns:
        The same rules, with the scale multiplied by that of `calibration.calibration_scales` where marked.
    """
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
    """Interval of a defined score by its rule, or the reason why the rule gives none.

    Args:
        of_score: Estimate and replicates of the score.
        rule: Rule of the score.
        allowed: Lowest and highest value that the score may have.
        level: Level of the interval, `methods.small_sample_level`.
        undefined: Reason to give where the score is undefined in too many resamples.
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
    """Interval at every point of a model's curve, [K, 2]; NaN where there is none.

    The method is that of `pointwise.mean_interval`.
    """
    values = resampled.runs[model].per_question[metric]
    return pointwise.mean_interval(metric, values, resampled.curves[metric][model], resampled.clusters)


def noise(resampled: Resampled, metric: str, model: str) -> tuple[float, float]:
    """Question noise and checkpoint noise of a model's complete checkpoints, see `methods.wiggle`."""
    curve = resampled.observed[metric][model]
    known = np.isfinite(curve)
    drawn = resampled.curves[metric][model][:, known]
    questions, checkpoints = wiggle(curve[known], drawn - curve[known])
    return float(questions), float(checkpoints)


def quiet_curves(resampled: Resampled, metric: str, curves: Curves | None = None) -> dict[str, Floats]:
    """Curves with the question noise removed (`methods.denoise`), {model: [..., K]}.

    Models that were measured at the same checkpoints are denoised together.

    Args:
        resampled: The bootstrap, which gives the noise.
        metric: Name of the metric.
        curves: Curves {model: [..., K]} of the same noise; the measured ones where None.

    Returns:
        Denoised curves {model: [..., K]}, NaN at incomplete checkpoints; unchanged where a model has fewer
        than two complete ones.
    """
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
