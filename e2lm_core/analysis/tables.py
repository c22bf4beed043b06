"""Measurements as data frames, for charts and downloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from e2lm_core.base.records import METRICS, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import metrics
from e2lm_core.scores.measurements import Measurements, ModelCurve, common_grid, final_values
from e2lm_core.scores.ranking import order
from e2lm_core.scores.set_scores import signal_qualities
from e2lm_core.scores.uncertainty import intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.set_intervals import score_intervals

# Columns of every table of curves, also of imported results.
CURVE_COLUMNS = ("model", "step", "tokens_seen", "early", "metric", "value", "n")


def curve_frame(measurements: Measurements, metric_names: Sequence[str] = METRICS) -> pd.DataFrame:
    """Learning curves as a table, one row per model, checkpoint and metric.

    Columns: model, step, tokens_seen, early, metric, value, n. `n` is the number of questions complete at the
    checkpoint; `value` is NaN until all are.
    """
    return curve_rows(
        (curve, metric, measurements.per_question[curve.model.name][metric])
        for curve in measurements.curves
        for metric in metric_names
    )


def question_frame(measurements: Measurements, question_id: str, metric: str) -> pd.DataFrame:
    """Learning curves of one question, in the columns of `curve_frame`."""
    at = measurements.question_ids.index(question_id)
    return curve_rows(
        (curve, metric, measurements.per_question[curve.model.name][metric][:, [at]])
        for curve in measurements.curves
    )


def partial_frame(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Mean curves over the complete questions, at checkpoints with results for at least half of the set.

    In the columns of `curve_frame`. Drawn faint after an edit, while every checkpoint lacks only the edited
    question.
    """
    frame = curve_frame(measurements, (metric,))
    parts = [measurements.per_question[curve.model.name][metric] for curve in measurements.curves]
    means = [np.nansum(values, axis=1) / np.maximum(np.isfinite(values).sum(axis=1), 1) for values in parts]
    enough = frame["n"] >= max(1, len(measurements.question_ids) / 2)
    return frame.assign(value=np.concatenate([*means, []])).where(enough).dropna(subset=["value"])


def curve_rows(parts: Iterable[tuple[ModelCurve, str, np.ndarray]]) -> pd.DataFrame:
    """Stack (curve, metric, values [K, Q]) triples into one table."""
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
    # One table is built from long columns: joining a table for each of many curves takes ten times as long.
    return pd.DataFrame(
        {
            name: list(chain.from_iterable(column)) if isinstance(column[0], list) else np.concatenate(column)
            for name, column in zip(CURVE_COLUMNS, zip(*rows, strict=True), strict=True)
        }
    )


def question_table(measurements: Measurements, task: TaskSet) -> pd.DataFrame:
    """Table of acc and norm_prob by question: first, last and curve, means over the scored models.

    Columns: id, subject, question, and for each of the two metrics `…_first`, `…_last` and `…_curve`. The
    metrics' columns are missing without a scored model; a curve is None where the models differ in their
    checkpoints.
    """
    frame = pd.DataFrame(
        {
            "id": measurements.question_ids,
            "subject": measurements.subjects,
            "question": [q.question for q in task.questions],
        }
    )
    for metric in ("acc", "norm_prob"):
        stack = [measurements.per_question[c.model.name][metric] for c in measurements.scored_curves]
        if stack:
            frame[f"{metric}_first"] = np.mean([values[0] for values in stack], axis=0)
            frame[f"{metric}_last"] = final_values(measurements, metric)
            shape = {values.shape for values in stack}
            frame[f"{metric}_curve"] = (
                list(_mean_over_models(stack).T.round(4)) if len(shape) == 1 else [None] * len(frame)
            )
    return frame


def _mean_over_models(stack: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over models without stacking the arrays, which would copy the results of a large set."""
    total = np.array(stack[0], float)
    for values in stack[1:]:
        total += values
    return total / len(stack)


def with_sentences(frame: pd.DataFrame, **columns: Iterable[object]) -> pd.DataFrame:
    """A table with these columns, whose sentences keep their templates: texts of pandas' own type lose them."""
    return frame.assign(
        **{name: pd.Series(list(values), index=frame.index, dtype=object) for name, values in columns.items()}
    )


def sentence_table(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """A table of rows, all with the same columns, whose sentences keep their templates.

    Args:
        rows: Cells by column.
        columns: The columns in their order; None for those of the rows.
    """
    of_sentences = {name for row in rows for name, cell in row.items() if isinstance(cell, Sentence)}
    frame = pd.DataFrame(rows, columns=None if columns is None else list(columns))
    return with_sentences(frame, **{name: [row[name] for row in rows] for name in of_sentences})


def quality_frame(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Table of signal quality by model, rounded to 4 decimals.

    Columns: model, counts, SQ, ρ, AC, points, Spearman (tie-aware), signed AC, why (reason for an undefined
    value).
    """
    qualities = signal_qualities(measurements, metric)
    frame = pd.DataFrame(
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
    return with_sentences(frame, why=(qualities[curve.model.name].why for curve in measurements.curves))


def rank_frame(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Ranks of the scored models at the checkpoints that all of them share.

    Columns: model, step, tokens_seen, early, rank, value; no rows without a shared checkpoint.
    """
    grid = common_grid(measurements, metric)
    if grid is None:
        return pd.DataFrame(columns=["model", "step", "tokens_seen", "early", "rank", "value"])
    models = len(grid.models)
    return pd.DataFrame(
        {
            "model": [model for model in grid.models for _ in grid.steps],
            "step": np.tile(grid.steps, models),
            "tokens_seen": np.tile(grid.tokens_seen, models),
            "early": np.tile(grid.early, models),
            "rank": order.ranks(grid.scores).ravel(),
            "value": grid.values.ravel(),
        }
    )


def band_frame(measurements: Measurements, resampled: Resampled, metric: str) -> pd.DataFrame:
    """95% intervals of every complete point of one metric's curves: model, step, low, high."""
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
    """Table of signal quality by model, with the 95% interval of SQ.

    The columns of `quality_frame`, with "SQ, 95% from" and "to" behind SQ.
    """
    frame = quality_frame(measurements, metric)
    intervals = score_intervals(resampled, metric).sq_models
    bounds = [intervals[name].bounds or (np.nan, np.nan) for name in frame["model"]]
    at = list(frame.columns).index("SQ") + 1
    frame.insert(at, "SQ, 95% from", [low for low, _ in bounds])
    frame.insert(at + 1, "to", [high for _, high in bounds])
    return frame.round(4)
