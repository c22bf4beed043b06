"""Signal quality, intervals and tables of imported curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from e2lm_core.analysis import tables
from e2lm_core.base import formatting
from e2lm_core.base.records import METRICS, ModelInfo, SignalQuality
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.imported.formats.published import COMPETITION_STEPS, competition_points
from e2lm_core.imported.join import curve_labels, task_label
from e2lm_core.imported.records import Curve, Imported
from e2lm_core.scores import signal
from e2lm_core.scores.uncertainty import set_intervals

SHARE_METRICS = ("acc", "acc_norm", "norm_prob", "score")  # between 0 and 1


def scored_points(curve: Curve) -> np.ndarray:
    """Mask [K] (bool) of the points over which SQ is computed.

    These are the points of the family's early window, or all if it names none. For a model of the competition
    without samples they are the competition's own points.
    """
    steps = np.array(curve.steps)
    if curve.model.family == "e2lm" and not curve.per_question and None not in curve.tokens_seen:
        return competition_points(steps, np.array(curve.tokens_seen, float) / 1e9)
    return np.array([early is not False for early in curve.early], bool)


def quality(curve: Curve) -> SignalQuality:
    """Organisers' SQ of one curve over its scored points; undefined if a competition point is missing.

    Scores of which lower is better are negated. A point of the competition counts as missing only before the
    last one given.
    """
    there = scored_points(curve)
    values = np.array(curve.scores)[there]
    found = signal.signal_quality(-values if curve.lower_is_better else values)
    given = _of_the_competition(curve)
    holes = [step for step in COMPETITION_STEPS if given and step < max(given) and step not in given]
    if not holes:
        return found
    bounds = _bounds(curve, given, holes)
    why = Sentence(
        "Results are missing at {number} of the competition's points up to iteration {last}: import {missing} too.",
        number=str(len(holes)),
        last=max(given),
        missing=formatting.join_words([f"{step:,}" for step in holes]),
    )
    if bounds:
        low, high = (formatting.score(bound) for bound in bounds)
        why = joined((why, Sentence("Whatever they are, SQ is {low} to {high}.", low=low, high=high)))
    return SignalQuality(rho=None, autocorrelation=None, sq=None, points=found.points, why=why)


def _bounds(curve: Curve, given: Sequence[int], holes: Sequence[int]) -> tuple[float, float] | None:
    """Smallest and largest SQ over the missing points; None for a metric without limits, or too many of them."""
    if curve.metric not in SHARE_METRICS:
        return None
    there = dict(zip(curve.steps, curve.scores, strict=True))
    steps = sorted((*given, *holes))
    return signal.quality_bounds([there.get(step, np.nan) for step in steps])


def coverage(curve: Curve) -> str | None:
    """Sentence on how many of the competition's points a curve has; None if it has all or none.

    If only the last point is missing, the sentence adds that its checkpoint was not published.
    """
    given = _of_the_competition(curve)
    if not given or len(given) == len(COMPETITION_STEPS):
        return None
    unpublished = set(given) == set(COMPETITION_STEPS[:-1])
    counts = {"given": str(len(given)), "all": str(len(COMPETITION_STEPS))}
    if unpublished:
        return Sentence(
            "{given} of the competition's {all} points: no checkpoint of the last ({step}) was published.",
            **counts,
            step=COMPETITION_STEPS[-1],
        )
    return Sentence("{given} of the competition's {all} points.", **counts)


def _of_the_competition(curve: Curve) -> list[int]:
    """Steps of the competition's points on a curve of its models without samples; empty for other curves."""
    if curve.model.family != "e2lm" or curve.per_question or None in curve.tokens_seen:
        return []
    return [step for step, there in zip(curve.steps, scored_points(curve), strict=True) if there]


def quality_frame(curves: Sequence[Curve]) -> pd.DataFrame:
    """SQ of curves as a table, one row per curve, with the columns of `tables.quality_frame`."""
    rows = []
    for curve, label in zip(curves, curve_labels(curves), strict=True):
        rated = quality(curve)
        rows.append(
            {
                "model": label,
                "SQ": rated.sq,
                "ρ": rated.rho,
                "AC": rated.autocorrelation,
                "points": rated.points,
                "of": len(curve.steps),
                "first": curve.scores[0],
                "last": curve.scores[-1],
                "Spearman": rated.spearman,
                "signed AC": rated.signed_autocorrelation,
                "why": rated.why or coverage(curve),
            }
        )
    return tables.sentence_table(rows).round(4)


def standard_errors(curve: Curve) -> Sequence[float | None]:
    """Standard error of each point of a curve; None where the files give none."""
    return curve.stderr or (None,) * len(curve.steps)


def curve_frame(curves: Sequence[Curve]) -> pd.DataFrame:
    """Curves as a table, one row per point, with the columns of `tables.curve_frame` and `stderr`.

    Values that the file does not give are NaN.
    """
    rows = [
        (
            label,
            step,
            np.nan if tokens is None else float(tokens),
            early is not False,
            curve.metric,
            score,
            np.nan if curve.questions is None else curve.questions,
            np.nan if stderr is None else stderr,
        )
        for curve, label in zip(curves, curve_labels(curves), strict=True)
        for step, tokens, early, score, stderr in zip(
            curve.steps, curve.tokens_seen, curve.early, curve.scores, standard_errors(curve), strict=True
        )
    ]
    return pd.DataFrame(rows, columns=[*tables.CURVE_COLUMNS, "stderr"])


def models(curves: Sequence[Curve]) -> list[ModelInfo]:
    """Models of curves under the names that `curve_frame` gives them."""
    return [
        curve.model.model_copy(update={"name": label})
        for curve, label in zip(curves, curve_labels(curves), strict=True)
    ]


def bands(imported: Imported, task: str, metric: str) -> pd.DataFrame | None:
    """95% intervals of a task's curves with samples: columns model, step, low, high; None without samples."""
    curves = imported.curves_of(task, metric) if metric in METRICS else []
    by_measured: dict[str, dict[str, str]] = {}  # {label of measurements: {model: label of curve}}
    for curve, label in zip(curves, curve_labels(curves), strict=True):
        names = (task_label(curve, True), task_label(curve, False), task)
        if (measured := next((name for name in names if name in imported.measured), None)) is not None:
            by_measured.setdefault(measured, {})[curve.model.name] = label
    parts = []
    for measured, label_of in by_measured.items():
        of_task = imported.measured[measured]
        band = tables.band_frame(of_task, set_intervals.resample(of_task, (metric,)), metric)
        parts.append(band.assign(model=band["model"].map(label_of)).dropna(subset=["model"]))
    return pd.concat(parts, ignore_index=True) if parts else None
