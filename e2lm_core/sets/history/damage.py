"""Damage of a set's history: report, quarantine, replacement of an unreadable set.

The caller of a function that writes must hold the set's write lock. Tested in
tests/sets/history/test_damage.py.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets.folder import set_cache as known_sets
from e2lm_core.sets.history import journal as logs
from e2lm_core.sets.history.journal import Journal, Step

ASIDE = "damaged"
ANEW = "begin a new history: the one before cannot be read"


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


def keep_damaged_files(log: Journal) -> None:
    """Move the files of a completely unreadable journal aside, to begin a new one.

    Raises:
        TaskError: The disk refuses.
    """
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
            f"The edit was not saved: {log.folder.name}'s damaged history cannot be kept ({error.strerror}); check the "
            "disk, and save again."
        ) from error
    log.__init__(log.folder)  # type: ignore[misc]
    log.opening = ANEW


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
            f"{folder.name} was not restored: its damaged files cannot be kept in {aside} ({error}); free some space, and "
            "try again."
        ) from error
    step = Step(
        number=last.number + 1, action=action, who=settings.author, at=logs.utc_now(), digest=new.digest
    )
    log.append([(step, None)], task, last.digest)
    try:
        known_sets.write_prepared(folder, None, new, settings.limits)
    except BaseException:
        log.drop_pending()
        raise
    log.confirm()
    # The replay needs a full state here: the damaged folder could not be compared, so there is no delta.
    log.save_snapshot(step.number, task, logs.SNAPSHOT_BYTES)
    return task


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
