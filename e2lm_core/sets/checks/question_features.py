"""Cached features of a question's text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

from e2lm_core.base.memory.memo import Each
from e2lm_core.base.records import Question
from e2lm_core.sets.checks import text as text_checks

KEPT = 40_000  # questions


class QuestionWords(NamedTuple):
    """The words of a question's text in their order, and each of them once."""

    every: tuple[str, ...]
    distinct: tuple[str, ...]


class KeyPosition(NamedTuple):
    """Where gold stands and how long it is: None where no choice alone is the longest, or the shortest."""

    choices: int
    gold: int
    is_longest: bool | None
    is_shortest: bool | None


class QuestionFeatures(NamedTuple):
    """`loose` is one for questions of the same words and answer, `near` holds the pairs of choices that are near copies."""

    text: str
    choices: frozenset[str]
    gold: str
    loose: str
    near: tuple[tuple[int, int], ...]
    english: bool


_WORDS: Each[QuestionWords] = Each(KEPT)
_HABITS: Each[KeyPosition | None] = Each(KEPT)
_FACTS: Each[QuestionFeatures] = Each(KEPT)


def question_words(questions: Sequence[Question]) -> list[QuestionWords]:
    """Those of every question."""
    return _WORDS.of(None, questions, _words)


def key_positions(questions: Sequence[Question]) -> list[KeyPosition | None]:
    """That of every question; None where it has no two choices with gold among them."""
    return _HABITS.of(None, questions, _habit)


def question_features(questions: Sequence[Question]) -> list[QuestionFeatures]:
    """Those of every question; each must have its gold among its choices."""
    return _FACTS.of(None, questions, _facts)


def _words(question: Question) -> QuestionWords:
    # Thousands of questions share their words: each is kept once.
    every = tuple(map(sys.intern, text_checks.tokenize_words(question.question)))
    distinct = tuple(dict.fromkeys(every))
    return QuestionWords(every, every if len(distinct) == len(every) else distinct)


def _habit(question: Question) -> KeyPosition | None:
    gold, sizes = question.answer, [len(choice) for choice in question.choices]
    if len(sizes) < 2 or not 0 <= gold < len(sizes):
        return None
    clear = [sizes[gold] == most if sizes.count(most) == 1 else None for most in (max(sizes), min(sizes))]
    return KeyPosition(len(sizes), gold, *clear)


def _facts(question: Question) -> QuestionFeatures:
    gold = text_checks.normalise_text(question.choices[question.answer])
    said = " ".join((question.question, *question.choices))
    return QuestionFeatures(
        text=text_checks.normalise_text(question.question),
        choices=frozenset(map(text_checks.normalise_text, question.choices)),
        gold=gold,
        loose=" ".join((*sorted(text_checks.tokenize_words(question.question)), "|", gold)),
        near=tuple(_near(question.choices)),
        english=text_checks.looks_english(said),
    )


def _near(choices: Sequence[str]) -> list[tuple[int, int]]:
    found, seen = [], dict[str, int]()
    for position, choice in enumerate(choices):
        first = seen.setdefault(text_checks.normalise_loosely(choice), position)
        if first != position:
            found.append((first, position))
    return found
