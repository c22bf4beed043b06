"""The scores of a set's measurements: SQ, RC, CS, Score, SNR, each with its reason where it is undefined."""

from __future__ import annotations

import numpy as np

from e2lm_core.base.records import BOUNDED_METRICS, Record, SignalQuality, Value
from e2lm_core.scores import composite, contrast, metrics, ranking, signal
from e2lm_core.scores.measurements import Grid, Measurements, common_grid

NO_TWIN = "No web-only twin was run beside its science model."
BPB_HAS_NO_CHANCE = "Bits per byte has no chance level."
MARGIN_HAS_NO_CHANCE = "The margin has no chance level that holds for every set."


class Scores(Record):
    """Every score of a set for one metric.

    `sq_models` holds each model's own signal quality, `counted` the models that enter the means: twins and
    extra seeds do not.
    """

    metric: str
    sq: Value
    sq_models: dict[str, SignalQuality]
    counted: tuple[str, ...]
    rc: Value
    cs: Value
    score: Value
    snr: Value
    decision_accuracy: Value


def signal_qualities(measurements: Measurements, metric: str) -> dict[str, SignalQuality]:
    """Each model's SQ over the early window's complete checkpoints (twins and seeds included, to show)."""
    found = {}
    for curve in measurements.curves:
        values = measurements.values(curve.model.name, metric)[curve.early]
        found[curve.model.name] = signal.signal_quality(metrics.oriented(metric, values[np.isfinite(values)]))
    return found


def scores(measurements: Measurements, metric: str) -> Scores:
    """SQ, RC, CS and Score of one metric, each with its reason where it is undefined (docs/scores.md)."""
    qualities = signal_qualities(measurements, metric)
    counted = tuple(c.model.name for c in measurements.curves if c.model.counts_in_scores)
    sq = signal.mean_quality({name: qualities[name] for name in counted})
    grid = common_grid(measurements, metric)
    if grid is None:
        why = "Fewer than two models share a complete checkpoint."
        rc = decision = snr = Value(value=None, why=why)
    else:
        snr = _snr(grid, metric)
        if grid.end is None:
            why = "No checkpoint after the early window is complete for every model."
            rc = decision = Value(value=None, why=why)
        else:
            later = grid.scores[:, grid.end + 1 :]
            rc = ranking.ranking_consistency(grid.scores[:, grid.end], later)
            decision = signal.decision_accuracy(grid.scores[:, grid.end], grid.scores[:, -1])
    cs = _science_contrast(measurements, metric)
    return Scores(
        metric=metric,
        sq=sq,
        sq_models=qualities,
        counted=counted,
        rc=rc,
        cs=cs,
        score=composite.score(sq, rc, cs),
        snr=snr,
        decision_accuracy=decision,
    )


def _snr(grid: Grid, metric: str) -> Value:
    if metric not in signal.RATIO_METRICS:
        return Value(value=None, why="The margin can be negative, and this SNR is a ratio to the mean.")
    return signal.snr(grid.values)


def _science_contrast(measurements: Measurements, metric: str) -> Value:
    """The mean over twins of the contrast with their science model."""
    if metric not in BOUNDED_METRICS:
        return Value(value=None, why=BPB_HAS_NO_CHANCE if metric == "bpb" else MARGIN_HAS_NO_CHANCE)
    by_name = {curve.model.name: curve for curve in measurements.curves}
    contrasts = []
    for twin in measurements.curves:
        science = by_name.get(twin.model.twin_of or "")
        if science is None:
            continue
        shared = sorted(set(twin.steps[twin.early]) & set(science.steps[science.early]))
        picked = [[int(np.flatnonzero(c.steps == step)[0]) for step in shared] for c in (science, twin)]
        s, w = (
            measurements.values(c.model.name, metric)[at]
            for c, at in zip((science, twin), picked, strict=True)
        )
        both = np.isfinite(s) & np.isfinite(w)
        if not both.any():
            continue
        answers = measurements.per_question[science.model.name][metric][picked[0]][both]
        error = contrast.chance_error(metric, measurements.chance, len(measurements.gold), answers)
        contrasts.append(contrast.science_contrast(s[both], w[both], measurements.chance, error))
    defined = [c.value for c in contrasts if c.value is not None]
    if not contrasts:
        return Value(value=None, why=NO_TWIN)
    return Value(value=float(np.mean(defined))) if defined else contrasts[0]


def early_end(measurements: Measurements) -> float | None:
    """tokens_seen at the early window's last checkpoint, None where no checkpoint lies after it."""
    ends = [
        curve.tokens_seen[curve.early][-1]
        for curve in measurements.curves
        if curve.early.any() and not curve.early.all() and np.isfinite(curve.tokens_seen).all()
    ]
    return float(max(ends)) if ends else None


def trends(measurements: Measurements, metric: str) -> dict[str, list[float]]:
    """The small curves beside the headline numbers: what each score is made of, by checkpoint."""
    found: dict[str, list[float]] = {}
    grid = common_grid(measurements, metric)
    if grid is not None:
        found["SQ"] = grid.scores.mean(axis=0).tolist()
        if grid.end is not None:
            taus = [
                ranking.tau_b(grid.scores[:, grid.end], grid.scores[:, k])
                for k in range(grid.end, len(grid.steps))
            ]
            found["RC"] = [float(t) for t in taus if np.isfinite(t)]
    for twin in measurements.curves:
        science = next((c for c in measurements.curves if c.model.name == twin.model.twin_of), None)
        if science is not None and np.array_equal(science.steps, twin.steps):
            gap = measurements.values(science.model.name, metric) - measurements.values(
                twin.model.name, metric
            )
            found["CS"] = gap[np.isfinite(gap)].tolist()
    return found
