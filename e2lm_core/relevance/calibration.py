"""Calibration metrics: AUROC, balanced accuracy, ECE.

ECE = sum over bins of (rows in the bin / all rows) |accepted share - mean probability|
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from e2lm_core.relevance.classifier import Array

BINS = 10  # number of bins of the expected calibration error


def auroc(labels: Sequence[bool] | Array, scores: Sequence[float] | Array) -> float:
    """Area under the ROC curve: P(accepted score > rejected score) + half of P(equal).

    Args:
        labels: True for an accepted row [N].
        scores: Scores [N], higher for rows that are more likely accepted.

    Returns:
        Area in [0, 1]; NaN if one of the two labels is absent.

    Raises:
        ValueError: The lengths differ.
    """
    from sklearn.metrics import roc_auc_score

    y = np.asarray(labels, dtype=bool)
    return float(roc_auc_score(y, scores)) if _has_both(y) else float("nan")


@dataclass(frozen=True)
class CalibrationBin:
    """Rows with a predicted probability p in one range.

    Attributes:
        low: Lower end of the range, low ≤ p.
        high: Upper end of the range, p < high; the last bin includes 1.
        rows: Number of rows in the bin.
        mean_probability: Mean of p; NaN for an empty bin.
        accepted_share: Share of accepted rows; NaN for an empty bin.
    """

    low: float
    high: float
    rows: int
    mean_probability: float
    accepted_share: float


def calibration_table(
    labels: Sequence[bool] | Array, probabilities: Sequence[float] | Array, bins: int = 5
) -> list[CalibrationBin]:
    """Bins of equal width over the probability; calibrated ones have accepted share ≈ mean probability.

    Args:
        labels: True for an accepted row [N].
        probabilities: Probabilities of acceptance [N].
        bins: Number of bins.
    """
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


def ece(labels: Sequence[bool] | Array, probabilities: Sequence[float] | Array) -> float:
    """Expected calibration error over `BINS` bins of equal width.

    Args:
        labels: True for an accepted row [N].
        probabilities: Probabilities of acceptance [N].

    Returns:
        Error in [0, 1]; NaN without rows.

    Source: Guo et al. 2017, arXiv 1706.04599.
    """
    table = [b for b in calibration_table(labels, probabilities, BINS) if b.rows]
    rows = sum(b.rows for b in table)
    off = sum(b.rows * abs(b.accepted_share - b.mean_probability) for b in table)
    return off / rows if rows else float("nan")


def balanced_accuracy(
    labels: Sequence[bool] | Array, probabilities: Sequence[float] | Array, accept_at: float
) -> float:
    """Mean of the shares of accepted and of rejected rows that are judged as labelled.

    Args:
        labels: True for an accepted row [N].
        probabilities: Probabilities of acceptance [N].
        accept_at: Probability from which a row is judged accepted.

    Returns:
        Accuracy in [0, 1]; NaN if one of the two labels is absent.
    """
    from sklearn.metrics import balanced_accuracy_score

    y = np.asarray(labels, dtype=bool)
    accepted = np.asarray(probabilities) >= accept_at
    return float(balanced_accuracy_score(y, accepted)) if _has_both(y) else float("nan")


def _has_both(labels: np.ndarray) -> bool:
    """Whether there are accepted and rejected rows among the labels [N]."""
    return bool(labels.any() and not labels.all())
