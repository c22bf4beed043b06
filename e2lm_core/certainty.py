"""How sure a set's numbers are: one bootstrap of its measurements, and the intervals that it allows.

The methods and their measured coverage are in docs/uncertainty.md; a score whose interval does not cover gets
none, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from e2lm_core import coverage, finetasks, intervals
from e2lm_core import frames as e2lm_core_frames
from e2lm_core.analysis import Scores
from e2lm_core.curve_scores import Run
from e2lm_core.intervals import Interval, MetricIntervals, Resampled
from e2lm_core.measuring import Measurements, common_grid
from e2lm_core.metrics import oriented
from e2lm_core.records import BOUNDED_METRICS, METRICS, Value


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


def band_frame(measured: Measurements, given: Resampled, metric: str) -> pd.DataFrame:
    """model, step, low, high: the 95% interval of every complete point of the curves of one metric."""
    frames = []
    for curve in measured.curves:
        bounds = intervals.band(given, metric, curve.model.name)
        frames.append(
            pd.DataFrame(
                {"model": curve.model.name, "step": curve.steps, "low": bounds[:, 0], "high": bounds[:, 1]}
            )
        )
    return pd.concat(frames, ignore_index=True)


def quality_frame(measured: Measurements, given: Resampled, metric: str) -> pd.DataFrame:
    """`frames.quality_frame` with the interval of each model's SQ beside it, as low and high."""
    frame = e2lm_core_frames.quality_frame(measured, metric)
    found = intervals_of(given, metric).sq_models
    bounds = [found[name].bounds or (np.nan, np.nan) for name in frame["model"]]
    at = list(frame.columns).index("SQ") + 1
    frame.insert(at, "SQ, 95% from", [low for low, _ in bounds])
    frame.insert(at + 1, "to", [high for _, high in bounds])
    return frame.round(4)


def finetasks_criteria(measured: Measurements, metric: str) -> dict[str, Value]:
    """FineTasks' four criteria; seed noise is that of the model which was trained from several seeds."""
    grid = common_grid(measured, metric)
    curves = np.empty((0, 0)) if grid is None else grid.scores
    chance = measured.chance if metric in BOUNDED_METRICS else None
    return finetasks.criteria(curves, chance, _seeds(measured, metric))


def _seeds(measured: Measurements, metric: str) -> np.ndarray | None:
    """[S, K] curves of the first model with further seeds, None without one or with gaps."""
    for first in measured.curves:
        group = [first, *(c for c in measured.curves if c.model.seed_of == first.model.name)]
        if len(group) > 1 and all(np.array_equal(c.steps, first.steps) for c in group):
            curves = np.array([oriented(metric, measured.values(c.model.name, metric)) for c in group])
            if np.isfinite(curves).all():
                return curves
    return None
