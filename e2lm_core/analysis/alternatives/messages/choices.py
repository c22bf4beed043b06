"""Sentences, tables and the JSON document of wrong answers that were tried."""

from __future__ import annotations

from typing import Any

from e2lm_core.analysis.alternatives.distractors import TriedChoice, TriedChoices
from e2lm_core.analysis.alternatives.halves import NOT_JUDGED
from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence, joined

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLUMNS = ("proposal", "from", "judged", "gain", "taken", "young", "grown", "against")
SHARES = ("judged", "taken", "young", "grown")
HELP = {
    "judged": Sentence("Share of the wrong answers that it takes, on models that took no part in choosing."),
    "gain": Sentence(
        "How much more the right answer rises from young to grown models with it, on models that "
        "took no part."
    ),
    "taken": Sentence("Share of the wrong answers that it takes, on the models that chose."),
    "young": Sentence("Probability that young models give it."),
    "grown": Sentence("Probability that grown models give it."),
    "against": Sentence("Why it is not proposed."),
}
THESE_ARE_PROPOSALS = Sentence(
    "These are proposals: read each before you take it. Only models have judged them."
)
NOTHING_STORED = Sentence("The results of the others are kept in memory alone.")
HOW = (
    Sentence(
        "Each text takes the place of the choice, and all models answer the question again. The "
        "models of one architecture choose; those of the other judge."
    ),
    Sentence(
        "Random guessing: each text in turn plays the right answer, and the same rule chooses among the rest."
    ),
)


def headline(found: TriedChoices) -> str:
    """Sentence (Markdown) on the proposal, or why there is none."""
    letter = LETTERS[found.place]
    best = found.proposal
    if best is None:
        return Sentence(
            "Nothing to propose in place of {letter}: something speaks against each of {found}.",
            letter=letter,
            found=_count(found),
        )
    if best.judged is None or found.present.judged is None:
        return Sentence(
            "Proposal for {letter}: **{text}**. It takes **{taken}** of the wrong answers. {not_judged}",
            letter=letter,
            text=best.text,
            taken=f"{best.taken:.0%}",
            not_judged=NOT_JUDGED,
        )
    if best.judged <= found.present.judged:
        return Sentence(
            "Keep {letter}: it takes {judged} of the wrong answers, and the best of {found}, "
            "**{text}**, takes **{of_best}**.",
            letter=letter,
            judged=f"{found.present.judged:.0%}",
            found=_count(found),
            text=best.text,
            of_best=f"{best.judged:.0%}",
        )
    return Sentence(
        "Proposal for {letter}: **{text}**. It takes **{judged}** of the wrong answers; the "
        "choice as it stands takes {present}.",
        letter=letter,
        text=best.text,
        judged=f"{best.judged:.0%}",
        present=f"{found.present.judged:.0%}",
    )


def control_sentence(found: TriedChoices) -> str | None:
    """Sentence on the proposal's gain beside that under random right answers; None where there is none."""
    best, p = found.proposal, found.p_value
    if best is None or p is None or best.judged_gain is None:
        return None
    high = sorted(found.random)[int(0.95 * (len(found.random) - 1))]
    beside = Sentence("under random right answers the same rule gains up to {high}", high=f"{high:+.2f}")
    if p > 0.1:
        return Sentence(
            "Its gain of {judged_gain} is no better than random guessing: {beside}.",
            judged_gain=f"{best.judged_gain:+.2f}",
            beside=beside,
        )
    return Sentence(
        "The right answer rises by {judged_gain} more with it; {beside}.",
        judged_gain=f"{best.judged_gain:+.2f}",
        beside=beside,
    )


def _count(found: TriedChoices) -> str:
    return Sentence("{texts} tried", texts=formatting.count(len(found.tried), "text"))


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
        "against": joined(one.objections) if one.objections else None,
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
