"""Versions of a set: list, open, name, compare, restore; undo and redo.

An undo reverts the last change by `settings.author`, even if others have edited since: the change is applied
in reverse to the current set; choices and right answer of a question are reverted together, or both stay.
Without an author, as on the command line, the last change by anybody is reverted. An undo drops nothing from
the history: it is a step like any other.

Tested in tests/sets/history/test_versions.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import join_words
from e2lm_core.base.records import Record, TaskSet
from e2lm_core.base.sentences import Sentence, SentenceField, at_start
from e2lm_core.base.settings import Settings
from e2lm_core.people import access
from e2lm_core.people.access import reads
from e2lm_core.sets.collection import SetInfo, editable_set, find_set
from e2lm_core.sets.conflicts import PAIR, merge
from e2lm_core.sets.folder import set_cache as known_sets
from e2lm_core.sets.folder.set_cache import CachedSet
from e2lm_core.sets.history import field_diff, restore_preview
from e2lm_core.sets.history.commit import commit, damage_sentence, reconcile, replace_set
from e2lm_core.sets.history.delta import Delta, UnappliedChange, apply_delta, is_affected
from e2lm_core.sets.history.field_diff import Difference
from e2lm_core.sets.history.journal import Journal, Step, delta_at, state_at
from e2lm_core.sets.history.restore_preview import RestorePreview
from e2lm_core.sets.locks import exclusive_edit
from e2lm_core.sets.prompts.render import render_set

NAME_CHARS = 80
BROWSER = re.compile(r"[0-9a-f]{12}")  # an author without a name, see `browser_cookie.author`
_FIELDS = {
    "question": Sentence("the text"),
    "choices": Sentence("the choices"),
    "answer": Sentence("the right answer"),
    "subject": Sentence("the subject"),
    "note": Sentence("the note"),
}


class Version(Record):
    """One saved state of a set.

    Attributes:
        number: Number of the version, from 0.
        action: The change that led to it.
        shown: Whether the set's folder holds this version now.
        who: Author of the change; "" for the command line and for an unknown author.
        at: Time of the change, UTC in ISO form.
        name: Name that an author gave it; None without one.
    """

    number: int
    action: str
    shown: bool
    who: str = ""
    at: str
    name: str | None = None


class UndoResult(Record):
    """A set after an undo or a redo.

    Attributes:
        task: The set.
        sentence: The fields that kept their value because others changed them since; None if all was done.
    """

    task: TaskSet
    sentence: SentenceField | None = None


@reads
def list_versions(settings: Settings, name: str) -> list[Version]:
    """Stored versions of a set, oldest first; empty for a set that was never edited."""
    steps = _log(settings, find_set(settings, name)).steps
    return [
        Version(number=s.number, action=s.action, shown=s is steps[-1], who=s.who, at=s.at, name=s.name)
        for s in steps
    ]


@reads
def open_version(settings: Settings, name: str, number: int) -> TaskSet:
    """An earlier state of a set, under the set's current name.

    Raises:
        TaskError: The version is not stored.
        StudioError: The version cannot be read.
    """
    return _opened(settings, find_set(settings, name), name, number)


def _opened(settings: Settings, info: SetInfo, name: str, number: int) -> TaskSet:
    kept = [step.number for step in _log(settings, info).steps]
    if number not in kept:
        have = (
            Sentence("it has {first} to {last}", first=str(kept[0]), last=str(kept[-1]))
            if kept
            else Sentence("it was never edited")
        )
        raise TaskError(
            Sentence(
                "{name} has no version {number}: {have}; see `versions {name}`.",
                name=name,
                number=str(number),
                have=have,
            )
        )
    return _named(state_at(Journal.for_set(settings, info.name), number, _present(settings, info)), info.name)


@reads
def history_damage(settings: Settings, name: str) -> str | None:
    """Sentence about the unreadable part of a set's history; None if all of it can be read."""
    return damage_sentence(Journal.for_set(settings, find_set(settings, name).name))


@exclusive_edit
def name_version(settings: Settings, name: str, number: int, new_name: str) -> None:
    """Name a version, or remove its name with "".

    A named version is kept however many follow.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        number: Number of the version.
        new_name: Its new name, at most 80 characters; "" for none.

    Raises:
        TaskError: The version is not stored, or the name is too long or that of another version.
    """
    info = editable_set(settings, name)
    new_name = " ".join(new_name.split())
    versions = _log(settings, info).steps
    if number not in [version.number for version in versions]:
        raise TaskError(
            Sentence(
                "{name} has no version {number} to be named; see `versions {name}`.",
                name=name,
                number=str(number),
            )
        )
    if len(new_name) > NAME_CHARS:
        raise TaskError(
            Sentence(
                "A version's name has at most {most} characters, not {number}.",
                most=NAME_CHARS,
                number=str(len(new_name)),
            )
        )
    if new_name and any(v.name == new_name and v.number != number for v in versions):
        raise TaskError(
            Sentence(
                "Another version of {name} is called {title} already; choose another name.",
                name=name,
                title=repr(new_name),
            )
        )
    log = Journal.for_set(settings, info.name)
    reconcile(log, known_sets.read_cached(info.folder, settings.limits), info.folder)
    log.name_step(number, new_name)


@reads
def last_version_number(settings: Settings, name: str) -> int:
    """Number of the version that a set's folder holds; -1 for a set that was never edited."""
    last = _log(settings, find_set(settings, name)).last
    return -1 if last is None else last.number


@reads
def edited_since(settings: Settings, name: str, number: int | None) -> frozenset[str] | None:
    """Ids of the questions that were edited, added or moved after a version.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        number: Number of the version; None, or one that no step follows, stands for the version before the
            last.

    Returns:
        The ids; None for all questions: the prompt or its examples changed, or a change is unknown, as since a
        version that is older than the history.
    """
    info = find_set(settings, name)
    entries = _log(settings, info).entries
    if number is not None and entries and max(number, 0) < entries[0].step.number:
        return None
    entries = entries[1:]  # the first entry has no known predecessor
    later = [entry for entry in entries if number is not None and entry.step.number > number] or entries[-1:]
    found: set[str] = set()
    for entry in later:
        delta = entry.delta
        if delta is None or not {"metadata"}.issuperset(delta.get("config", {})) or "dev" in delta:
            return None
        part = delta.get("test") or {"edit": {}, "in": ()}
        found |= part["edit"].keys() | {str(row["id"]) for _, _, row in part["in"]}
    task = known_sets.read_cached(info.folder, settings.limits).task
    return None if found and task.config.fewshot_split == "test" else frozenset(found)


@exclusive_edit
def restore_version(settings: Settings, name: str, number: int) -> TaskSet:
    """Restore a version as a new step, which can be undone; works for a set with damaged files too.

    Raises:
        TaskError: The set is an example, or the version is not stored.
        StudioError: The version cannot be read.
    """
    info = editable_set(settings, name)
    task = _opened(settings, info, name, number)
    present = _present(settings, info)
    if present is None:
        return replace_set(settings, info.folder, task, f"restore version {number}")
    if task == present.task:
        return present.task
    return commit(settings, info.folder, [(task, f"restore version {number}")])


@reads
def differences(settings: Settings, name: str, first: int, second: int | None = None) -> list[Difference]:
    """Differences from one version to another by question and field, with the words that differ.

    Questions that moved come last, with their places.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        first: Number of the older version.
        second: Number of the newer version; None for the current set.

    Raises:
        TaskError: A version is not stored.
        StudioError: A version cannot be read.
    """
    info = find_set(settings, name)
    after = known_sets.read_cached(info.folder, settings.limits).task
    if second is not None:
        after = _opened(settings, info, name, second)
    before = _opened(settings, info, name, first)
    return field_diff.differences(before, after) + field_diff.moved_questions(before, after)


@reads
def preview_restore(settings: Settings, name: str, number: int) -> RestorePreview:
    """Differences that `restore_version` would make to the current set; nothing is changed.

    Raises:
        TaskError: The version is not stored, or the set's files are damaged.
        StudioError: The version cannot be read.
    """
    info = find_set(settings, name)
    current = known_sets.read_cached(info.folder, settings.limits).task
    return restore_preview.preview_restore(number, current, _opened(settings, info, name, number))


# --- undo and redo --------------------------------------------------------------------------------------


@reads
def available_undo(settings: Settings, name: str) -> tuple[str | None, str | None]:
    """Texts of the actions that *Undo* and *Redo* would take for the caller; None for an unavailable one."""
    log = _log(settings, find_set(settings, name))
    back, forth = _last_own(log, settings.author), _last_undone(log, settings.author)
    return (back.action if back else None), (forth.action if forth else None)


def undo(settings: Settings, name: str) -> TaskSet:
    """Undo the caller's last change of a set, on disk.

    A field that somebody else has changed since keeps its value; `undo_with_note` says which.

    Args:
        settings: The caller's settings; only changes by `settings.author` are undone, or anybody's if empty.
        name: Name of an own set, or OWNER/NAME of a shared one.

    Returns:
        The set after the undo.

    Raises:
        StudioError: There is nothing to undo.
        TaskError: The set is an example, or the caller may not edit it.
    """
    return undo_with_note(settings, name).task


def redo(settings: Settings, name: str) -> TaskSet:
    """Redo the change that the caller's last `undo` reverted.

    Raises:
        StudioError: There is nothing to redo.
        TaskError: The set is an example, or the caller may not edit it.
    """
    return redo_with_note(settings, name).task


def undo_with_note(settings: Settings, name: str) -> UndoResult:
    """Undo the caller's last change, with a sentence about fields that keep their value.

    A field keeps its value if another has changed it since.

    Raises:
        StudioError: There is nothing to undo.
        TaskError: The set is an example, or the caller may not edit it.
    """
    return _by_owner(settings, name, back=True)


def redo_with_note(settings: Settings, name: str) -> UndoResult:
    """Redo the caller's last undone change, with a sentence about fields that keep their value.

    A field keeps its value if another has changed it since.

    Raises:
        StudioError: There is nothing to redo.
        TaskError: The set is an example, or the caller may not edit it.
    """
    return _by_owner(settings, name, back=False)


def _by_owner(settings: Settings, name: str, back: bool) -> UndoResult:
    place = access.resolve_set(settings, name, "editor")
    moved = _move(place.settings, place.name, back)
    return moved.model_copy(update={"task": access.with_owner(moved.task, place.owner)})


@exclusive_edit
def _move(settings: Settings, name: str, back: bool) -> UndoResult:
    info = editable_set(settings, name)
    log = Journal.for_set(settings, info.name)
    present = known_sets.read_cached(info.folder, settings.limits)
    reconcile(log, present, info.folder)
    step = (_last_own if back else _last_undone)(log, settings.author)
    if step is None:
        raise StudioError(
            Sentence("There is nothing to undo.") if back else Sentence("There is nothing to redo.")
        )
    delta = delta_at(log, step.number, present)
    task, stands = apply_delta(present.task, delta, backwards=back)
    if moved := _pairs_changed_since(log, step, delta):
        left = state_at(log, step.number, present)
        states = (left, apply_delta(left, delta, backwards=True)[0])
        task, stands = _with_pairs(moved, present.task, states if back else states[::-1], task, stands)
    if task.config != present.task.config or task.dev != present.task.dev:
        render_set(task)
    undoes, redoes = ((step.number,), None) if back else ((), step.number)
    action = f"{'undo' if back else 'redo'} {step.action}"
    saved = commit(settings, info.folder, [(task, action)], undoes=undoes, redoes=redoes)
    return UndoResult(task=saved, sentence=_left(log, step, stands) if stands else None)


def _pairs_changed_since(log: Journal, step: Step, delta: Delta) -> set[str]:
    """Ids of questions whose choices or right answer a step changed and a later step changed again."""
    edits = delta.get("test", {}).get("edit", {})
    edited = {identity for identity, fields in edits.items() if fields.keys() & set(PAIR)}
    later = [entry.delta for entry in log.entries if edited and entry.step.number > step.number]
    return {
        identity
        for identity in edited
        if any(d is None or is_affected(d, UnappliedChange(identity, field)) for d in later for field in PAIR)
    }


def _with_pairs(
    of: Collection[str],
    present: TaskSet,
    states: tuple[TaskSet, TaskSet],
    task: TaskSet,
    stands: Sequence[UnappliedChange],
) -> tuple[TaskSet, list[UnappliedChange]]:
    """Undo or redo choices and right answer of questions as one value: merged, or both left as they are.

    Args:
        of: Ids of the questions.
        present: The current set.
        states: The set as the step knows it, and as it shall be.
        task: `present` with the step undone or redone field by field.
        stands: The fields that kept their value in that.

    Returns:
        The set with these pairs undone or redone, and all fields that keep their value.
    """
    was, wanted, now = ({q.id: q for q in t.questions} for t in (*states, present))
    stays = [stand for stand in stands if stand.question not in of or stand.field not in (*PAIR,)]
    pairs: dict[str, dict[str, Any]] = {}
    for identity in sorted(set(of) & was.keys() & wanted.keys() & now.keys()):
        question = now[identity]
        mine, seen = ({field: getattr(q[identity], field) for field in PAIR} for q in (wanted, was))
        merged = merge(question, mine, seen)
        pairs[identity] = {field: getattr(question, field) for field in PAIR} | merged.fields
        if merged.clashes:
            stays += [UnappliedChange(identity, field) for field in PAIR if mine[field] != seen[field]]
    questions = tuple(q.model_copy(update=pairs[q.id]) if q.id in pairs else q for q in task.questions)
    return task.model_copy(update={"questions": questions}), stays


def _last_own(log: Journal, author: str) -> Step | None:
    """Last change by an author that is not undone; by anybody if the author is empty."""
    steps, known = log.steps, log.reversible_steps
    done = known - _undone(steps)
    return next((s for s in reversed(steps) if _is_own(s, author) and s.number in done), None)


def _last_undone(log: Journal, author: str) -> Step | None:
    """The author's last undone change, None if they have made another change since."""
    steps = log.steps
    undone = _undone(steps)
    for step in reversed(steps):
        if _is_own(step, author):
            return None
        if author in ("", step.who) and (left := [n for n in step.undoes if n in undone]):
            return next(s for s in steps if s.number == left[0])
    return None


def _undone(steps: Iterable[Step]) -> set[int]:
    undone: set[int] = set()
    for step in steps:
        undone |= set(step.undoes)
        undone.discard(-1 if step.redoes is None else step.redoes)
    kept = {step.number for step in steps}
    return undone & kept


def _is_own(step: Step, author: str) -> bool:
    return not step.undoes and step.redoes is None and author in ("", step.who)


def _left(log: Journal, step: Step, stands: Sequence[UnappliedChange]) -> str:
    """Sentence about the fields that keep their value and the author who changed them."""
    places = [_place(stand) for stand in stands]
    later = [e for e in log.entries if e.step.number > step.number and e.step.who != step.who]
    others = {e.step.who for e in later if e.delta and any(is_affected(e.delta, stand) for stand in stands)}
    one = min(others) if len(others) == 1 else ""
    return Sentence(
        "{places} stays as it is: {who} has changed it since.",
        "{places} stay as they are: {who} has changed them since.",
        number=len(places),
        places=at_start(join_words(places)),
        who=display_name(one) if one else Sentence("somebody else"),
    )


def _place(stand: UnappliedChange) -> str:
    if stand.question is None:
        return Sentence("the prompt's {field}", field=stand.field)
    if stand.field is None:
        return Sentence("question {id}", id=stand.question)
    field = _FIELDS.get(stand.field) or Sentence("the field {field}", field=stand.field)
    return Sentence("{field} of {question}", field=field, question=stand.question)


def display_name(author: str) -> str:
    """An author as others see the name; browsers have no name."""
    return Sentence("another browser") if BROWSER.fullmatch(author) else author


# --- shared helpers -------------------------------------------------------------------------------------


def _log(settings: Settings, info: SetInfo) -> Journal:
    """Journal of a set without pending steps that the set's folder has not reached."""
    log = Journal.for_set(settings, info.name)
    if (pending := log.pending) and log.entries[-1].step.digest != _digest(settings, info):
        del log.entries[-len(pending) :]
    return log


def _digest(settings: Settings, info: SetInfo) -> str:
    present = _present(settings, info)
    return "" if present is None else present.digest


def _present(settings: Settings, info: SetInfo) -> CachedSet | None:
    """The set as its folder holds it; None if its files are damaged."""
    try:
        return known_sets.read_cached(info.folder, settings.limits)
    except TaskError:
        return None


def _named(task: TaskSet, name: str) -> TaskSet:
    """An earlier state under the set's current name: a state saved before a rename bears the old one."""
    return task.model_copy(update={"config": task.config.model_copy(update={"task": name})})
