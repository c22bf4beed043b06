"""Edits of a set: questions, few-shot examples, prompt.

Every edit is checked, written atomically by one writer at a time, and can be undone. An edit that would leave
the set invalid raises a `TaskError` that says what to change, and the set on disk stays as it was. An edit of
an example raises too: it is copied first. An edit beyond the caller's quota of bytes raises a `LimitError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import ValidationError

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, quotas
from e2lm_core.people.access import edits
from e2lm_core.sets import selection_origin
from e2lm_core.sets.collection import (
    copy_set,
    editable_set,
    find_renamed,
    find_set,
    open_set,
    with_title,
)
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
    """Apply edited fields of questions, overwriting changes by others since.

    Unchanged fields cost nothing, and a repeated edit changes nothing more. `merge_edits` is the three-way
    merge that keeps the changes of others.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        changes: `{question id: {field: value}}`.

    Returns:
        The set as it was saved.

    Raises:
        DeletedByOtherError: A question is no longer in the set; nothing is saved.
        TaskError: The set would be invalid, is an example, or the caller may not edit it.
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


def merge_edits(
    settings: Settings, name: str, changes: Edits, base: Edits, shown: Edits | None = None
) -> SaveResult:
    """Apply edited fields of questions by three-way merge with the changes of others.

    A field that nobody else has changed since, or that another changed to the same value, is saved; the
    choices of one question are merged choice by choice. A field that another has changed to a different value
    keeps the other's value and is returned as an `EditConflict`, which `resolve_conflict` ends. A field
    without a base value is written as it is, except choices and right answer: an edit of either needs the
    base of both.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        changes: `{question id: {field: value}}`.
        base: The values that the author saw before editing, in the same form.
        shown: The draft values that stood in the author's editor when editing began, in the same form.

    Returns:
        The set as it was saved, with the conflicts.

    Raises:
        DeletedByOtherError: A question or the set no longer exists. It carries the unsaved values; the other
            questions are saved.
        TaskError: The set would be invalid, or choices or right answer come without the base of both; nothing
            is saved.
    """
    for identity, fields in changes.items():
        require_pair(identity, fields, base.get(identity, {}))
    with _editing(settings, name, changes) as (settings, name, owner):
        task = open_set(settings, name)
        present = {q.id: q for q in task.questions}
        lost = {identity: fields for identity, fields in changes.items() if identity not in present}
        merged = {
            identity: merge(present[identity], fields, base.get(identity, {}), (shown or {}).get(identity))
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
    """End a conflict: keep "mine", keep "theirs", or write another value of the field.

    Both values stand in the set's history whichever is kept, each in a version of its own. If the set no
    longer holds the conflict's `theirs`, nothing is saved, and the conflict with the current value is
    returned.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        conflict: The conflict that `merge_edits` returned.
        side: The value to keep; "text" for `text`.
        text: Value of the field, used with "text" only.

    Returns:
        The set as it was saved, with the current conflict if the set has changed again.

    Raises:
        DeletedByOtherError: The question or the set no longer exists; carries the values that the author
            wants.
        TaskError: The set would be invalid.
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
    """Hold the set's write lock; raise DeletedByOtherError with the unsaved values if the set is gone."""
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
            sentence = Sentence(
                "Your edit is not saved: another person renamed {name} to {renamed}; save it there.",
                name=name,
                renamed=renamed,
            )
        else:
            sentence = Sentence("Your edit is not saved: {problem}", problem=error.sentence)
        raise DeletedByOtherError(sentence, unsaved, renamed=renamed) from error


def _question_gone(identity: str, name: str) -> str:
    return Sentence(
        "Question {identity} is no longer in {name}: it was deleted; the person who deleted it can undo that.",
        identity=f"{identity!r}",
        name=name,
    )


@exclusive_edit
def add_questions(
    settings: Settings, name: str, questions: Iterable[Question], replace: bool = False
) -> TaskSet:
    """Append questions, or replace all existing ones, as one version.

    An id that is empty or taken is replaced by the next free one.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        questions: The questions to add, in their order.
        replace: Replace all test questions instead of appending.

    Returns:
        The set after the edit.

    Raises:
        TaskError: A question is invalid, or the set becomes too large; nothing is changed.
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
    changed: dict[str, Any] = {"questions": (*before, *added)}
    if not before:
        lifted = selection_origin.lift_origin(task.model_copy(update=changed))
        changed = {"questions": lifted.questions, "config": lifted.config}
    return _save(settings, name, task, changed, action)


@exclusive_edit
def change_questions(
    settings: Settings, name: str, change: Callable[[tuple[Question, ...]], Sequence[Question]], action: str
) -> TaskSet:
    """Save the questions that `change` makes of all test questions, as one version.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        change: Maps all test questions to the new ones.
        action: Text of the version in the history.

    Returns:
        The set after the edit.

    Raises:
        TaskError: The set would be invalid; nothing is saved.
    """
    task = open_set(settings, name)
    questions = tuple(change(task.questions))
    if questions == task.questions:
        return task
    return _save(settings, name, task, {"questions": questions}, action)


@exclusive_edit
def delete_questions(settings: Settings, name: str, ids: Iterable[str]) -> TaskSet:
    """Delete questions by their ids; unknown ids are ignored."""
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
    """Move a question to a position, or before or after another question.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        identity: Id of the question to move.
        place: New position, counted from 1.
        before: Id of the question that will follow it.
        after: Id of the question that will precede it.

    Returns:
        The set after the edit.

    Raises:
        TaskError: The question, the other question or the position does not exist, or not exactly one of
            `place`, `before` and `after` is given.
    """
    task = open_set(settings, name)
    others = [q for q in task.questions if q.id != identity]
    moved = next((q for q in task.questions if q.id == identity), None)
    if moved is None:
        raise TaskError(
            Sentence(
                "There is no question {identity} in {name} to move.", identity=quote(identity), name=name
            )
        )
    if [place, before, after].count(None) != 2:
        raise TaskError(
            Sentence(
                "Where {identity} goes is not clear: give a place, or one question before or after it.",
                identity=quote(identity),
            )
        )
    if place is None:
        beside = before if before is not None else after
        at = next((i for i, q in enumerate(others) if q.id == beside), None)
        if at is None:
            raise TaskError(
                Sentence(
                    "There is no other question {beside} in {name} to put {identity} beside.",
                    beside=quote(beside),
                    name=name,
                    identity=quote(identity),
                )
            )
        at += after is not None
    elif 1 <= place <= len(task.questions):
        at = place - 1
    else:
        raise TaskError(
            Sentence(
                "{name} has the places 1 to {questions}, not {place}.",
                name=name,
                questions=len(task.questions),
                place=place,
            )
        )
    questions = (*others[:at], moved, *others[at:])
    if questions == task.questions:
        return task
    return _save(settings, name, task, {"questions": questions}, f"move question {identity}")


@exclusive_edit
def update_config(settings: Settings, name: str, **values: Any) -> TaskSet:
    """Change prompt settings, the fields of `TaskConfig`.

    Raises:
        TaskError: A field does not exist or has an invalid value, or the prompt cannot be rendered for every
            question.
    """
    task = open_set(settings, name)
    try:
        config = TaskConfig(**{**dict(task.config), **values, "task": task.name})
    except ValidationError as error:
        raise TaskError(Sentence("{name}: {problem}.", name=name, problem=_first(error))) from error
    if config == task.config:
        return task
    render_set(task.model_copy(update={"config": config}))
    return _save(settings, name, task, {"config": config}, "change the prompt")


@exclusive_edit
def change_title(settings: Settings, name: str, title: str) -> TaskSet:
    """Give a set another title, or none with ""; its name, its links and its results stay.

    Raises:
        TaskError: The title is too long, or the set is an example.
    """
    task = open_set(settings, name)
    config = with_title(task.config, title)
    if config == task.config:
        return task
    return _save(settings, name, task, {"config": config}, "change the title")


@exclusive_edit
def set_fewshot_examples(
    settings: Settings, name: str, ids: Iterable[str], base: Iterable[str] | None = None
) -> TaskSet:
    """Make exactly these questions the few-shot examples; a question is either in test or in dev.

    If examples were drawn from the test questions before, they come from these questions from now on.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        ids: Ids of the questions, in the order of the examples.
        base: Ids of the examples that the author saw, to refuse a choice made on others; None to skip the
            check.

    Returns:
        The set after the edit.

    Raises:
        TaskError: The examples are not those of `base` any more, a question does not exist, no question would
            be left to ask, or the prompt shows more examples than are chosen.
    """
    task = open_set(settings, name)
    if base is not None and list(base) != [question.id for question in task.dev]:
        raise TaskError(
            Sentence(
                "{name}: somebody else changed the few-shot examples meanwhile; look at them and save again.",
                name=name,
            )
        )
    every = {question.id: question for question in (*task.questions, *task.dev)}
    chosen = dict.fromkeys(ids)
    if missing := [identity for identity in chosen if identity not in every]:
        raise TaskError(
            Sentence(
                "{name} has no question {missing}: choose among its questions.",
                name=name,
                missing=quote(missing[0]),
            )
        )
    if every and len(chosen) == len(every):
        raise TaskError(
            Sentence(
                "{name}: all {every} questions would be examples and none would be asked; leave one out.",
                name=name,
                every=len(every),
            )
        )
    dev = tuple(every[identity] for identity in chosen)
    test = tuple(question for question in every.values() if question.id not in chosen)
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
    """Questions and problems of a file, for a preview before import; nothing is saved.

    Args:
        settings: The caller's settings, which hold the limits.
        data: Content of the file.
        filename: Its name, which tells the format.
        read_options: Choices of the author about reading it; None to detect them.

    Raises:
        TaskError: The file cannot be read as a format with questions.
        LimitError: Reading the file takes too much memory or time.
    """
    return reading.read_confined(data, filename, settings.limits, read_options)


def copy_with_questions(
    settings: Settings,
    source: str,
    name: str,
    ids: Sequence[str],
    metadata: Mapping[str, Any] | None = None,
) -> TaskSet:
    """Copy a set with only these questions, in the set's order; an undo in the copy restores the others.

    Args:
        settings: The caller's settings.
        source: Name, address or path of the set to copy.
        name: Name of the copy.
        ids: Ids of the questions to keep.
        metadata: Entries to add to the copy's metadata, such as its `selection_origin`.

    Returns:
        The copy.

    Raises:
        StudioError: `ids` is empty.
        TaskError: The source does not exist, or the name is taken or not a legal name.
        LimitError: The caller's quota is used up.
    """
    if not ids:
        raise StudioError(
            Sentence("No question is chosen, so there is nothing to keep: choose at least one.")
        )
    task = copy_set(settings, source, name, metadata)
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
        raise TaskError(
            Sentence("Question {id}: {error}.", id=f"{question.id!r}", error=_first(error))
        ) from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return Sentence(
        "{field} cannot be {value} ({problem})",
        field=".".join(map(str, first["loc"])),
        value=f"{first['input']!r:.60}",
        problem=first["msg"],
    )
