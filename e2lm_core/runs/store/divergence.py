"""Checkpoints that diverged: log-likelihoods that are not numbers.

A note holds for the checkpoint's files as they are and for the dtype: after a write, or in another dtype, the
checkpoint is scored again. Notes lie in the cache folder; their loss costs one more attempt.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import checkpoint_state, fingerprint
from e2lm_core.engine.backend import SCORING_VERSION


def note_divergence(checkpoint: Checkpoint, settings: Settings) -> str:
    """Note that a checkpoint has diverged, and return the sentence about it. Never raises."""
    file = _file(checkpoint, settings)
    with contextlib.suppress(OSError):  # without the note the next run tries once more
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    return _sentence(checkpoint, settings)


def has_notes(settings: Settings) -> bool:
    """Whether any checkpoint was ever noted as diverged."""
    return os.path.isdir(_folder(settings.home))


def divergence_sentence(checkpoint: Checkpoint, settings: Settings) -> str | None:
    """Sentence about a checkpoint that was noted as diverged; None for any other."""
    if not has_notes(settings):
        return None
    file = _file(checkpoint, settings)
    return _sentence(checkpoint, settings) if file is not None and file.is_file() else None


def _sentence(checkpoint: Checkpoint, settings: Settings) -> str:
    text = (
        f"Step {checkpoint.step:,} of {checkpoint.model.name} gives log-likelihoods that are not numbers in "
        f"{settings.dtype}: it is a gap in the curve"
    )
    return f"{text}." if settings.dtype == "float32" else f"{text}; E2LM_DTYPE=float32 may score it."


@lru_cache(maxsize=8)
def _folder(home: Path) -> str:
    return str(Settings(home=home).cache / "diverged")


def _file(checkpoint: Checkpoint, settings: Settings) -> Path | None:
    """Note's file, named by a folder's state or else by the fingerprint; None if neither can be read."""
    try:
        what = checkpoint_state(checkpoint) or fingerprint(checkpoint, settings)
    except CheckpointError:
        return None
    parts = [str(checkpoint.directory), what, settings.dtype, SCORING_VERSION]
    return Path(_folder(settings.home)) / hashlib.sha256(json.dumps(parts).encode()).hexdigest()
