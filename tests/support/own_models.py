"""Measurements of a researcher's own models: shapes times seeds, as folders with checkpoints.json give them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.scores.measurements import Measurements, ModelCurve
from tests.support.measured import measurements

SHAPES = ("llama", "neox")


def own_models(declared: bool, shapes: Sequence[str] = SHAPES, seeds: int = 3) -> list[ModelInfo]:
    """Models of one size, several seeds of each shape; `declared` names the first seed as the model."""
    return [
        ModelInfo(
            name=f"{shape}-s{seed}",
            family="local",
            size="1m",
            arch=shape,
            seed=seed if declared else None,
            seed_of=f"{shape}-s1" if declared and seed > 1 else None,
        )
        for shape in shapes
        for seed in range(1, seeds + 1)
    ]


def own_measured(
    declared: bool,
    early: int = 8,
    checkpoints: int = 12,
    noise: Mapping[str, float] | None = None,
    models: Sequence[ModelInfo] | None = None,
    questions: int = 40,
) -> Measurements:
    """Models that learn at a pace of their own, some more unsteadily.

    Args:
        declared: Whether the seeds are declared.
        early: Number of checkpoints in the early window.
        checkpoints: Number of all checkpoints.
        noise: Deviation of the log-likelihoods at each checkpoint by model, 0.1 for the others.
        models: Other models than those of `own_models`.
        questions: Number of questions.
    """
    random = np.random.default_rng(1)
    steps = np.arange(1, checkpoints + 1)
    curves = []
    for place, model in enumerate(own_models(declared) if models is None else models):
        deviation = (noise or {}).get(model.name, 0.1)
        ll = np.repeat(random.normal(-5, 1, (1, questions, 2)), checkpoints, axis=0)
        ll += random.normal(0, deviation, (checkpoints, 1, 1)) * np.array([1.0, 0.0])
        ll[:, :, 0] += (0.15 + 0.01 * place) * steps[:, None]
        points = tuple(
            Checkpoint(model=model, step=int(s) * 20, tokens_seen=int(s) * 1_000, early=bool(s <= early))
            for s in steps
        )
        curves.append(ModelCurve(model=model, checkpoints=points, ll=ll))
    return measurements(*curves)


def write_runs(
    folder: Path, notes: Mapping[str, Mapping[str, Any] | None], checkpoints: int = 3, shape: str = "llama"
) -> Path:
    """A folder of runs as a Trainer writes them: MODEL/checkpoint-20/…, real, tiny and untrained.

    Args:
        folder: The folder to write.
        notes: checkpoints.json by model; None for a model without one.
        checkpoints: Number of checkpoints of each model.
        shape: An architecture of `tiny_models.config`.
    """
    from tests.support import tiny_models

    for place, (model, own) in enumerate(notes.items()):
        for k in range(1, checkpoints + 1):
            tiny_models.make(folder / model / f"checkpoint-{20 * k}", shape, seed=100 * place + k)
        if own is not None:
            (folder / model / "checkpoints.json").write_text(json.dumps(own))
    return folder
