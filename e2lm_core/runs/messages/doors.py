"""Doors of a set that the mini models know too little of: what is the case, and where to go next.

Card, status bar, overview, next steps and empty states ask `doors_of_set`, so that all say one thing and lead to the
same place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from e2lm_core.analysis import validity
from e2lm_core.base import formatting
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, SentenceField, joined
from e2lm_core.checkpoints.ladder.fact_search import KnownAnswer


class Door(Record):
    """A way on.

    Attributes:
        label: Label of its link or button.
        view: Page or tab that it leads to, as links name it.
    """

    label: str
    view: str


class SetDoors(Record):
    """Doors of a set whose answers the mini models do not all know.

    Attributes:
        share: Sentence with the known share of the set.
        sentence: Sentence with what follows from it.
        doors: Ways on, the first one the way to take.
        first: What to do first: "run" the set, or take the first "door".
    """

    share: SentenceField
    sentence: SentenceField
    doors: tuple[Door, ...]
    first: Literal["run", "door"]


ADD = Door(label="Add a larger model", view="checkpoints")
KNOWN = Door(label="See what they know", view="known")
WRITE = Door(label="Write about what they know", view="known")
NEAREST_BY = Sentence(
    "The nearest fact shares the rarest words with the question; a word of its subject counts twice."
)
NO_NEAREST = Sentence("No known fact shares a word with it.")


def doors_of_set(
    known: Sequence[bool] | None,
    *,
    only_mini_models: bool = True,
    may_add_models: bool = True,
    may_write: bool = True,
) -> SetDoors | None:
    """Doors of a set; None if the mini models know all of it, or if what they know is unknown.

    A run comes first if the mini models know half of the set, or if other models are in its group. Otherwise a
    larger model does, or what the mini models know where the caller may not add one.

    Args:
        known: For each question [Q], True if a choice is known to the mini models as the answer
            (`Measurements.told`); None if unknown, or if no mini model is in the set's model group.
        only_mini_models: The set's model group has no other models.
        may_add_models: The caller may add models of a hub.
        may_write: The caller may write sets.
    """
    if (sentence := validity.unknown_facts_warning(known)) is None or known is None:
        return None
    is_known = sum(known) >= validity.MIN_KNOWN_SHARE * len(known)
    write = WRITE if may_write else KNOWN
    if is_known or not only_mini_models:
        doors = (KNOWN, ADD) if may_add_models else (KNOWN,)
    else:
        doors = (ADD, KNOWN) if may_add_models else (write,)
    return SetDoors(
        share=known_share(known),
        sentence=sentence,
        doors=doors,
        first="run" if is_known or not only_mini_models else "door",
    )


def known_share(known: Sequence[bool]) -> str:
    """Sentence with the known share of a set: "The built-in mini models know 24 of 30 questions"."""
    of = formatting.count(len(known), "question")
    return Sentence("The built-in mini models know {known} of {questions}.", known=sum(known), questions=of)


def known_answer_sentence(found: KnownAnswer, has_answer: bool = True) -> str:
    """Sentence on a question as it is typed: whether it is known, else the nearest known fact.

    Args:
        found: The fact that answers the question, or the nearest one.
        has_answer: Whether the question has a right answer yet.
    """
    if found.known:
        return Sentence("Known to the mini models.")
    nearest = NO_NEAREST
    if fact := found.fact:
        nearest = Sentence(
            "Nearest known fact: {question} {answer}", question=fact.question, answer=fact.answer
        )
    return joined((Sentence("Not known to the mini models."), nearest)) if has_answer else nearest
