"""Validity of a set's scores: which conclusions the null distribution and the training facts allow.

Every page, command and report asks here: what the models were never taught is said wherever a score of theirs
stands, and from what random answers score as well nothing is advised, ranked or planned.
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
    """What scores mean for questions whose answers the embedded models were never told; None with nothing to say.

    `taught` [Q] as `Measurements` has it.
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
    """`{questions, of, sentence}`: how many answers the embedded models were told; None where none is among them."""
    if measurements.taught is None:
        return None
    return {
        "questions": sum(measurements.taught),
        "of": len(measurements.taught),
        "sentence": unknown_facts_warning(measurements.taught),
    }


def scores_with_null(measurements: Measurements, metric: str, rc_reading: str = readings.DEFAULT) -> Scores:
    """The scores of one metric, RC in one reading, with what random answers give; without intervals."""
    return null.scores_with_null(measurements, set_scores.scores(measurements, metric, rc_reading), metric)


def incomplete_reason(measurements: Measurements, running: bool = False) -> str | None:
    """Why there are no scores, ranks or plans yet: some of the checkpoints that were chosen lack results.

    `running`: a run of the set goes on, so that nothing needs to be done.
    """
    if measurements.complete_checkpoints == measurements.checkpoints:
        return None
    return (
        f"{measurements.complete_checkpoints:,} of {formatting.count(measurements.checkpoints, 'checkpoint')} so far: scores, "
        f"ranks and plans follow when all have results. {'The run goes on.' if running else 'Run the rest, or choose others.'}"
    )


def no_advice_reason(measurements: Measurements, scores: Scores, running: bool = False) -> str | None:
    """Why nothing is advised or planned from these scores, and no question chosen; None where they say something.

    Results are missing; nothing was taught to any model measured, whatever the scores; or Score (SQ, where Score is
    undefined) is within its null. `running` as for `unfinished`.
    """
    if why := incomplete_reason(measurements, running):
        return why
    if measurements.taught and measurements.taught_of_all and not any(measurements.taught):
        return NOTHING_TAUGHT
    decisive = scores.score if scores.score.value is not None else scores.sq
    return NOTHING_TOLD if null.is_within_null(decisive) else None


def no_ranking_advice_reason(measurements: Measurements, scores: Scores, running: bool = False) -> str | None:
    """Why no question is said to hold the models' order up or to spoil it; None where that may be said.

    What a question does is its part of decision accuracy, and random answers to the same questions agree with
    themselves as well.
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
