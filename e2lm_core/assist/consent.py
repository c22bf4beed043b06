"""Consent: each person agrees once a set that its texts are sent to the configured server, kept in their workspace.

It is of one server and one model: after a change of either, everybody is asked again.
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
from e2lm_core.sets.editing import drafts


def has_agreed(settings: Settings, address: str, server: Server) -> bool:
    """Whether the caller has agreed that a set's texts are sent to a server.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        server: The server.
    """
    try:
        return bool(json.loads(_path(settings, address).read_bytes()) == _content(address, server))
    except (OSError, ValueError):
        return False


def agree(settings: Settings, address: str, server: Server) -> None:
    """Keep that the caller agrees that a set's texts are sent to a server.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        server: The server.

    Raises:
        StudioError: The caller may only read, or the workspace cannot be written.
    """
    access.require_writer(settings)
    path = _path(settings, address)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(_content(address, server)).encode())
    except OSError as error:
        raise StudioError(
            f"Your consent cannot be saved ({error.strerror}): free some space, or ask whoever runs this studio."
        ) from error


def _content(address: str, server: Server) -> dict[str, str]:
    return {"set": address, "url": server.url, "model": server.model}


def _path(settings: Settings, address: str) -> Path:
    return settings.workspace / "assist" / f"{drafts.digest(address)}.json"
