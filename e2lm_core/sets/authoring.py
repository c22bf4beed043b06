"""Edits of a set: questions, few-shot examples, prompt.

Every edit is checked, written atomically by one writer at a time, and can be undone; an edit that would leave the set invalid
raises a `TaskError` whose text says what to change, and the set on disk stays as it was. An edit of an
example raises too: it is copied first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import ValidationError

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, quotas
from e2lm_core.people.access import edits
from e2lm_core.sets.collection import copy_set, editable_set, find_renamed, find_set, open_set
from e2lm_core.sets.conflicts import (
    DeletedByOtherError,
    EditConflict,
    Edits,
    SaveResult,
    conflict_fields,
    field_value,
    merge,
    require_pair,
)
from e2lm_core.sets.formats import reading
from e2lm_core.sets.formats.records import Preview, ReadOptions
from e2lm_core.sets.history.commit import commit
from e2lm_core.sets.locks import exclusive_edit, lock_set
from e2lm_core.sets.prompts.render import render_set


@edits
def update_questions(settings: Settings, name: str, changes: Edits) -> TaskSet:
    """Apply `{question id: {field: value}}`; fields that stay as they are cost nothing, twice is as once.

    Whatever others have written since is overwritten: `merge_edits` asks what the author saw. Returns the set
    as it was saved.
    """
    with lock_set(settings, name):
        return _update(settings, name, changes, open_set(settings, name))


def _update(
    settings: Settings, name: str, changes: Mapping[str, Mapping[str, Any]], task: TaskSet
) -> TaskSet:
    unknown = changes.keys() - {q.id for q in task.questions}
    if unknown:
        raise DeletedByOtherError(_question_gone(min(unknown), name), changes)
    questions = tuple(_changed(q, changes[q.id]) if q.id in changes else q for q in task.questions)
    if questions == task.questions:
        return task
    pairs = zip(questions, task.questions, strict=True)
    edited = [q.id for q, before in pairs if q is not before and q != before]
    action = f"edit question {edited[0]}" if len(edited) == 1 else f"edit {len(edited)} questions"
    return _save(settings, name, task, {"questions": questions}, action)


def merge_edits(settings: Settings, name: str, changes: Edits, base: Edits) -> SaveResult:
    """Apply `{question id: {field: value}}` by what the author saw of them, in the same form.

    What nobody else has changed since, or changed to the same, is saved; the choices of one question are merged
    choice by choice. What another has changed otherwise stays theirs and is returned as a `Clash`, which
    `settle` ends. A field without a seen value is written as it is, but for choices and right answer: whoever
    changes one of them says what both were.

    Raises Gone, with the values that are left over, where a question or the set is no longer there (then the
    other questions are saved), TaskError, and saves nothing, where the set would be wrong and where choices or
    right answer come without what was seen of both.
    """
    for identity, fields in changes.items():
        require_pair(identity, fields, base.get(identity, {}))
    with _editing(settings, name, changes) as (settings, name, owner):
        task = open_set(settings, name)
        present = {q.id: q for q in task.questions}
        lost = {identity: fields for identity, fields in changes.items() if identity not in present}
        merged = {
            identity: merge(present[identity], fields, base.get(identity, {}))
            for identity, fields in changes.items()
            if identity in present
        }
        task = _update(settings, name, {i: m.fields for i, m in merged.items() if m.fields}, task)
        clashes = tuple(clash for m in merged.values() for clash in m.clashes)
        saved = SaveResult(task=task.model_copy(update={"owner": owner}), clashes=clashes)
        if lost:
            raise DeletedByOtherError(_question_gone(min(lost), name), lost, saved)
        return saved


Keep = Literal["mine", "theirs", "text"]


def resolve_conflict(
    settings: Settings, name: str, conflict: EditConflict, side: Keep, text: Any = None
) -> SaveResult:
    """End a clash: keep "mine", keep "theirs", or write `text`, a value of the field, in their place.

    Both values stand in the set's history whichever is kept, each in a version of its own. Where the set no
    longer holds the clash's `theirs`, nothing is saved, and the clash of today is returned.

    Raises Gone with what the author wants where the question or the set is no longer there, TaskError where
    the set would be wrong.
    """
    wanted = text if side == "text" else conflict.theirs if side == "theirs" else conflict.mine
    unsaved = {
        conflict.question: conflict_fields(conflict.field, conflict.mine if side == "theirs" else wanted)
    }
    with _editing(settings, name, unsaved) as (settings, name, owner):
        task = open_set(settings, name).model_copy(update={"owner": owner})
        question = next((q for q in task.questions if q.id == conflict.question), None)
        if question is None:
            raise DeletedByOtherError(_question_gone(conflict.question, name), unsaved)
        if (holds := field_value(question, conflict.field)) not in (conflict.theirs, conflict.mine):
            today = conflict.model_copy(update={"seen": conflict.theirs, "theirs": holds})
            return SaveResult(task=task, clashes=(today,))
        states: list[tuple[TaskSet, str]] = []
        for value, done in ((conflict.mine, "edit"), (wanted, "settle")):
            if field_value(question, conflict.field) != value:
                question = _changed(question, conflict_fields(conflict.field, value))
                questions = tuple(question if q.id == conflict.question else q for q in task.questions)
                task = task.model_copy(update={"questions": questions})
                states.append((task, f"{done} question {conflict.question}"))
        if states:
            quotas.check_quota(settings, "bytes", 0)
            commit(settings, editable_set(settings, name).folder, states)
        return SaveResult(task=task)


@contextmanager
def _editing(settings: Settings, name: str, unsaved: Edits) -> Iterator[access.SetLocation]:
    """Be the only writer of a set; raises Gone with the unsaved values where it is not there any more."""
    with _or_gone(settings, name, unsaved):
        place = access.resolve_set(settings, name, "editor")
    with lock_set(place.settings, place.name):
        with _or_gone(settings, name, unsaved):
            find_set(place.settings, place.name)
        yield place


@contextmanager
def _or_gone(settings: Settings, name: str, unsaved: Edits) -> Iterator[None]:
    try:
        yield
    except TaskError as error:
        if renamed := find_renamed(settings, name):
            sentence = f"Your edit is not saved: somebody has renamed {name} to {renamed}; save it there."
        else:
            sentence = f"Your edit is not saved: {error}"
        raise DeletedByOtherError(sentence, unsaved, renamed=renamed) from error


def _question_gone(identity: str, name: str) -> str:
    return f"Question {identity!r} is no longer in {name}: it was deleted; whoever deleted it can undo that."


def pending_changes(task: TaskSet, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Those of the changes that the set does not hold already, the ones that it would refuse among them."""
    present = {q.id: q for q in task.questions}
    return {
        identity: values
        for identity, values in changes.items()
        if identity not in present or not _holds(present[identity], values)
    }


@exclusive_edit
def add_questions(
    settings: Settings, name: str, questions: Iterable[Question], replace: bool = False
) -> TaskSet:
    """Append questions, or put them in the place of all that there are: one step, that one undo takes back.

    An id that is empty or taken is replaced by the next free one. Raises TaskError, and changes nothing, where one
    of them has an error in itself or the set becomes too large.
    """
    task = open_set(settings, name)
    before = () if replace else task.questions
    taken = {q.id for q in (*before, *task.dev)}
    added, number = [], len(before)
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
    if replace:
        action = f"replace {len(task.questions)} questions by {len(added)}"
    return _save(settings, name, task, {"questions": (*before, *added)}, action)


@exclusive_edit
def change_questions(
    settings: Settings, name: str, change: Callable[[tuple[Question, ...]], Sequence[Question]], action: str
) -> TaskSet:
    """Save what `change` makes of all questions, as one step that is called `action`.

    Raises TaskError, and saves nothing, where the set would be wrong.
    """
    task = open_set(settings, name)
    questions = tuple(change(task.questions))
    if questions == task.questions:
        return task
    return _save(settings, name, task, {"questions": questions}, action)


@exclusive_edit
def delete_questions(settings: Settings, name: str, ids: Iterable[str]) -> TaskSet:
    """Take questions out, by their ids; an id that is not there is passed over."""
    gone = set(ids)
    task = open_set(settings, name)
    kept = tuple(q for q in task.questions if q.id not in gone)
    count = len(task.questions) - len(kept)
    if not count:
        return task
    action = "delete a question" if count == 1 else f"delete {count} questions"
    return _save(settings, name, task, {"questions": kept}, action)


@exclusive_edit
def move_question(
    settings: Settings,
    name: str,
    identity: str,
    place: int | None = None,
    *,
    before: str | None = None,
    after: str | None = None,
) -> TaskSet:
    """Put a question elsewhere in the set: at a place, counted from 1, or before or after another question.

    Raises TaskError for a question that is not there, a place that there is not, and unless exactly one of
    the three is given.
    """
    task = open_set(settings, name)
    others = [q for q in task.questions if q.id != identity]
    moved = next((q for q in task.questions if q.id == identity), None)
    if moved is None:
        raise TaskError(f"There is no question {quote(identity)} in {name} to move.")
    if [place, before, after].count(None) != 2:
        raise TaskError(
            f"Where {quote(identity)} goes is not clear: give a place, or one question before or after it."
        )
    if place is None:
        beside = before if before is not None else after
        at = next((i for i, q in enumerate(others) if q.id == beside), None)
        if at is None:
            raise TaskError(
                f"There is no other question {quote(beside)} in {name} to put {quote(identity)} beside."
            )
        at += after is not None
    elif 1 <= place <= len(task.questions):
        at = place - 1
    else:
        raise TaskError(f"{name} has the places 1 to {len(task.questions):,}, not {place:,}.")
    questions = (*others[:at], moved, *others[at:])
    if questions == task.questions:
        return task
    return _save(settings, name, task, {"questions": questions}, f"move question {identity}")


@exclusive_edit
def update_config(settings: Settings, name: str, **values: Any) -> TaskSet:
    """Change settings of the prompt, fields of `TaskConfig`.

    Raises TaskError for a field that there is not, and for a prompt that cannot be rendered for every
    question.
    """
    task = open_set(settings, name)
    try:
        config = TaskConfig(**{**dict(task.config), **values, "task": task.name})
    except ValidationError as error:
        raise TaskError(f"{name}: {_first(error)}.") from error
    if config == task.config:
        return task
    render_set(task.model_copy(update={"config": config}))
    return _save(settings, name, task, {"config": config}, "change the prompt")


@exclusive_edit
def set_fewshot_examples(settings: Settings, name: str, ids: Iterable[str]) -> TaskSet:
    """Make exactly these questions the few-shot examples; a question is either in test or in dev.

    Where examples were drawn from the test they come from these now. Raises TaskError where fewer are left than the prompt shows.
    """
    task = open_set(settings, name)
    chosen = set(ids)
    every = (*task.questions, *task.dev)
    dev = tuple(q for q in every if q.id in chosen)
    test = tuple(q for q in every if q.id not in chosen)
    if (test, dev) == (task.questions, task.dev):
        return task
    changed: dict[str, Any] = {"questions": test, "dev": dev}
    if dev and task.config.fewshot_split == "test":
        own = {"fewshot_split": "dev", "fewshot_leaves_out": False}
        changed["config"] = task.config.model_copy(update=own)
    render_set(task.model_copy(update=changed))
    return _save(settings, name, task, changed, "choose few-shot examples")


def preview_import(
    settings: Settings, data: bytes, filename: str, read_options: ReadOptions | None = None
) -> Preview:
    """What a file holds and what is wrong with it; nothing is saved.

    Raises TaskError and LimitError as `reading.read` does.
    """
    return reading.read_confined(data, filename, settings.limits, read_options)


def copy_with_questions(settings: Settings, source: str, name: str, ids: Sequence[str]) -> TaskSet:
    """A copy of a set with these questions alone, in their order; undo in the copy brings the others back.

    Raises StudioError for no question, TaskError for a name that is taken or cannot be one.
    """
    if not ids:
        raise StudioError("No question is chosen, so there is nothing to keep: choose at least one.")
    task = copy_set(settings, source, name)
    wanted = set(ids)
    return delete_questions(settings, name, [q.id for q in task.questions if q.id not in wanted])


def _save(settings: Settings, name: str, before: TaskSet, update: dict[str, Any], action: str) -> TaskSet:
    info = editable_set(settings, name)
    quotas.check_quota(settings, "bytes", 0)
    return commit(settings, info.folder, [(before.model_copy(update=update), action)])


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
