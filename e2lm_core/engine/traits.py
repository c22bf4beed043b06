"""Window and BOS of a model, cached without importing transformers.

Traits of the embedded models lie beside this file, so that a new home's first page does not wait for the
library of tokenizers (`python -m scripts.shipped_results --traits` writes them).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from functools import cache, lru_cache
from pathlib import Path

from e2lm_core.base.atomic import replace_file_bytes
from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import (
    FileStamp,
    file_sha256,
    file_stamp,
    fingerprint,
    packed_entry,
    tokenizer_files,
)
from e2lm_core.checkpoints.ladder.manifest import read_manifest
from e2lm_core.engine.backend import SCORING_VERSION


class Traits(Record):
    """Properties of a model that depend on its configuration and its tokenizer.

    Attributes:
        window: Longest input, in tokens.
        bos: Tokens that the tokenizer itself puts before a text: "none", or "prepend:" with their ids.
    """

    window: int
    bos: str


SHIPPED = Path(__file__).parent / "traits.json"
_lock = threading.Lock()
_known: dict[tuple[Path, str], Traits] = {}


def traits_key(checkpoint: Checkpoint, settings: Settings) -> str:
    """SHA-256 over all inputs of the traits: configuration, tokenizer and `SCORING_VERSION`.

    Raises:
        CheckpointError: The checkpoint is not on this machine, has no configuration or cannot be read.
    """
    if checkpoint.packed is not None:
        manifest = read_manifest(settings.ladder)
        model, _ = packed_entry(checkpoint, manifest)
        parts: list[object] = [model.config, manifest.tokenizer.sha256, manifest.tokenizer.config]
    elif checkpoint.repo is not None:
        parts = [fingerprint(checkpoint, settings)]  # a commit's sha holds its configuration and tokenizer
    elif checkpoint.directory is None:
        raise CheckpointError(
            Sentence("{name} is not on this machine: download it first.", name=checkpoint.name)
        )
    else:
        config = checkpoint.directory / "config.json"
        if not config.is_file():
            raise CheckpointError(
                Sentence(
                    "{directory} holds no config.json: a checkpoint is a transformers folder.",
                    directory=checkpoint.directory,
                )
            )
        parts = [_sha256(file) for file in (config, *tokenizer_files(checkpoint.directory))]
    return hashlib.sha256(json.dumps([SCORING_VERSION, parts], sort_keys=True).encode()).hexdigest()


def known_traits(key: str, settings: Settings) -> Traits | None:
    """The traits known under a key: included, or cached in this process or on disk; None if unknown."""
    if key in _shipped():
        return _shipped()[key]
    file = _file(key, settings)
    with _lock:
        if (file, key) not in _known:
            try:
                _known[file, key] = Traits.model_validate_json(file.read_bytes())
            except (OSError, ValueError):  # missing or unreadable traits are determined again
                return None
        return _known[file, key]


def remember_traits(key: str, traits: Traits, settings: Settings) -> None:
    """Cache traits in this process and, if it can be written, in the cache folder; never raises."""
    file = _file(key, settings)
    with _lock:
        _known[file, key] = traits
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file_bytes(file, traits.model_dump_json().encode())


@cache
def _shipped() -> dict[str, Traits]:
    return {key: Traits.model_validate(one) for key, one in json.loads(SHIPPED.read_bytes()).items()}


def _file(key: str, settings: Settings) -> Path:
    return settings.cache / "traits" / f"{key}.json"


def _sha256(path: Path) -> str:
    try:
        return _sha256_at(path, file_stamp(path))
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{path} cannot be read ({strerror}): check the file.", path=path, strerror=error.strerror
            )
        ) from error


@lru_cache(maxsize=4_096)
def _sha256_at(path: Path, stamp: FileStamp) -> str:
    return file_sha256(path)
