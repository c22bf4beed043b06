"""Noise components of a curve point: questions, checkpoint, seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from e2lm_core.base.json_values import to_json_value
from e2lm_core.base.records import Record
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.means import seed_variance


class NoiseComponents(Record):
    """Standard deviations of one point of a curve by source, in the metric's unit.

    Attributes:
        questions: Question noise, which more questions reduce; None if unknown.
        checkpoints: Checkpoint noise, the movement from one checkpoint to the next; None if unknown.
        seeds: Training noise beyond the checkpoint noise; None if no model was trained from two seeds.
    """

    questions: float | None
    checkpoints: float | None
    seeds: float | None


def noise_components(
    measurements: Measurements, resampled: Resampled, metric: str
) -> dict[str, NoiseComponents]:
    """Noise components of each model's curve, in the metric's unit.

    Question and checkpoint noise come from `intervals.noise`; seed noise is sqrt(max(0, t^2 - checkpoint
    noise^2)) with t the model's training noise at the last complete checkpoint (`seed_variance`).
    """
    again = seed_variance.estimate_seed_variance(measurements, metric)
    found = {}
    for curve in measurements.curves:
        questions, checkpoints = intervals.noise(resampled, metric, curve.model.name)
        complete = curve.steps[np.isfinite(resampled.observed[metric][curve.model.name])]
        sd = again.deviation_at(int(complete[-1]), curve.model.name).sd if complete.size else None
        moved = 0.0 if np.isnan(checkpoints) else checkpoints
        seeds = None if sd is None else max(0.0, sd**2 - moved**2) ** 0.5
        found[curve.model.name] = NoiseComponents(
            questions=to_json_value(questions), checkpoints=to_json_value(checkpoints), seeds=seeds
        )
    return found


def noise_frame(components: Mapping[str, NoiseComponents]) -> pd.DataFrame:
    """Noise components of one curve point as a table, one row per model."""
    rows = [
        {
            "model": name,
            "question noise": noise.questions,
            "checkpoint noise": noise.checkpoints,
            "seed noise": noise.seeds,
        }
        for name, noise in components.items()
    ]
    return pd.DataFrame(rows).astype({"seed noise": float}) if rows else pd.DataFrame()
