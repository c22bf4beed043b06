"""Commits a change: journal first, then the set; recovers after a kill.

The caller must hold the set's write lock (`sets.locks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from e2lm_core.base import atomic
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets.folder import set_cache as known_sets
from e2lm_core.sets.folder.set_cache import CachedSet
from e2lm_core.sets.history import damage
from e2lm_core.sets.history import journal as logs
from e2lm_core.sets.history.delta import Delta, diff_states
from e2lm_core.sets.history.journal import Journal, JournalEntry, Step
from e2lm_core.sets.history.replay import state_at

OUTSIDE = "change the files outside the studio"
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
    damage.keep_damaged_files(log)
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
    try:
        known_sets.write_prepared(folder, known, new, settings.limits)
    except BaseException:
        log.drop_pending()
        raise
    log.confirm()
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
