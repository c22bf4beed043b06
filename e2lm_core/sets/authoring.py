"""Question sets as their author handles them: list, open, create, copy, edit, undo, delete, restore.

The user's sets live in `settings.sets`, one task folder each; the examples in `settings.tasks` are only
read. Every edit is checked, written atomically and can be undone; an edit that would leave the set invalid
raises a `TaskError` whose text says what to change, and the set on disk stays as it was.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Question, Record, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets.checks.check import require_sound
from e2lm_core.sets.folder.files import read_task, write_task
from e2lm_core.sets.history import History
from e2lm_core.sets.importing import ImportPreview, read_rows
from e2lm_core.sets.prompts.render import render_set

NAME = re.compile(r"[a-z][a-z0-9_]{1,59}")


class SetInfo(Record):
    """One line of the list of sets; `problem` says why a folder cannot be opened."""

    name: str
    folder: Path
    example: bool
    problem: str | None = None


# --- finding ------------------------------------------------------------------------------------------


def list_sets(settings: Settings) -> list[SetInfo]:
    """The user's own sets first, then the examples, each by name."""
    found = []
    for root, example in ((settings.sets, False), (settings.tasks, True)):
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            if folder.name.startswith("."):  # a save in progress, or what a crash left of one
                continue
            if (folder / f"{folder.name}.yaml").is_file():
                found.append(SetInfo(name=folder.name, folder=folder, example=example))
            elif folder.is_dir() and any(folder.glob("*.yaml")):
                found.append(
                    SetInfo(
                        name=folder.name,
                        folder=folder,
                        example=example,
                        problem=f"{folder.name} holds no {folder.name}.yaml.",
                    )
                )
    return found


def find_set(settings: Settings, name: str) -> SetInfo:
    """The set of that name (the user's own before an example), or the task folder at that path."""
    for info in list_sets(settings):
        if info.name == name:
            return info
    folder = _task_folder(name)
    if folder is not None:
        own = folder.parent == settings.sets.resolve()
        return SetInfo(name=folder.name, folder=folder, example=not own)
    known = ", ".join(info.name for info in list_sets(settings)) or "none"
    raise TaskError(
        f"There is no question set {name!r}: give one of the sets here ({known}) or the path of a task folder."
    )


def open_set(settings: Settings, name: str) -> TaskSet:
    return read_task(find_set(settings, name).folder, settings.limits).task


# --- sets ---------------------------------------------------------------------------------------------


def create_set(settings: Settings, name: str, questions: Sequence[Question] = ()) -> TaskSet:
    return _save_new(settings, TaskSet(config=TaskConfig(task=name), questions=tuple(questions)))


def copy_set(settings: Settings, source: str, name: str) -> TaskSet:
    """A copy of a set, own or example, under a new name, with its own history."""
    task = open_set(settings, source)
    config = task.config.model_copy(update={"task": name})
    return _save_new(settings, task.model_copy(update={"config": config}))


def import_set(settings: Settings, task: TaskSet, name: str | None = None) -> TaskSet:
    """Keep a set that came from a bundle, under its own name or another."""
    config = task.config.model_copy(update={"task": name or task.name})
    return _save_new(settings, task.model_copy(update={"config": config}))


def free_name(settings: Settings, wish: str) -> str:
    """`wish` as a legal name, with a number behind it where it is taken."""
    stem = re.sub(r"[^a-z0-9]+", "_", wish.lower()).strip("_")[:50] or "set"
    stem = stem if stem[0].isalpha() and len(stem) > 1 else f"set_{stem}"
    taken = {info.name for info in list_sets(settings)}
    return next(n for i in range(1, 10**6) if (n := stem if i == 1 else f"{stem}_{i}") not in taken)


def delete_set(settings: Settings, name: str) -> None:
    """Put a set aside; `restore_set` brings it back with its history."""
    info = _own(settings, name)
    trash = settings.home / "trash" / info.name
    with _disk(f"{info.name} could not be deleted"):
        shutil.rmtree(trash, ignore_errors=True)
        trash.parent.mkdir(parents=True, exist_ok=True)
        info.folder.rename(trash)
        _history(settings, info.name).rename(trash.with_name(f"{info.name}.history"))


def restore_set(settings: Settings, name: str) -> TaskSet:
    trash = settings.home / "trash" / name
    if not NAME.fullmatch(name) or not trash.is_dir():
        raise TaskError(f"There is no deleted set {name!r} to restore.")
    if (settings.sets / name).exists():
        raise TaskError(f"A set {name!r} exists again: rename or delete it before restoring the old one.")
    with _disk(f"{name} could not be restored"):
        settings.sets.mkdir(parents=True, exist_ok=True)
        trash.rename(settings.sets / name)
        History(trash.with_name(f"{name}.history")).rename(settings.home / "history" / name)
    return open_set(settings, name)


def deleted_sets(settings: Settings) -> list[str]:
    trash = settings.home / "trash"
    return (
        sorted(p.name for p in trash.glob("*") if not p.name.endswith(".history")) if trash.is_dir() else []
    )


# --- editing ------------------------------------------------------------------------------------------


def update_questions(settings: Settings, name: str, changes: Mapping[str, Mapping[str, Any]]) -> TaskSet:
    """Apply `{question id: {field: value}}`; fields that stay as they are cost nothing, twice is as once."""
    task = open_set(settings, name)
    unknown = changes.keys() - {q.id for q in task.questions}
    if unknown:
        raise TaskError(
            f"Question {min(unknown)!r} is no longer in {name}: it was deleted; undo brings it back."
        )
    questions = tuple(_changed(q, changes[q.id]) if q.id in changes else q for q in task.questions)
    if questions == task.questions:
        return task
    edited = [q.id for q, before in zip(questions, task.questions, strict=True) if q != before]
    action = f"edit question {edited[0]}" if len(edited) == 1 else f"edit {len(edited)} questions"
    return _save(settings, name, task, {"questions": questions}, action)


def unsaved(task: TaskSet, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Those of the changes that the set does not hold already, the ones that it would refuse among them."""
    present = {q.id: q for q in task.questions}
    return {
        identity: values
        for identity, values in changes.items()
        if identity not in present or not _holds(present[identity], values)
    }


def add_questions(settings: Settings, name: str, questions: Iterable[Question]) -> TaskSet:
    """Append questions; an id that is empty or taken is replaced by the next free one."""
    task = open_set(settings, name)
    taken = {q.id for q in task.questions} | {q.id for q in task.dev}
    added, number = [], len(task.questions)
    for question in questions:
        identity = question.id
        while not identity or identity in taken:
            number += 1
            identity = f"q{number}"
        taken.add(identity)
        added.append(question.model_copy(update={"id": identity}))
    if not added:
        return task
    action = "add a question" if len(added) == 1 else f"add {len(added)} questions"
    return _save(settings, name, task, {"questions": (*task.questions, *added)}, action)


def delete_questions(settings: Settings, name: str, ids: Iterable[str]) -> TaskSet:
    gone = set(ids)
    task = open_set(settings, name)
    kept = tuple(q for q in task.questions if q.id not in gone)
    count = len(task.questions) - len(kept)
    if not count:
        return task
    action = "delete a question" if count == 1 else f"delete {count} questions"
    return _save(settings, name, task, {"questions": kept}, action)


def update_config(settings: Settings, name: str, **values: Any) -> TaskSet:
    """Change settings of the prompt; one that cannot be rendered for every question is refused."""
    task = open_set(settings, name)
    try:
        config = TaskConfig(**{**dict(task.config), **values, "task": task.name})
    except ValidationError as error:
        raise TaskError(f"{name}: {_first(error)}.") from error
    if config == task.config:
        return task
    render_set(task.model_copy(update={"config": config}))
    return _save(settings, name, task, {"config": config}, "change the prompt")


def set_dev(settings: Settings, name: str, ids: Iterable[str]) -> TaskSet:
    """Make exactly these questions the few-shot examples; a question is either in test or in dev."""
    task = open_set(settings, name)
    chosen = set(ids)
    every = (*task.questions, *task.dev)
    dev = tuple(q for q in every if q.id in chosen)
    test = tuple(q for q in every if q.id not in chosen)
    if (test, dev) == (task.questions, task.dev):
        return task
    render_set(task.model_copy(update={"questions": test, "dev": dev}))
    return _save(settings, name, task, {"questions": test, "dev": dev}, "choose few-shot examples")


def preview_import(settings: Settings, data: bytes, filename: str) -> ImportPreview:
    """What an upload holds and what is wrong with it; nothing is saved."""
    return read_rows(data, filename, settings.limits)


# --- undo ---------------------------------------------------------------------------------------------


def undoable(settings: Settings, name: str) -> tuple[str | None, str | None]:
    """What *Undo* and *Redo* would do to the set, None where there is nothing."""
    history = _history(settings, name)
    return history.undoable, history.redoable


def undo(settings: Settings, name: str) -> TaskSet:
    return _move(settings, name, -1)


def redo(settings: Settings, name: str) -> TaskSet:
    return _move(settings, name, 1)


# --- versions -----------------------------------------------------------------------------------------


class Version(Record):
    """One saved state of a set; `shown` is that which its folder holds now."""

    number: int
    action: str
    shown: bool


def versions(settings: Settings, name: str) -> list[Version]:
    """The states of a set that are kept, oldest first; none for a set that was never edited."""
    history = _history(settings, find_set(settings, name).name)
    shown = history.shown
    return [Version(number=s.number, action=s.action, shown=s.number == shown) for s in history.steps]


def open_version(settings: Settings, name: str, number: int) -> TaskSet:
    """A set as it was. Raises TaskError for a number that is not kept."""
    kept = [version.number for version in versions(settings, name)]
    if number not in kept:
        have = f"it has {kept[0]} to {kept[-1]}" if kept else "it was never edited"
        raise TaskError(f"{name} has no version {number}: {have}; see `versions {name}`.")
    return _history(settings, find_set(settings, name).name).version(number)


# --- within -------------------------------------------------------------------------------------------


def _move(settings: Settings, name: str, move: int) -> TaskSet:
    info = _own(settings, name)
    history = _history(settings, info.name)
    task = history.peek(move)
    write_task(task, info.folder, settings.limits)
    history.move(move)
    return task


def _save(settings: Settings, name: str, before: TaskSet, update: dict[str, Any], action: str) -> TaskSet:
    info = _own(settings, name)
    task = before.model_copy(update=update)
    require_sound(task, settings.limits)
    history = _history(settings, info.name)
    history.begin(before)
    number = history.prepare(task)
    write_task(task, info.folder, settings.limits)
    history.record(number, action)
    return task


def _save_new(settings: Settings, task: TaskSet) -> TaskSet:
    name = task.name
    if not NAME.fullmatch(name):
        raise TaskError(
            f"The name {name!r} cannot be used: 2 to 60 small letters, digits and underscores, a letter first."
        )
    if any(info.name == name for info in list_sets(settings)):
        raise TaskError(f"There is already a set {name!r}: choose another name.")
    require_sound(task, settings.limits)
    shutil.rmtree(_history(settings, name).folder, ignore_errors=True)
    write_task(task, settings.sets / name, settings.limits)
    return task


def _own(settings: Settings, name: str) -> SetInfo:
    info = find_set(settings, name)
    if info.example:
        raise TaskError(f"{info.name} is an example and stays as it is: copy it, and edit the copy.")
    return info


def _history(settings: Settings, name: str) -> History:
    return History(settings.home / "history" / name)


def _changed(question: Question, values: Mapping[str, Any]) -> Question:
    fields = dict(values)
    if "choices" in fields:
        fields["choices"] = tuple(str(choice) for choice in fields["choices"])
    try:
        return Question(**{**dict(question), **fields})
    except ValidationError as error:
        raise TaskError(f"Question {question.id!r}: {_first(error)}.") from error


def _holds(question: Question, values: Mapping[str, Any]) -> bool:
    try:
        return _changed(question, values) == question
    except TaskError:
        return False


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))} cannot be {first['input']!r:.60} ({first['msg']})"


def _task_folder(path: str) -> Path | None:
    """The task folder at a path, or at the path of its YAML; None where there is none."""
    try:
        folder = Path(path).expanduser().resolve()
        if folder.is_file() and folder.suffix in (".yaml", ".yml"):
            folder = folder.parent
        return folder if folder.is_dir() and any(folder.glob("*.yaml")) else None
    except (OSError, RuntimeError, ValueError):  # a name that is too long, or no path at all
        return None


@contextmanager
def _disk(failed: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TaskError(f"{failed} ({error.strerror}): check the disk, and try again.") from error


def keep(settings: Settings, source: str, name: str, ids: Sequence[str]) -> TaskSet:
    """A copy of a set with these questions alone, in their order; undo in the copy brings the others back."""
    if not ids:
        raise StudioError("No question is chosen, so there is nothing to keep: choose at least one.")
    task = copy_set(settings, source, name)
    wanted = set(ids)
    return delete_questions(settings, name, [q.id for q in task.questions if q.id not in wanted])
