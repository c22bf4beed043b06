"""Calibration metrics: AUROC, Brier score, balanced accuracy, ECE.

ECE = sum over bins of (rows in the bin / all rows) |accepted share - mean probability|
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from e2lm_core.relevance.classifier import Array

BINS = 10  # of the expected calibration error


def auroc(labels: Sequence[bool] | Array, scores: Sequence[float] | Array) -> float:
    """P(score of an accepted row > score of a rejected one) + half of P(equal); NaN without both labels.

    The Mann–Whitney statistic over the number of pairs; labels [N], scores [N].
    """
    y = np.asarray(labels, dtype=bool)
    s = np.asarray(scores, dtype=np.float64)
    if y.shape != s.shape:
        raise ValueError(f"{len(y)} labels for {len(s)} scores")
    accepted, rejected = s[y], np.sort(s[~y])
    if not len(accepted) or not len(rejected):
        return float("nan")
    below = np.searchsorted(rejected, accepted, side="left")
    not_above = np.searchsorted(rejected, accepted, side="right")
    return float((below + not_above).sum() / (2 * len(accepted) * len(rejected)))


def brier(labels: Sequence[bool] | Array, probabilities: Sequence[float] | Array) -> float:
    """Mean of (probability - label)²: 0 is perfect, 0.25 is a coin's. NaN without rows."""
    y = np.asarray(labels, dtype=np.float64)
    return float(np.mean((np.asarray(probabilities) - y) ** 2)) if len(y) else float("nan")


@dataclass(frozen=True)
class CalibrationBin:
    """Rows whose probability p lies in low ≤ p < high (the last bin holds 1); means are NaN when empty."""

    low: float
    high: float
    rows: int
    mean_probability: float
    accepted_share: float


def calibration_table(
    labels: Sequence[bool] | Array, probabilities: Sequence[float] | Array, bins: int = 5
) -> list[CalibrationBin]:
    """Equal-width bins of the probability; a calibrated one has accepted share ≈ mean probability in each."""
    y = np.asarray(labels, dtype=bool)
    p = np.asarray(probabilities, dtype=np.float64)
    index = np.minimum((p * bins).astype(int), bins - 1)
    table = []
    for k in range(bins):
        inside = index == k
        rows = int(inside.sum())
        means = (float(p[inside].mean()), float(y[inside].mean())) if rows else (float("nan"),) * 2
        table.append(CalibrationBin(k / bins, (k + 1) / bins, rows, *means))
    return table


def ece(labels: Sequence[bool] | Array, probabilities: Sequence[float] | Array, bins: int = BINS) -> float:
    """The expected calibration error over bins of equal width (Guo et al. 2017, arXiv 1706.04599); NaN without rows."""
    table = [b for b in calibration_table(labels, probabilities, bins) if b.rows]
    rows = sum(b.rows for b in table)
    off = sum(b.rows * abs(b.accepted_share - b.mean_probability) for b in table)
    return off / rows if rows else float("nan")


def balanced_accuracy(
    labels: Sequence[bool] | Array, probabilities: Sequence[float] | Array, accept_at: float
) -> float:
    """The mean of the shares of accepted and of rejected rows that are judged as labelled; NaN without both."""
    y = np.asarray(labels, dtype=bool)
    accepted = np.asarray(probabilities) >= accept_at
    if y.all() or not y.any():
        return float("nan")
    return float((accepted[y].mean() + (~accepted[~y]).mean()) / 2)
