"""Per-question metrics from log-likelihoods.

Axes: K checkpoints, Q questions, C choices. Questions with fewer than C choices are padded with NaN, and
`chars` tells which choices are real. What is missing stays NaN: a mean over some of the questions would be
the score of another set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import LOWER_IS_BETTER, METRICS
from e2lm_core.scores.arrays import Floats


def per_question(
    ll: ArrayLike,
    gold: ArrayLike,
    chars: ArrayLike,
    gold_bytes: ArrayLike,
    wanted: Sequence[str] = METRICS,
) -> dict[str, Floats]:
    """Metrics of every question at every checkpoint.

    With L the log-likelihoods (nats) of a question's choices and g its gold choice:

        acc       = 1 if argmax L = g else 0                   (first of equals, as in lm-evaluation-harness)
        acc_norm  = 1 if argmax (L / characters) = g else 0
        margin    = L_g - mean of the other L                  (nats)
        norm_prob = exp L_g / sum of exp L
        bpb       = -L_g / (bytes of the gold choice * ln 2)   (bits per byte, lower is better)

    Args:
        ll: Log-likelihoods [..., K, Q, C] in nats. NaN in a real choice means "not computed" and makes the
            question NaN there.
        gold: Index of the right choice [Q], from 0.
        chars: Characters of each choice [Q, C] as rendered, without the delimiter; NaN where padded.
        gold_bytes: UTF-8 bytes of the gold choice [Q] as rendered, without the delimiter.
        wanted: Names of the metrics to compute, all five by default.

    Returns:
        Values by metric, {metric: [..., K, Q]}.

    Raises:
        ValueError: Shapes disagree, a gold index has no choice, or a length is not positive.

    Source: lm-evaluation-harness (acc, acc_norm); DataDecide, arXiv 2504.11393 (likelihood proxies).
    """
    likelihoods = np.asarray(ll, dtype=np.float64)
    answer = np.asarray(gold, dtype=np.intp)
    lengths = np.asarray(chars, dtype=np.float64)
    size = np.asarray(gold_bytes, dtype=np.float64)
    _check_shapes(likelihoods, answer, lengths, size)

    real = ~np.isnan(lengths)
    known = ~(np.isnan(likelihoods) & real).any(axis=-1)
    filled = np.where(real & ~np.isnan(likelihoods), likelihoods, -np.inf)
    formulas = _formulas(filled, answer, lengths, size)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        return {metric: np.where(known, formulas[metric](), np.nan) for metric in wanted}


def chance(n_choices: ArrayLike) -> float:
    """Expected acc of a blind guess: the mean of 1 / choices over the questions.

    Args:
        n_choices: Number of choices of each question [Q].

    Returns:
        A probability; NaN without a question.

    Raises:
        ValueError: A question has no choice.
    """
    counts = np.asarray(n_choices, dtype=np.float64)
    if counts.size == 0:
        return float("nan")
    if not (counts >= 1).all():
        raise ValueError("a question without choices has no chance level")
    return float((1.0 / counts).mean())


def curve(values: ArrayLike) -> Floats:
    """Mean over questions at each checkpoint: [..., K, Q] -> [..., K], NaN where any question is missing."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape[-1] == 0:
        return np.full(array.shape[:-1], np.nan)
    return array.mean(axis=-1)


def oriented(metric: str, values: ArrayLike) -> Floats:
    """Values with the sign at which higher is better: negated for bpb, unchanged for other metrics.

    Args:
        metric: Name of the metric.
        values: Values [...] of the metric as measured.

    Returns:
        Values [...], NaN where `values` are NaN.

    Raises:
        ValueError: The metric is unknown.
    """
    if metric not in METRICS:
        raise ValueError(f"unknown metric {metric!r}; known are {', '.join(METRICS)}")
    array = np.asarray(values, dtype=np.float64)
    return -array if metric in LOWER_IS_BETTER else array


def _formulas(
    filled: Floats, answer: NDArray[np.intp], lengths: Floats, size: Floats
) -> dict[str, Callable[[], Floats]]:
    """Formulas of `per_question` on likelihoods that are -inf where a choice or a result is missing."""
    real = ~np.isnan(lengths)
    at_gold = np.broadcast_to(answer[:, None], (*filled.shape[:-1], 1))
    of_gold = np.take_along_axis(filled, at_gold, axis=-1)[..., 0]

    def right(scores: Floats) -> Floats:
        return (scores.argmax(axis=-1) == answer).astype(np.float64)

    def margin() -> Floats:
        total = np.where(real, filled, 0.0).sum(axis=-1)
        return of_gold - (total - of_gold) / (real.sum(axis=-1) - 1).astype(np.float64)

    return {
        "acc": lambda: right(filled),
        "acc_norm": lambda: right(filled / np.where(real, lengths, 1.0)),
        "margin": margin,
        "norm_prob": lambda: _softmax_at(filled, of_gold),
        "bpb": lambda: -of_gold / (size * np.log(2.0)),
    }


def _softmax_at(filled: Floats, of_gold: Floats) -> Floats:
    # The largest is subtracted first, because the exp of a long choice's log-likelihood underflows to 0.
    peak = filled.max(axis=-1)
    return np.exp(of_gold - peak) / np.exp(filled - peak[..., None]).sum(axis=-1)


def _check_shapes(ll: Floats, gold: NDArray[np.intp], chars: Floats, gold_bytes: Floats) -> None:
    if ll.ndim < 2 or ll.shape[-2:] != chars.shape or gold.shape != chars.shape[:1]:
        raise ValueError(f"shapes disagree: ll {ll.shape}, chars {chars.shape}, gold {gold.shape}")
    if gold_bytes.shape != gold.shape:
        raise ValueError(f"shapes disagree: gold_bytes {gold_bytes.shape}, gold {gold.shape}")
    if (chars <= 0).any() or (gold_bytes <= 0).any():
        raise ValueError("the length of a choice must be positive")
    if ((gold < 0) | (gold >= chars.shape[1])).any() or np.isnan(chars[np.arange(len(gold)), gold]).any():
        raise ValueError("a gold index points at no choice")
