"""A small set with everything that a task folder can hold, and ways to spoil its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder.files import read_task

LIMITS = Limits()
SKY = Question(
    id="sky",
    question="Why is the sky blue?\n(π, 水)",
    choices=("Rayleigh scattering", "the “sea” "),
    answer=0,
    subject="physics",
    extra={"level": 2, "tags": ["a", "b"], "nested": {"k": [1, None, 2.5]}},
)
DEV = Question(id="tree", question="What is an oak?", choices=("a tree", "a fish"), answer=0)
TASK = TaskSet(
    config=TaskConfig(
        task="sky", num_fewshot=1, metadata={"version": 1.0, "author": "Ö", "list": [1, {"a": None}]}
    ),
    questions=(SKY,),
    dev=(DEV,),
    readme="# Sky\n",
)


def edit(folder: Path, old: str, new: str, name: str = "sky.yaml") -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def refused(folder: Path, **more: Any) -> str:
    with pytest.raises(TaskError) as refusal:
        read_task(folder, LIMITS, **more)
    assert "\n" not in str(refusal.value)
    assert str(folder) not in str(refusal.value)
    return str(refusal.value)
