"""Every score of a set without one of its questions, for all questions at once.

Axes: K checkpoints of a model, Q questions, in front the question that is left out. A curve without question q is
(n mean - x_q) / (n - 1), so the scores of all Q smaller sets come from one array and no set is scored again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.scores import metrics, set_scores
from e2lm_core.scores.arrays import EXACT, Floats
from e2lm_core.scores.layout import Layout, Run
from e2lm_core.scores.set_scores import CurveScores


def curves_without(values: ArrayLike) -> Floats:
    """(sum_p x_p - x_q) / (n - 1): [K, Q] -> [Q, K], the curve of the set without each question.

    Whole numbers (acc) are summed exactly, so a curve is bit for bit that of the smaller set; others are rounded to
    12 decimals. NaN where a question is missing or none is left.
    """
    array = np.asarray(values, dtype=np.float64)
    left = array.shape[-1] - 1
    if left < 1:
        return np.full(array.T.shape, np.nan)
    without = ((array.sum(axis=-1, keepdims=True) - array) / left).T
    whole = ((array == np.rint(array)) | np.isnan(array)).all()
    return without if whole else np.round(without, EXACT)


def scores_without(runs: Mapping[str, Run], metric: str, choices: ArrayLike) -> CurveScores:
    """All scores of one metric without each question: {score: [Q]}, as `set_scores.curve_scores` gives them.

    Chance and the errors of "above chance" are those of the n - 1 questions left.

    Args:
        runs: {model: Run} with [K, Q] values of `metric`, the same Q for all.
        choices: [Q] how many choices each question has.
    """
    counts = np.asarray(choices)
    layout = Layout.of(runs, {name: metrics.curve(run.per_question[metric]) for name, run in runs.items()})
    curves = {name: curves_without(run.per_question[metric]) for name, run in runs.items()}
    chance = curves_without((1.0 / counts)[None, :])[:, 0]
    against = set_scores.floor(runs, layout, metric, chance, len(counts) - 1, _sample_errors)
    return set_scores.curve_scores(layout, curves, metric, against)


def _sample_errors(values: ArrayLike, left: int) -> Floats:
    """sd (n - 2 degrees of freedom) over the n - 1 questions left / sqrt(n - 1): [K, Q] -> [Q, K]."""
    array = np.asarray(values, dtype=np.float64)
    n = left + 1
    if n < 3:
        return np.full(array.T.shape, np.nan)
    deviations = array - array.mean(axis=-1, keepdims=True)
    # With m the mean: sum over the others of (x - their mean)^2 = S - d_q^2 n / (n - 1).
    squares = (deviations**2).sum(axis=-1, keepdims=True) - deviations**2 * n / (n - 1)
    return np.sqrt(np.maximum(squares, 0.0) / (n - 2) / (n - 1)).T
