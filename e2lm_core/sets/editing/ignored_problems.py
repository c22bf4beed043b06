"""Problems of a set that its author ignores: remembered in the caller's workspace, by set.

A problem is remembered by its digest, which changes with the question: an edited question is looked at again.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from e2lm_core.base.atomic import replace_file
from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access
from e2lm_core.sets.editing import drafts

MAX_IGNORED = 50_000


def ignored_problems(settings: Settings, set_name: str) -> tuple[str, ...]:
    """Digests of the ignored problems of a set, in the order in which they were ignored."""
    try:
        found = json.loads(_path(settings, set_name).read_bytes())
    except (OSError, ValueError):
        return ()
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


def ignore_problems(settings: Settings, set_name: str, digests: tuple[str, ...]) -> None:
    """Ignore problems of a set from now on.

    Raises:
        StudioError: The caller may only read, the workspace cannot be written, or too many are ignored.
    """
    _save(settings, set_name, tuple(dict.fromkeys((*ignored_problems(settings, set_name), *digests))))


def show_problems_again(settings: Settings, set_name: str, digests: tuple[str, ...]) -> None:
    """Show ignored problems of a set again.

    Raises:
        StudioError: The caller may only read, or the workspace cannot be written.
    """
    kept = tuple(one for one in ignored_problems(settings, set_name) if one not in digests)
    _save(settings, set_name, kept)


def _save(settings: Settings, set_name: str, digests: tuple[str, ...]) -> None:
    access.require_writer(settings)
    if len(digests) > MAX_IGNORED:
        raise StudioError(
            Sentence(
                "More than {max_ignored} problems can't be ignored: fix some, or show some again.",
                max_ignored=MAX_IGNORED,
            )
        )
    path = _path(settings, set_name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(list(digests)).encode())
    except OSError as error:
        raise StudioError(
            Sentence(
                "The ignored problems cannot be saved ({strerror}): free some space, or ask the person who runs "
                "this studio.",
                strerror=error.strerror,
            )
        ) from error


def rename_set(settings: Settings, set_name: str, new: str) -> None:
    """Let the ignored problems of a renamed set go with it."""
    with contextlib.suppress(OSError):
        _path(settings, set_name).replace(_path(settings, new))


def _path(settings: Settings, set_name: str) -> Path:
    return settings.workspace / "ignored" / f"{drafts.digest(set_name)}.json"
