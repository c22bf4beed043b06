"""Variants of a set: other choices, another order of choices, another question format; nothing is saved.

A variant is small enough for a job of the queue: it says how it differs from the set.
"""

from __future__ import annotations

import random
from typing import Any

from pydantic import Field, ValidationError

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import PromptStyle, Question, Record, TaskConfig, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.prompts.shots import depends_on_place

MAX_VARIANTS = 40


class Variant(Record):
    """Difference of a variant from its set.

    Attributes:
        label: Name of the variant.
        questions: Questions in place of the set's; None for the set's own.
        config: Fields of the configuration in place of the set's.
        num_fewshot: Number of few-shot examples; None for the run's.
        turn: Places by which every question's choices are moved: 1 makes the first choice the last.
        draw: Seed of a random order of every question's choices; None for no such order.
    """

    label: str
    questions: tuple[Question, ...] | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    num_fewshot: int | None = None
    turn: int = 0
    draw: int | None = None


def variant_set(task: TaskSet, variant: Variant) -> TaskSet:
    """The set as a variant has it.

    Args:
        task: The set.
        variant: The variant.

    Raises:
        TaskError: A field of the configuration is unknown or has a value that it cannot have.
    """
    questions = task.questions if variant.questions is None else variant.questions
    if variant.turn or variant.draw is not None:
        questions = tuple(reordered(question, order_of(question, variant)) for question in questions)
    try:
        config = TaskConfig(**{**dict(task.config), **variant.config})
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise TaskError(
            Sentence(
                "The format {name} cannot be tried: {field} has a value that it cannot have.",
                name=variant.label,
                field=field,
            )
        ) from error
    return task.model_copy(update={"questions": questions, "config": config})


def order_of(question: Question, variant: Variant) -> list[int]:
    """Order of a question's choices under a variant: for each place the index of the choice before."""
    count = len(question.choices)
    if variant.draw is not None:
        order = list(range(count))
        random.Random(f"{variant.draw} {question.id}").shuffle(order)
        return order
    return [(place + variant.turn) % count for place in range(count)] if count else []


def reordered(question: Question, order: list[int]) -> Question:
    """The question with its choices in another order, and the right answer with them.

    Args:
        question: The question.
        order: For each place the index of the choice before.
    """
    answer = order.index(question.answer) if question.answer in order else question.answer
    choices = tuple(question.choices[index] for index in order)
    return question.model_copy(update={"choices": choices, "answer": answer})


def shows_choices(task: TaskSet) -> bool:
    """Whether the prompt shows the choices, so that one of them or their order changes what a model reads."""
    return task.config.style is not PromptStyle.ENDING and "choices" in task.config.doc_to_text


def fewshot_alone(task: TaskSet, num_fewshot: int | None) -> int | None:
    """Number of few-shot examples with which single questions of a set can be tried.

    Examples that depend on a question's place in the set are left out: alone it has another place.

    Args:
        task: The set.
        num_fewshot: Number of few-shot examples; None for the set's own.
    """
    return 0 if depends_on_place(task, num_fewshot) else num_fewshot
