"""Few-shot draws equal to lm-evaluation-harness 0.4.13.

The sampler `first_n` takes the first example questions. `default` draws K of them with one generator for each
task, seeded with 1234 and used once for each question, so the examples of a question depend on its position
in the set. The harness compares the names of the split that examples come from and of `test_split`: if both
are the same, or neither is named, it draws K + 1 and leaves the question itself out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from e2lm_core.base import formatting
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits

HARNESS_SEED = 1234  # lm_eval.defaults.DEFAULT_OTHER_SEED, given to every task's sampler


def draw_examples(config: TaskConfig, docs: int, pool: int, shots: int) -> list[Sequence[int]]:
    """Draw the few-shot examples of each question.

    Args:
        config: Configuration of the set.
        docs: Number of questions.
        pool: Number of questions that examples are drawn from.
        shots: Number of examples before each question.

    Returns:
        For each question in order the indices of its examples among the `pool` questions.
    """
    if not shots:
        return [range(0)] * docs
    taken = shots + config.fewshot_leaves_out
    if config.fewshot_sampler == "first_n":
        draws: list[Sequence[int]] = [range(taken)] * docs
    else:
        draw = random.Random(HARNESS_SEED)
        draws = [draw.sample(range(pool), taken) for _ in range(docs)]
    if not config.fewshot_leaves_out:
        return draws
    itself = config.fewshot_split == "test"
    return [[i for i in indices if not itself or i != place][:shots] for place, indices in enumerate(draws)]


def depends_on_place(task: TaskSet, num_fewshot: int | None) -> bool:
    """Whether a question's examples depend on its place in the set: alone it has another prompt.

    Args:
        task: The set.
        num_fewshot: Number of few-shot examples; None for the set's own.
    """
    shots = task.config.num_fewshot if num_fewshot is None else num_fewshot
    return bool(shots) and (task.config.fewshot_split == "test" or task.config.fewshot_sampler != "first_n")


def check_shots(task: TaskSet, shots: int) -> None:
    """Refuse a number of few-shot examples that a set's prompts cannot show.

    Raises:
        TaskError: `shots` is outside the allowed range, the set allows no examples, or it has too few.
    """
    allowed = Limits().max_fewshot
    if not 0 <= shots <= allowed:
        raise TaskError(
            Sentence(
                "{name}: num_fewshot is {shots}; use 0 to {most}.",
                name=task.name,
                shots=str(shots),
                most=allowed,
            )
        )
    if shots and task.zero_shot is not None:
        raise TaskError(
            Sentence(
                "{name}: num_fewshot is {shots}, but {reason}; use 0.",
                name=task.name,
                shots=str(shots),
                reason=task.zero_shot,
            )
        )
    if shots > task.max_fewshot:
        is_dev, there = task.config.fewshot_split == "dev", len(task.fewshot_pool)
        raise TaskError(
            Sentence(
                "{name}: num_fewshot is {shots}, but the set has {questions} to show{more}; use fewer shots or add "
                "{kind}.",
                name=task.name,
                shots=str(shots),
                questions=formatting.count(there, "dev question")
                if is_dev
                else formatting.count(there, "question"),
                more=Sentence(" and draws one more than it shows") if task.config.fewshot_leaves_out else "",
                kind=Sentence("dev questions") if is_dev else Sentence("questions"),
            )
        )
