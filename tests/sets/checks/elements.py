"""A set of chemical elements without a fault, and what the checks find once it has one."""

from __future__ import annotations

from typing import Any

from e2lm_core.base.records import (
    Finding,
    Question,
    TaskConfig,
    TaskSet,
)
from e2lm_core.base.settings import Limits
from e2lm_core.sets.checks.check import find_problems
from e2lm_core.sets.prompts.render import render_set

LIMITS = Limits()
NAMES = (
    *("barium", "carbon", "cobalt", "copper", "helium", "indium"),
    *("iodine", "nickel", "osmium", "oxygen", "radium", "silver"),
)


def element(number: int) -> Question:
    names = [NAMES[(number + 3 * k) % len(NAMES)] for k in range(4)]
    return Question(
        id=f"q{number}",
        question=f"Which element is kept in the store under the number {number + 100}?",
        choices=tuple(f"{name} {number}{'abcd'[k]}" for k, name in enumerate(names)),
        answer=number % 4,
    )


def a_set(count: int = 120, **config: Any) -> TaskSet:
    config = {"metadata": {"independent": True}, **config}
    dev = tuple(
        Question(id=f"d{i}", question=f"Which tree is number {i}?", choices=("oak", "elm"), answer=i % 2)
        for i in range(3)
    )
    return TaskSet(
        config=TaskConfig(task="t", **config), questions=tuple(element(n) for n in range(count)), dev=dev
    )


def changed(task: TaskSet, index: int, **values: Any) -> TaskSet:
    questions = list(task.questions)
    questions[index] = questions[index].model_copy(update=values)
    return task.model_copy(update={"questions": tuple(questions)})


def findings(task: TaskSet, shots: int = 0, **more: Any) -> list[Finding]:
    return find_problems(task, render_set(task, shots), LIMITS, **more)
