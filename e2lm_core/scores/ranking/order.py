"""Ranks, Kendall's tau and ranking consistency (RC).

Axes: M models, K checkpoints, T checkpoints after the early window; further axes in front (the resamples of a
bootstrap) are carried along without a loop. Scores are oriented: higher is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base.records import Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats


def average_ranks(values: ArrayLike) -> Floats:
    """Ranks along the last axis, ties averaged: [..., n] -> [..., n]; all NaN where one value is NaN.

        rank_i = 1 + #smaller + (#equal - 1) / 2

    Equal to scipy.stats.rankdata(method="average"). Counting pairs takes n^2 memory, which at the size of a
    learning curve is cheaper than the time that sorting takes.
    """
    array = np.asarray(values, dtype=np.float64)
    each, other = array[..., :, None], array[..., None, :]
    ranks = 0.5 + (other < each).sum(axis=-1) + 0.5 * (other == each).sum(axis=-1)
    return np.where(np.isnan(array).any(axis=-1, keepdims=True), np.nan, ranks)


def ranks(scores: ArrayLike) -> Floats:
    """Rank of each model at each checkpoint, 1 = best, ties averaged: [..., M, K] -> [..., M, K].

    Where one model's score is missing the whole checkpoint is NaN: ranks among fewer models are on another
    scale, and a model would seem to rise because its rival was not measured.
    """
    descending = -np.asarray(scores, dtype=np.float64)
    return np.swapaxes(average_ranks(np.swapaxes(descending, -1, -2)), -1, -2)


def tau(a: ArrayLike, b: ArrayLike) -> Floats:
    """Kendall's tau_b along the last axis: [..., M], [..., M] -> [...].

        tau_b = sum s_a s_b / sqrt(sum s_a^2 * sum s_b^2),   s = sign of the difference, over pairs of models

    NaN where one side has no two different scores, a score is missing, or there is one model.

    Source: Kendall 1945; equal to scipy.stats.kendalltau.
    """
    signs_a, signs_b = _pair_signs(a), _pair_signs(b)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (signs_a * signs_b).sum(axis=-1) / np.sqrt(
            (signs_a**2).sum(axis=-1) * (signs_b**2).sum(axis=-1)
        )


def tau_matrix(scores: ArrayLike) -> Floats:
    """Kendall's tau_b between the models' scores at every two checkpoints: [..., M, K] -> [..., K, K].

    NaN where undefined, see `tau`.
    """
    signs = _pair_signs(np.swapaxes(np.asarray(scores, dtype=np.float64), -1, -2))
    agreement = signs @ np.swapaxes(signs, -1, -2)
    untied = np.diagonal(agreement, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return agreement / np.sqrt(untied[..., :, None] * untied[..., None, :])


def consistency(at_end: ArrayLike, later: ArrayLike) -> Floats:
    """Core of `ranking_consistency`: [..., M], [..., M, T] -> [...], NaN where undefined.

    The mean over T of max(0, tau_b(at_end, later_t)).
    """
    end = np.asarray(at_end, dtype=np.float64)
    after = np.swapaxes(np.asarray(later, dtype=np.float64), -1, -2)
    if after.shape[-2] == 0:
        return np.full(np.broadcast_shapes(end.shape[:-1], after.shape[:-2]), np.nan)
    return np.maximum(0.0, tau(end[..., None, :], after)).mean(axis=-1)


def ranking_consistency(at_end: ArrayLike, later: ArrayLike) -> Value:
    """RC = mean over later checkpoints of max(0, tau_b(scores at the early window's end, scores there)).

    Args:
        at_end: Score [M] of each model at the early window's last checkpoint, higher is better, NaN where
            missing.
        later: Scores [M, T] of the same models at the checkpoints after the window.

    Returns:
        A value in [0, 1]; undefined, with the reason, with fewer than two models, no later checkpoint, a
        missing score, or a checkpoint at which all models are equal (it has no ranking, and leaving it out
        would flatter the rest).

    Raises:
        ValueError: The shapes are not [M] and [M, T].

    Source: this project's reading of the competition's "consistency of model rankings at 1 trillion tokens"
    (arXiv 2506.07731), whose checkpoints are hidden.
    """
    end, after = np.asarray(at_end, dtype=np.float64), np.asarray(later, dtype=np.float64)
    if end.ndim != 1 or after.ndim != 2 or after.shape[0] != end.shape[0]:
        raise ValueError(f"expected at_end [M] and later [M, T], not {end.shape} and {after.shape}")
    if why := _why_no_consistency(end, after):
        return Value(value=None, why=why)
    return Value(value=float(consistency(end, after)))


def _why_no_consistency(end: Floats, after: Floats) -> str | None:
    models, checkpoints = after.shape
    if models < 2:
        return Sentence(
            "A ranking needs at least 2 models, and there is 1."
            if models == 1
            else "A ranking needs at least 2 models, and there are none."
        )
    if checkpoints == 0:
        return Sentence(
            "No checkpoint lies after the early window, so there is no later ranking to compare with."
        )
    if not (np.isfinite(end).all() and np.isfinite(after).all()):
        return Sentence(
            "Scores are missing at the early window's end or after it; run all checkpoints of every model."
        )
    if np.ptp(end) == 0:
        return Sentence(
            "All models have the same score at the early window's end, so they have no ranking there."
        )
    if tied := int((np.ptp(after, axis=0) == 0).sum()):
        return Sentence(
            "All models have the same score at {tied} of the {checkpoints} checkpoints after the "
            "early window, so they have no ranking there.",
            tied=tied,
            checkpoints=checkpoints,
        )
    return None


def _pair_signs(scores: ArrayLike) -> Floats:
    """Sign of the difference of each pair of models: [..., M] -> [..., M(M-1)/2]."""
    array = np.asarray(scores, dtype=np.float64)
    first, second = np.triu_indices(array.shape[-1], k=1)
    with np.errstate(invalid="ignore"):
        return np.sign(array[..., first] - array[..., second])
