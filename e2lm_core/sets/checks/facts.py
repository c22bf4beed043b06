"""What the checks make of one question by itself: made once for each, so that after an edit one question is looked at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

from e2lm_core.base.memory.memo import Each
from e2lm_core.base.records import Question
from e2lm_core.sets.checks import text as text_checks

KEPT = 40_000  # questions


class Words(NamedTuple):
    """The words of a question's text in their order, and each of them once."""

    every: tuple[str, ...]
    distinct: tuple[str, ...]


class Habit(NamedTuple):
    """Where gold stands and how long it is: None where no choice alone is the longest, or the shortest."""

    choices: int
    gold: int
    is_longest: bool | None
    is_shortest: bool | None


class Facts(NamedTuple):
    """`loose` is one for questions of the same words and answer, `near` holds the pairs of choices that are near copies."""

    text: str
    choices: frozenset[str]
    gold: str
    loose: str
    near: tuple[tuple[int, int], ...]
    english: bool


_WORDS: Each[Words] = Each(KEPT)
_HABITS: Each[Habit | None] = Each(KEPT)
_FACTS: Each[Facts] = Each(KEPT)


def words(questions: Sequence[Question]) -> list[Words]:
    """Those of every question."""
    return _WORDS.of(None, questions, _words)


def habits(questions: Sequence[Question]) -> list[Habit | None]:
    """That of every question; None where it has no two choices with gold among them."""
    return _HABITS.of(None, questions, _habit)


def of(questions: Sequence[Question]) -> list[Facts]:
    """Those of every question; each must have its gold among its choices."""
    return _FACTS.of(None, questions, _facts)


def _words(question: Question) -> Words:
    # Thousands of questions share their words: each is kept once.
    every = tuple(map(sys.intern, text_checks.words(question.question)))
    distinct = tuple(dict.fromkeys(every))
    return Words(every, every if len(distinct) == len(every) else distinct)


def _habit(question: Question) -> Habit | None:
    gold, sizes = question.answer, [len(choice) for choice in question.choices]
    if len(sizes) < 2 or not 0 <= gold < len(sizes):
        return None
    clear = [sizes[gold] == most if sizes.count(most) == 1 else None for most in (max(sizes), min(sizes))]
    return Habit(len(sizes), gold, *clear)


def _facts(question: Question) -> Facts:
    gold = text_checks.normalised(question.choices[question.answer])
    said = " ".join((question.question, *question.choices))
    return Facts(
        text=text_checks.normalised(question.question),
        choices=frozenset(map(text_checks.normalised, question.choices)),
        gold=gold,
        loose=" ".join((*sorted(text_checks.words(question.question)), "|", gold)),
        near=tuple(_near(question.choices)),
        english=text_checks.looks_english(said),
    )


def _near(choices: Sequence[str]) -> list[tuple[int, int]]:
    found, seen = [], dict[str, int]()
    for position, choice in enumerate(choices):
        first = seen.setdefault(text_checks.loosely(choice), position)
        if first != position:
            found.append((first, position))
    return found
