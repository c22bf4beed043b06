"""Influence of each question on the ranking of the models.

Axes: Q questions, M models, T checkpoints after the early window. Values are oriented: higher is better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.analysis.questions.repeatability import Repeatability
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.ranking.order import consistency

Consistency = Callable[[Floats, Floats], Floats]
NOT_TOLD = Repeatability(
    why="It takes four models to see whether what single questions do repeats on others."
)
_BLOCK = 1 << 21  # values in memory at once while every question is left out


@dataclass(frozen=True)
class QuestionInfluence:
    """Per question, [Q]: `support` in the metric's unit, `agreement` in [-1, 1], `rc_gain` in [-1, 1].

    `repeats` says how far `support` by one half of the models is that by the other, `by_half` [2, Q].
    """

    support: Floats
    agreement: Floats
    rc_gain: Floats
    repeats: Repeatability = NOT_TOLD
    by_half: Floats | None = None


def question_influence(
    at_end: ArrayLike, later: ArrayLike, rc: Consistency = consistency, reference: ArrayLike | None = None
) -> QuestionInfluence:
    """What every question does to the models' order.

        s_ij(q)      = sign of (final score of i - of j), both means over all questions but q
        support_q    = mean over pairs of s_ij(q) (v_qi - v_qj),   v the question's values at the window's end
        agreement_q  = mean over pairs of s_ij(q) sign(v_qi - v_qj)
        rc_gain_q    = RC - RC without q   (the jackknife)

    Above 0 a question holds the ranking up: at the early window's end it already parts the models as *the
    other* questions do at the last checkpoint; below 0 it spoils it. The question's own part in the final
    order is left out as in a corrected item-total correlation, or every question would vote for itself.
    rc_gain is what the RC shown would lose without the question; with few models it is 0 for most, since
    tau_b moves in steps.

    Args:
        at_end: [M, Q] each model's value on each question at the early window's last checkpoint.
        later: [M, T, Q] the same at the checkpoints after it; the last of them is the final one.
        rc: RC of sums [..., M] at a `reference` and [..., M, T] later, see `ranking.readings`.
        reference: [M, Q] where RC's reference is not the window's end.

    Returns: all NaN with fewer than two models, fewer than two questions, no later checkpoint; `rc_gain` also
    where RC is undefined with or without the question.
    """
    early, after = np.asarray(at_end, dtype=np.float64), np.asarray(later, dtype=np.float64)
    if early.ndim != 2 or after.ndim != 3 or (after.shape[0], after.shape[2]) != early.shape:
        raise ValueError(f"expected at_end [M, Q] and later [M, T, Q], not {early.shape} and {after.shape}")
    models, questions = early.shape
    if models < 2 or questions < 2 or not after.shape[1]:
        missing = np.full(questions, np.nan)
        return QuestionInfluence(missing, missing, missing)
    pairs = models * (models - 1) // 2
    # Blocks of questions, to bound memory.
    size = max(1, _BLOCK // (pairs * (after.shape[1] + 1)))
    compared = early if reference is None else np.asarray(reference, dtype=np.float64)
    support, agreement, without = (
        np.concatenate(arrays)
        for arrays in zip(
            *(
                _left_out(early, after, compared, rc, slice(at, at + size))
                for at in range(0, questions, size)
            ),
            strict=True,
        )
    )
    of_all = float(rc(np.round(compared.sum(axis=1), 9), np.round(after.sum(axis=2), 9)))
    return QuestionInfluence(support, agreement, of_all - without)


def _left_out(
    early: Floats, after: Floats, reference: Floats, rc: Consistency, block: slice
) -> tuple[Floats, Floats, Floats]:
    """Support, agreement and the RC without it of each question of a block: [block] each."""
    first, second = np.triu_indices(len(early), k=1)
    values, values_later = early[:, block].T, np.moveaxis(after[:, :, block], 2, 0)
    # Sums over the other questions: an order of sums is an order of means. Rounded, so that what ties in
    # counts ties here.
    rest_reference = np.round(reference.sum(axis=1) - reference[:, block].T, 9)
    rest_later = np.round(after.sum(axis=2) - values_later, 9)
    order = np.sign(rest_later[:, first, -1] - rest_later[:, second, -1])
    apart = values[:, first] - values[:, second]
    return (
        (order * apart).mean(axis=1),
        (order * np.sign(apart)).mean(axis=1),
        rc(rest_reference, rest_later),
    )
