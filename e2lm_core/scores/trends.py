"""Course of each score over checkpoints."""

from __future__ import annotations

import numpy as np

from e2lm_core.scores.measurements import Measurements, common_grid
from e2lm_core.scores.ranking import readings


def score_courses(
    measurements: Measurements, metric: str, reading: str = readings.DEFAULT
) -> dict[str, list[float]]:
    """{"SQ", "RC", "CS": its course}, of those that the measurements have; in the order of the checkpoints."""
    curves: dict[str, list[float]] = {}
    grid = common_grid(measurements, metric)
    if grid is not None:
        curves["SQ"] = grid.scores.mean(axis=0).tolist()
        if grid.end is not None:
            course = readings.COURSES[reading](grid.scores, grid.end, measurements.layout(metric).sizes)
            curves["RC"] = [float(part) for part in course if np.isfinite(part)]
    if gaps := _twin_gaps(measurements, metric):
        curves["CS"] = [float(np.mean(gaps[step])) for step in sorted(gaps)]
    return curves


def _twin_gaps(measurements: Measurements, metric: str) -> dict[int, list[float]]:
    """{step: what each science model is above its web-only twin}, of the checkpoints that both have."""
    gaps: dict[int, list[float]] = {}
    for science, twin in measurements.twin_pairs:
        steps, of_science, of_twin = np.intersect1d(science.steps, twin.steps, return_indices=True)
        above, below = (measurements.values(c.model.name, metric) for c in (science, twin))
        for step, gap in zip(steps, above[of_science] - below[of_twin], strict=True):
            if np.isfinite(gap):
                gaps.setdefault(int(step), []).append(float(gap))
    return gaps
