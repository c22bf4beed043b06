"""Smoothed curves, drawn over the measured points."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from e2lm_core.base.records import LOWER_IS_BETTER
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats

Method = Literal["mean of 3", "monotone"]
METHODS: tuple[Method, ...] = ("mean of 3", "monotone")
LABEL: dict[Method, str] = {"mean of 3": Sentence("mean of 3"), "monotone": Sentence("monotone")}
HELP: dict[Method, str] = {
    "mean of 3": Sentence("the mean of each point and its two neighbours (of two points at either end)"),
    "monotone": Sentence(
        "the rising line nearest to the points in least squares (isotonic regression; falling for bits per byte)"
    ),
}


def smooth_curve(values: ArrayLike, method: Method, lower_is_better: bool = False) -> Floats:
    """Smooth a curve over its known points.

        mean of 3:  s_k = mean of those of y_{k-1}, y_k, y_{k+1} that exist
        monotone:   argmin sum (s_k - y_k)^2 over s that never fall (never rise, if lower is better)

    The second pools adjacent violators. A curve of one point is returned unchanged.

    Args:
        values: Points [K] of the curve in the metric's unit, without NaN.
        method: Smoothing method.
        lower_is_better: Make the monotone curve fall.

    Returns:
        Smoothed points [K], in the same unit.

    Raises:
        ValueError: `values` is not a vector, or a point is missing.

    Source: scipy.optimize.isotonic_regression for the monotone curve.
    """
    curve = np.asarray(values, dtype=np.float64)
    if curve.ndim != 1 or np.isnan(curve).any():
        raise ValueError("a smoothed curve needs one row of known points")
    if len(curve) < 2:
        return curve
    if method == "monotone":
        return np.asarray(isotonic_regression(curve, increasing=not lower_is_better).x, dtype=np.float64)
    around = np.pad(curve, 1, constant_values=np.nan)
    return np.nanmean(np.stack([around[:-2], around[1:-1], around[2:]]), axis=0)


def smooth_frame(frame: pd.DataFrame, metric: str, method: Method) -> pd.DataFrame:
    """Smoothed curve of each model over its complete points, in the columns of `tables.curve_frame`.

    Columns `low` and `high` are dropped.
    """
    known = frame[(frame["metric"] == metric) & frame["value"].notna()].sort_values(["model", "step"])
    falling = metric in LOWER_IS_BETTER
    smooth = known.groupby("model", sort=False)["value"].transform(
        lambda values: smooth_curve(values.to_numpy(float), method, falling)
    )
    return known.assign(value=smooth).drop(columns=["low", "high"], errors="ignore")
