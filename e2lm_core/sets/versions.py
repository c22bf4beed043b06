"""Earlier states of a set: which are kept, opening one, undo and redo.

Tested in tests/sets/past/test_versions.py.
"""

from __future__ import annotations

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Record, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.people.access import reads
from e2lm_core.sets.collection import editable_set, find_set
from e2lm_core.sets.folder.files import write_task
from e2lm_core.sets.history import History
from e2lm_core.sets.locks import one_writer


class Version(Record):
    """One saved state of a set; `shown` is that which its folder holds now."""

    number: int
    action: str
    shown: bool


@reads
def list_versions(settings: Settings, name: str) -> list[Version]:
    """The states of a set that are kept, oldest first; none for a set that was never edited."""
    history = History.of(settings, find_set(settings, name).name)
    shown = history.shown
    return [Version(number=s.number, action=s.action, shown=s.number == shown) for s in history.steps]


@reads
def open_version(settings: Settings, name: str, number: int) -> TaskSet:
    """A set as it was. Raises TaskError for a number that is not kept."""
    kept = [version.number for version in list_versions(settings, name)]
    if number not in kept:
        have = f"it has {kept[0]} to {kept[-1]}" if kept else "it was never edited"
        raise TaskError(f"{name} has no version {number}: {have}; see `versions {name}`.")
    info = find_set(settings, name)
    return _named(History.of(settings, info.name).version(number), info.name)


@reads
def undoable(settings: Settings, name: str) -> tuple[str | None, str | None]:
    """What *Undo* and *Redo* would do to the set, None where there is nothing."""
    history = History.of(settings, find_set(settings, name).name)
    return history.undoable, history.redoable


def undo(settings: Settings, name: str) -> TaskSet:
    """Take the last edit back, on disk. Raises StudioError where there is none, TaskError for an example."""
    return _move(settings, name, -1)


def redo(settings: Settings, name: str) -> TaskSet:
    """Make the edit again that `undo` took back. Raises as `undo` does."""
    return _move(settings, name, 1)


@one_writer
def _move(settings: Settings, name: str, move: int) -> TaskSet:
    info = editable_set(settings, name)
    history = History.of(settings, info.name)
    task = _named(history.peek(move), info.name)
    write_task(task, info.folder, settings.limits)
    history.move(move)
    return task


def _named(task: TaskSet, name: str) -> TaskSet:
    """An earlier state under the set's name of today: what was saved before a renaming bears the old one."""
    return task.model_copy(update={"config": task.config.model_copy(update={"task": name})})
