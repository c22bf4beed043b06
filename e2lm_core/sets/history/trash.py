"""Trash of deleted sets.

The caller must hold the write lock of the set's name. Tested in tests/sets/history/test_trash.py.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from e2lm_core.base.files import folder_bytes
from e2lm_core.base.records import Record
from e2lm_core.base.settings import Settings
from e2lm_core.sets.history.journal import Journal

_TIME = "%Y%m%dT%H%M%S%fZ"
_SET, _HISTORY = "set", "history"


class Deleted(Record):
    """A set in the trash.

    Attributes:
        name: Name of the set.
        at: Time of the deletion, UTC in ISO form.
        folder: Its task folder in the trash.
    """

    name: str
    at: str
    folder: Path


def move_to_trash(settings: Settings, name: str, folder: Path) -> None:
    """Move a set to the trash, then its history.

    `finish_move` completes a move that a kill has interrupted.

    Args:
        settings: Settings of the set's owner.
        name: Name of the set.
        folder: Its task folder.

    Raises:
        OSError: The disk refuses.
    """
    entry = _trash(settings) / f"{name}@{datetime.now(UTC).strftime(_TIME)}"
    entry.mkdir(parents=True)
    folder.rename(entry / _SET)
    Journal.for_set(settings, name).move(entry / _HISTORY)


def restore(settings: Settings, name: str, at: str | None = None) -> bool:
    """Restore a deleted set and its history from the trash.

    Args:
        settings: Settings of the set's owner.
        name: Name of the set.
        at: Time of the deletion, as in `Deleted.at`; None for the last one.

    Returns:
        Whether there was such a set.

    Raises:
        OSError: The disk refuses.
    """
    finish_move(settings, name)
    found = [
        entry for deleted, entry in _entries(settings) if deleted.name == name and at in (None, deleted.at)
    ]
    if not found:
        return False
    settings.sets.mkdir(parents=True, exist_ok=True)
    Journal(found[0] / _HISTORY).move(Journal.for_set(settings, name).folder)
    (found[0] / _SET).rename(settings.sets / name)
    with suppress(OSError):
        found[0].rmdir()
    return True


def list_trash(settings: Settings) -> list[Deleted]:
    """Deleted sets, the last deleted first."""
    return [deleted for deleted, _ in _entries(settings)]


def purge_oldest(settings: Settings, max_bytes: float) -> None:
    """Delete the oldest sets in the trash for good, until the rest takes at most `max_bytes`.

    Raises:
        OSError: The disk refuses.
    """
    entries = [(entry, folder_bytes((entry,))) for _, entry in _entries(settings)]
    left = sum(size for _, size in entries)
    for entry, size in reversed(entries):
        if left <= max_bytes:
            return
        shutil.rmtree(entry)
        left -= size


def finish_move(settings: Settings, name: str) -> None:
    """Move the history of a deleted set after it, if a kill has left the history behind.

    Raises:
        OSError: The disk refuses.
    """
    for left in _trash(settings).glob(f"{name}@*"):
        with suppress(OSError):
            left.rmdir()  # fails unless the folder is empty
    log = Journal.for_set(settings, name)
    if (settings.sets / name).exists() or not log.folder.exists():
        return
    entries = [entry for deleted, entry in _entries(settings) if deleted.name == name]
    if entries and not (entries[0] / _HISTORY).exists():
        log.move(entries[0] / _HISTORY)


def _entries(settings: Settings) -> list[tuple[Deleted, Path]]:
    found = []
    trash = _trash(settings)
    for entry in trash.iterdir() if trash.is_dir() else ():
        name, _, time = entry.name.partition("@")
        with suppress(OSError, ValueError):
            when = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
            if (entry / _SET).is_dir():
                at = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
                found.append((when, Deleted(name=name, at=at, folder=entry / _SET), entry))
    found.sort(key=lambda one: one[0], reverse=True)
    return [(deleted, entry) for _, deleted, entry in found]


def _trash(settings: Settings) -> Path:
    return settings.workspace / "trash"
