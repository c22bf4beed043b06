"""Intervals of a set's scores.

The methods and their measured coverage are in docs/uncertainty.md; a score whose interval does not cover has
no interval, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.records import METRICS, Value
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import coverage, intervals
from e2lm_core.scores.uncertainty.bootstrap import RESAMPLES
from e2lm_core.scores.uncertainty.intervals import MetricIntervals, Resampled


def resample(
    measurements: Measurements, metric_names: Sequence[str] = METRICS, resamples: int = RESAMPLES
) -> Resampled:
    """Resampled curves of a set, drawn from its questions with replacement, groups kept whole.

    Args:
        measurements: Results of the set.
        metric_names: Names of the metrics to resample.
        resamples: Number of resamples R.

    Raises:
        ValueError: A question has no choice, or `resamples` is below 1.
    """
    return intervals.resample(
        measurements.runs,
        measurements.choice_counts,
        metric_names,
        groups=measurements.resampling_groups or None,
        resamples=resamples,
    )


def score_intervals(resampled: Resampled, metric: str) -> MetricIntervals:
    """Intervals of every score for one metric, by the shipped coverage table."""
    return intervals.score_intervals(resampled, metric, coverage.load())


def attach_interval(metric_intervals: MetricIntervals | None, score: str, value: Value) -> Value:
    """Value of a score with its interval, or with the reason for its absence.

    Unchanged where no intervals were computed, or none for this score.
    """
    interval = metric_intervals.scores.get(score) if metric_intervals else None
    return interval.attach(value) if interval else value


def with_intervals(scores: Scores, metric_intervals: MetricIntervals) -> Scores:
    """Scores with the intervals that the coverage study allows them."""
    return scores.map_values(lambda name, value: attach_interval(metric_intervals, name, value))


def model_values(scores: Scores, metric_intervals: MetricIntervals) -> dict[str, Value]:
    """SQ of each model as a value with its interval."""
    return {
        name: metric_intervals.sq_models[name].attach(Value(value=quality.sq, why=quality.why))
        for name, quality in scores.sq_models.items()
    }
