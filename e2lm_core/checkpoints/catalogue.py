"""The catalogue of checkpoints, and the folder of each that transformers and the harness load."""

from __future__ import annotations

import difflib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import file_sha256, fingerprint, packed_entry, packed_fingerprint
from e2lm_core.checkpoints.folders import check_folder, read_folder
from e2lm_core.checkpoints.hub.added import added_models
from e2lm_core.checkpoints.hub.cache import snapshot
from e2lm_core.checkpoints.hub.download import download
from e2lm_core.checkpoints.ladder.manifest import (
    EarlyWindow,
    LadderModel,
    Manifest,
    ladder_file,
    read_manifest,
)

_Found = tuple[ModelInfo, tuple[Checkpoint, ...]]
_MARK = "unpacked.json"  # last written: what the folder was made from and how long its files are


@dataclass(frozen=True)
class Catalogue:
    """Every model and checkpoint there is, models in order of appearance and checkpoints in step order.

    `problems` holds one sentence for each thing that could not be read; the rest is usable all the same.
    `early_window`, `context` (the longest input the ladder takes), `trained_context`, `taught_file` and `ngrams_file`
    are the ladder's, None without one.
    """

    models: tuple[ModelInfo, ...]
    checkpoints: tuple[Checkpoint, ...]
    problems: tuple[str, ...] = ()
    early_window: EarlyWindow | None = None
    context: int | None = None
    trained_context: int | None = None
    taught_file: Path | None = None
    ngrams_file: Path | None = None

    def model(self, name: str) -> ModelInfo:
        """Raises `CheckpointError` for an unknown name."""
        for model in self.models:
            if model.name == name:
                return model
        raise CheckpointError(f"There is no model {name!r}{self._hint(name)}.")

    def of(self, model: ModelInfo | str) -> tuple[Checkpoint, ...]:
        """A model's checkpoints in step order."""
        name = model if isinstance(model, str) else model.name
        self.model(name)
        return tuple(c for c in self.checkpoints if c.model.name == name)

    def match(self, globs: Iterable[str]) -> tuple[Checkpoint, ...]:
        """Those whose `model/iter_…` fits any glob, in catalogue order; a model's name alone means all of it.

        No glob at all means every checkpoint. Raises `CheckpointError` for a glob that fits none.
        """
        patterns = list(globs)
        wanted: set[str] = set()
        for pattern in patterns:
            fits = {c.name for c in self.checkpoints if fnmatchcase(c.name, pattern)}
            fits |= {c.name for c in self.checkpoints if fnmatchcase(c.model.name, pattern)}
            if not fits:
                raise CheckpointError(f"No checkpoint matches {pattern!r}{self._hint(pattern)}.")
            wanted |= fits
        return tuple(c for c in self.checkpoints if not patterns or c.name in wanted)

    def _hint(self, text: str) -> str:
        if not self.checkpoints:
            return ": there are no checkpoints" + (f" ({self.problems[0]})" if self.problems else "")
        names = [c.name for c in self.checkpoints] if "/" in text else [m.name for m in self.models]
        near = difflib.get_close_matches(text, names, n=1, cutoff=0.3) or names[:1]
        return f" (there is, for instance, {near[0]})"


def open_catalogue(settings: Settings) -> Catalogue:
    """The embedded ladder, the folders of `settings.checkpoints` and the models added from a hub.

    Never raises: see `problems`.
    """
    manifest, found, problems = _ladder_models(settings.ladder)
    for folder in settings.checkpoints:
        local = read_folder(folder)
        problems.extend(local.problems)
        for model, checkpoints in local.models:
            if any(model.name == other.name for other, _ in found):
                problems.append(
                    f"The model {model.name!r} in {folder} is left out, since there is another of that name: "
                    "rename its folder."
                )
            else:
                found.append((model, checkpoints))
    hub = added_models(settings)
    problems.extend(hub.problems)
    for model, checkpoints in hub.models:
        if any(model.name == other.name for other, _ in found):
            problems.append(
                f"The model {model.name!r} of a hub is left out, since there is another of that name: remove it "
                "and add it under another name."
            )
        else:
            found.append((model, checkpoints))
    taught_file = settings.ladder / "facts.json"
    ngrams_file = settings.ladder / "ngrams.bin"
    return Catalogue(
        models=tuple(model for model, _ in found),
        checkpoints=tuple(c for _, checkpoints in found for c in checkpoints),
        problems=tuple(problems),
        early_window=manifest.early_window if manifest else None,
        context=manifest.context if manifest else None,
        trained_context=manifest.trained_context if manifest else None,
        taught_file=taught_file if manifest and taught_file.is_file() else None,
        ngrams_file=ngrams_file if manifest and ngrams_file.is_file() else None,
    )


def unpacked_directory(checkpoint: Checkpoint, settings: Settings) -> Path | None:
    """The checkpoint's folder if it is there, whole and of the present ladder; None otherwise."""
    if checkpoint.repo is not None:
        return snapshot(checkpoint, settings)
    if checkpoint.packed is None:
        directory = checkpoint.directory
        return directory if directory is not None and directory.is_dir() else None
    folder = _cache_folder(checkpoint, settings)
    try:
        mark = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        whole = all((folder / name).stat().st_size == size for name, size in mark["bytes"].items())
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return folder if whole and mark.get("fingerprint") == fingerprint(checkpoint, settings) else None


def ensure_directory(checkpoint: Checkpoint, settings: Settings) -> Path:
    """The folder to load the checkpoint from; a packed one is unpacked into the cache first, and one of a hub
    downloaded.

    Safe for several processes at once: a folder appears whole or not at all. Raises `CheckpointError` when
    the packed file or a folder's part is missing, cut short or altered, when the disk is full and when a hub
    cannot give it.
    """
    if checkpoint.repo is not None:
        return download(checkpoint, settings)
    if checkpoint.packed is None:
        if checkpoint.directory is None:
            raise CheckpointError(f"{checkpoint.name} is not on this machine: download it first.")
        check_folder(checkpoint.directory)
        return checkpoint.directory
    ready = unpacked_directory(checkpoint, settings)
    if ready is not None:
        return ready
    folder = _cache_folder(checkpoint, settings)
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        temporary.mkdir(parents=True)
        _unpack_into(temporary, checkpoint, settings)
        _move_into_place(temporary, folder, checkpoint, settings)
    except OSError as error:
        raise CheckpointError(
            f"{checkpoint.name} cannot be unpacked into {folder.parent} ({error.strerror or error}): "
            "free some space there, or set E2LM_HOME to another folder."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _ladder_models(ladder: Path) -> tuple[Manifest | None, list[_Found], list[str]]:
    try:
        manifest = read_manifest(ladder)
    except CheckpointError as error:
        return None, [], [str(error)]
    found: list[_Found] = []
    problems: list[str] = []
    for entry in manifest.models:
        try:
            model, checkpoints = _ladder_model(entry, ladder)
        except CheckpointError as error:
            problems.append(str(error))
            continue
        found.append((model, checkpoints))
        missing = [c.packed for c in checkpoints if c.packed is not None and not c.packed.is_file()]
        if missing:
            problems.append(
                f"{len(missing)} of {len(checkpoints)} packed files of {model.name} are missing, first "
                f"{missing[0]}: get the ladder's files again."
            )
    return manifest, found, problems


def _ladder_model(entry: LadderModel, ladder: Path) -> _Found:
    shared = ("name", "size", "arch", "role", "parameters", "seed", "twin_of", "seed_of")
    model = ModelInfo(family="ladder", **{name: getattr(entry, name) for name in shared})
    return model, tuple(
        Checkpoint(
            model=model,
            step=c.step,
            tokens_seen=c.tokens_seen,
            early=c.early,
            packed=ladder_file(ladder, c.file),
            subfolder=c.name,
        )
        for c in sorted(entry.checkpoints, key=lambda c: c.step)
    )


def _cache_folder(checkpoint: Checkpoint, settings: Settings) -> Path:
    return settings.cache / "checkpoints" / checkpoint.name


def _unpack_into(folder: Path, checkpoint: Checkpoint, settings: Settings) -> None:
    manifest = read_manifest(settings.ladder)
    model, packed = packed_entry(checkpoint, manifest)
    blob = _verified_bytes(ladder_file(settings.ladder, packed.file), packed.sha256)
    # Imported here since torch takes seconds and a run that finds every result needs none of it.
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    from e2lm_core.checkpoints.ladder.packing import unpack

    try:
        tensors = unpack(blob)
    except CheckpointError as error:
        raise CheckpointError(f"{checkpoint.packed}: {error}") from error
    try:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    except SafetensorError as error:  # how the library tells of a disk that is full
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
            f"The ladder's file {path} cannot be read ({error.strerror}): get the ladder's files again."
        ) from error
    if hashlib.sha256(blob).hexdigest() != sha256:
        raise CheckpointError(
            f"The ladder's file {path} is cut short or altered ({len(blob):,} bytes, its sha256 is not the "
            "manifest's): get the ladder's files again."
        )
    return blob


def _shared_tokenizer(manifest: Manifest, settings: Settings) -> Path:
    """One copy for all unpacked checkpoints, apart from the ladder's own file that a build may overwrite."""
    sha256 = manifest.tokenizer.sha256
    shared = settings.cache / "checkpoints" / ".tokenizers" / f"{sha256}.json"
    if not shared.is_file() or file_sha256(shared) != sha256:
        blob = _verified_bytes(ladder_file(settings.ladder, manifest.tokenizer.file), sha256)
        shared.parent.mkdir(parents=True, exist_ok=True)
        temporary = shared.with_name(f"{sha256}.{uuid.uuid4().hex}")
        try:
            temporary.write_bytes(blob)
            temporary.replace(shared)
        finally:
            temporary.unlink(missing_ok=True)
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
    # Something is there: another process was first with the same bytes, or it is old or damaged. One
    # process at a time looks and replaces, so that none takes away what another has just put there.
    with (settings.cache / "checkpoints" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        while unpacked_directory(checkpoint, settings) is None:
            discarded = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
            folder.rename(discarded)
            placed = _renamed(temporary, folder)
            shutil.rmtree(discarded, ignore_errors=True)  # who has its files open keeps them
            if placed:
                return


def _renamed(source: Path, target: Path) -> bool:
    """False when the target is there already and not empty."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    return True
