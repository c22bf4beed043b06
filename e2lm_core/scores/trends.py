"""Course of each score over checkpoints."""

from __future__ import annotations

import numpy as np

from e2lm_core.scores.measurements import Measurements, common_grid
from e2lm_core.scores.ranking import readings


def score_courses(
    measurements: Measurements, metric: str, reading: str = readings.DEFAULT
) -> dict[str, list[float]]:
    """Courses of SQ, RC and CS over checkpoints, by score; a score without data has no entry.

        SQ  mean score of the counted models at each common checkpoint
        RC  its part at each common checkpoint after the early window, where it is defined
        CS  mean of science model minus web-only twin at each step that both have

    Args:
        measurements: Results of the set.
        metric: Name of the metric.
        reading: Reading of RC, see `readings.READINGS`.
    """
    curves: dict[str, list[float]] = {}
    grid = common_grid(measurements, metric)
    if grid is not None:
        curves["SQ"] = grid.scores.mean(axis=0).tolist()
        layout = measurements.layout(metric)
        if grid.end is not None and not layout.replicates:
            course = readings.COURSES[reading](grid.scores, grid.end, layout.sizes)
            curves["RC"] = [float(part) for part in course if np.isfinite(part)]
    if gaps := _twin_gaps(measurements, metric):
        curves["CS"] = [float(np.mean(gaps[step])) for step in sorted(gaps)]
    return curves


def _twin_gaps(measurements: Measurements, metric: str) -> dict[int, list[float]]:
    """Differences science model minus web-only twin at each step that both have, {step: differences}."""
    gaps: dict[int, list[float]] = {}
    for science, twin in measurements.twin_pairs:
        steps, of_science, of_twin = np.intersect1d(science.steps, twin.steps, return_indices=True)
        above, below = (measurements.values(c.model.name, metric) for c in (science, twin))
        for step, gap in zip(steps, above[of_science] - below[of_twin], strict=True):
            if np.isfinite(gap):
                gaps.setdefault(int(step), []).append(float(gap))
    return gaps
