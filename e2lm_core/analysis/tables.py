"""Measurements as data frames, for charts and downloads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from e2lm_core.base.records import METRICS, SignalQuality, TaskSet
from e2lm_core.scores import metrics
from e2lm_core.scores.measurements import Measurements, ModelCurve, common_grid, final_values
from e2lm_core.scores.ranking import order
from e2lm_core.scores.set_scores import signal_qualities
from e2lm_core.scores.uncertainty import intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.set_intervals import score_intervals

# Of every table of curves, those of results from elsewhere too.
CURVE_COLUMNS = ("model", "step", "tokens_seen", "early", "metric", "value", "n")


def curve_frame(measurements: Measurements, metric_names: Sequence[str] = METRICS) -> pd.DataFrame:
    """One row a (model, checkpoint, metric): model, step, tokens_seen, early, metric, value, n.

    `n` is how many questions are complete there; `value` is NaN until all are.
    """
    return _curve_rows(
        (curve, metric, measurements.per_question[curve.model.name][metric])
        for curve in measurements.curves
        for metric in metric_names
    )


def question_frame(measurements: Measurements, question_id: str, metric: str) -> pd.DataFrame:
    """One question's own curves, in the columns of `curve_frame`."""
    at = measurements.question_ids.index(question_id)
    return _curve_rows(
        (curve, metric, measurements.per_question[curve.model.name][metric][:, [at]])
        for curve in measurements.curves
    )


def partial_frame(measurements: Measurements, metric: str) -> pd.DataFrame:
    """As `curve_frame`, but means over the questions that are there, where that is at least half of them.

    What is drawn faint after an edit: every checkpoint lacks the edited question alone.
    """
    frame = curve_frame(measurements, (metric,))
    parts = [measurements.per_question[curve.model.name][metric] for curve in measurements.curves]
    means = [np.nansum(values, axis=1) / np.maximum(np.isfinite(values).sum(axis=1), 1) for values in parts]
    enough = frame["n"] >= max(1, len(measurements.question_ids) / 2)
    return frame.assign(value=np.concatenate([*means, []])).where(enough).dropna(subset=["value"])


def _curve_rows(parts: Iterable[tuple[ModelCurve, str, np.ndarray]]) -> pd.DataFrame:
    """(curve, metric, values [K, questions]) below one another."""
    rows = [
        (
            [curve.model.name] * len(values),
            curve.steps,
            curve.tokens_seen,
            curve.early,
            [metric] * len(values),
            metrics.curve(values),
            np.isfinite(values).sum(axis=1),
        )
        for curve, metric, values in parts
    ]
    if not rows:
        return pd.DataFrame(columns=list(CURVE_COLUMNS))
    # One table of long columns: a table for each of many curves takes ten times as long.
    return pd.DataFrame(
        {
            name: list(chain.from_iterable(column)) if isinstance(column[0], list) else np.concatenate(column)
            for name, column in zip(CURVE_COLUMNS, zip(*rows, strict=True), strict=True)
        }
    )


def question_table(measurements: Measurements, task: TaskSet) -> pd.DataFrame:
    """One row a question, means over the models that count: first, last and rise of acc and norm_prob."""
    rows: dict[str, list] = {"acc": [], "norm_prob": []}
    counted = [c for c in measurements.curves if c.model.counts_in_scores]
    for metric, stack in rows.items():
        stack.extend(measurements.per_question[c.model.name][metric] for c in counted)
    frame = pd.DataFrame(
        {
            "id": measurements.question_ids,
            "subject": measurements.subjects,
            "question": [q.question for q in task.questions],
        }
    )
    for metric, stack in rows.items():
        if stack:
            frame[f"{metric}_first"] = np.mean([values[0] for values in stack], axis=0)
            frame[f"{metric}_last"] = final_values(measurements, metric)
            shape = {values.shape for values in stack}
            frame[f"{metric}_curve"] = (
                list(_mean_over_models(stack).T.round(4)) if len(shape) == 1 else [None] * len(frame)
            )
    return frame


def _mean_over_models(stack: Sequence[np.ndarray]) -> np.ndarray:
    """`np.mean(stack, axis=0)` without all of them in one array, which of a large set is another copy."""
    total = np.array(stack[0], float)
    for values in stack[1:]:
        total += values
    return total / len(stack)


def quality_frame(
    measurements: Measurements, metric: str, qualities: dict[str, SignalQuality] | None = None
) -> pd.DataFrame:
    """One row a model: SQ, its parts, what the edge cases hide, and why a value is undefined."""
    qualities = qualities or signal_qualities(measurements, metric)
    return pd.DataFrame(
        [
            {
                "model": curve.model.name,
                "counts": curve.model.counts_in_scores,
                "SQ": quality.sq,
                "ρ": quality.rho,
                "AC": quality.autocorrelation,
                "points": quality.points,
                "Spearman": quality.spearman,
                "signed AC": quality.signed_autocorrelation,
                "why": quality.why,
            }
            for curve in measurements.curves
            for quality in [qualities[curve.model.name]]
        ]
    ).round(4)


def rank_frame(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Ranks of the models that count at the checkpoints which all of them have: model, tokens_seen, rank."""
    grid = common_grid(measurements, metric)
    if grid is None:
        return pd.DataFrame(columns=["model", "step", "tokens_seen", "early", "rank", "value"])
    rank = order.ranks(grid.scores)
    return pd.DataFrame(
        [
            {
                "model": model,
                "step": int(grid.steps[k]),
                "tokens_seen": grid.tokens_seen[k],
                "early": bool(grid.early[k]),
                "rank": rank[m, k],
                "value": grid.values[m, k],
            }
            for m, model in enumerate(grid.models)
            for k in range(len(grid.steps))
        ]
    )


def band_frame(measurements: Measurements, resampled: Resampled, metric: str) -> pd.DataFrame:
    """model, step, low, high: the 95% interval of every complete point of the curves of one metric."""
    frames = []
    for curve in measurements.curves:
        bounds = intervals.point_band(resampled, metric, curve.model.name)
        frames.append(
            pd.DataFrame(
                {"model": curve.model.name, "step": curve.steps, "low": bounds[:, 0], "high": bounds[:, 1]}
            )
        )
    return pd.concat(frames, ignore_index=True)


def quality_interval_frame(measurements: Measurements, resampled: Resampled, metric: str) -> pd.DataFrame:
    """`quality_frame` with the interval of each model's SQ beside it, as low and high."""
    frame = quality_frame(measurements, metric)
    intervals = score_intervals(resampled, metric).sq_models
    bounds = [intervals[name].bounds or (np.nan, np.nan) for name in frame["model"]]
    at = list(frame.columns).index("SQ") + 1
    frame.insert(at, "SQ, 95% from", [low for low, _ in bounds])
    frame.insert(at + 1, "to", [high for _, high in bounds])
    return frame.round(4)
