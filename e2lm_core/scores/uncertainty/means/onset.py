"""Onset of a lasting difference, with its interval.

Axes: R resamples, K checkpoints. An onset is an index into the K checkpoints; K itself stands for "never".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.scores.uncertainty.methods import share_above

Places = NDArray[np.intp]


@dataclass(frozen=True)
class OnsetEstimate:
    """First checkpoint from which a difference stays positive to the end.

    Attributes:
        measured: Index of that checkpoint for the measured difference; K stands for never.
        low: Lower end of the 95% interval of `measured` over resamples; None where there is none.
        high: Upper end of that interval, K for never; None where there is none.
        share: Share of resamples with a positive difference at the last checkpoint, ties counted half.
    """

    measured: int
    low: int | None
    high: int | None
    share: float


def first_lasting_index(holds: ArrayLike) -> Places:
    """First index from which a condition holds to the end: [..., K] -> [...], int.

    min {k : holds_j for all j >= k}; K where it does not hold at the last checkpoint.
    """
    truth = np.asarray(holds, dtype=bool)
    to_the_end = np.logical_and.accumulate(truth[..., ::-1], axis=-1).sum(axis=-1)
    return np.asarray(truth.shape[-1] - to_the_end, dtype=np.intp)


def estimate_onset(difference: ArrayLike, resampled: ArrayLike, level: float) -> OnsetEstimate:
    """Onset of a lasting positive difference, with its interval.

        measured   = min {k : d_j > 0 for all j >= k}
        low, high  = the (1 -+ level)/2 quantiles of the resamples' own `measured`

    The quantiles are whole indices, never interpolated. The onsets of the resamples contain the question
    noise twice, and are late on average. Tests of each checkpoint give the first significant one:
    `multiple_testing.first_significant_index`.

    Args:
        difference: Difference [K]: the measured curve minus a line, or minus another model's curve; higher is
            better.
        resampled: The same difference in every resample, paired, [R, K].
        level: Level of the interval, `methods.small_sample_level`; NaN where there is none.

    Raises:
        ValueError: There is no checkpoint, or the shapes disagree.
    """
    values, samples = np.asarray(difference, dtype=np.float64), np.asarray(resampled, dtype=np.float64)
    if values.ndim != 1 or samples.ndim != 2 or samples.shape[1] != len(values) or not len(values):
        raise ValueError(
            f"expected a difference [K] and resamples [R, K], not {values.shape}, {samples.shape}"
        )
    share = share_above(samples[:, -1])
    measured = int(first_lasting_index(values > 0))
    if np.isnan(level):
        return OnsetEstimate(measured, None, None, share)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(first_lasting_index(samples > 0), tails, method="inverted_cdf")
    return OnsetEstimate(measured, int(low), int(high), share)
