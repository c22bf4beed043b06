"""Leases of checkpoints downloaded by rolling runs.

    cache/hub/borrowed/PLACE   which run has fetched the checkpoint, from before its first byte until it is gone again

Whoever uses one holds a lock that ends with their process. So a kill leaves a mark behind, with which the same run
goes on, or by which another one clears up.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted import safejson
from e2lm_core.checkpoints.hub import cache

_WAIT_S = 0.05


class _Mark(Record):
    """`run` has fetched `checkpoint`, or is about to."""

    run: str
    checkpoint: Checkpoint


def mark_leased(checkpoint: Checkpoint, run: str, settings: Settings) -> None:
    """Say that a run fetches the checkpoint for itself. Raises `CheckpointError` where that cannot be written."""
    path = _path(checkpoint, settings)
    if _read(path) is not None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        bare = checkpoint.model_copy(update={"directory": None})
        # One that a kill cuts short is of a checkpoint of which nothing is here.
        path.write_text(_Mark(run=run, checkpoint=bare).model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise CheckpointError(
            f"{path.parent} cannot be written ({error.strerror}): set E2LM_HOME to another folder."
        ) from error


def is_leased(checkpoint: Checkpoint, settings: Settings) -> bool:
    """Whether a run has fetched it for itself, and will let it go."""
    return checkpoint.repo is not None and _path(checkpoint, settings).exists()


def release_to_cache(checkpoint: Checkpoint, settings: Settings) -> None:
    """It stays from now on: somebody has asked for it by name, or has pinned it."""
    _path(checkpoint, settings).unlink(missing_ok=True)


@contextmanager
def hold(checkpoint: Checkpoint, settings: Settings) -> Iterator[None]:
    """As long as this is open the checkpoint is used here, and no other run lets it go."""
    if checkpoint.repo is None:
        yield
        return
    with _users(_path(checkpoint, settings), settings) as file:
        while not cache.lock(file, fcntl.LOCK_SH):  # another lets it go
            time.sleep(_WAIT_S)
        yield


def evict_if_unused(checkpoint: Checkpoint, settings: Settings, pinned: bool) -> int:
    """Delete what a run has fetched, unless somebody uses it; what is pinned or was asked for by name stays.

    Returns the bytes freed.
    """
    if checkpoint.repo is None:
        return 0
    with _users(_path(checkpoint, settings), settings) as file:
        if not is_leased(checkpoint, settings) or not cache.lock(file, fcntl.LOCK_EX):
            return 0
        freed = 0
        if not pinned:
            try:
                freed = cache.evict(checkpoint, settings)
            except CheckpointError:  # somebody downloads it just now, and it is theirs
                return 0
        release_to_cache(checkpoint, settings)
    return freed


def evict_abandoned(
    settings: Settings,
    is_active: Callable[[str], bool],
    pinned: Collection[str] = (),
    keep_names: Collection[str] = (),
) -> int:
    """Let go of what runs have left behind that do not go on, but for checkpoints whose names are `wanted`.

    Returns the bytes freed.
    """
    cache.remove_half_deleted(settings)
    freed = 0
    for path in _folder(settings).glob("*"):
        found = _read(path)
        if found is None:
            with _users(path, settings) as file:
                if cache.lock(file, fcntl.LOCK_EX):
                    path.unlink(missing_ok=True)
        elif found.checkpoint.name not in keep_names and not is_active(found.run):
            freed += evict_if_unused(found.checkpoint, settings, found.checkpoint.name in pinned)
    return freed


def _users(path: Path, settings: Settings) -> TextIO:
    """The lock of those who use the checkpoint with that mark."""
    return cache.lock_file(f"used-{path.name}", settings)


def _read(path: Path) -> _Mark | None:
    with contextlib.suppress(OSError, ValueError, ValidationError):
        return _Mark.model_validate(safejson.loads(path.read_text(encoding="utf-8")))
    return None


def _path(checkpoint: Checkpoint, settings: Settings) -> Path:
    return _folder(settings) / cache.cache_key(checkpoint)


def _folder(settings: Settings) -> Path:
    return settings.cache / "hub" / "borrowed"
