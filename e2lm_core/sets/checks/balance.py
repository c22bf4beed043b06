"""Position and length bias of the answer key."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from e2lm_core.base.formatting import choice_letter
from e2lm_core.base.records import Finding, Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.checks import question_features
from e2lm_core.sets.checks.question_features import KeyPosition

MIN_QUESTIONS = 20
MIN_EXCESS = 0.05
SIGMAS = 3.0


def gold_habits(questions: Sequence[Question]) -> list[Finding]:
    """Warnings if the right answer's position or length departs from chance.

    The departure must exceed 3 standard errors and 5 percentage points. Under chance the right answer of a
    question with C choices has a given property with probability 1/C, so the count over questions has mean Σ
    1/C and variance Σ (1/C)(1 − 1/C). Fewer than 20 questions give no warning.
    """
    kinds = Counter(habit for habit in question_features.key_positions(questions) if habit is not None)
    if kinds.total() < MIN_QUESTIONS:
        return []
    return [*_positions(kinds), *_lengths(kinds)]


def _positions(kinds: Counter[KeyPosition]) -> list[Finding]:
    warnings = []
    for position in range(max(habit.choices for habit in kinds)):
        having = {habit: number for habit, number in kinds.items() if habit.choices > position}
        hits = sum(number for habit, number in having.items() if habit.gold == position)
        share, chance = _excess(having, hits)
        if share is not None:
            warnings.append(
                _warning(
                    "gold_position",
                    Sentence(
                        "{letter} is the right answer in {share} of the questions ({chance} expected). Balance the answers.",
                        letter=choice_letter(position),
                        share=f"{share:.0%}",
                        chance=f"{chance:.0%}",
                    ),
                )
            )
    return warnings


def _lengths(kinds: Counter[KeyPosition]) -> list[Finding]:
    warnings = []
    for name in ("longest", "shortest"):
        clear = {habit: number for habit, number in kinds.items() if getattr(habit, f"is_{name}") is not None}
        hits = sum(number for habit, number in clear.items() if getattr(habit, f"is_{name}"))
        share, chance = _excess(clear, hits)
        if share is not None:
            warnings.append(
                _warning(
                    f"gold_{name}",
                    Sentence(
                        "The right answer is the longest choice in {share} of the {number} questions that have one "
                        "({chance} expected). Make the choices similar in length."
                        if name == "longest"
                        else "The right answer is the shortest choice in {share} of the {number} questions that have one "
                        "({chance} expected). Make the choices similar in length.",
                        share=f"{share:.0%}",
                        number=sum(clear.values()),
                        chance=f"{chance:.0%}",
                    ),
                )
            )
    return warnings


def _excess(kinds: Mapping[KeyPosition, int], hits: int) -> tuple[float | None, float]:
    """Share of hits, None unless it is clearly above chance, and chance.

    Args:
        kinds: Number of questions of each kind.
        hits: Number of questions with the property.
    """
    n = sum(kinds.values())
    if n < MIN_QUESTIONS:
        return None, math.nan
    mean = sum(number / habit.choices for habit, number in kinds.items())
    deviation = math.sqrt(
        sum(number / habit.choices * (1 - 1 / habit.choices) for habit, number in kinds.items())
    )
    excess = hits - mean
    clearly = excess > SIGMAS * deviation and excess > MIN_EXCESS * n
    return (hits / n if clearly else None), mean / n


def _warning(code: str, sentence: str) -> Finding:
    return Finding(severity="warning", code=code, sentence=sentence)
