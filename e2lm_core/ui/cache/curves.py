"""Cached results of the pages Curves and Ranking.

Tested in tests/pages/test_curves.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from e2lm_core.analysis.curves import noises as curve_noises
from e2lm_core.analysis.curves import onsets, subjects
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.ranks.question_influence import QuestionInfluence
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.cache import worker_analysis
from e2lm_core.ui.cache.results import computed


def above_chance(measurements: Measurements, metric: str) -> Mapping[str, onsets.Onset]:
    """{model: from where on it is above chance}; empty where nothing is complete."""
    return (
        computed(worker_analysis.above_chance, measurements, metric)
        if measurements.complete_checkpoints
        else {}
    )


def all_parted(measurements: Measurements, metric: str) -> list[onsets.Separation]:
    """From where on every two models have parted; empty where nothing is complete."""
    return (
        computed(worker_analysis.all_parted, measurements, metric)
        if measurements.complete_checkpoints
        else []
    )


def parted(measurements: Measurements, metric: str, one: str, other: str) -> onsets.Separation | None:
    """From where on two models have parted; None where nothing is complete."""
    both = {one, other}
    return next((p for p in all_parted(measurements, metric) if {p.higher, p.lower} == both), None)


def noises(measurements: Measurements, metric: str) -> dict[str, curve_noises.NoiseComponents]:
    """{model: the noise of its questions, checkpoints and seeds}; empty where nothing is complete."""
    return computed(worker_analysis.noises, measurements, metric) if measurements.complete_checkpoints else {}


def by_subject(
    measurements: Measurements, metric: str, bands: bool
) -> tuple[list[subjects.SubjectCurves], list[str]]:
    """(the curves of the largest subjects, with bands where asked for; the names of the others)."""
    return computed(worker_analysis.by_subject, measurements, metric, bands)


def stable(measurements: Measurements, metric: str) -> stability.RankStability | None:
    """The models' order and how sure it is; None where fewer than two that count share a complete checkpoint."""
    return (
        computed(worker_analysis.stable, measurements, metric) if measurements.complete_checkpoints else None
    )


def holding(measurements: Measurements, metric: str, reading: str) -> QuestionInfluence | None:
    """What each question does for the models' order; None where no checkpoint lies after the early window."""
    if not measurements.complete_checkpoints:
        return None
    return computed(worker_analysis.holding, measurements, metric, reading)
