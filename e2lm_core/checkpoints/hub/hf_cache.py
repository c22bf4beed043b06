"""Read-only access to the user's Hugging Face cache.

models--OWNER--NAME/refs/BRANCH               the commit of a branch
models--OWNER--NAME/snapshots/COMMIT/…        its files, links to blobs that are complete or missing
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
_MAX_REF_BYTES = 100


class CachedModel(NamedTuple):
    """Model of a Hugging Face cache.

    Attributes:
        name: Name of the model.
        repo: OWNER/NAME of the repository.
        snapshots: (branch, folder) of each snapshot with a known branch.
    """

    name: str
    repo: str
    snapshots: tuple[tuple[str, Path], ...]


def is_cache(folder: Path) -> bool:
    """Whether a folder is a Hugging Face cache, the HF_HOME above one, or one model in it."""
    return bool(_models(folder))


def list_models(folder: Path) -> tuple[CachedModel, ...]:
    """Models of a Hugging Face cache by name.

    Raises:
        OSError: The cache cannot be read.
    """
    found = []
    for place in _models(folder):
        match = _MODEL.fullmatch(place.name)
        if match is not None:
            owner, name = match.groups()
            found.append(CachedModel(name, f"{owner}/{name}", tuple(_snapshots(place))))
    return tuple(sorted(found))


def find_snapshot(checkpoint: Checkpoint, settings: Settings) -> Path | None:
    """Folder of a hub's checkpoint at its commit in the user's cache; None if it is not complete.

    Complete: weights, configuration and tokenizer.
    """
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
    """Whether a folder has a configuration and safetensors; a cache often has a tokenizer alone."""
    return (folder / "config.json").is_file() and bool(weight_files(folder))


def find_changed_weights(folder: Path) -> str | None:
    """First weight file with bytes that differ from its blob's name, their sha256; None without one."""
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
        if ref.is_file() and ref.stat().st_size <= _MAX_REF_BYTES:
            commit = ref.read_text(encoding="ascii", errors="replace").strip()
            place = model / "snapshots" / commit
            if _COMMIT.fullmatch(commit) and place.is_dir():
                yield ref.relative_to(model / "refs").as_posix(), place


def _shards_there(folder: Path) -> bool:
    """Whether no weight file is a link to a missing blob and no download is incomplete."""
    return all(path.is_file() for path in weight_files(folder)) and not list(folder.glob("*.incomplete"))
