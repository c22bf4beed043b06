"""Rank and win probabilities over bootstrap resamples.

Axes: R resamples, M models, T shared checkpoints. Scores are oriented: higher is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.scores import signal
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.ranking import order


def rank_probabilities(scores: ArrayLike) -> Floats:
    """Probability of each rank for each model, as a share of the resamples.

        share_mk = mean over resamples of [k is one of the ranks that m's tie takes up] / (models in that tie)

    Two models that tie for ranks 1 and 2 have half of each, so that the shares of a model and those of a rank
    both sum to 1.

    Args:
        scores: Resampled scores [R, M, ...], NaN where missing.

    Returns:
        Shares [M models, M ranks, ...] in [0, 1]; NaN at a checkpoint with a missing score.
    """
    drawn = np.asarray(scores, dtype=np.float64)
    models = drawn.shape[1]
    one, other = drawn[:, :, None], drawn[:, None, :]
    better = (other > one).sum(axis=2)
    tied = (other == one).sum(axis=2)  # the model itself among them
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.stack(
            [
                np.where((rank >= better) & (rank < better + tied), 1.0 / tied, 0.0).mean(axis=0)
                for rank in range(models)
            ],
            axis=1,
        )
    missing = np.isnan(drawn).any(axis=(0, 1))
    return np.where(missing, np.nan, shares)


def win_probabilities(scores: ArrayLike) -> Floats:
    """Share of the resamples in which the model of the row beats the model of the column.

    Args:
        scores: Resampled scores [R, M], NaN where missing.

    Returns:
        Shares [M, M] in [0, 1], ties counted half; NaN on the diagonal and for models with a missing score.
    """
    drawn = np.asarray(scores, dtype=np.float64)
    one, other = drawn[:, :, None], drawn[:, None, :]
    shares = (one > other).mean(axis=0) + (one == other).mean(axis=0) / 2
    missing = np.isnan(drawn).any(axis=0)
    shares[missing, :] = shares[:, missing] = np.nan
    np.fill_diagonal(shares, np.nan)
    return shares


def tau_with_later(scores: ArrayLike, end: int) -> Floats:
    """Kendall's tau_b between the order at one checkpoint and the order at every later one.

    Args:
        scores: Scores [..., M, T].
        end: Index of the checkpoint.

    Returns:
        tau_b [..., T - end - 1] in [-1, 1], NaN where `order.tau` is undefined.
    """
    array = np.swapaxes(np.asarray(scores, dtype=np.float64), -1, -2)
    return order.tau(array[..., end, None, :], array[..., end + 1 :, :])


def pair_agreement_by_checkpoint(scores: ArrayLike) -> Floats:
    """Share of model pairs that have the same order at each checkpoint as at the last one.

    `signal.pair_agreement` of every checkpoint with the last: a pair tied at only one of the two counts as
    different. It is 1 at the last by definition, and above 1/2 under random answer keys, see `null`.

    Args:
        scores: Scores [..., M, T].

    Returns:
        Shares [..., T] in [0, 1]; NaN with fewer than two models or a missing score.

    Source: DataDecide, arXiv 2504.11393 (there: early checkpoints of small models against a final large one).
    """
    array = np.swapaxes(np.asarray(scores, dtype=np.float64), -1, -2)
    return signal.pair_agreement(array, array[..., -1:, :])
