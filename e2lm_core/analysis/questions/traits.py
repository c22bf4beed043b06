"""Item statistics: slope, discrimination, final values, and traits of the text.

Axes: M models, K checkpoints in step order, Q questions; further axes in front (simulations) are carried
along. NaN where a figure is undefined. Figures of one question are noisy: they are diagnostics, not
measurements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import Question
from e2lm_core.scores.arrays import Floats

LAST = 5  # checkpoints over which models are told apart, as in AI2's ratio
FEWEST_MODELS = 3  # with two, every question's correlation is near 1 or -1
_DIGIT = re.compile(r"\d")


def log2_tokens(tokens_seen: ArrayLike, steps: ArrayLike) -> Floats:
    """log2 of tokens seen, of steps where tokens are not recorded: [K]. NaN at 0, which has no logarithm."""
    tokens, at = np.asarray(tokens_seen, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    seen = tokens if np.isfinite(tokens).all() else at
    return np.log2(np.where(seen > 0, seen, np.nan))


def least_squares_slope(values: ArrayLike, x: ArrayLike) -> Floats:
    """sum (x - mean x) y / sum (x - mean x)^2: the least-squares slope of [..., K, Q] on x [K] -> [..., Q].

    With x in `doublings` it is the change per doubling of the tokens seen. Points without an x are left out;
    NaN where fewer than two are left.
    """
    array, at = np.asarray(values, dtype=np.float64), np.asarray(x, dtype=np.float64)
    known = np.isfinite(at)
    if known.sum() < 2:
        return np.full((*array.shape[:-2], array.shape[-1]), np.nan)
    centred = at[known] - at[known].mean()
    return np.einsum("k,...kq->...q", centred / (centred @ centred), array[..., known, :])


def discrimination(values: ArrayLike, last: int = LAST) -> Floats:
    """corr over models and the last checkpoints of (question, mean of the other questions): [..., M, K, Q] ->
    [..., Q].

    Both are taken as deviations from the mean over models at their checkpoint, so that learning over time
    does not enter: what is left is whether models that do better on the rest of the set do better on this
    question (the corrected item-total correlation of test theory). NaN with fewer than 3 models or 2
    questions, and for a question on which the models are equal.
    """
    tail = np.asarray(values, dtype=np.float64)[..., -last:, :]
    models, questions = tail.shape[-3], tail.shape[-1]
    if models < FEWEST_MODELS or questions < 2:
        return np.full((*tail.shape[:-3], questions), np.nan)
    apart = tail - tail.mean(axis=-3, keepdims=True)
    rest = apart.sum(axis=-1, keepdims=True) - apart
    with np.errstate(invalid="ignore", divide="ignore"):
        product = (apart * rest).sum(axis=(-3, -2))
        spread = np.sqrt((apart**2).sum(axis=(-3, -2)) * (rest**2).sum(axis=(-3, -2)))
        return np.where(spread > 1e-12, np.clip(product / spread, -1.0, 1.0), np.nan)


def text_traits(questions: Sequence[Question]) -> dict[str, NDArray]:
    """Traits that no model is needed for: {trait: [Q]}.

        length     = characters of the question
        choices    = how many choices it has
        gold_ratio = characters of the gold choice / mean characters of the others
        digits     = whether a digit stands in the question or a choice

    A gold choice that is longer than the rest can be picked without knowing anything. `gold_ratio` is NaN
    where there is no other choice, or the others are empty.
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
