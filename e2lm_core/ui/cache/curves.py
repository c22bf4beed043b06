"""Cached results of the pages Curves and Ranking.

Tested in tests/pages/test_curves.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from e2lm_core.analysis import leads
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.curves import noises as curve_noises
from e2lm_core.analysis.curves import onsets, subjects
from e2lm_core.analysis.ranks import messages as rank_words
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.ranks.question_influence import QuestionInfluence
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.cache.results import answer


def above_chance(measurements: Measurements, metric: str) -> Mapping[str, onsets.Onset]:
    """First checkpoint above chance, by model; empty without a complete checkpoint."""
    return answer(Answers.onsets, measurements, metric) if measurements.complete_checkpoints else {}


def all_separations(measurements: Measurements, metric: str) -> list[onsets.Separation]:
    """Separation of every two models; empty without a complete checkpoint."""
    return answer(Answers.separations, measurements, metric) if measurements.complete_checkpoints else []


def win_sentence(measurements: Measurements, metric: str, order: stability.RankStability, at: int) -> str:
    """Sentence on the leads at one checkpoint of `order`, see `ranks.messages.win_sentence`; computed once."""

    def made() -> str:
        step = int(order.grid.steps[at])
        pairs = answer(Answers.separations, measurements, metric, step)
        return rank_words.win_sentence(order, at, [leads.answer_pair(pair, metric) for pair in pairs])

    return page_cache.get_or_compute("win sentence", (measurements, metric, at), made)


def pair(
    measurements: Measurements, metric: str, one: str, other: str, with_training_noise: bool
) -> leads.PairAnswer | None:
    """Answer for two models in either order, see `leads.find_answer`."""
    return leads.find_answer(all_separations(measurements, metric), metric, one, other, with_training_noise)


def noises(measurements: Measurements, metric: str) -> dict[str, curve_noises.NoiseComponents]:
    """Noise of questions, checkpoints and seeds, by model; empty without a complete checkpoint."""
    return answer(Answers.noise, measurements, metric) if measurements.complete_checkpoints else {}


def by_subject(
    measurements: Measurements, metric: str, bands: bool
) -> tuple[list[subjects.SubjectCurves], list[str]]:
    """Curves of the largest subjects, with bands on request, and the names of the other subjects."""
    return answer(Answers.curves_by_subject, measurements, metric, bands)


def stable(measurements: Measurements, metric: str) -> stability.RankStability | None:
    """Order of the models and its rank stability.

    None where fewer than two models that count share a complete checkpoint, or one that they share lacks
    results.
    """
    return answer(Answers.rank_stability, measurements, metric) if measurements.complete_checkpoints else None


def holding(measurements: Measurements, metric: str, reading: str) -> QuestionInfluence | None:
    """Influence of each question on the order of the models.

    None where no checkpoint lies after the early window.
    """
    if not measurements.complete_checkpoints:
        return None
    return answer(Answers.question_influence, measurements, metric, reading)
