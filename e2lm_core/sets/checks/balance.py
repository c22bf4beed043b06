"""Habits that let a set be answered without its questions: where the gold stands and how long it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from e2lm_core.base.records import Finding, Question

MIN_QUESTIONS = 20
MIN_EXCESS = 0.05
SIGMAS = 3.0


def gold_habits(questions: Sequence[Question]) -> list[Finding]:
    """Warnings where gold's place or length departs from chance by 3 standard errors and 5 points.

    Under chance the gold of a question with C choices has a given property with probability 1/C, so the
    count over questions has mean Σ 1/C and variance Σ (1/C)(1 − 1/C).
    """
    usable = [q for q in questions if len(q.choices) > 1 and 0 <= q.answer < len(q.choices)]
    if len(usable) < MIN_QUESTIONS:
        return []
    return [*_positions(usable), *_lengths(usable)]


def _positions(questions: Sequence[Question]) -> list[Finding]:
    warnings = []
    for position in range(max(len(q.choices) for q in questions)):
        having = [q for q in questions if len(q.choices) > position]
        share, chance = _excess(having, [q.answer == position for q in having])
        if share is not None:
            warnings.append(
                _warning(
                    "gold_position",
                    f"Gold is choice {position} in {share:.0%} of the questions ({chance:.0%} is chance); "
                    "shuffle the choices.",
                )
            )
    return warnings


def _lengths(questions: Sequence[Question]) -> list[Finding]:
    warnings = []
    for name, pick in (("longest", max), ("shortest", min)):
        lengths = [[len(choice) for choice in q.choices] for q in questions]
        clear = [
            (q, sizes) for q, sizes in zip(questions, lengths, strict=True) if sizes.count(pick(sizes)) == 1
        ]
        share, chance = _excess([q for q, _ in clear], [sizes[q.answer] == pick(sizes) for q, sizes in clear])
        if share is not None:
            warnings.append(
                _warning(
                    f"gold_{name}",
                    f"Gold is the {name} choice in {share:.0%} of the {len(clear):,} questions that have one "
                    f"({chance:.0%} is chance); make the choices alike in length.",
                )
            )
    return warnings


def _excess(questions: Sequence[Question], hits: Sequence[bool]) -> tuple[float | None, float]:
    """(share of hits, or None where it is not clearly above chance; chance)."""
    if len(questions) < MIN_QUESTIONS:
        return None, math.nan
    chances = [1 / len(q.choices) for q in questions]
    n, mean = len(questions), sum(chances)
    deviation = math.sqrt(sum(c * (1 - c) for c in chances))
    excess = sum(hits) - mean
    clearly = excess > SIGMAS * deviation and excess > MIN_EXCESS * n
    return (sum(hits) / n if clearly else None), mean / n


def _warning(code: str, sentence: str) -> Finding:
    return Finding(severity="warning", code=code, sentence=sentence)
