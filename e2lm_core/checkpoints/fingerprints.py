"""Content fingerprints of checkpoints."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from e2lm_core.base.database import Database
from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.ladder.manifest import LadderModel, Manifest, PackedCheckpoint, read_manifest

# This order is part of every stored fingerprint, so further files come after these, by name.
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
)
# Other files that some tokenizer of transformers reads; a chat template changes no log-likelihood.
_MORE_TOKENIZER_FILES = (
    *(
        "*.model",
        "tokenizer.model.*",
        "*.spm",
        "*.tiktoken",
        "*tekken*.json",
        "tokenizer.*.json",
        "vocab.bpe",
        "encoder.json",
    ),
    *("bpe.codes", "prophetnet.tokenizer", "dict.txt", "vocab-*.json", "*_vocab.json", "word_*.json"),
    *("normalizer.json", "emoji.json", "byte_maps.json"),
)
# A file that was written so shortly before a look may change once more without another time stamp.
_SETTLED_S = 2.0
_GRAIN_S, _MAX_WAITS = 0.02, 5  # for looks within one process, on a disk of this machine
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
FileStamp = tuple[int, int, int, int, int]


def fingerprint(checkpoint: Checkpoint, settings: Settings) -> str:
    """Content fingerprint of a checkpoint, the model's part of every result's key.

    Packed: `ladder:` and a sha256 over the sha256 of the packed file as the manifest has it, the
    configuration and the tokenizer. The file itself is checked when it is unpacked, so a run that finds every
    result needs no weights. Folder: `folder:` and a sha256 over the names and sha256 of its weights,
    configuration and tokenizer files, each hashed once as long as path, size, times and inode stay the same.
    Hub: `repo@commit/subfolder`.

    Raises:
        CheckpointError: A part is missing or cannot be read.
    """
    if checkpoint.packed is not None:
        manifest = read_manifest(settings.ladder)
        model, packed = packed_entry(checkpoint, manifest)
        return packed_fingerprint(manifest, model, packed)
    if checkpoint.repo is not None:  # a commit's files never change: results outlive eviction
        return f"{checkpoint.repo}@{checkpoint.revision}/{checkpoint.subfolder or ''}"
    if checkpoint.directory is None:
        raise CheckpointError(
            Sentence("{name} is not on this machine: download it first.", name=checkpoint.name)
        )
    return f"folder:{_folder_sha256(checkpoint.directory, settings)}"


def packed_entry(checkpoint: Checkpoint, manifest: Manifest) -> tuple[LadderModel, PackedCheckpoint]:
    """Model and checkpoint of a packed checkpoint in the ladder's manifest.

    Raises:
        CheckpointError: The manifest no longer has them.
    """
    model = manifest.model(checkpoint.model.name)
    packed = model.checkpoint(checkpoint.subfolder or "") if model else None
    if model is None or packed is None:
        raise CheckpointError(
            Sentence(
                "{name} is not in the ladder's manifest: the ladder has changed, open it again.",
                name=checkpoint.name,
            )
        )
    return model, packed


def packed_fingerprint(manifest: Manifest, model: LadderModel, packed: PackedCheckpoint) -> str:
    """`ladder:` and a sha256 over the manifest's entries of weights, configuration and tokenizer.

    Args:
        manifest: Manifest of the ladder.
        model: The model's entry in it.
        packed: The checkpoint's entry in it.
    """
    return "ladder:" + _sha256_of(
        [packed.sha256, model.config, manifest.tokenizer.sha256, manifest.tokenizer.config]
    )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint's folder, by name."""
    return sorted(folder.glob("*.safetensors"))


@lru_cache(maxsize=4_096)
def is_tokenizer_file(name: str) -> bool:
    """Whether a file of that name is part of a tokenizer, for fingerprints, caches and downloads alike."""
    return name in TOKENIZER_FILES or any(fnmatchcase(name, more) for more in _MORE_TOKENIZER_FILES)


def tokenizer_files(folder: Path) -> list[Path]:
    """Tokenizer files of a folder: those of `TOKENIZER_FILES` in that order, then others by name."""
    try:
        names = {name for name in os.listdir(folder) if is_tokenizer_file(name)}
    except OSError:
        return []
    first = [name for name in TOKENIZER_FILES if name in names]
    ordered = [*first, *sorted(names.difference(first))]
    return [folder / name for name in ordered if (folder / name).is_file()]


def file_stamp(path: Path) -> FileStamp:
    """(device, inode, size, mtime, ctime) of a file, times in ns; it differs after every write.

    Raises:
        OSError: The file cannot be found.
    """
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def folder_state(folder: Path) -> tuple[tuple[str, FileStamp], ...]:
    """Name and stamp of every file that decides a checkpoint's results; no file is opened.

    Equal as long as none of the files is written to. A file that was written just now is looked at again a
    moment later, when a further write would show.
    """
    state: tuple[tuple[str, FileStamp], ...] = ()
    for _ in range(_MAX_WAITS):
        names = [*weight_files(folder), folder / INDEX, folder / "config.json", *tokenizer_files(folder)]
        with contextlib.suppress(OSError):  # a file was deleted between two looks
            state = tuple((path.name, file_stamp(path)) for path in names if path.is_file())
        youngest = max((max(stamp[3:]) for _, stamp in state), default=0)
        if not 0 <= time.time_ns() - youngest < _GRAIN_S * 10**9:
            break
        time.sleep(_GRAIN_S)
    return state


def checkpoint_state(checkpoint: Checkpoint) -> tuple[tuple[str, FileStamp], ...]:
    """`folder_state` of a checkpoint in a folder; () if a manifest or commit fixes its bytes."""
    if checkpoint.directory is None or checkpoint.packed is not None or checkpoint.repo is not None:
        return ()
    return folder_state(checkpoint.directory)


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_sha256(folder: Path, settings: Settings) -> str:
    weights = weight_files(folder)
    if not weights or not (folder / "config.json").is_file():
        raise CheckpointError(
            Sentence(
                "{folder} is not a checkpoint: it needs config.json, *.safetensors and the tokenizer's files.",
                folder=folder,
            )
        )
    files = [*weights, folder / "config.json", *tokenizer_files(folder)]
    return _sha256_of([[path.name, _known_sha256(path, settings)] for path in files])


def _known_sha256(path: Path, settings: Settings) -> str:
    """sha256 of a file, stored for all processes: hashing the weights of a large run takes minutes."""
    real = path.resolve()
    try:
        stamp = file_stamp(real)
        seen = stamp[2], *stamp[3:], stamp[1]
        database = _database(settings.database, os.getpid())
        with database.reading() as connection:
            row = connection.execute(
                "SELECT sha256 FROM file_digests "
                "WHERE path = ? AND (size, mtime_ns, ctime_ns, inode) = (?, ?, ?, ?)",
                (str(real), *seen),
            ).fetchone()
        if row is not None:
            return str(row[0])
        sha256 = file_sha256(real)
        unchanged = file_stamp(real) == stamp
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{path} cannot be read ({strerror}): check the file.", path=path, strerror=error.strerror
            )
        ) from error
    settled = time.time_ns() - max(stamp[3:]) > _SETTLED_S * 10**9
    if unchanged and settled and database.is_writable:
        with database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO file_digests (path, size, mtime_ns, ctime_ns, inode, sha256) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (str(real), *seen, sha256),
            )
    return sha256


@lru_cache(maxsize=8)
def _database(path: Path, process: int) -> Database:
    return Database(path)


def _sha256_of(values: list[object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
