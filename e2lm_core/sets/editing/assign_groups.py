"""Assignment of questions to groups.

Tested in tests/commands/sets/test_groups.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring
from e2lm_core.sets.checks.groups import INDEPENDENT
from e2lm_core.sets.collection import open_set


def set_groups(
    settings: Settings, name: str, labels: Sequence[str | None] | None, independent: bool = False
) -> TaskSet:
    """Assign every question to a group, or remove all groups.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        labels: One label for each question in the set's order, None for no group; None to remove all groups.
        independent: Declare the questions independent, in the set's metadata.

    Returns:
        The set after the edit.

    Raises:
        TaskError: There is another number of labels than of questions.
    """
    task = open_set(settings, name)
    wanted = [None] * len(task.questions) if labels is None else list(labels)
    if len(wanted) != len(task.questions):
        raise TaskError(
            Sentence(
                "{name} has {questions} questions, and {groups} groups are given: give one each.",
                name=name,
                questions=len(task.questions),
                groups=len(wanted),
            )
        )
    changes = {q.id: {"group": label} for q, label in zip(task.questions, wanted, strict=True)}
    task = authoring.update_questions(settings, name, changes)
    metadata = {key: value for key, value in task.config.metadata.items() if key != INDEPENDENT}
    said = {INDEPENDENT: True} if independent else {}
    return authoring.update_config(settings, name, metadata={**metadata, **said})
