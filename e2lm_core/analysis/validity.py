"""Validity of a set's scores: which conclusions the null distribution and the training facts allow.

Every page, command and report uses these sentences. Answers unknown to the mini models are named next to
every score of theirs. A score within its null distribution supports no advice, ranking or plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from e2lm_core.base import formatting
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null

NOTHING_TAUGHT = (
    "The models measured were never taught any of these answers, so nothing is advised, ranked or planned from what "
    "they score, whatever it is: measure models that have read of them."
)
NOTHING_TOLD = (
    "The score is not distinguishable from that of random answers to the same questions, so nothing is advised, ranked "
    "or planned from it: more questions, or others that these models have learned, come first."
)


def unknown_facts_warning(known: Sequence[bool] | None) -> str | None:
    """Warning about questions with answers unknown to the mini models; None if there is none.

    Args:
        known: For each question [Q], True if the answer is known to the mini models (`Measurements.taught`);
            None if unknown, or if no mini model was measured.
    """
    if not known or all(known):
        return None
    number = sum(not told for told in known)
    if number == len(known):
        subject = f"any of these {number:,}" if number > 1 else "this question"
    else:
        subject = f"{number:,} of these {len(known):,}"
    return (
        f"The embedded models were never taught {subject}: their curves say nothing about "
        f"{'it' if len(known) == 1 else 'them'}; use larger checkpoints."
    )


def known_facts_summary(measurements: Measurements) -> dict[str, Any] | None:
    """Number of answers known to the mini models, as `{questions, of, sentence}`.

    None if no mini model is measured, or if its training facts are unknown.
    """
    if measurements.taught is None:
        return None
    return {
        "questions": sum(measurements.taught),
        "of": len(measurements.taught),
        "sentence": unknown_facts_warning(measurements.taught),
    }


def scores_with_null(measurements: Measurements, metric: str, rc_reading: str = readings.DEFAULT) -> Scores:
    """Scores of one metric with their null distributions, without intervals."""
    scores = set_scores.scores(measurements, metric, rc_reading)
    return null.attach_null(scores, null.null_scores(measurements, metric))


def incomplete_reason(measurements: Measurements, running: bool = False) -> str | None:
    """Reason for missing scores, ranks and plans: some chosen checkpoints lack results.

    None if all have results. With `running`, a run of the set is in progress, and nothing needs to be done.
    """
    if measurements.complete_checkpoints == measurements.checkpoints:
        return None
    return (
        f"{measurements.complete_checkpoints:,} of {formatting.count(measurements.checkpoints, 'checkpoint')} so far: scores, "
        f"ranks and plans follow when all have results. {'The run goes on.' if running else 'Run the rest, or choose others.'}"
    )


def no_advice_reason(measurements: Measurements, scores: Scores, running: bool = False) -> str | None:
    """Reason against any advice, plan or selection from these scores; None if they support one.

    In this order: results are missing; only mini models were measured and none of the answers is known to
    them, whatever the scores; Score (SQ, if Score is undefined) is within its null distribution.

    Args:
        measurements: Results of the set.
        scores: Scores of one metric, with their null distributions.
        running: A run of the set is in progress.
    """
    if why := incomplete_reason(measurements, running):
        return why
    if measurements.taught and measurements.taught_of_all and not any(measurements.taught):
        return NOTHING_TAUGHT
    decisive = scores.score if scores.score.value is not None else scores.sq
    return NOTHING_TOLD if null.is_within_null(decisive) else None


def no_ranking_advice_reason(measurements: Measurements, scores: Scores, running: bool = False) -> str | None:
    """Reason against saying that single questions help or hurt the ranking; None if they may be named.

    In addition to `no_advice_reason`, decision accuracy must exceed its null distribution: a question's
    influence is its part of decision accuracy, and answers under random keys agree with themselves as well.
    """
    if why := no_advice_reason(measurements, scores, running):
        return why
    if not null.is_within_null(scores.decision_accuracy):
        return None
    return (
        "That the models stand later as they stand early is not distinguishable from random answers to the same questions "
        f"({formatting.random_baseline(scores.decision_accuracy.null)}), so no question is said to hold their order up or to "
        "spoil it."
    )
