"""How sure a set's numbers are: one bootstrap of its measurements, and the intervals that it allows.

The methods and their measured coverage are in docs/uncertainty.md; a score whose interval does not cover gets
none, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.records import METRICS, Value
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import coverage, intervals
from e2lm_core.scores.uncertainty.intervals import Interval, MetricIntervals, Resampled
from e2lm_core.scores.vectorised import Run


def runs_of(measured: Measurements) -> dict[str, Run]:
    """The measurements as the vectorised scores take them."""
    return {
        curve.model.name: Run(
            per_question=measured.per_question[curve.model.name],
            steps=curve.steps,
            early=curve.early,
            counts=curve.model.counts_in_scores,
            twin_of=curve.model.twin_of,
        )
        for curve in measured.curves
    }


def resample(
    measured: Measurements, metric_names: Sequence[str] = METRICS, resamples: int = intervals.RESAMPLES
) -> Resampled:
    """The measurements on sets drawn from the questions with replacement, groups of questions kept whole."""
    return intervals.resample(
        runs_of(measured),
        measured.choice_counts,
        metric_names,
        groups=measured.groups or None,
        resamples=resamples,
    )


def intervals_of(given: Resampled, metric: str) -> MetricIntervals:
    return intervals.score_intervals(given, metric, coverage.load())


def with_intervals(scores: Scores, found: MetricIntervals) -> Scores:
    """The scores with the intervals that the coverage study allows them."""
    return scores.model_copy(
        update={
            name: _attached(found.scores[name], getattr(scores, name))
            for name in ("sq", "rc", "cs", "score", "snr", "decision_accuracy")
            if name in found.scores
        }
    )


def _attached(interval: Interval, value: Value) -> Value:
    if value.value is not None and interval.bounds is None:
        return value.model_copy(update={"why": interval.why})
    return interval.attach(value)


def model_values(scores: Scores, found: MetricIntervals) -> dict[str, Value]:
    """Each model's SQ as a value with its interval."""
    return {
        name: _attached(found.sq_models[name], Value(value=quality.sq, why=quality.why))
        for name, quality in scores.sq_models.items()
    }
