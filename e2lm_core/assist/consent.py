"""Consent: each person agrees once a set that its texts are sent to the configured server, kept in their workspace.

It is of one set, one server and one model: after a change of either, and for another set under the same name,
everybody is asked again. A set is told by its folder, which lies in the trash once it is deleted.
Tested in tests/assist/test_service.py.
"""

from __future__ import annotations

import json
from pathlib import Path

from e2lm_core.assist.client import Server
from e2lm_core.base.atomic import replace_file
from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.people import access
from e2lm_core.sets import collection
from e2lm_core.sets.editing import drafts


def has_agreed(settings: Settings, address: str, server: Server) -> bool:
    """Whether the caller has agreed that a set's texts are sent to a server.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        server: The server.
    """
    try:
        kept = json.loads(_path(settings, address).read_bytes())
        return bool(kept == _content(settings, address, server))
    except (OSError, ValueError, StudioError):
        return False


def agree(settings: Settings, address: str, server: Server) -> None:
    """Keep that the caller agrees that a set's texts are sent to a server.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        server: The server.

    Raises:
        StudioError: The caller may only read, there is no such set, or the workspace cannot be written.
    """
    access.require_writer(settings)
    path = _path(settings, address)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(_content(settings, address, server)).encode())
    except OSError as error:
        raise StudioError(
            f"Your consent cannot be saved ({error.strerror}): free some space, or ask whoever runs this studio."
        ) from error


def _content(settings: Settings, address: str, server: Server) -> dict[str, str | int]:
    folder = collection.find_set(settings, address).folder.stat().st_ino
    return {"set": address, "folder": folder, "url": server.url, "model": server.model}


def _path(settings: Settings, address: str) -> Path:
    return settings.workspace / "assist" / f"{drafts.digest(address)}.json"
