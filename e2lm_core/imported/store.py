"""Imported results that are kept: one JSON file each in the home folder, removed with a way back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2lm_core.base import atomic
from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_SUFFIX = ".json"


def folder(settings: Settings) -> Path:
    return settings.home / "results"


def names(settings: Settings) -> list[str]:
    return _names(folder(settings))


def removed(settings: Settings) -> list[str]:
    """What was removed and can be restored."""
    return _names(folder(settings) / "removed")


def save(settings: Settings, name: str, document: Mapping[str, Any]) -> Path:
    """Keeps a document under a name that is free. Raises StudioError in one sentence."""
    check_name(name)
    path = _path(settings, name)
    if path.exists():
        raise StudioError(f"Results named {name!r} are kept already: choose another name or remove those.")
    data = json.dumps(document, allow_nan=False).encode()
    if len(data) > settings.limits.max_file_bytes:
        raise LimitError(
            f"These results take {len(data) / 2**20:,.0f} MB; at most {settings.limits.max_file_bytes // 2**20} MB are "
            "kept: import fewer models at once."
        )
    atomic.replace_file(path, data)
    return path


def load(settings: Settings, name: str) -> dict[str, Any]:
    """Raises StudioError where there is none of that name, or it cannot be read."""
    check_name(name)
    path = _path(settings, name)
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        kept = ", ".join(names(settings)) or "none are"
        raise StudioError(f"No results named {name!r} are kept ({kept}).") from error
    except (OSError, ValueError) as error:
        raise StudioError(
            f"The kept results {name!r} cannot be read: remove them and import them again."
        ) from error
    if not isinstance(document, dict):
        raise StudioError(f"The kept results {name!r} are damaged: remove them and import them again.")
    return document


def remove(settings: Settings, name: str) -> None:
    """Sets results aside; what was set aside under the same name before is gone then."""
    check_name(name)
    path = _path(settings, name)
    if not path.is_file():
        raise StudioError(f"No results named {name!r} are kept, so there is nothing to remove.")
    _move(path, folder(settings) / "removed" / path.name, name)


def restore(settings: Settings, name: str) -> None:
    """Brings removed results back. Raises StudioError where there are none, or the name was taken since."""
    check_name(name)
    aside = folder(settings) / "removed" / f"{name}{_SUFFIX}"
    if not aside.is_file():
        raise StudioError(f"No results named {name!r} were removed, so there is nothing to restore.")
    if _path(settings, name).exists():
        raise StudioError(f"Results named {name!r} are kept already: remove those first.")
    _move(aside, _path(settings, name), name)


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise StudioError(
            f"{name[:80]!r} cannot name results: use 1 to 64 letters, digits, dots, dashes and underscores."
        )


def _path(settings: Settings, name: str) -> Path:
    return folder(settings) / f"{name}{_SUFFIX}"


def _names(place: Path) -> list[str]:
    return sorted((p.stem for p in place.glob(f"*{_SUFFIX}") if p.is_file()), key=str.lower)


def _move(source: Path, target: Path, name: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except OSError as error:
        raise StudioError(
            f"The results {name!r} cannot be moved ({error.strerror}): check the home folder's rights."
        ) from error
