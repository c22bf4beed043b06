"""Download of one checkpoint: file selection, disk space, resume, verification."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from e2lm_core.base.errors import Cancelled, CheckpointError, LimitError
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted import safejson
from e2lm_core.checkpoints.fingerprints import INDEX, WEIGHTS, file_sha256, is_tokenizer_file
from e2lm_core.checkpoints.folders import check_folder
from e2lm_core.checkpoints.hub.cache import (
    CachedFile,
    cache_usage,
    checkpoint_lock,
    completion_marker,
    download_lock,
    find_snapshot,
    install_snapshot,
    partial_folder,
)
from e2lm_core.checkpoints.hub.client import HubClient, HubUnreachable, NoConnectionError, RemoteFile

_MAX_INDEX_BYTES = 16 * 2**20
_WAIT_S = 0.2
SPARE_BYTES = 100 * 2**20  # left free on the disk by a download


class DiskFull(CheckpointError):
    """The disk itself has no room for a checkpoint, whatever the quota allows."""


class DownloadProgress(Record):
    """Progress of a checkpoint's download.

    Attributes:
        name: Name of the checkpoint.
        file: Name of the current file.
        done_bytes: Bytes of the checkpoint that are on the disk.
        total_bytes: Bytes of all its files.
    """

    name: str
    file: str
    done_bytes: int
    total_bytes: int


def download(
    checkpoint: Checkpoint,
    settings: Settings,
    progress: Callable[[DownloadProgress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Folder of a hub's checkpoint; files that are not on this machine are downloaded first.

    Goes on where an earlier call stopped, within a file too. Every file must have the length and the digest
    that the hub lists. Safe for several processes at once, of which one downloads at a time, so the quota
    holds for all of them together.

    Args:
        checkpoint: The checkpoint.
        settings: Settings.
        progress: Called after each write.
        cancelled: Whether to stop; asked again and again.

    Raises:
        LimitError: The quota would be exceeded.
        Cancelled: `cancelled` turned true.
        CheckpointError: The hub or the disk fails (`HubUnreachable` without a connection, `DiskFull`). After
            each of these errors the downloaded bytes are kept.
    """
    ready = find_snapshot(checkpoint, settings)
    if ready is not None:
        return ready

    def wait() -> None:
        _stop_if(cancelled, checkpoint)
        time.sleep(_WAIT_S)

    run = _Run(checkpoint, settings, progress, cancelled)
    with checkpoint_lock(checkpoint, settings, wait), download_lock(settings, wait):
        # Another process may have downloaded it during the wait.
        return find_snapshot(checkpoint, settings) or run.whole()


def refuse_pickles(
    checkpoints: Sequence[Checkpoint], settings: Settings, listings: Callable[[str], None] = lambda name: None
) -> dict[str, str]:
    """Checkpoint name → reason why it cannot be downloaded, such as weights in pickles.

    Only listings are read, and only for checkpoints that are not on this machine. Checkpoints that the hub
    cannot list at the moment are left out.

    Args:
        checkpoints: The checkpoints.
        settings: Settings.
        listings: Called with each checkpoint's name once it is checked.

    Raises:
        NoConnectionError: There is no connection to the hub.
    """
    client, said = HubClient(settings), {}
    listed: dict[tuple[str, str], tuple[RemoteFile, ...]] = {}
    for checkpoint in checkpoints:
        repo, commit = checkpoint.repo, checkpoint.revision
        if repo and commit and find_snapshot(checkpoint, settings) is None:
            try:
                files = listed.get((repo, commit)) or client.files(repo, commit)[1]
                listed[repo, commit] = files
                wanted_files(repo, checkpoint.subfolder, files)
            except NoConnectionError:
                raise
            except HubUnreachable:
                pass
            except CheckpointError as error:
                said[checkpoint.name] = str(error)
        listings(checkpoint.name)
    return said


def wanted_files(repo: str, subfolder: str | None, listed: tuple[RemoteFile, ...]) -> dict[str, RemoteFile]:
    """Name in the checkpoint's folder → file of the repository, for the files to download.

    Shards are not included before their index is read. Configuration and tokenizer are the repository's own
    if the folder has none.

    Args:
        repo: OWNER/NAME of the repository, for sentences.
        subfolder: Folder of the checkpoint; None if the whole branch is the checkpoint.
        listed: All files of the repository.

    Raises:
        CheckpointError: A file is missing, or the weights are not safetensors.
    """
    prefix = f"{subfolder}/" if subfolder else ""
    here = {f.path.removeprefix(prefix): f for f in listed if f.path.startswith(prefix)}
    top = {f.path: f for f in listed}
    where = f"{repo}/{subfolder}" if subfolder else repo
    if subfolder and not here:
        raise CheckpointError(
            Sentence(
                "{repo} no longer has the folder {subfolder}: remove the model and add it again.",
                repo=repo,
                subfolder=subfolder,
            )
        )
    weights = [name for name in (WEIGHTS, INDEX) if name in here][:1]
    if not weights:
        pickled = sorted(name for name in here if "/" not in name and name.endswith((".bin", ".pt", ".pth")))
        if pickled:
            raise CheckpointError(
                Sentence(
                    "{where} has its weights only as {pickled}, which can run code when it is loaded: choose a "
                    "checkpoint with safetensors, or convert it and use it as a local folder.",
                    where=where,
                    pickled=pickled[0],
                )
            )
        raise CheckpointError(
            Sentence(
                "{where} has no {weights}: it is not a checkpoint that the studio loads.",
                where=where,
                weights=WEIGHTS,
            )
        )
    config = here.get("config.json") or top.get("config.json")
    tokenizer = _tokenizer(here) or _tokenizer(top)
    if config is None or not tokenizer:
        missing = "config.json" if config is None else "tokenizer"
        raise CheckpointError(
            Sentence(
                "{where} has no {missing}: it is not a checkpoint that the studio loads.",
                where=where,
                missing=missing,
            )
        )
    # The weights come last, so that small files, any of which may be refused, are checked first.
    return {"config.json": config, **tokenizer, weights[0]: here[weights[0]]}


class _Run:
    """The download of one checkpoint into its partial folder."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        settings: Settings,
        progress: Callable[[DownloadProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        if checkpoint.repo is None or checkpoint.revision is None:
            raise CheckpointError(Sentence("{name} is not a checkpoint of a hub.", name=checkpoint.name))
        self.checkpoint, self.repo, self.commit = checkpoint, checkpoint.repo, checkpoint.revision
        self.settings, self.progress, self.cancelled = settings, progress, cancelled
        self.client, self.partial = HubClient(settings), partial_folder(checkpoint, settings)
        self.done = self.total = 0

    def whole(self) -> Path:
        """Download and check every file; returns the folder.

        Raises:
            CheckpointError: The folder cannot be written, or as by the steps of the download.
        """
        _, listed = self.client.files(self.repo, self.commit)
        files = wanted_files(self.repo, self.checkpoint.subfolder, listed)
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            if INDEX in files:
                self.check_room({INDEX: files[INDEX]})
                files |= self.shards(files, listed)
            self.check_room(files)
            cached = {name: self.file(name, file) for name, file in files.items()}
            check_folder(self.partial)
            return install_snapshot(self.checkpoint, cached, self.settings)
        except OSError as error:
            raise CheckpointError(
                Sentence(
                    "{name} cannot be written to {partial} ({error}): free some space there, or set E2LM_HOME to "
                    "another folder.",
                    name=self.checkpoint.name,
                    partial=self.partial,
                    error=str(error.strerror or error),
                )
            ) from error

    def shards(self, files: dict[str, RemoteFile], listed: tuple[RemoteFile, ...]) -> dict[str, RemoteFile]:
        """Weight files named by the index, by name.

        Raises:
            CheckpointError: The index is too large, cannot be read, or names a file that is missing or of
                another kind.
        """
        index = files[INDEX]
        if index.bytes > _MAX_INDEX_BYTES:
            raise CheckpointError(
                Sentence(
                    "The index {path} of {repo} is too large to be one of weights.",
                    path=index.path,
                    repo=self.repo,
                )
            )
        self.file(INDEX, index)
        self.done = 0
        at = {file.path: file for file in listed}
        folder = index.path.removesuffix(INDEX)
        try:
            named = safejson.loads((self.partial / INDEX).read_text(encoding="utf-8"))["weight_map"].values()
            names = sorted(set(named))
            missing = [name for name in names if f"{folder}{name}" not in at]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                Sentence("{path} of {repo} is not an index of weights.", path=index.path, repo=self.repo)
            ) from error
        if bad := [n for n in names if "/" in n or not n.endswith(".safetensors")]:
            raise CheckpointError(
                Sentence(
                    "{path} of {repo} names {bad}, which is not a file of weights.",
                    path=index.path,
                    repo=self.repo,
                    bad=f"{bad[0]!r}",
                )
            )
        if missing:
            raise CheckpointError(
                Sentence(
                    "{repo} has no {folder}{missing}, which its index names.",
                    repo=self.repo,
                    folder=folder,
                    missing=missing[0],
                )
            )
        return {name: at[f"{folder}{name}"] for name in names}

    def check_room(self, files: dict[str, RemoteFile]) -> None:
        """Check that the files fit the quota and the disk.

        Raises:
            LimitError: The quota would be exceeded.
            DiskFull: The disk would be too full.
        """
        self.total = sum(file.bytes for file in files.values())
        mark = {name: CachedFile(bytes=file.bytes, sha256="0" * 64) for name, file in files.items()}
        needed = (
            self.total
            - sum(self._bytes_here(name) for name in files)
            + len(completion_marker(self.checkpoint, mark))
        )
        used = cache_usage(self.settings).used_bytes
        quota = self.settings.hub_quota_bytes
        if used + needed > quota:
            raise LimitError(
                Sentence(
                    "{name} needs {needed} more, and downloads hold {used} of the {quota} allowed: evict some, or "
                    "raise E2LM_HUB_QUOTA_GB.",
                    name=self.checkpoint.name,
                    needed=_gb(needed),
                    used=_gb(used),
                    quota=_gb(quota),
                )
            )
        free = shutil.disk_usage(self.partial).free
        if needed + SPARE_BYTES > free:
            raise DiskFull(
                Sentence(
                    "{name} needs {needed} more, and the disk has {free} free: free some space, evict checkpoints, "
                    "or set E2LM_HOME to another disk.",
                    name=self.checkpoint.name,
                    needed=_gb(needed),
                    free=_gb(free),
                )
            )

    def file(self, name: str, file: RemoteFile) -> CachedFile:
        """Download one file to the partial folder and check it.

        Raises:
            CheckpointError: Length or digest differ from the hub's listing.
        """
        whole, part = self.partial / name, self.partial / f"{name}.part"
        if not whole.is_file():
            with part.open("ab") as target:
                if target.tell() > file.bytes:  # part of another file
                    target.seek(0)
                    target.truncate()
                self._fetch(name, file, target)
            if not is_same_file(part, file):
                part.unlink()
                raise CheckpointError(
                    Sentence(
                        "{path} of {repo} is not what the hub lists (another length or digest): download it again.",
                        path=file.path,
                        repo=self.repo,
                    )
                )
            part.replace(whole)
        self.done += file.bytes
        self._tell(name, self.done)
        return CachedFile(bytes=whole.stat().st_size, sha256=file.sha256 or file_sha256(whole))

    def _fetch(self, name: str, file: RemoteFile, target: BinaryIO) -> None:
        def written(at: int) -> None:
            _stop_if(self.cancelled, self.checkpoint)
            self._tell(name, self.done + at)

        written(target.tell())
        if target.tell() < file.bytes or file.bytes == 0:
            self.client.fetch(self.repo, self.commit, file, target, written)

    def _bytes_here(self, name: str) -> int:
        for path in (self.partial / name, self.partial / f"{name}.part"):
            if path.is_file():
                return path.stat().st_size
        return 0

    def _tell(self, name: str, done: int) -> None:
        self.progress(
            DownloadProgress(
                name=self.checkpoint.name, file=name, done_bytes=done, total_bytes=max(self.total, done)
            )
        )


def _stop_if(cancelled: Callable[[], bool], checkpoint: Checkpoint) -> None:
    if cancelled():
        raise Cancelled(
            Sentence("The download of {name} was stopped; what is here is kept.", name=checkpoint.name)
        )


def _tokenizer(files: dict[str, RemoteFile]) -> dict[str, RemoteFile]:
    return {name: file for name, file in files.items() if "/" not in name and is_tokenizer_file(name)}


def is_same_file(path: Path, file: RemoteFile) -> bool:
    """Whether a file on the disk has the size and digest that the hub lists."""
    if path.stat().st_size != file.bytes:
        return False
    if file.sha256 is not None:
        return file_sha256(path) == file.sha256
    begun = hashlib.sha1(b"blob %d\0" % file.bytes, usedforsecurity=False)  # git's digest of content
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: begun).hexdigest() == file.git_sha1


def _gb(count: int) -> str:
    return f"{count / 10**9:.1f} GB" if count >= 10**8 else f"{count / 10**6:.1f} MB"
