"""Prompts of the wrong-question control.

A right choice that models prefer whatever they were asked gives its question away: it is answered without being read.
"""

from __future__ import annotations

import random

from e2lm_core.base.records import PromptStyle, Question, TaskSet

OTHERS = 4  # prompts of other questions, for each question
VARIANTS = 1 + OTHERS  # the first has no question
MOST_QUESTIONS = 20_000  # of a control: what a set may have
_SEED, _LOOKED_AT = 1234, 50


def control_set(task: TaskSet) -> TaskSet:
    """The set whose questions are the same choices and keys under an empty question, then under `OTHERS` others.

    Variant by variant, each in the set's order: `variants(task)` times as many questions. No question borrows a prompt whose
    right answer is among its own choices, as long as another can be borrowed; the draw is seeded, and every
    prompt is lent equally often but for that. All columns of a row come from the lender, as a template may use any.
    Where the question is an ending, which is itself scored, a full stop is the empty one.
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
    """How many prompts each question's choices are scored under: fewer for the largest sets, one where it is alone."""
    count = len(task.questions)
    return 1 if count < 2 else max(2, min(VARIANTS, MOST_QUESTIONS // count))


def _lenders(questions: tuple[Question, ...], turns: int) -> list[list[Question]]:
    """For each turn, whose prompt each question borrows: a step along one random round, further with every turn."""
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
    """The first from there on whose right answer is none of this one's choices, else the first that is another."""
    taken = {choice.strip().casefold() for choice in questions[at].choices}
    near = [around[(start + step) % len(around)] for step in range(min(len(around), _LOOKED_AT))]
    others = [other for other in near if other != at]
    return next((other for other in others if golds[other] not in taken), others[0])


def _gold(question: Question) -> str:
    in_range = 0 <= question.answer < len(question.choices)
    return question.choices[question.answer].strip().casefold() if in_range else ""
