"""Item statistics: slope, discrimination, final values, and traits of the text.

Axes: M models, T shared checkpoints in step order, Q questions; further axes in front (simulations) are
carried along. NaN where a statistic is undefined. Statistics of one question are noisy: they are diagnostics,
not measurements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import Question
from e2lm_core.scores.arrays import Floats

LAST = 5  # last checkpoints used to compare models, as in AI2's ratio
MIN_MODELS = 3  # with two, every question's correlation is near 1 or -1
_DIGIT = re.compile(r"\d")


def log2_tokens(tokens_seen: ArrayLike, steps: ArrayLike) -> Floats:
    """log2 of the tokens seen [T], or of the steps [T] if tokens are not recorded; NaN at 0."""
    tokens, at = np.asarray(tokens_seen, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    seen = tokens if np.isfinite(tokens).all() else at
    return np.log2(np.where(seen > 0, seen, np.nan))


def least_squares_slope(values: ArrayLike, x: ArrayLike) -> Floats:
    """Least-squares slope of each question's values: sum (x - mean x) y / sum (x - mean x)^2.

    Args:
        values: Values [..., T, Q].
        x: Positions [T], NaN for checkpoints to leave out; with `log2_tokens` the slope is per doubling of
            tokens.

    Returns:
        Slopes [..., Q] in the values' unit per unit of x; NaN with fewer than two positions.
    """
    array, at = np.asarray(values, dtype=np.float64), np.asarray(x, dtype=np.float64)
    known = np.isfinite(at)
    if known.sum() < 2:
        return np.full((*array.shape[:-2], array.shape[-1]), np.nan)
    centred = at[known] - at[known].mean()
    return np.einsum("k,...kq->...q", centred / (centred @ centred), array[..., known, :])


def discrimination(values: ArrayLike) -> Floats:
    """Discrimination: correlation of each question with the mean of the other questions.

    Over models and the last checkpoints, both as deviations from the mean over models at their checkpoint, so
    that learning over time does not enter: a high value means that models with better results on the rest of
    the set do better on this question (the corrected item-total correlation of test theory).

    Args:
        values: Values [..., M, T, Q]; those at the last `LAST` checkpoints count.

    Returns:
        Correlations [..., Q] in [-1, 1]; NaN with fewer than 3 models or 2 questions, and for a question on
        which the models are equal.
    """
    tail = np.asarray(values, dtype=np.float64)[..., -LAST:, :]
    models, questions = tail.shape[-3], tail.shape[-1]
    if models < MIN_MODELS or questions < 2:
        return np.full((*tail.shape[:-3], questions), np.nan)
    apart = tail - tail.mean(axis=-3, keepdims=True)
    rest = apart.sum(axis=-1, keepdims=True) - apart
    with np.errstate(invalid="ignore", divide="ignore"):
        product = (apart * rest).sum(axis=(-3, -2))
        spread = np.sqrt((apart**2).sum(axis=(-3, -2)) * (rest**2).sum(axis=(-3, -2)))
        return np.where(spread > 1e-12, np.clip(product / spread, -1.0, 1.0), np.nan)


def text_traits(questions: Sequence[Question]) -> dict[str, NDArray]:
    """Traits [Q] of the questions' text, by name, for which no model is needed.

        length     = characters of the question
        choices    = number of its choices
        gold_ratio = characters of the right answer / mean characters of the wrong ones
        digits     = whether the question or a choice contains a digit (bool)

    A right answer that is longer than the rest can be picked without any knowledge. `gold_ratio` is NaN
    without a wrong answer, or with empty ones.
    """
    return {
        "length": np.array([len(q.question) for q in questions], dtype=np.float64),
        "choices": np.array([len(q.choices) for q in questions], dtype=np.float64),
        "gold_ratio": np.array([_gold_ratio(q) for q in questions], dtype=np.float64),
        "digits": np.array(
            [_DIGIT.search("\n".join((q.question, *q.choices))) is not None for q in questions], bool
        ),
    }


def _gold_ratio(question: Question) -> float:
    lengths = [len(choice) for choice in question.choices]
    if len(lengths) < 2 or not 0 <= question.answer < len(lengths):
        return float("nan")
    gold = lengths.pop(question.answer)
    return gold * len(lengths) / sum(lengths) if sum(lengths) else float("nan")
