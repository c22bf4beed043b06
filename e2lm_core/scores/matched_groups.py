"""Matched groups: questions with the same choices and different right answers; all of a group right.

    all right = share of groups of which every question is right
    chance    = mean over groups of (1 / choices) ^ questions

What two questions of a group share cannot tell them apart, so a model that reads nothing else never gets the
group right.

Axes: Q questions, C choices, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import NullDistribution
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.uncertainty.means import clusters

UPPER = 0.95  # share of a null distribution below its upper point


def matched_groups(
    choice_texts: ArrayLike, gold: ArrayLike, groups: Sequence[str | None] = ()
) -> NDArray[np.intp]:
    """Matched group of each question.

    Questions with the same choices, in any order, are a group if no two of them have the same right answer.
    Where two have, their declared groups tell the matched groups apart.

    Args:
        choice_texts: A number for each choice's text [Q, C], int, -1 where there is no choice.
        gold: Index of the right choice [Q], int, from 0.
        groups: Declared group of each question [Q], None for a question by itself; empty without any.

    Returns:
        Number of the group [Q], int, from 0 by the groups' first questions; -1 for a question in none.
    """
    texts, answer = np.asarray(choice_texts, dtype=np.intp), np.asarray(gold, dtype=np.intp)
    if not len(answer):
        return np.empty(0, np.intp)
    right = texts[np.arange(len(answer)), answer]
    choices = _numbers(np.sort(texts, axis=1))
    found = _with_different_answers(choices, right)
    if any(groups):
        # A question without a declared group stands alone here.
        declared = _numbers(np.stack([choices, clusters.group_numbers(groups)], axis=1))
        apart = _with_different_answers(declared, right)
        found = np.where(found >= 0, found, np.where(apart >= 0, apart + len(answer), -1))
    return _renumbered(found)


def all_right(right: ArrayLike, numbers: ArrayLike) -> Floats:
    """Groups of which every question is right.

    Args:
        right: Accuracy [..., Q] of the questions, 0 or 1, NaN where not computed.
        numbers: Group of each question [Q], as of `matched_groups`.

    Returns:
        1 for a group that is all right, else 0 [..., G]; NaN where one of its questions is.
    """
    order, starts = _members(numbers)
    array = np.asarray(right, dtype=np.float64)[..., order]
    return np.minimum.reduceat(array, starts, axis=-1) if len(starts) else np.empty((*array.shape[:-1], 0))


def chance(choice_counts: ArrayLike, numbers: ArrayLike) -> float:
    """Expected share of groups that blind guessing gets all right; NaN without a group.

    Args:
        choice_counts: Number of choices of each question [Q], int.
        numbers: Group of each question [Q], as of `matched_groups`.
    """
    order, starts = _members(numbers)
    if not len(starts):
        return math.nan
    return float(np.multiply.reduceat(1.0 / np.asarray(choice_counts)[order], starts).mean())


def null_of_permuted_keys(
    ll: ArrayLike,
    choice_texts: ArrayLike,
    gold: ArrayLike,
    numbers: ArrayLike,
    together: Sequence[str | None] = (),
) -> NullDistribution:
    """Distribution of the share of groups all right if each group's right answers were permuted among its questions.

    It is exact: of n! orders of the answers one makes the group all right, if the model picks each of them once,
    and none otherwise. Accuracy by chance stays as it is.

    Args:
        ll: Log-likelihoods [Q, C] of one checkpoint in nats; all of the groups' real choices are known.
        choice_texts: A number for each choice's text [Q, C], int, -1 where there is no choice.
        gold: Index of the right choice [Q], int, from 0.
        numbers: Group of each question [Q], as of `matched_groups`; at least one.
        together: Label of each group [G]; groups of one label are right or wrong together. None for a group by itself.

    Returns:
        Mean, 95% point and p-value of the share, see `count_distribution`.
    """
    order, starts = _members(numbers)
    texts = np.asarray(choice_texts, dtype=np.intp)[order]
    rows = np.arange(len(order))
    real = np.where(texts >= 0, np.asarray(ll, dtype=np.float64)[order], -np.inf)
    picked, right = texts[rows, real.argmax(axis=-1)], texts[rows, np.asarray(gold, dtype=np.intp)[order]]
    of = np.asarray(numbers)[order]
    picks_each = picked[np.lexsort((picked, of))] == right[np.lexsort((right, of))]
    once = np.logical_and.reduceat(picks_each, starts)
    observed = int(np.logical_and.reduceat(picked == right, starts).sum())
    sizes = np.diff([*starts, len(order)])
    label = clusters.group_numbers(together or [None] * len(starts))[once]
    hits = np.bincount(label)
    # Groups of one label are right together as often as the smallest of them.
    likely = np.zeros(len(hits))
    np.maximum.at(likely, label, 1.0 / np.array([math.factorial(size) for size in sizes])[once])
    distribution = count_distribution(hits.tolist(), likely.tolist())
    tail = distribution[::-1].cumsum()[::-1]
    upper = int(np.searchsorted(distribution.cumsum(), UPPER - 1e-12))
    return NullDistribution(
        mean=float((distribution * np.arange(len(distribution))).sum() / len(starts)),
        q95=upper / len(starts),
        p=min(1.0, float(tail[observed])),
    )


def count_distribution(sizes: Sequence[int], probabilities: Sequence[float]) -> Floats:
    """Distribution of a sum of independent counts, each its size with its probability and 0 otherwise.

    Args:
        sizes: Sizes [N], int, at least 0.
        probabilities: Probabilities [N].

    Returns:
        Probability of each sum from 0 to that of all sizes.
    """
    found = np.ones(1)
    for size, probability in zip(sizes, probabilities, strict=True):
        longer = np.zeros(len(found) + size)
        longer[: len(found)] += found * (1.0 - probability)
        longer[size:] += found * probability
        found = longer
    return found


def _with_different_answers(label: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.intp]:
    """Labels [Q] of two questions or more, all with different right answers; -1 for the others."""
    size = np.bincount(label)
    answers = np.bincount(np.unique(np.stack([label, right], axis=1), axis=0)[:, 0], minlength=len(size))
    return np.where(((size > 1) & (answers == size))[label], label, -1)


def _numbers(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number of each row [Q] among the distinct rows of [Q, N]."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def _renumbered(label: NDArray[np.intp]) -> NDArray[np.intp]:
    """The labels as numbers from 0 in the order of their first questions; -1 stays."""
    kinds, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    place = np.empty(len(kinds), np.intp)
    place[np.argsort(np.where(kinds < 0, -1, first))] = np.arange(len(kinds)) - (kinds[0] < 0)
    return place[inverse.reshape(-1)]


def _members(numbers: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Questions of all groups, group by group, and the place at which each group begins."""
    of = np.asarray(numbers, dtype=np.intp)
    order = np.argsort(of, kind="stable")
    order = order[np.count_nonzero(of < 0) :]
    return order, np.flatnonzero(np.diff(of[order], prepend=-1))
