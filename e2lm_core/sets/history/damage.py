"""Damage of a set's history: report, quarantine, replacement of an unreadable set.

Whoever writes is the set's one writer. Tested in tests/sets/history/test_damage.py.
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
    """The sentence for what of a log cannot be read; None where all of it can."""
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
    """Keep the files of a log of which nothing can be read, so that a new one may begin. Raises TaskError."""
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
    """Make a set whose files cannot be read this one, as a step of its own; the files are kept in the workspace.

    Raises TaskError, and changes nothing, where the disk refuses.
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
    log.save_snapshot(
        step.number, task, logs.SNAPSHOT_BYTES
    )  # the step before cannot be told from what the folder held
    return task


def _is_step(line: bytes) -> bool:
    """Whether a line of a log says something that is known: a step, a name, or that the set came to a step."""
    try:
        said = json.loads(line)
        if "named" not in said and "confirmed" not in said:
            said.pop("delta")
            Step(**said)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    return True


def _is_lost(log: Journal) -> bool:
    """Whether there was a history, and nothing of it can be read."""
    return not log.entries and (log.path.exists() or bool(log.snapshots()))
