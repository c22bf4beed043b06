"""Sentences, tables and the JSON document of wrong answers that were tried."""

from __future__ import annotations

from typing import Any

from e2lm_core.analysis.alternatives.distractors import TriedChoice, TriedChoices
from e2lm_core.analysis.alternatives.halves import NOT_JUDGED
from e2lm_core.base import formatting

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLUMNS = ("proposal", "from", "judged", "gain", "taken", "young", "grown", "against")
SHARES = ("judged", "taken", "young", "grown")
HELP = {
    "judged": "Share of the wrong answers that it takes, on models that took no part in choosing.",
    "gain": "How much more the right answer rises from young to grown models with it, on models that took no part.",
    "taken": "Share of the wrong answers that it takes, on the models that chose.",
    "young": "Probability that young models give it.",
    "grown": "Probability that grown models give it.",
    "against": "Why it is not proposed.",
}
THESE_ARE_PROPOSALS = "These are proposals: read each before you take it. Only models have judged them."
NOTHING_STORED = "The results of the others are kept in memory alone."
HOW = (
    "Each text takes the place of the choice, and all models answer the question again. The models of one architecture "
    "choose; those of the other judge.",
    "Random guessing: each text in turn plays the right answer, and the same rule chooses among the rest.",
)


def headline(found: TriedChoices) -> str:
    """Sentence (Markdown) on the proposal, or why there is none."""
    letter = LETTERS[found.place]
    best = found.proposal
    if best is None:
        return f"Nothing to propose in place of {letter}: something speaks against each of {_count(found)}."
    if best.judged is None or found.present.judged is None:
        return f"Proposal for {letter}: **{best.text}**. It takes **{best.taken:.0%}** of the wrong answers. {NOT_JUDGED}"
    if best.judged <= found.present.judged:
        return (
            f"Keep {letter}: it takes {found.present.judged:.0%} of the wrong answers, and the best of {_count(found)}, "
            f"**{best.text}**, takes **{best.judged:.0%}**."
        )
    return (
        f"Proposal for {letter}: **{best.text}**. It takes **{best.judged:.0%}** of the wrong answers; the choice as it "
        f"stands takes {found.present.judged:.0%}."
    )


def control_sentence(found: TriedChoices) -> str | None:
    """Sentence on the proposal's gain beside that under random right answers; None where there is none."""
    best, p = found.proposal, found.p_value
    if best is None or p is None or best.judged_gain is None:
        return None
    high = sorted(found.random)[int(0.95 * (len(found.random) - 1))]
    beside = f"under random right answers the same rule gains up to {high:+.2f}"
    if p > 0.1:
        return f"Its gain of {best.judged_gain:+.2f} is no better than random guessing: {beside}."
    return f"The right answer rises by {best.judged_gain:+.2f} more with it; {beside}."


def _count(found: TriedChoices) -> str:
    return formatting.count(len(found.tried), "text") + " tried"


def rows(found: TriedChoices) -> list[dict[str, Any]]:
    """Table of the choice as it stands and of all candidates, the best first."""
    return [_row(found.present), *(_row(one) for one in found.tried)]


def _row(one: TriedChoice) -> dict[str, Any]:
    return {
        "proposal": one.text,
        "from": one.origin,
        "judged": one.judged,
        "gain": one.judged_gain,
        "taken": one.taken,
        "young": one.young,
        "grown": one.grown,
        "against": " ".join(one.objections) or None,
    }


def document(found: TriedChoices) -> dict[str, Any]:
    """JSON document of tried choices."""
    return {
        "question": found.question_id,
        "choice": LETTERS[found.place],
        "finding": headline(found).replace("**", ""),
        "control": control_sentence(found),
        "proposal": found.proposal.text if found.proposal else None,
        "present": found.present.model_dump(mode="json"),
        "tried": [one.model_dump(mode="json") for one in found.tried],
        "chosen_on": list(found.halves.choosing),
        "judged_on": list(found.halves.judging),
        "random": list(found.random),
        "p": found.p_value,
    }
