"""Smoothed curves, drawn over the measured points."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from e2lm_core.base.records import LOWER_IS_BETTER
from e2lm_core.scores.arrays import Floats

Method = Literal["mean of 3", "monotone"]
METHODS: tuple[Method, ...] = ("mean of 3", "monotone")
HELP: dict[Method, str] = {
    "mean of 3": "the mean of each point and its two neighbours (of two points at either end)",
    "monotone": "the rising line nearest to the points in least squares (isotonic regression; falling for "
    "bits per byte)",
}


def smooth_curve(values: ArrayLike, method: Method, lower_is_better: bool = False) -> Floats:
    """A curve [K] smoothed over its K known points.

        mean of 3:  s_k = mean of y_{k-1}, y_k, y_{k+1}, those that exist
        monotone:   argmin sum (s_k - y_k)^2 over s that never fall (`falling`: never rise); pooled violators

    Source: scipy.optimize.isotonic_regression for the second. Raises: ValueError where a point is missing.
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
    """The complete points of each model's curve, smoothed: a line to draw over them."""
    known = frame[(frame["metric"] == metric) & frame["value"].notna()].sort_values(["model", "step"])
    falling = metric in LOWER_IS_BETTER
    smooth = known.groupby("model", sort=False)["value"].transform(
        lambda values: smooth_curve(values.to_numpy(float), method, falling)
    )
    return known.assign(value=smooth).drop(columns=["low", "high"], errors="ignore")
