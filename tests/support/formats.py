"""Simulated results of one set under six question formats, of which the fourth may be easier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.scores.measurements import Measurements, ModelCurve
from tests.support import measured

FORMS, POINTS = 6, 16
MODELS = tuple(
    ModelInfo(name=f"{size}-{arch}", family="simulated", size=size, arch=arch)
    for arch in ("arch1", "arch2")
    for size in ("small", "medium", "large")
)
LEARNT = {"small": 1.0, "medium": 2.0, "large": 3.5}


def form_sets(seed: int, learns: bool, extra: float, questions: int = 400) -> list[Measurements]:
    """Results under each format: models that share half of their taste, and learn the right answers if `learns`."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 4, questions)
    found = []
    for form in range(FORMS):
        shared, curves = rng.normal(0, 1, (questions, 4)), []
        for model in MODELS:
            taste = (shared + rng.normal(0, 1, (questions, 4))) / np.sqrt(2)
            ll = taste + rng.normal(0, 0.3, (POINTS, questions, 4))
            if learns:
                rise = LEARNT[str(model.size)] * np.linspace(0, 1, POINTS)[:, None]
                ll[:, np.arange(questions), gold] += rise + (extra if form == 3 else 0.0)
            checkpoints = tuple(Checkpoint(model=model, step=k, early=k < 8) for k in range(POINTS))
            curves.append(ModelCurve(model=model, checkpoints=checkpoints, ll=ll))
        one = measured.measurements(*curves)
        found.append(replace(one, gold=gold, chars=np.full((questions, 4), 3.0)))
    return found
