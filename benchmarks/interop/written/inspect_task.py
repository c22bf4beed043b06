"""A task of Inspect over `questions/test.jsonl`, which it looks for beside this file."""

from inspect_ai import Task, task
from inspect_ai.dataset import Sample, json_dataset
from inspect_ai.scorer import choice, includes
from inspect_ai.solver import multiple_choice


def sample(row: dict) -> Sample:
    """A row as Inspect sees it: the answer is a letter."""
    return Sample(
        input=row["question"], choices=row["choices"], target="ABCDEFGH"[row["answer"]], id=row["id"]
    )


@task
def ladder_science() -> Task:
    """The questions with letters, answered by generating."""
    return Task(
        dataset=json_dataset("questions/test.jsonl", sample),
        solver=multiple_choice(),
        scorer=[choice(), includes()],  # a base model answers in no form: one of the two is above zero
    )
