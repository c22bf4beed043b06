"""FineTasks' four criteria of an early-signal benchmark.

Axes: M models, S training seeds of one model, K checkpoints; further axes in front are carried along.
Source: FineTasks (Hugging Face, 2024), "finding signal in a haystack of evaluation tasks".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base.records import Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.ranking.order import tau
from e2lm_core.scores.signal import spearman

# Values from which a criterion is met; FineTasks gives no threshold for the ordering.
THRESHOLDS: dict[str, float | None] = {
    "monotonicity": 0.5,
    "snr": 20.0,
    "above_baseline": 3.0,
    "ordering": None,
}


def monotonicity(curves: ArrayLike) -> Floats:
    """Mean over models of Spearman(step, score): [..., M, K] -> [...], NaN where one is undefined."""
    return spearman(curves).mean(axis=-1)


def seed_deviation(seeds: ArrayLike) -> Floats:
    """Mean over checkpoints of the sample std (S - 1) over training seeds.

    Args:
        seeds: Curves [..., S, K] of one model.

    Returns:
        Standard deviation [...], NaN for fewer than two seeds, without a checkpoint or where a score is NaN.
    """
    array = np.asarray(seeds, dtype=np.float64)
    if array.shape[-2] < 2 or array.shape[-1] == 0:
        return np.full(array.shape[:-2], np.nan)
    return array.std(axis=-2, ddof=1).mean(axis=-1)


def ordering_consistency(curves: ArrayLike) -> Floats:
    """Mean tau_b between the models' scores at consecutive checkpoints.

    Args:
        curves: Scores [..., M, K] in step order.

    Returns:
        tau_b [...], NaN for fewer than two checkpoints or where one tau_b is undefined.
    """
    by_checkpoint = np.swapaxes(np.asarray(curves, dtype=np.float64), -1, -2)
    if by_checkpoint.shape[-2] < 2:
        return np.full(by_checkpoint.shape[:-2], np.nan)
    return tau(by_checkpoint[..., :-1, :], by_checkpoint[..., 1:, :]).mean(axis=-1)


def criteria(curves: ArrayLike, chance: float | None, seeds: ArrayLike | None = None) -> dict[str, Value]:
    """FineTasks' four criteria by name, each with the reason where it is undefined.

        monotonicity   = mean over models of Spearman(step, score)                      met at >= 0.5
        snr            = |mean final score over models| / std                           met at > 20
        above_baseline = (best final score - chance) / std                              met at >= 3
        ordering       = mean over consecutive checkpoints of tau_b between the models  better nearer to 1

    std is the standard deviation over training seeds at each checkpoint, averaged over checkpoints; snr and
    above_baseline are therefore undefined without replicates.

    Args:
        curves: Curves [M, K] of distinct models, oriented, in step order; NaN where missing.
        chance: Chance level of the metric; None for a metric without one (margin, bpb).
        seeds: Curves [S, K] of one model trained from S seeds; None without replicates.

    Raises:
        ValueError: `curves` do not have two axes.
    """
    array = np.asarray(curves, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(f"expected curves [M, K], not {array.shape}")
    if chance is not None and np.isnan(chance):
        chance = None
    complete = array.size > 0 and bool(np.isfinite(array).all())
    deviation, no_deviation = _deviation(seeds)
    values: dict[str, float] = {
        "monotonicity": float(monotonicity(array)) if complete else np.nan,
        "ordering": float(ordering_consistency(array)) if complete else np.nan,
        "snr": abs(float(array[:, -1].mean())) / deviation if complete else np.nan,
        "above_baseline": np.nan,
    }
    if complete and chance is not None:
        values["above_baseline"] = (float(array[:, -1].max()) - chance) / deviation
    why: dict[str, str | None] = {
        "monotonicity": _why_no_monotonicity(array),
        "ordering": _why_no_ordering(array),
        "snr": no_deviation,
        "above_baseline": Sentence("This metric has no chance level.") if chance is None else no_deviation,
    }
    if not complete:
        why = dict.fromkeys(why, Sentence("Scores are missing; run all checkpoints of every model."))
    return {name: _value(values[name], why[name]) for name in THRESHOLDS}


def _value(value: float, why: str | None) -> Value:
    return Value(value=None, why=why) if np.isnan(value) else Value(value=value)


def _deviation(seeds: ArrayLike | None) -> tuple[float, str | None]:
    if seeds is None or np.shape(seeds)[0] < 2:
        return np.nan, Sentence(
            "The noise is the spread over training seeds, and no model was trained from several."
        )
    deviation = float(seed_deviation(seeds))
    if np.isnan(deviation):
        return np.nan, Sentence("Scores of a training seed are missing; run all checkpoints of every seed.")
    if deviation == 0:
        return (
            np.nan,
            Sentence(
                "The training seeds have the same scores everywhere, so there is no noise to divide by."
            ),
        )
    return deviation, None


def _why_no_monotonicity(curves: Floats) -> str:
    if curves.shape[-1] < 2:
        return Sentence("A trend needs at least 2 checkpoints.")
    return Sentence("The curve of a model is flat, so it has no rank correlation.")


def _why_no_ordering(curves: Floats) -> str:
    models, checkpoints = curves.shape
    if models < 2:
        return Sentence("A ranking needs at least 2 models.")
    if checkpoints < 2:
        return Sentence("Comparing consecutive rankings needs at least 2 checkpoints.")
    return Sentence("All models have the same score at a checkpoint, so they have no ranking there.")
