"""Prompts of the wording control: a question's choices after no question, other questions and other wordings of it.

A right answer that models prefer after any question, or after one word of it, gives itself away: they answer
without reading the question.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping

from e2lm_core.base.records import PromptStyle, Question, TaskSet
from e2lm_core.sets.prompts import wordings

OTHERS = 4  # other questions' prompts for each question
# Other wordings of the question itself, by the word before the question's id in the control set.
OWN_WORDS = {
    "shuffled": wordings.shuffled_words,
    "word": wordings.rarest_word,
    "negated": wordings.negated,
}
MAX_QUESTIONS = 20_000  # of the guessing test's prompts: the limit of a set
_SEED, _LOOKED_AT = 1234, 50


def control_set(task: TaskSet) -> TaskSet:
    """Set with the same choices and answer key under an empty question, other questions, and other wordings.

    The questions follow variant by variant, each in the set's order: `variant_count(task)` times as many. Their
    ids are "0 ID" for the empty question, "1 ID" to "4 ID" for other questions, "shuffled ID", "word ID" and
    "negated ID" for the wordings. No question borrows a prompt whose right answer is among its
    own choices, as long as another can be borrowed. The draw is seeded, and apart from that rule every prompt
    is lent equally often. All columns of a row come from the lender, as a template may use any. For the style
    "ending", where the question itself is scored, a full stop stands for the empty question.
    """
    blank = [q.model_copy(update={"question": _stand_in(task), "id": f"0 {q.id}"}) for q in task.questions]
    lent = [
        lender.model_copy(update={"choices": q.choices, "answer": q.answer, "id": f"{turn} {q.id}"})
        for turn, lenders in enumerate(_lenders(task.questions, _others(task)), start=1)
        for q, lender in zip(task.questions, lenders, strict=True)
    ]
    return task.model_copy(update={"questions": (*blank, *lent, *wording_set(task).questions)})


def wording_set(task: TaskSet, variants: Collection[str] = tuple(OWN_WORDS)) -> TaskSet:
    """Set with the same choices and answer key under other wordings of each question, as in `control_set`.

    Args:
        task: The set.
        variants: The wordings, of `OWN_WORDS`.
    """
    worded = [
        q.model_copy(update={"question": reword(q.question) or _stand_in(task), "id": f"{name} {q.id}"})
        for name, reword in OWN_WORDS.items()
        if name in variants
        for q in task.questions
    ]
    return task.model_copy(update={"questions": tuple(worded)})


def words_set(task: TaskSet, words: Mapping[str, str]) -> TaskSet:
    """Set of some questions, each with a word in place of its text; ids, choices and answer key stay.

    Args:
        task: The set.
        words: Text in place of the question's, by its id.
    """
    some = [q.model_copy(update={"question": words[q.id]}) for q in task.questions if q.id in words]
    return task.model_copy(update={"questions": tuple(some)})


def variant_count(task: TaskSet) -> int:
    """Number of prompts under which each question's choices are scored.

    Eight as a rule; fewer other questions for the largest sets, at least one; none for a single question.
    """
    return 1 + _others(task) + len(OWN_WORDS)


def _others(task: TaskSet) -> int:
    count = len(task.questions)
    return 0 if count < 2 else max(1, min(OTHERS, MAX_QUESTIONS // count - 1))


def _stand_in(task: TaskSet) -> str:
    """Text in place of an empty question."""
    return "." if task.config.style is PromptStyle.ENDING else ""


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
