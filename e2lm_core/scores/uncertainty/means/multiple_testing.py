"""Multiple testing: Holm's procedure.

    Holm: of m p-values, the i-th smallest is judged at alpha / (m - i + 1), until one fails

An onset on a curve is tested from the end of the curve backwards, each checkpoint only if all later ones
hold, so that a curve's many checkpoints need no further correction; of several curves the last checkpoints
are judged by Holm and earlier ones at alpha / m each.

Sources: Holm 1979, Scandinavian Journal of Statistics 6; Maurer, Hothorn and Lehmacher 1995 (fixed
sequences).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.scores.arrays import Floats

ALPHA = 0.05


def holm(p_values: ArrayLike) -> Floats:
    """Holm's adjusted p-values: at most alpha exactly where Holm rejects at alpha.

    Args:
        p_values: p-values [M] of m comparisons, NaN where there is none.

    Returns:
        Adjusted p-values [M], NaN where `p_values` are; those do not count among the m.
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def first_significant_index(p_values: Sequence[ArrayLike]) -> NDArray[np.intp]:
    """First index of each of m curves from which the tests at `ALPHA` hold to its end.

    The module describes how the curves are judged together.

    Args:
        p_values: For each curve its p-values [K], each of one checkpoint by itself; K may differ between
            curves.

    Returns:
        Indices [M], int; K of the curve where its last checkpoint does not hold.
    """
    curves = [np.asarray(p, dtype=np.float64) for p in p_values]
    if not curves:
        return np.empty(0, dtype=np.intp)
    last = holm([p[-1] if len(p) else 1.0 for p in curves])
    places = []
    for p, at_end in zip(curves, last, strict=True):
        place = len(p)
        if len(p) and at_end <= ALPHA:
            place -= 1
            while place and p[place - 1] <= ALPHA / len(curves):
                place -= 1
        places.append(place)
    return np.array(places, dtype=np.intp)
