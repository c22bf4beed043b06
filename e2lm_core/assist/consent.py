"""Consent: each person agrees once a set that its texts are sent to the configured server, kept in their workspace.

It is of one set, one server and one model: after a change of either, and for another set under the same name,
everybody is asked again. A set is told by a mark in its history, which is renamed, deleted and restored with it.
Tested in tests/assist/test_service.py.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from e2lm_core.assist.client import Server
from e2lm_core.base.atomic import replace_file
from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access
from e2lm_core.sets import collection
from e2lm_core.sets.editing import drafts
from e2lm_core.sets.history.journal import Journal


def has_agreed(settings: Settings, address: str, server: Server) -> bool:
    """Whether the caller has agreed that a set's texts are sent to a server.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        server: The server.
    """
    try:
        kept = json.loads(_path(settings, address).read_bytes())
        mark = _mark(settings, address).read_text(encoding="utf-8")
        return bool(mark and kept == _content(address, mark, server))
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
        mark = _marked(_mark(settings, address))
        replace_file(path, json.dumps(_content(address, mark, server)).encode())
    except OSError as error:
        raise StudioError(
            Sentence(
                "Your consent cannot be saved ({strerror}): free some space, or ask the person who runs this studio.",
                strerror=error.strerror,
            )
        ) from error


def _content(address: str, mark: str, server: Server) -> dict[str, str]:
    return {"set": address, "mark": mark, "url": server.url, "model": server.model}


def _mark(settings: Settings, address: str) -> Path:
    """File with the set's mark."""
    name = collection.find_set(settings, address).name
    return Journal.for_set(access.resolve_set(settings, address).settings, name).folder / "mark"


def _marked(path: Path) -> str:
    """The mark of a set, made anew if it has none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or not path.read_text(encoding="utf-8"):
        replace_file(path, secrets.token_hex(16).encode())
    return path.read_text(encoding="utf-8")


def _path(settings: Settings, address: str) -> Path:
    return settings.workspace / "assist" / f"{drafts.digest(address)}.json"
