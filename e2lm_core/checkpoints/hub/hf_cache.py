"""Read-only access to the user's Hugging Face cache.

models--OWNER--NAME/refs/BRANCH               the commit of a branch
models--OWNER--NAME/snapshots/COMMIT/…        its files, links to blobs that are there whole or not at all
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import file_sha256, tokenizer_files, weight_files

_MODEL = re.compile(r"models--([\w.-]+?)--([\w.-]+)", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_REF_BYTES = 100


class CachedModel(NamedTuple):
    """A model of a cache: its name, its repository, and its snapshots by the branches that are known of them."""

    name: str
    repo: str
    snapshots: tuple[tuple[str, Path], ...]


def is_cache(folder: Path) -> bool:
    """Whether a folder is laid out as a cache, as HF_HOME above one, or as one model of it."""
    return bool(_models(folder))


def list_models(folder: Path) -> tuple[CachedModel, ...]:
    """The models of a cache by name. Raises OSError where it cannot be read."""
    found = []
    for place in _models(folder):
        match = _MODEL.fullmatch(place.name)
        if match is not None:
            owner, name = match.groups()
            found.append(CachedModel(name, f"{owner}/{name}", tuple(_snapshots(place))))
    return tuple(sorted(found))


def find_snapshot(checkpoint: Checkpoint, settings: Settings) -> Path | None:
    """Where the cache holds a hub's checkpoint at its commit, with weights, configuration and tokenizer; else None."""
    if settings.hf_cache is None or checkpoint.repo is None or checkpoint.revision is None:
        return None
    place = (
        settings.hf_cache
        / f"models--{checkpoint.repo.replace('/', '--')}"
        / "snapshots"
        / checkpoint.revision
    )
    folder = place / checkpoint.subfolder if checkpoint.subfolder else place
    return folder if is_checkpoint(folder) and tokenizer_files(folder) and _shards_there(folder) else None


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder has a configuration and safetensors; a cache often holds a tokenizer alone."""
    return (folder / "config.json").is_file() and bool(weight_files(folder))


def find_changed_weights(folder: Path) -> str | None:
    """The first file of weights whose bytes are not those that its blob is named by; None where all are."""
    for path in weight_files(folder):
        blob = path.resolve().name
        if _SHA256.fullmatch(blob) and file_sha256(path) != blob:
            return path.name
    return None


def _models(folder: Path) -> list[Path]:
    if _MODEL.fullmatch(folder.name) and (folder / "snapshots").is_dir():
        return [folder]
    for place in (folder, folder / "hub"):
        if found := sorted(p for p in place.glob("models--*--*") if (p / "snapshots").is_dir()):
            return found
    return []


def _snapshots(model: Path) -> Iterator[tuple[str, Path]]:
    for ref in sorted((model / "refs").rglob("*")):
        if ref.is_file() and ref.stat().st_size <= _MOST_REF_BYTES:
            commit = ref.read_text(encoding="ascii", errors="replace").strip()
            place = model / "snapshots" / commit
            if _COMMIT.fullmatch(commit) and place.is_dir():
                yield ref.relative_to(model / "refs").as_posix(), place


def _shards_there(folder: Path) -> bool:
    """A link to a blob that is gone is no file: weights in parts are whole where none of their links leads nowhere."""
    return all(path.is_file() for path in weight_files(folder)) and not list(folder.glob("*.incomplete"))
