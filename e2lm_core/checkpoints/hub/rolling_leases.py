"""Leases of checkpoints downloaded by rolling runs.

    cache/hub/borrowed/PLACE   the run that downloads the checkpoint, from before its first byte until its
    eviction

A process that uses such a checkpoint has a lock that ends with the process. So a kill leaves a lease behind,
with which the same run goes on, or by which another one cleans up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.files import take_lock
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import cache
from e2lm_core.checkpoints.locked_json import read_record

_WAIT_S = 0.05


class _Mark(Record):
    """Lease: `run` has downloaded `checkpoint`, or is about to."""

    run: str
    checkpoint: Checkpoint


def mark_leased(checkpoint: Checkpoint, run: str, settings: Settings) -> None:
    """Mark a checkpoint as downloaded by a rolling run for itself; an existing mark stays.

    Args:
        checkpoint: Checkpoint of a hub.
        run: Name of the rolling run.
        settings: Settings.

    Raises:
        CheckpointError: The mark cannot be written.
    """
    path = _path(checkpoint, settings)
    if read_record(path, _Mark) is not None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        bare = checkpoint.model_copy(update={"directory": None})
        # The lease is written before the first byte is downloaded: a file cut short by a kill has nothing to
        # clean up.
        path.write_text(_Mark(run=run, checkpoint=bare).model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{parent} cannot be written ({strerror}): set E2LM_HOME to another folder.",
                parent=path.parent,
                strerror=error.strerror,
            )
        ) from error


def is_leased(checkpoint: Checkpoint, settings: Settings) -> bool:
    """Whether a rolling run has downloaded the checkpoint for itself and will evict it."""
    return checkpoint.repo is not None and _path(checkpoint, settings).exists()


def release_to_cache(checkpoint: Checkpoint, settings: Settings) -> None:
    """Delete the lease, so that the checkpoint stays: it was downloaded by name or pinned."""
    _path(checkpoint, settings).unlink(missing_ok=True)


@contextmanager
def hold(checkpoint: Checkpoint, settings: Settings) -> Iterator[None]:
    """Keep other runs from evicting a checkpoint for as long as the context is open."""
    if checkpoint.repo is None:
        yield
        return
    with _users(_path(checkpoint, settings), settings) as file:
        while not take_lock(file, shared=True):  # another process evicts it
            time.sleep(_WAIT_S)
        yield


def evict_if_unused(checkpoint: Checkpoint, settings: Settings, pinned: bool) -> int:
    """Evict a leased checkpoint that nobody uses; returns the bytes freed.

    A checkpoint that is pinned, or that was downloaded by name, stays.

    Args:
        checkpoint: The checkpoint.
        settings: Settings.
        pinned: Whether it is pinned: then only its lease is deleted.
    """
    if checkpoint.repo is None:
        return 0
    with _users(_path(checkpoint, settings), settings) as file:
        if not is_leased(checkpoint, settings) or not take_lock(file):
            return 0
        freed = 0
        if not pinned:
            try:
                freed = cache.evict(checkpoint, settings)
            except CheckpointError:  # another process downloads it now
                return 0
        release_to_cache(checkpoint, settings)
    return freed


def evict_abandoned(
    settings: Settings,
    is_active: Callable[[str], bool],
    pinned: Collection[str] = (),
    keep_names: Collection[str] = (),
) -> int:
    """Evict the downloads of rolling runs that do not go on; returns the bytes freed.

    Args:
        settings: Settings.
        is_active: Whether the run of that name goes on.
        pinned: Names of pinned checkpoints, which stay.
        keep_names: Names of further checkpoints that stay.
    """
    cache.remove_half_deleted(settings)
    freed = 0
    for path in _folder(settings).glob("*"):
        found = read_record(path, _Mark)
        if found is None:
            with _users(path, settings) as file:
                if take_lock(file):
                    path.unlink(missing_ok=True)
        elif found.checkpoint.name not in keep_names and not is_active(found.run):
            freed += evict_if_unused(found.checkpoint, settings, found.checkpoint.name in pinned)
    return freed


def _users(path: Path, settings: Settings) -> TextIO:
    """Lock file for the processes that use the checkpoint with that lease."""
    return cache.lock_file(f"used-{path.name}", settings)


def _path(checkpoint: Checkpoint, settings: Settings) -> Path:
    return _folder(settings) / cache.cache_key(checkpoint)


def _folder(settings: Settings) -> Path:
    return settings.cache / "hub" / "borrowed"
