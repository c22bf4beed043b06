"""Assigns questions to groups."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring
from e2lm_core.sets.checks.groups import INDEPENDENT
from e2lm_core.sets.collection import open_set


def set_groups(
    settings: Settings, name: str, labels: Sequence[str | None] | None, independent: bool = False
) -> TaskSet:
    """A label a question in the set's order, or None to take all away; `independent` is kept in the set's metadata.

    Raises TaskError for another number of labels.
    """
    task = open_set(settings, name)
    wanted = [None] * len(task.questions) if labels is None else list(labels)
    if len(wanted) != len(task.questions):
        raise TaskError(
            f"{name} has {len(task.questions):,} questions, and {len(wanted):,} groups are given: give one each."
        )
    changes = {q.id: {"group": label} for q, label in zip(task.questions, wanted, strict=True)}
    task = authoring.update_questions(settings, name, changes)
    metadata = {key: value for key, value in task.config.metadata.items() if key != INDEPENDENT}
    said = {INDEPENDENT: True} if independent else {}
    return authoring.update_config(settings, name, metadata={**metadata, **said})
