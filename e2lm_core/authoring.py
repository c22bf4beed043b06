"""Question sets as their author handles them: list, open, create, copy, edit, undo, delete, restore.

The user's sets live in `settings.sets`, one task folder each; the examples in `settings.tasks` are only
read. Every edit is checked, written atomically and can be undone; an edit that would leave the set invalid
raises a `TaskError` whose text says what to change, and the set on disk stays as it was.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .checks import structural_errors
from .errors import TaskError
from .history import History
from .records import Question, Record, TaskConfig, TaskSet
from .settings import Limits, Settings
from .tabular import ImportPreview, read_rows
from .taskfiles import read_task, write_task

NAME = re.compile(r"[a-z][a-z0-9_]{1,59}")
README = """# {name}

A question set made in the E2LM Task Studio. It is an lm-evaluation-harness task folder:

    lm_eval --include_path <the folder that holds this one> --tasks {name} --model hf --model_args pretrained=…
"""


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
    folder = Path(name).expanduser()
    if folder.is_file() and folder.suffix in (".yaml", ".yml"):
        folder = folder.parent
    if folder.is_dir() and any(folder.glob("*.yaml")):
        folder = folder.absolute()
        return SetInfo(
            name=folder.name, folder=folder, example=not folder.is_relative_to(settings.sets.absolute())
        )
    known = ", ".join(info.name for info in list_sets(settings)) or "none"
    raise TaskError(
        f"There is no question set {name!r}: give one of the sets here ({known}) or the path of a task folder."
    )


def open_set(settings: Settings, name: str) -> TaskSet:
    return read_task(find_set(settings, name).folder, settings.limits).task


# --- sets ---------------------------------------------------------------------------------------------


def create_set(settings: Settings, name: str, questions: Sequence[Question] = ()) -> TaskSet:
    task = TaskSet(config=TaskConfig(task=name), questions=tuple(questions), readme=README.format(name=name))
    return _save_new(settings, task)


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
    trash = settings.home / "trash" / name
    shutil.rmtree(trash, ignore_errors=True)
    trash.parent.mkdir(parents=True, exist_ok=True)
    info.folder.rename(trash)
    _history(settings, name).rename(settings.home / "trash" / f"{name}.history")


def restore_set(settings: Settings, name: str) -> TaskSet:
    trash = settings.home / "trash" / name
    if not trash.is_dir():
        raise TaskError(f"There is no deleted set {name!r} to restore.")
    if (settings.sets / name).exists():
        raise TaskError(f"A set {name!r} exists again: rename or delete it before restoring the old one.")
    settings.sets.mkdir(parents=True, exist_ok=True)
    trash.rename(settings.sets / name)
    History(settings.home / "trash" / f"{name}.history").rename(settings.home / "history" / name)
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
    questions = tuple(
        Question(**{**dict(q), **_clean(changes[q.id])}) if q.id in changes else q for q in task.questions
    )
    if questions == task.questions:
        return task
    edited = [q.id for q, before in zip(questions, task.questions, strict=True) if q != before]
    action = f"edit question {edited[0]}" if len(edited) == 1 else f"edit {len(edited)} questions"
    return _save(settings, task, {"questions": questions}, action)


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
    return _save(settings, task, {"questions": (*task.questions, *added)}, action)


def delete_questions(settings: Settings, name: str, ids: Iterable[str]) -> TaskSet:
    gone = set(ids)
    task = open_set(settings, name)
    kept = tuple(q for q in task.questions if q.id not in gone)
    count = len(task.questions) - len(kept)
    if not count:
        return task
    action = "delete a question" if count == 1 else f"delete {count} questions"
    return _save(settings, task, {"questions": kept}, action)


def update_config(settings: Settings, name: str, **values: Any) -> TaskSet:
    task = open_set(settings, name)
    config = TaskConfig(**{**dict(task.config), **values, "task": task.name})
    return task if config == task.config else _save(settings, task, {"config": config}, "change the prompt")


def set_dev(settings: Settings, name: str, ids: Iterable[str]) -> TaskSet:
    """Make exactly these questions the few-shot examples; a question is either in test or in dev."""
    task = open_set(settings, name)
    chosen = set(ids)
    every = (*task.questions, *task.dev)
    dev = tuple(q for q in every if q.id in chosen)
    test = tuple(q for q in every if q.id not in chosen)
    return _save(settings, task, {"questions": test, "dev": dev}, "choose few-shot examples")


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


# --- within -------------------------------------------------------------------------------------------


def _move(settings: Settings, name: str, move: int) -> TaskSet:
    info = _own(settings, name)
    history = _history(settings, name)
    task = history.peek(move)
    write_task(task, info.folder, settings.limits)
    history.move(move)
    return task


def _save(settings: Settings, before: TaskSet, update: dict[str, Any], action: str) -> TaskSet:
    info = _own(settings, before.name)
    task = before.model_copy(update=update)
    _refuse_invalid(task, settings.limits)
    history = _history(settings, before.name)
    history.begin(before)
    write_task(task, info.folder, settings.limits)
    history.record(task, action)
    return task


def _save_new(settings: Settings, task: TaskSet) -> TaskSet:
    name = task.name
    if not NAME.fullmatch(name):
        raise TaskError(
            f"The name {name!r} cannot be used: 2 to 60 small letters, digits and underscores, a letter first."
        )
    if any(info.name == name for info in list_sets(settings)):
        raise TaskError(f"There is already a set {name!r}: choose another name.")
    _refuse_invalid(task, settings.limits)
    shutil.rmtree(_history(settings, name).folder, ignore_errors=True)
    write_task(task, settings.sets / name, settings.limits)
    return task


def _refuse_invalid(task: TaskSet, limits: Limits) -> None:
    findings = structural_errors(task.questions, limits)
    if not findings:
        findings = structural_errors(task.dev, limits, label="Few-shot example")
    if findings:
        more = f" ({len(findings) - 1} more like this.)" if len(findings) > 1 else ""
        raise TaskError(findings[0].sentence + more)


def _own(settings: Settings, name: str) -> SetInfo:
    info = find_set(settings, name)
    if info.example:
        raise TaskError(f"{info.name} is an example and stays as it is: copy it, and edit the copy.")
    return info


def _history(settings: Settings, name: str) -> History:
    return History(settings.home / "history" / name)


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = dict(values)
    if "choices" in cleaned:
        cleaned["choices"] = tuple(str(choice) for choice in cleaned["choices"])
    return cleaned
