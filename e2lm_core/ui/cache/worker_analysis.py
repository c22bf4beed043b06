"""Analyses computed in a worker process.

Tested in tests/pages/test_curves.py and tests/ui/cache/test_process_pool.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pandas as pd

from e2lm_core.analysis import tables
from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.curves import noises as curve_noises
from e2lm_core.analysis.curves import onsets, subjects
from e2lm_core.analysis.plan import plan as planning
from e2lm_core.analysis.questions import edits
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.ranks.question_influence import QuestionInfluence
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null, set_intervals, set_sizes
from e2lm_core.scores.uncertainty.intervals import MetricIntervals, Resampled
from e2lm_core.ui.cache.store import Kept, Store

# A cache of this process: one bootstrap of a metric serves all analyses that need it.
_KEPT = Kept("computed", Store(128 * 2**20))


def resampled(measurements: Measurements, metric: str) -> Resampled | None:
    """Bootstrap of one metric; None without a complete checkpoint."""
    if not measurements.complete_checkpoints:
        return None
    return _KEPT.made_of((measurements,), metric, lambda: set_intervals.resample(measurements, (metric,)))


def intervals(measurements: Measurements, metric: str) -> MetricIntervals | None:
    """Intervals of the scores of one metric; None without a complete checkpoint."""
    return _KEPT.made_of((measurements,), ("intervals", metric), lambda: _intervals(measurements, metric))


def _intervals(measurements: Measurements, metric: str) -> MetricIntervals | None:
    bootstrap = resampled(measurements, metric)
    return None if bootstrap is None else set_intervals.score_intervals(bootstrap, metric)


def scores(measurements: Measurements, metric: str) -> Scores:
    """Scores of one metric with their intervals and null distributions."""
    return _KEPT.made_of((measurements,), ("scores", metric), lambda: _scores(measurements, metric))


def _scores(measurements: Measurements, metric: str) -> Scores:
    values, bounds = set_scores.scores(measurements, metric), intervals(measurements, metric)
    if bounds is None:
        return values
    return null.attach_null(set_intervals.with_intervals(values, bounds), nulls(measurements, metric))


def nulls(measurements: Measurements, metric: str) -> set_scores.CurveScores | None:
    """Scores under random answer keys, see `null.null_scores`; shared by the scores and comparisons."""
    return _KEPT.made_of((measurements,), ("nulls", metric), lambda: null.null_scores(measurements, metric))


def _judged(measurements: Measurements, metric: str, reading: str) -> Scores:
    return null.attach_null(set_scores.scores(measurements, metric, reading), nulls(measurements, metric))


def advice(measurements: Measurements, metric: str, reading: str) -> score_parts.Advice:
    """Advice on raising the Score, from the scores with their intervals and RC in one definition."""
    return score_parts.improvement_advice(
        measurements, scores(measurements, metric).with_reading(reading), metric
    )


def quality(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Signal quality and its parts, one row for each model, with intervals if a checkpoint is complete."""
    bootstrap = resampled(measurements, metric)
    if bootstrap is None:
        return tables.quality_frame(measurements, metric)
    return tables.quality_interval_frame(measurements, bootstrap, metric)


def curves(measurements: Measurements, metric: str, bands: bool) -> pd.DataFrame:
    """Learning curves, on request with the intervals of their points if a checkpoint is complete."""
    frame = tables.curve_frame(measurements, (metric,))
    bootstrap = resampled(measurements, metric) if bands else None
    if bootstrap:
        band_frame = tables.band_frame(measurements, bootstrap, metric)
        frame = frame.merge(band_frame, on=["model", "step"], how="left")
    return frame


def above_chance(measurements: Measurements, metric: str) -> Mapping[str, onsets.Onset]:
    """First checkpoint above chance, by model; empty without a complete checkpoint."""
    bootstrap = resampled(measurements, metric)
    return {} if bootstrap is None else onsets.onsets_above_chance(measurements, bootstrap, metric)


def all_parted(measurements: Measurements, metric: str) -> list[onsets.Separation]:
    """Separation of every two models; empty without a complete checkpoint."""
    bootstrap = resampled(measurements, metric)
    return [] if bootstrap is None else onsets.all_separations(measurements, bootstrap, metric)


def noises(measurements: Measurements, metric: str) -> dict[str, curve_noises.NoiseComponents]:
    """Noise of questions, checkpoints and seeds, by model; empty without a complete checkpoint."""
    bootstrap = resampled(measurements, metric)
    return {} if bootstrap is None else curve_noises.noise_components(measurements, bootstrap, metric)


def by_subject(
    measurements: Measurements, metric: str, bands: bool
) -> tuple[list[subjects.SubjectCurves], list[str]]:
    """Curves of the largest subjects, with bands on request, and the names of the other subjects."""
    return subjects.curves_by_subject(measurements, metric, bands)


def stable(measurements: Measurements, metric: str) -> stability.RankStability | None:
    """Order of the models and its rank stability.

    None where fewer than two models that count share a complete checkpoint, or one that they share lacks
    results.
    """
    return _KEPT.made_of((measurements,), ("stable", metric), lambda: _stable(measurements, metric))


def _stable(measurements: Measurements, metric: str) -> stability.RankStability | None:
    bootstrap = resampled(measurements, metric)
    return None if bootstrap is None else stability.rank_stability(measurements, bootstrap, metric)


def holding(measurements: Measurements, metric: str, reading: str) -> QuestionInfluence | None:
    """Influence of each question on the order of the models.

    None where no checkpoint lies after the early window.
    """
    order = stable(measurements, metric)
    return (
        None if order is None else stability.influence_on_ranking(measurements, order.grid, metric, reading)
    )


def compared(
    names: tuple[str, str],
    first: Measurements,
    second: Measurements,
    matched: comparison.QuestionMatching,
    metric: str,
    reading: str,
) -> dict[str, Any]:
    """Fields of `comparison.compare` except the measurements, which the caller has.

    Args:
        names: Names of the first and the second set.
        first: Measurements of the first set.
        second: Measurements of the second set.
        matched: Matching of their questions.
        metric: Name of a metric.
        reading: RC definition, a key of `readings.READINGS`.
    """
    made = comparison.compare(names, first, second, matched, metric, reading=reading, judged=_judged)
    return {f.name: getattr(made, f.name) for f in fields(made) if f.name not in ("first", "second")}


# --- what an edit changed ---------------------------------------------------------------------------------


def changed(
    was: Measurements, now: Measurements
) -> tuple[tuple[edits.EditEffect, ...], tuple[edits.MetricChange, ...], int, int, bool]:
    """First five fields of `results.Changed`: the effects of an edit."""
    measured = bool(now.complete_pairs or was.complete_pairs)
    whole = edits.set_changes(was, now)
    return edits.edit_effects(was, now), whole, now.complete_checkpoints, now.checkpoints, measured


def simulated(
    measurements: Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    """Simulated interval widths on the chosen checkpoints.

    Args:
        measurements: Results of the set.
        chosen: Names of the checkpoints.
        metric: Name of a metric.
        target: The score or difference to plan for.
    """
    part = planning.select_checkpoints(
        measurements, [c for m in measurements.curves for c in m.checkpoints if c.name in chosen]
    )
    return planning.simulate_widths(part, metric, target)
