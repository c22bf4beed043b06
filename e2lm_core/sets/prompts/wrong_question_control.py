"""Prompts of the wrong-question control.

A right answer that models prefer after any question gives itself away: they answer without reading the
question.
"""

from __future__ import annotations

import random

from e2lm_core.base.records import PromptStyle, Question, TaskSet

OTHERS = 4  # other questions' prompts for each question
VARIANTS = 1 + OTHERS  # the first has an empty question
MAX_QUESTIONS = 20_000  # of a control set: the limit of a set
_SEED, _LOOKED_AT = 1234, 50


def control_set(task: TaskSet) -> TaskSet:
    """Set with the same choices and answer key under an empty question, then under other questions.

    The questions follow variant by variant, each in the set's order: `variant_count(task)` times as many,
    with up to `OTHERS` other questions for each. No question borrows a prompt whose right answer is among its
    own choices, as long as another can be borrowed. The draw is seeded, and apart from that rule every prompt
    is lent equally often. All columns of a row come from the lender, as a template may use any. For the style
    "ending", where the question itself is scored, a full stop stands for the empty question.
    """
    nothing = "." if task.config.style is PromptStyle.ENDING else ""
    blank = [q.model_copy(update={"question": nothing, "id": f"0 {q.id}"}) for q in task.questions]
    lent = [
        lender.model_copy(update={"choices": q.choices, "answer": q.answer, "id": f"{turn} {q.id}"})
        for turn, lenders in enumerate(_lenders(task.questions, variant_count(task) - 1), start=1)
        for q, lender in zip(task.questions, lenders, strict=True)
    ]
    return task.model_copy(update={"questions": (*blank, *lent)})


def variant_count(task: TaskSet) -> int:
    """Number of prompts under which each question's choices are scored.

    Five as a rule; fewer for the largest sets, at least 2; 1 for a single question.
    """
    count = len(task.questions)
    return 1 if count < 2 else max(2, min(VARIANTS, MAX_QUESTIONS // count))


def _lenders(questions: tuple[Question, ...], turns: int) -> list[list[Question]]:
    """Lenders of every question for each turn: a step along one random cycle, longer with each turn."""
    count = len(questions)
    around = random.Random(_SEED).sample(range(count), count)
    place = {at: step for step, at in enumerate(around)}
    golds = [_gold(question) for question in questions]
    drawn = []
    for turn in range(1, turns + 1):
        ahead = turn * count // (turns + 1)
        lent = [_lender(questions, golds, around, at, place[at] + ahead) for at in range(count)]
        drawn.append([questions[other] for other in lent])
    return drawn


def _lender(questions: tuple[Question, ...], golds: list[str], around: list[int], at: int, start: int) -> int:
    """Index of the next question whose right answer is none of this one's choices, else of the next one."""
    taken = {choice.strip().casefold() for choice in questions[at].choices}
    near = [around[(start + step) % len(around)] for step in range(min(len(around), _LOOKED_AT))]
    others = [other for other in near if other != at]
    return next((other for other in others if golds[other] not in taken), others[0])


def _gold(question: Question) -> str:
    in_range = 0 <= question.answer < len(question.choices)
    return question.choices[question.answer].strip().casefold() if in_range else ""
