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
    """Words of a question's text in their order, and the distinct ones among them."""

    every: tuple[str, ...]
    distinct: tuple[str, ...]


class KeyPosition(NamedTuple):
    """Position and length of the right answer among the choices.

    Attributes:
        choices: Number of choices.
        gold: Index of the right answer, from 0.
        is_longest: Whether the right answer is the longest choice; None if no single choice is.
        is_shortest: Whether the right answer is the shortest choice; None if no single choice is.
    """

    choices: int
    gold: int
    is_longest: bool | None
    is_shortest: bool | None


class QuestionFeatures(NamedTuple):
    """Normalised texts of a question and properties derived from them.

    Attributes:
        text: Normalised question.
        choices: Normalised choices.
        gold: Normalised right choice.
        loose: Equal for questions with the same words and the same right choice.
        near: Pairs of indices of choices that are near copies.
        english: Whether the question with its choices looks like English.
        ragged: Index of the first choice that begins or ends with a blank; None without one.
    """

    text: str
    choices: frozenset[str]
    gold: str
    loose: str
    near: tuple[tuple[int, int], ...]
    english: bool
    ragged: int | None


_WORDS: Each[QuestionWords] = Each(KEPT)
_HABITS: Each[KeyPosition | None] = Each(KEPT)
_FACTS: Each[QuestionFeatures] = Each(KEPT)


def question_words(questions: Sequence[Question]) -> list[QuestionWords]:
    """Words of every question."""
    return _WORDS.values_of(None, questions, _words)


def key_positions(questions: Sequence[Question]) -> list[KeyPosition | None]:
    """Key position of every question; None unless it has two choices and its right answer is one of them."""
    return _HABITS.values_of(None, questions, _habit)


def question_features(questions: Sequence[Question]) -> list[QuestionFeatures]:
    """Features of every question; the right answer of each must be among its choices."""
    return _FACTS.values_of(None, questions, _facts)


def _words(question: Question) -> QuestionWords:
    # Thousands of questions share their words, so each word is stored once.
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
        ragged=next((n for n, choice in enumerate(question.choices) if choice != choice.strip()), None),
    )


def _near(choices: Sequence[str]) -> list[tuple[int, int]]:
    found, seen = [], dict[str, int]()
    for position, choice in enumerate(choices):
        first = seen.setdefault(text_checks.normalise_loosely(choice), position)
        if first != position:
            found.append((first, position))
    return found
