"""Intraclass correlation and design effect of grouped questions.

    ICC  = (MSB - MSW) / (MSB + (m0 - 1) MSW),   m0 = (n - sum of m_g^2 / n) / (k - 1)
    DEFF = sum over groups of (sum of a group's deviations)^2 / sum of squared deviations

for k groups of m_g questions, n in all, MSB and MSW the mean squares between and within groups. A mean over n
questions is as precise as one over n / DEFF independent questions; for groups of one size m, DEFF is about 1
+ (m - 1) ICC.

Sources: Donner 1986 (the estimator of analysis of variance); Kish 1965 (design effect); Miller 2024, arXiv
2411.00640.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def group_numbers(groups: Sequence[str | None]) -> NDArray[np.intp]:
    """Group of each question as an int [Q]; a question without one has its own."""
    numbers: dict[object, int] = {}
    return np.array(
        [numbers.setdefault(group or place, len(numbers)) for place, group in enumerate(groups)],
        dtype=np.intp,
    )


def design_effect(values: ArrayLike, groups: Sequence[str | None]) -> float:
    """Variance of a mean with groups kept whole, relative to that of independent questions.

    Not below 1: fewer groups than questions cannot be more precise.

    Args:
        values: Values [Q] of the questions.
        groups: Group of each question [Q], None for a question by itself.

    Returns:
        Design effect, at least 1; 1 without groups or where all values are equal.
    """
    array = np.asarray(values, dtype=np.float64)
    deviations = array - array.mean() if len(array) else array
    total = float((deviations**2).sum())
    if not any(groups) or total == 0:
        return 1.0
    sums = np.bincount(group_numbers(groups), weights=deviations)
    return max(1.0, float((sums**2).sum()) / total)


def intraclass_correlation(values: ArrayLike, groups: Sequence[str | None]) -> float | None:
    """Correlation of questions of one group, at most 1, which means equal values within every group.

    Args:
        values: Values [Q] of the questions.
        groups: Group of each question [Q], None for a question by itself.

    Returns:
        ICC; None where no two questions share a group, all are in one, or all values are equal.
    """
    array, cluster = np.asarray(values, dtype=np.float64), group_numbers(groups)
    sizes = np.bincount(cluster)
    number, kinds = len(array), len(sizes)
    if kinds < 2 or kinds == number:
        return None
    means = np.bincount(cluster, weights=array) / sizes
    between = float((sizes * (means - array.mean()) ** 2).sum()) / (kinds - 1)
    within = float(((array - means[cluster]) ** 2).sum()) / (number - kinds)
    typical = (number - float((sizes**2).sum()) / number) / (kinds - 1)
    whole = between + (typical - 1) * within
    return (between - within) / whole if whole > 0 else None
