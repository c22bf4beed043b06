"""Ranking consistency (RC) in its readings: as the organisers drew it, as the first place scored it, and ours until now.

The competition asks for "the consistency of model rankings at 1 trillion tokens" (arXiv 2506.07731) and leaves
open which models are ranked, and against which order. Axes: M models, T checkpoints that all of them share, the
first `end` + 1 of them early; further axes in front (the resamples of a bootstrap) are carried along. Scores are
oriented: higher is better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base.records import Value
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.ranking.order import consistency, ranking_consistency

Sizes = Sequence[str | None]

LABELS = {
    "organisers": "as in the organisers' figure",
    "early_means": "against the order of early means",
    "first_place": "as the first place scored it",
    "all_models": "all models together",
}


def organisers(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
    """RC = mean over sizes and later checkpoints of max(0, tau(order there, order at the last)): [..., M, T] -> [...].

    tau compares architectures of one size: the mean over their pairs of the product of signs, so that a tie at a
    later checkpoint counts 0. The last checkpoint counts itself. NaN where a size's pair ties at the last one.

    Evidence: the competition's figure of mmlu prints 0.2979 for two architectures of 500M parameters, 14 of its 47
    later checkpoints agree with the last, and 33 of 47 with that at the window's end.
    """
    values = np.asarray(scores, dtype=np.float64)
    return _within_sizes(values, values[..., -1], end, sizes)


def early_means(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
    """As `organisers`, against the order of the means over the early window: 14 of 47 in their figure as well."""
    values = np.asarray(scores, dtype=np.float64)
    return _within_sizes(values, values[..., : end + 1].mean(axis=-1), end, sizes)


def first_place(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
    """RC = mean over later checkpoints of the share of sizes whose best architecture is that of the window's end.

    [..., M, T] -> [...]. A tie for the best at a later checkpoint agrees with nothing; NaN where it is at the
    window's end. Source: examples/eval_post_process.ipynb in mrai-research/lm-evaluation-harness-competition, which
    prints 0.810 for accuracy and 0.857 for its margin over three pairs of architectures.
    """
    values = np.asarray(scores, dtype=np.float64)
    shares = []
    for group in _groups(sizes):
        of_size = values[..., group, :]
        best = of_size == of_size.max(axis=-2, keepdims=True)
        single = best.sum(axis=-2) == 1
        same = (best[..., end + 1 :] & best[..., end, None]).any(axis=-2) & single[..., end + 1 :]
        defined = single[..., end] & np.isfinite(of_size[..., end:]).all(axis=(-2, -1))
        shares.append(np.where(defined, _mean(same.astype(np.float64)), np.nan))
    return _over_sizes(shares, values)


def all_models(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
    """RC = mean over later checkpoints of max(0, tau_b(order there, order at the window's end)), sizes together.

    [..., M, T] -> [...]. The studio's only reading until November 2026; see `ranking.consistency`.
    """
    values = np.asarray(scores, dtype=np.float64)
    return consistency(values[..., end], values[..., end + 1 :])


READINGS: dict[str, Callable[[ArrayLike, int, Sizes], Floats]] = {
    "organisers": organisers,
    "early_means": early_means,
    "first_place": first_place,
    "all_models": all_models,
}


def reading(name: str, scores: ArrayLike, end: int | None, sizes: Sizes) -> Value:
    """RC of curves [M, T] in one reading, with the reason where it is undefined.

    Raises KeyError for a name that is not in `READINGS`.
    """
    values = np.asarray(scores, dtype=np.float64)
    if end is None or end + 1 >= values.shape[-1]:
        return Value(value=None, why="No checkpoint after the early window is complete for every model.")
    if name == "all_models":
        return ranking_consistency(values[:, end], values[:, end + 1 :])
    got = READINGS[name](values, end, sizes)
    if np.isfinite(got):
        return Value(value=float(got))
    return Value(value=None, why=_why_not(name, values, sizes))


def _why_not(name: str, values: Floats, sizes: Sizes) -> str:
    if not _groups(sizes):
        return (
            "It compares architectures of one size, and no size here has two: add a second shape of a size."
        )
    if not np.isfinite(values).all():
        return "Scores are missing at the early window's end or after it; run all checkpoints of every model."
    where = {
        "organisers": "at the last checkpoint",
        "early_means": "in their early means",
        "first_place": "at the early window's end",
    }[name]
    return f"Two architectures of one size have the same score {where}, so there is no order to compare with."


def _within_sizes(values: Floats, reference: Floats, end: int, sizes: Sizes) -> Floats:
    """Mean over sizes of the mean over later checkpoints of max(0, tau) with the `reference` [..., M]."""
    taus = []
    for group in _groups(sizes):
        first, second = (np.asarray(group)[side] for side in np.triu_indices(len(group), k=1))
        order = np.sign(reference[..., first] - reference[..., second])
        later = np.sign(values[..., first, end + 1 :] - values[..., second, end + 1 :])
        agreement = np.maximum(0.0, (order[..., None] * later).mean(axis=-2))
        taus.append(np.where((order == 0).any(axis=-1), np.nan, _mean(agreement)))
    return _over_sizes(taus, values)


def _groups(sizes: Sizes) -> list[list[int]]:
    """Places of the models of each size that has two or more; a model without a size is in none."""
    of_size: dict[str, list[int]] = {}
    for at, size in enumerate(sizes):
        if size is not None:
            of_size.setdefault(size, []).append(at)
    return [group for group in of_size.values() if len(group) > 1]


def _over_sizes(of_each: Sequence[Floats], values: Floats) -> Floats:
    return np.mean(of_each, axis=0) if of_each else np.full(values.shape[:-2], np.nan)


def _mean(later: Floats) -> Floats:
    """The mean over later checkpoints; NaN where there is none."""
    return later.mean(axis=-1) if later.shape[-1] else np.full(later.shape[:-1], np.nan)
