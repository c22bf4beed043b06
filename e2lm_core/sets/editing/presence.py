"""Presence: authors who have a set open.

A mark is an empty file named after the author; its modification time is that of the page's last heartbeat.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path

from e2lm_core.base.errors import StudioError
from e2lm_core.base.files import folder_stamp
from e2lm_core.base.settings import Settings
from e2lm_core.people import access
from e2lm_core.sets.collection import find_set

# Browsers throttle the timers of a hidden page to one a minute.
GONE_AFTER_S = 100.0
MAX_NAMED = 50


@access.reads
def heartbeat(settings: Settings, name: str, leaving: bool = False) -> None:
    """Note that the caller has the set open or, with `leaving`, no longer has.

    A disk error is ignored.
    """
    if not settings.author:
        return
    mark = _folder(settings, name) / settings.author.encode().hex()
    with contextlib.suppress(OSError):
        if leaving:
            mark.unlink(missing_ok=True)
        else:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


@access.reads
def present_authors(settings: Settings, name: str, now: float | None = None) -> list[str]:
    """Other authors who have the set open, by name; expired marks are removed."""
    now, found = time.time() if now is None else now, []
    with contextlib.suppress(OSError):
        for mark in _folder(settings, name).iterdir():
            with contextlib.suppress(OSError, ValueError):
                author = bytes.fromhex(mark.name).decode()
                if now - mark.stat().st_mtime > GONE_AFTER_S:
                    mark.unlink(missing_ok=True)
                elif author != settings.author:
                    found.append(author)
    return sorted(found)[:MAX_NAMED]


def change_stamp(settings: Settings, name: str) -> str:
    """Stamp that changes whenever the set's files do; empty for a set that no longer exists."""
    try:
        stamp = folder_stamp(find_set(settings, name).folder)
    except StudioError:
        return ""
    return hashlib.sha256(repr(stamp).encode()).hexdigest()[:16] if stamp else ""


def _folder(settings: Settings, name: str) -> Path:
    return settings.workspace / "presence" / hashlib.sha256(name.encode()).hexdigest()[:32]
