"""Guided start: a copy of an example, and how far its author has come in five steps.

The state is a file of the author's, so that it outlives a reload and can be taken up again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from e2lm_core.base.atomic import replace_file
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from e2lm_core.sets.editing import drafts

Step = Literal["answer", "curve", "mend", "bundle", "done"]
STEPS: tuple[Step, ...] = ("answer", "curve", "mend", "bundle", "done")
NAME = "my_first_set"


class Guide(Record):
    """State of a guided start.

    Attributes:
        example: Name of the copied example.
        set_name: Name of the copy.
        step: The step to take; "done" after the last one.
        is_left: Whether the author has left it.
    """

    example: str
    set_name: str
    step: Step = "answer"
    is_left: bool = False


def find_guide(settings: Settings) -> Guide | None:
    """The caller's guided start; None without one, or if its copy is gone."""
    try:
        guide = Guide.model_validate_json(_path(settings).read_bytes())
        collection.find_set(settings, guide.set_name)
    except (OSError, ValueError, StudioError):
        return None
    return guide


def start_guide(settings: Settings, source: str) -> Guide:
    """Copy an example and begin a guided start on the copy.

    Args:
        settings: The caller's settings.
        source: Name of the example.

    Raises:
        StudioError: The example cannot be copied, or the workspace cannot be written.
    """
    name = collection.free_name(settings, NAME)
    collection.copy_set(settings, source, name)
    guide = Guide(example=source, set_name=name)
    save_guide(settings, guide)
    return guide


def save_guide(settings: Settings, guide: Guide) -> None:
    """Save the state of the caller's guided start.

    Raises:
        StudioError: The workspace cannot be written.
    """
    path = _path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, guide.model_dump_json().encode())
    except OSError as error:
        raise StudioError(
            Sentence(
                "The guided start cannot be saved ({problem}): free some space, or ask the person who runs this studio.",
                problem=error.strerror,
            )
        ) from error


def end_guide(settings: Settings) -> None:
    """Forget the caller's guided start; its copy stays."""
    _path(settings).unlink(missing_ok=True)


def changed_question(task: TaskSet, example: TaskSet) -> str | None:
    """Id of the first question whose right answer differs from the example's; None if none does."""
    right = {q.id: q.choices[q.answer] for q in example.questions}
    for question in task.questions:
        if question.id in right and question.choices[question.answer] != right[question.id]:
            return question.id
    return None


def reached_step(guide: Guide, changed: str | None) -> Step:
    """The step to take, given whether an answer differs from the example's.

    A changed answer ends the first step, and the mended one the third.
    """
    if guide.step == "answer" and changed is not None:
        return "curve"
    if guide.step == "mend" and changed is None:
        return "bundle"
    return guide.step


def next_step(step: Step) -> Step:
    """The step after this one; the last one stays."""
    return STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]


def _path(settings: Settings) -> Path:
    return settings.workspace / "guides" / f"{drafts.digest(settings.author)}.json"
