"""Commits a change: journal first, then the set; recovers after a kill and from damage.

The caller must hold the set's write lock (`sets.locks`).
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from e2lm_core.base import atomic
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import count
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets.folder import set_cache as known_sets
from e2lm_core.sets.folder.set_cache import CachedSet, PreparedSave
from e2lm_core.sets.history import journal as logs
from e2lm_core.sets.history.delta import Delta, diff_states
from e2lm_core.sets.history.journal import Journal, JournalEntry, Step, state_at

OUTSIDE = "change the files outside the studio"
ANEW = "begin a new history: the one before cannot be read"
ASIDE = "damaged"  # folder for what cannot be read
LEFTOVER_S = 3600.0


def commit(
    settings: Settings,
    folder: Path,
    states: Sequence[tuple[TaskSet, str]],
    undoes: tuple[int, ...] = (),
    redoes: int | None = None,
) -> TaskSet:
    """Save new states of a set, the last of them into its folder and all of them into its history.

    Args:
        settings: Settings of the set's owner, with the author of the change.
        folder: Task folder of the set.
        states: States in their order, each with the text of its action.
        undoes: Numbers of the steps that the change undoes.
        redoes: Number of the step that the change makes again; None without one.

    Returns:
        The set after the change.

    Raises:
        TaskError: The last state is invalid or the disk refuses it; nothing is changed.
        StudioError: The history cannot be written; nothing is changed.
    """
    known = known_sets.read_cached(folder, settings.limits)
    task = states[-1][0].model_copy(update={"owner": None})
    new = known_sets.prepare_save(known, task, settings.limits)
    log = Journal.for_set(settings, folder.name)
    _sweep(log, folder)
    _keep_damaged_files(log)
    reconcile(log, known, folder)
    if log.is_long:
        _forget_oldest(log, known)
    number = log.last.number if log.last else 0
    steps: list[tuple[Step, Delta | None]] = []
    before = known.task
    for state, action in states:
        number += 1
        step = Step(
            number=number,
            action=action,
            who=settings.author,
            at=logs.utc_now(),
            undoes=undoes,
            redoes=redoes,
            digest=new.digest if state is states[-1][0] else "",
        )
        steps.append((step, diff_states(before, state)))
        before = state
    log.append(steps, known.task, known.digest)
    _write_set(settings, folder, log, known, new)
    return task


def reconcile(log: Journal, known: CachedSet, folder: Path) -> None:
    """Bring a journal to the state that the set's folder holds.

    The two differ after a kill and after a change by hand.
    """
    if log.last is not None and log.last.digest != known.digest:
        log.drop_pending()  # a kill has ended the process before the set was written
    if log.last is None:
        return
    if log.last.digest != known.digest:
        _note_outside(log, log.last, known, folder)
    elif log.pending:
        log.confirm()


def replace_set(settings: Settings, folder: Path, task: TaskSet, action: str) -> TaskSet:
    """Replace a set with damaged files by a known state, as a new step.

    The damaged files are kept in the workspace, in the folder `damaged`.

    Args:
        settings: Settings of the set's owner, with the author of the change.
        folder: Task folder of the set.
        task: The new content.
        action: Text of the step in the history.

    Returns:
        The set after the change.

    Raises:
        TaskError: The disk refuses; nothing is changed.
        StudioError: The history cannot be written; nothing is changed.
    """
    log = Journal.for_set(settings, folder.name)
    task = task.model_copy(update={"owner": None})
    new = known_sets.prepare_save(None, task, settings.limits)
    log.drop_pending()
    last = log.steps[-1]
    aside = settings.workspace / ASIDE / f"{folder.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    try:
        shutil.copytree(folder, aside, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise TaskError(
            Sentence(
                "{name} was not restored: its damaged files cannot be kept in {folder} ({problem}); free some space, "
                "and try again.",
                name=folder.name,
                folder=aside,
                problem=str(error),
            )
        ) from error
    step = Step(
        number=last.number + 1, action=action, who=settings.author, at=logs.utc_now(), digest=new.digest
    )
    log.append([(step, None)], task, last.digest)
    _write_set(settings, folder, log, None, new)
    # The replay needs a full state here: the damaged folder could not be compared, so there is no delta.
    log.save_snapshot(step.number, task, logs.SNAPSHOT_BYTES)
    return task


def damage_sentence(log: Journal) -> str | None:
    """Sentence about the unreadable part of a journal; None if all of it can be read."""
    name = log.folder.name
    if _is_lost(log):
        return (
            f"{name}'s history cannot be read: its log is damaged or empty. The next edit begins a new one and keeps the "
            f"old files in its folder {ASIDE}."
        )
    raw = log.path.read_bytes().split(b"\n")[:-1] if log.path.is_file() else []
    lines = sum(not _is_step(line) for line in raw)
    if not lines:
        return None
    return f"{count(lines, 'step')} of {name}'s history cannot be read; the others are listed."


def _write_set(
    settings: Settings, folder: Path, log: Journal, known: CachedSet | None, new: PreparedSave
) -> None:
    """Write a set after the journal's last step and confirm the step; on an error the step is dropped."""
    try:
        known_sets.write_prepared(folder, known, new, settings.limits)
    except BaseException:
        log.drop_pending()
        raise
    log.confirm()


def _note_outside(log: Journal, last: Step, known: CachedSet, folder: Path) -> None:
    """Record a change by hand: with its delta if the state before is still known, else as a gap."""
    before = known_sets.find_cached(folder, last.digest)
    if before is None:
        try:
            before = state_at(log, last.number, None)
        except (StudioError, ValueError):
            before = None
    step = Step(number=last.number + 1, action=OUTSIDE, at=logs.utc_now(), digest=known.digest)
    log.append([(step, None if before is None else diff_states(before, known.task))], known.task, last.digest)
    log.confirm()


def _forget_oldest(log: Journal, known: CachedSet) -> None:
    """Drop the oldest steps; named ones among them stay as full states."""
    kept: list[JournalEntry] = []
    size = 0
    for entry in reversed(log.entries):
        size += len(str(entry.packed))
        if kept and (len(kept) >= logs.KEPT_STEPS or size > logs.KEPT_BYTES):
            break
        kept.insert(0, entry)
    named = {step.number for step in log.steps if step.name and step.number < kept[0].step.number}
    older = [entry._replace(packed=None) for entry in log.entries if entry.step.number in named]
    for entry in older:
        log.save_snapshot(entry.step.number, state_at(log, entry.step.number, known))
    log.save_snapshot(kept[0].step.number, state_at(log, kept[0].step.number, known), logs.SNAPSHOT_BYTES)
    log.rewrite([*older, kept[0]._replace(packed=None), *kept[1:]])


def _sweep(log: Journal, folder: Path) -> None:
    atomic.remove_leftovers(folder, LEFTOVER_S)
    log.sweep(LEFTOVER_S)


# --- damage -------------------------------------------------------------------------------------------


def _keep_damaged_files(log: Journal) -> None:
    """Move the files of a completely unreadable journal aside, to begin a new one; raises TaskError."""
    if not _is_lost(log):
        return
    aside = log.folder / ASIDE / time.strftime("%Y%m%d-%H%M%S")
    try:
        aside.mkdir(parents=True, exist_ok=True)
        for path in (log.path, *log.folder.glob("*.json.gz")):
            if path.exists():
                path.rename(aside / path.name)
    except OSError as error:
        raise TaskError(
            Sentence(
                "Nothing was changed: {name}'s damaged history cannot be kept ({problem}); check the disk, and "
                "try again.",
                name=log.folder.name,
                problem=error.strerror,
            )
        ) from error
    log.__init__(log.folder)  # type: ignore[misc]
    log.opening = ANEW


def _is_step(line: bytes) -> bool:
    """Whether a line of a journal is valid: a step, a name or a confirmation."""
    try:
        said = json.loads(line)
        if "named" not in said and "confirmed" not in said:
            said.pop("delta")
            Step(**said)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    return True


def _is_lost(log: Journal) -> bool:
    """Whether a history exists and nothing of it can be read."""
    return not log.entries and (log.path.exists() or bool(log.snapshots()))
