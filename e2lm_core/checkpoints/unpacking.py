"""Unpacked folder of a checkpoint, ready for transformers."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path

from e2lm_core.base.atomic import replace_file_bytes
from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.files import open_lock_file, take_lock
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted import safejson
from e2lm_core.checkpoints.fingerprints import file_sha256, fingerprint, packed_entry, packed_fingerprint
from e2lm_core.checkpoints.folders import check_folder
from e2lm_core.checkpoints.hub.cache import find_snapshot
from e2lm_core.checkpoints.hub.download import download
from e2lm_core.checkpoints.ladder.manifest import Manifest, ladder_file, read_manifest

_MARK = "unpacked.json"  # written last: fingerprint of the source and lengths of the files


def unpacked_directory(checkpoint: Checkpoint, settings: Settings) -> Path | None:
    """Folder of a checkpoint if it is complete and of the present ladder; None otherwise.

    Nothing is unpacked or downloaded.

    Raises:
        CheckpointError: The ladder itself cannot be read.
    """
    if checkpoint.repo is not None:
        return find_snapshot(checkpoint, settings)
    if checkpoint.packed is None:
        directory = checkpoint.directory
        return directory if directory is not None and directory.is_dir() else None
    folder = _cache_folder(checkpoint, settings)
    try:
        mark = safejson.loads((folder / _MARK).read_text(encoding="utf-8"))
        whole = all((folder / name).stat().st_size == size for name, size in mark["bytes"].items())
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return folder if whole and mark.get("fingerprint") == fingerprint(checkpoint, settings) else None


def ensure_directory(checkpoint: Checkpoint, settings: Settings) -> Path:
    """Folder to load a checkpoint from; unpacks or downloads it first if necessary.

    Safe for several processes at once: a folder appears whole or not at all.

    Raises:
        CheckpointError: The packed file or a part of a folder is missing, truncated or altered; the disk is
            full; or a hub cannot give the checkpoint.
        LimitError: A download would exceed the quota.
    """
    if checkpoint.repo is not None:
        return download(checkpoint, settings)
    if checkpoint.packed is None:
        if checkpoint.directory is None:
            raise CheckpointError(
                Sentence("{name} is not on this machine: download it first.", name=checkpoint.name)
            )
        check_folder(checkpoint.directory)
        return checkpoint.directory
    writable = _with_writable_cache(settings)
    for place in (settings, writable):
        ready = unpacked_directory(checkpoint, place)
        if ready is not None:
            return ready
    settings = writable
    folder = _cache_folder(checkpoint, settings)
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        temporary.mkdir(parents=True)
        _unpack_into(temporary, checkpoint, settings)
        _move_into_place(temporary, folder, checkpoint, settings)
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{name} cannot be unpacked into {parent} ({reason}): free some space there, or set E2LM_HOME to "
                "another folder.",
                name=checkpoint.name,
                parent=folder.parent,
                reason=error.strerror or str(error),
            )
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _with_writable_cache(settings: Settings) -> Settings:
    """The settings; with a temporary home for this process if the home's disk cannot be written."""
    if not settings.home.is_dir() or os.access(settings.home, os.W_OK):
        return settings
    return settings.model_copy(update={"home": Path(_passing_home(os.getpid()).name)})


@cache
def _passing_home(process: int) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="e2lm-cache-")


def _cache_folder(checkpoint: Checkpoint, settings: Settings) -> Path:
    return settings.cache / "checkpoints" / checkpoint.name


def _unpack_into(folder: Path, checkpoint: Checkpoint, settings: Settings) -> None:
    manifest = read_manifest(settings.ladder)
    model, packed = packed_entry(checkpoint, manifest)
    blob = _verified_bytes(ladder_file(settings.ladder, packed.file), packed.sha256)
    # Imported here, since torch takes seconds to import and a run that finds every result does not need it.
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    from e2lm_core.checkpoints.ladder.packing import unpack

    try:
        tensors = unpack(blob)
    except CheckpointError as error:
        raise CheckpointError(
            Sentence("{packed}: {error}", packed=checkpoint.packed, error=str(error))
        ) from error
    try:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    except SafetensorError as error:  # the library's error for a full disk
        raise OSError(str(error)) from error
    _write_json(folder / "config.json", model.config)
    if manifest.tokenizer.config:
        _write_json(folder / "tokenizer_config.json", manifest.tokenizer.config)
    _link(_shared_tokenizer(manifest, settings), folder / "tokenizer.json")
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    _write_json(folder / _MARK, {"fingerprint": packed_fingerprint(manifest, model, packed), "bytes": sizes})


def _verified_bytes(path: Path, sha256: str) -> bytes:
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "The ladder's file {path} cannot be read ({strerror}): get the ladder's files again.",
                path=path,
                strerror=error.strerror,
            )
        ) from error
    if hashlib.sha256(blob).hexdigest() != sha256:
        raise CheckpointError(
            Sentence(
                "The ladder's file {path} is cut short or altered ({blob} bytes, its sha256 is not the manifest's): "
                "get the ladder's files again.",
                path=path,
                blob=len(blob),
            )
        )
    return blob


def _shared_tokenizer(manifest: Manifest, settings: Settings) -> Path:
    """One copy for all unpacked checkpoints, apart from the ladder's file, which a build may overwrite."""
    sha256 = manifest.tokenizer.sha256
    shared = settings.cache / "checkpoints" / ".tokenizers" / f"{sha256}.json"
    if not shared.is_file() or file_sha256(shared) != sha256:
        blob = _verified_bytes(ladder_file(settings.ladder, manifest.tokenizer.file), sha256)
        shared.parent.mkdir(parents=True, exist_ok=True)
        replace_file_bytes(shared, blob)
    return shared


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # not every file system has hard links
        shutil.copyfile(source, target)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _move_into_place(temporary: Path, folder: Path, checkpoint: Checkpoint, settings: Settings) -> None:
    if _renamed(temporary, folder):
        return
    # A folder is there: another process was first with the same bytes, or it is old or damaged. One process
    # at a time checks and replaces it, so that none deletes the folder that another has just moved there.
    with open_lock_file(settings.cache / "checkpoints" / ".lock") as lock:
        take_lock(lock, wait=True)
        while unpacked_directory(checkpoint, settings) is None:
            discarded = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
            folder.rename(discarded)
            placed = _renamed(temporary, folder)
            shutil.rmtree(discarded, ignore_errors=True)  # open files stay readable
            if placed:
                return


def _renamed(source: Path, target: Path) -> bool:
    """Rename the folder; False if the target exists and is not empty."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    return True
