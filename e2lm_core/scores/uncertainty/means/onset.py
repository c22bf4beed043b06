"""Onset of a lasting difference, with its interval.

Axes: R resamples, K checkpoints. A place is an index into the K checkpoints; K itself stands for "never".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.scores.uncertainty.methods import share_above

Places = NDArray[np.intp]


@dataclass(frozen=True)
class OnsetEstimate:
    """Where a difference becomes positive for good.

    `measured`: the first checkpoint from which the measured difference stays positive to the end. `low`, `high`:
    between them lie the `measured` of 95% of the resamples, None where there is no interval. `share`: in which share
    of the resamples the difference is positive at the last checkpoint, ties half. Each of the places may be K, never.
    """

    measured: int
    low: int | None
    high: int | None
    share: float


def first_lasting_index(holds: ArrayLike) -> Places:
    """min {k : holds_j for all j >= k}: [..., K] -> [...], K where it does not hold at the last checkpoint."""
    truth = np.asarray(holds, dtype=bool)
    to_the_end = np.logical_and.accumulate(truth[..., ::-1], axis=-1).sum(axis=-1)
    return np.asarray(truth.shape[-1] - to_the_end, dtype=np.intp)


def estimate_onset(difference: ArrayLike, resampled: ArrayLike, level: float) -> OnsetEstimate:
    """Where a difference becomes positive for good, see `Crossing`.

        measured   = min {k : d_j > 0 for all j >= k}
        low, high  = the (1 -+ level)/2 quantiles of the resamples' own `measured` (whole places, never interpolated)

    The resamples' own places carry the noise of the questions twice, and lean late. From where on it is sure, tests of
    each checkpoint say: `together.from_where`.

    Args:
        difference: [K] the measured curve less the line, or one model's curve less another's; more is better.
        drawn: [R, K] the same in every resample, paired.
        level: of the intervals, `methods.small_sample_level`; NaN where there is none.

    Raises: ValueError where there is no checkpoint, or shapes disagree.
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
