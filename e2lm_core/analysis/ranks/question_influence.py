"""Influence of each question on the ranking of the models.

Axes: Q questions, M models, T checkpoints after the early window. Values are oriented: higher is better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.analysis.questions.repeatability import Repeatability
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.ranking.order import consistency

Consistency = Callable[[Floats, Floats], Floats]
NOT_TOLD = Repeatability(
    why=Sentence("It takes four models to see whether what single questions do repeats on others.")
)
_BLOCK = 1 << 21  # values in memory at once while each question is left out in turn


@dataclass(frozen=True)
class QuestionInfluence:
    """Influence of each question on the ranking, arrays [Q], NaN where undefined.

    Attributes:
        support: Mean lead of the finally better models on the question, in the metric's unit.
        agreement: Mean sign of that lead, in [-1, 1].
        rc_gain: RC less the RC without the question, in [-1, 1].
        repeats: Repeatability of `support` between the two halves of the models.
        by_half: `support` by each half of the models [2, Q]; None without two halves.
    """

    support: Floats
    agreement: Floats
    rc_gain: Floats
    repeats: Repeatability = NOT_TOLD
    by_half: Floats | None = None


def question_influence(
    at_end: ArrayLike, later: ArrayLike, rc: Consistency = consistency, reference: ArrayLike | None = None
) -> QuestionInfluence:
    """Influence of every question on the ranking of the models.

        s_ij(q)      = sign of (final score of i - of j), both means over all questions but q
        support_q    = mean over pairs of s_ij(q) (v_qi - v_qj),   v the question's values at the window's end
        agreement_q  = mean over pairs of s_ij(q) sign(v_qi - v_qj)
        rc_gain_q    = RC - RC without q   (the jackknife)

    Above 0 a question helps the ranking: at the early window's end it already orders the models as *the
    other* questions do at the last checkpoint; below 0 it hurts the ranking. The question's own part in the
    final order is left out as in a corrected item-total correlation, or every question would vote for itself.
    rc_gain is the loss of the RC shown without the question; with few models it is 0 for most, since tau_b
    moves in steps.

    Args:
        at_end: Values [M, Q] at the early window's last checkpoint, higher is better.
        later: Values [M, T, Q] at the checkpoints after it; the last of them is the final one.
        rc: RC of sums [..., M] at a reference and [..., M, T] later, see `ranking.readings`.
        reference: Values [M, Q] at RC's reference; by default `at_end`.

    Returns:
        Influence [Q]; all NaN with fewer than two models, fewer than two questions or no later checkpoint;
        `rc_gain` also NaN where RC is undefined with or without the question.

    Raises:
        ValueError: `at_end` is not [M, Q], or `later` is not [M, T, Q] with the same M and Q.
    """
    early, after = np.asarray(at_end, dtype=np.float64), np.asarray(later, dtype=np.float64)
    if early.ndim != 2 or after.ndim != 3 or (after.shape[0], after.shape[2]) != early.shape:
        raise ValueError(f"expected at_end [M, Q] and later [M, T, Q], not {early.shape} and {after.shape}")
    models, questions = early.shape
    if models < 2 or questions < 2 or not after.shape[1]:
        missing = np.full(questions, np.nan)
        return QuestionInfluence(missing, missing, missing)
    pairs = models * (models - 1) // 2
    # Questions are processed in blocks to bound memory.
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
    """Support, agreement and RC without the question, each for a block of questions."""
    first, second = np.triu_indices(len(early), k=1)
    values, values_later = early[:, block].T, np.moveaxis(after[:, :, block], 2, 0)
    # Sums over the other questions are in the same order as their means. They are rounded so that equal
    # counts stay equal.
    rest_reference = np.round(reference.sum(axis=1) - reference[:, block].T, 9)
    rest_later = np.round(after.sum(axis=2) - values_later, 9)
    order = np.sign(rest_later[:, first, -1] - rest_later[:, second, -1])
    apart = values[:, first] - values[:, second]
    return (
        (order * apart).mean(axis=1),
        (order * np.sign(apart)).mean(axis=1),
        rc(rest_reference, rest_later),
    )
