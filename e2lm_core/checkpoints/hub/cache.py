"""Cache of downloaded checkpoints: location, completeness, locks, eviction.

    cache/hub/whole/OWNER--NAME/COMMIT/root            a checkpoint of a branch, or
    cache/hub/whole/OWNER--NAME/COMMIT/sub/SUBFOLDER   one of a folder of the repository
    cache/hub/partial/…                                the same during its download
    cache/hub/gone/…                                   folders that are being deleted

A folder comes to `whole` by one rename, after the digest of every file has been compared with the hub's.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.files import folder_bytes, open_lock_file, take_lock
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import file_sha256
from e2lm_core.checkpoints.hub import hf_cache
from e2lm_core.checkpoints.locked_json import read_record

_MARK = "downloaded.json"


class CachedFile(Record):
    """Downloaded file with its length and digest on the hub."""

    bytes: int
    sha256: str


class CachedCheckpoint(Record):
    """Complete downloaded checkpoint.

    Attributes:
        name: Name of the checkpoint.
        repo: OWNER/NAME of the repository.
        revision: Commit.
        subfolder: Folder in the repository; None if the whole branch is the checkpoint.
        files: File name → length and digest.
    """

    name: str
    repo: str
    revision: str
    subfolder: str | None
    files: dict[str, CachedFile]

    @property
    def bytes(self) -> int:
        """Total bytes of its files."""
        return sum(file.bytes for file in self.files.values())


class CacheUsage(Record):
    """Disk use of all downloads.

    Attributes:
        used_bytes: Bytes of complete and partial downloads and of those that are being deleted.
        partial_bytes: Bytes of partial downloads.
        quota_bytes: Bytes allowed.
    """

    used_bytes: int
    partial_bytes: int
    quota_bytes: int


def snapshot_folder(checkpoint: Checkpoint, settings: Settings) -> Path:
    """Folder of a checkpoint's complete download, existing or not."""
    return _root(settings) / "whole" / _place(checkpoint)


def partial_folder(checkpoint: Checkpoint, settings: Settings) -> Path:
    """Folder of a checkpoint during its download, existing or not."""
    return _root(settings) / "partial" / _place(checkpoint)


def local_checkpoints(checkpoints: Iterable[Checkpoint], settings: Settings) -> tuple[Checkpoint, ...]:
    """Those of the checkpoints that are on this machine; the others are of a hub and not downloaded."""
    return tuple(c for c in checkpoints if c.repo is None or find_snapshot(c, settings) is not None)


def find_snapshot(checkpoint: Checkpoint, settings: Settings) -> Path | None:
    """Folder of a complete download, by file lengths, or in the user's Hugging Face cache; else None.

    `verify` compares the bytes as well.
    """
    folder = snapshot_folder(checkpoint, settings)
    mark = _read_mark(folder)
    if mark is None:
        return hf_cache.find_snapshot(checkpoint, settings)
    try:
        whole = all((folder / name).stat().st_size == file.bytes for name, file in mark.files.items())
    except OSError:
        return None
    return folder if whole else None


def verify(checkpoint: Checkpoint, settings: Settings) -> None:
    """Compare every byte of a downloaded checkpoint with the hub's digests.

    Raises:
        CheckpointError: The checkpoint is not on this machine, or a file is not as the hub gave it.
    """
    folder = snapshot_folder(checkpoint, settings)
    mark = _read_mark(folder)
    if mark is None and (held := hf_cache.find_snapshot(checkpoint, settings)) is not None:
        if (name := hf_cache.find_changed_weights(held)) is not None:
            raise CheckpointError(
                Sentence(
                    "{name} of {checkpoint} in {held} is not what the hub gave: delete that model from your Hugging "
                    "Face cache and download it again.",
                    name=name,
                    checkpoint=checkpoint.name,
                    held=held,
                )
            )
        return
    if mark is None:
        raise CheckpointError(
            Sentence("{name} is not on this machine: download it first.", name=checkpoint.name)
        )
    for name, file in mark.files.items():
        try:
            same = file_sha256(folder / name) == file.sha256
        except OSError:
            same = False
        if not same:
            raise CheckpointError(
                Sentence(
                    "{name} of {checkpoint} is no longer what the hub gave: evict the checkpoint and download it again.",
                    name=name,
                    checkpoint=checkpoint.name,
                )
            )


def evict(checkpoint: Checkpoint, settings: Settings) -> int:
    """Delete the download of a checkpoint, complete or partial; returns the bytes freed.

    Raises:
        CheckpointError: Another process downloads it now, it cannot be deleted, or it is not of a hub.
    """
    freed = 0
    with checkpoint_lock(checkpoint, settings):
        for folder in (snapshot_folder(checkpoint, settings), partial_folder(checkpoint, settings)):
            if not folder.is_dir():
                continue
            freed += folder_bytes([folder])
            gone = _root(settings) / "gone" / uuid.uuid4().hex
            try:
                gone.parent.mkdir(parents=True, exist_ok=True)
                folder.rename(gone)  # one step: never a half-deleted download
                with contextlib.suppress(FileNotFoundError):  # another process may delete it too
                    shutil.rmtree(gone)
            except OSError as error:
                raise CheckpointError(
                    Sentence(
                        "{name} cannot be evicted ({strerror}): check the folder {folder}.",
                        name=checkpoint.name,
                        strerror=error.strerror,
                        folder=folder,
                    )
                ) from error
    return freed


def remove_half_deleted(settings: Settings) -> None:
    """Delete folders that a killed eviction has left half deleted. Never raises."""
    if (gone := _root(settings) / "gone").is_dir():
        for folder in gone.iterdir():
            shutil.rmtree(folder, ignore_errors=True)


def list_cached(settings: Settings) -> tuple[CachedCheckpoint, ...]:
    """Every complete download by name, whether the catalogue still has it or not."""
    marks = sorted((_root(settings) / "whole").glob(f"*/*/root/{_MARK}"))
    marks += sorted((_root(settings) / "whole").glob(f"*/*/sub/*/{_MARK}"))
    read = [_read_mark(mark.parent) for mark in marks]
    return tuple(sorted((entry for entry in read if entry is not None), key=lambda entry: entry.name))


def cache_usage(settings: Settings) -> CacheUsage:
    """Current disk use of all downloads, and the quota (E2LM_HUB_QUOTA_GB)."""
    root = _root(settings)
    partial = folder_bytes([root / "partial"])
    return CacheUsage(
        used_bytes=partial + folder_bytes([root / "whole", root / "gone"]),
        partial_bytes=partial,
        quota_bytes=settings.hub_quota_bytes,
    )


def offline_hint(settings: Settings) -> str:
    """End of a sentence: the checkpoints that can be used without the hub."""
    names = [entry.name for entry in list_cached(settings)]
    if not names:
        return Sentence("no checkpoint of a hub is downloaded yet.")
    named = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return Sentence(
        "{count} downloaded can be used without it ({names}).", count=str(len(names)), names=named
    )


def install_snapshot(checkpoint: Checkpoint, files: dict[str, CachedFile], settings: Settings) -> Path:
    """Move a checkpoint's partial folder, all files complete and checked, to the place of whole ones.

    Args:
        checkpoint: The checkpoint.
        files: File name → length and digest.
        settings: Settings.

    Returns:
        The folder after the move.
    """
    partial, whole = partial_folder(checkpoint, settings), snapshot_folder(checkpoint, settings)
    (partial / _MARK).write_bytes(completion_marker(checkpoint, files))
    whole.parent.mkdir(parents=True, exist_ok=True)
    if whole.exists():  # an incomplete or altered download
        shutil.rmtree(whole)
    partial.rename(whole)
    return whole


def completion_marker(checkpoint: Checkpoint, files: dict[str, CachedFile]) -> bytes:
    """Content of the file that marks a folder as complete and lists its files."""
    mark = CachedCheckpoint(
        name=checkpoint.name,
        repo=checkpoint.repo or "",
        revision=checkpoint.revision or "",
        subfolder=checkpoint.subfolder,
        files=files,
    )
    return (mark.model_dump_json(indent=1) + "\n").encode()


@contextmanager
def checkpoint_lock(
    checkpoint: Checkpoint, settings: Settings, wait: Callable[[], None] | None = None
) -> Iterator[None]:
    """Lock a checkpoint, so that one process at a time downloads or evicts it.

    Args:
        checkpoint: The checkpoint.
        settings: Settings.
        wait: Called again and again while another process has the lock; it sleeps, and may raise to give up.
            None not to wait.

    Raises:
        CheckpointError: Another process has the lock and `wait` is None, or the cache cannot be written.
    """
    with lock_file(cache_key(checkpoint), settings) as file:
        while not take_lock(file):
            if wait is None:
                raise CheckpointError(
                    Sentence(
                        "{name} is being downloaded: stop that, or wait until it is done.",
                        name=checkpoint.name,
                    )
                )
            wait()
        yield


@contextmanager
def download_lock(settings: Settings, wait: Callable[[], None]) -> Iterator[None]:
    """Lock all downloads, so that one process at a time has to find room on the disk.

    Two processes that each find room might together have none. `wait` is called again and again while another
    process has the lock.
    """
    with lock_file("downloading", settings) as file:
        while not take_lock(file):
            wait()
        yield


def lock_file(name: str, settings: Settings) -> TextIO:
    """Open a file of the cache that serves as a lock.

    Raises:
        CheckpointError: The cache cannot be written.
    """
    try:
        return open_lock_file(_root(settings) / "locks" / name)
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{folder} cannot be written ({strerror}): set E2LM_HOME to another folder.",
                folder=_root(settings),
                strerror=error.strerror,
            )
        ) from error


def cache_key(checkpoint: Checkpoint) -> str:
    """File name that stands for a checkpoint's place in the cache.

    Raises:
        CheckpointError: The checkpoint is not of a hub.
    """
    return quote(str(_place(checkpoint)), safe="")


def _root(settings: Settings) -> Path:
    return settings.cache / "hub"


def _place(checkpoint: Checkpoint) -> Path:
    """Relative path that cannot lead outside the cache, since a hub's names are untrusted."""
    if not checkpoint.repo or not checkpoint.revision:
        raise CheckpointError(Sentence("{name} is not a checkpoint of a hub.", name=checkpoint.name))
    commit = Path(*(_part(part) for part in (checkpoint.repo.replace("/", "--"), checkpoint.revision)))
    return commit / "sub" / _part(checkpoint.subfolder) if checkpoint.subfolder else commit / "root"


def _part(name: str) -> str:
    return quote(name, safe="").replace(".", "%2E") if name.startswith(".") else quote(name, safe="")


def _read_mark(folder: Path) -> CachedCheckpoint | None:
    return read_record(folder / _MARK, CachedCheckpoint)
