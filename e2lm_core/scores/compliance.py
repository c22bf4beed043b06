"""Compliance with science (CS): a science model against its web-only twin.

Axes: K checkpoints of the early window, Q questions; further axes in front are carried along without a loop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base.records import BOUNDED_METRICS
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.signal import spearman

MIN_TREND = 0.5  # from which a curve rises: the threshold of FineTasks' monotonicity
NO_TWIN = Sentence(
    "No web-only twin was run beside its science model: run one, which checkpoints.json "
    "declares by role: web and twin_of."
)
NO_ERROR = Sentence("The error of the score cannot be told from fewer than 2 questions.")
NO_CHANCE = {
    "bpb": Sentence("Bits per byte has no chance level."),
    "margin": Sentence("The margin has no chance level that holds for every set."),
}


def compliance(
    science: ArrayLike, web_only: ArrayLike, chance: ArrayLike, standard_error: ArrayLike
) -> Floats:
    """CS = mean over early checkpoints of clip((s_sci - s_web) / (s_sci - chance), 0, 1).

    A checkpoint at which s_sci is not above chance by one standard error counts 0: there the science model
    has shown nothing that could comply.

    Args:
        science: Scores [..., K] of the science model on acc, acc_norm or norm_prob (the metrics with a chance
            level).
        web_only: Scores [..., K] of its web-only twin at the same checkpoints.
        chance: Chance level; broadcasts against [..., K].
        standard_error: Standard error of "above chance"; broadcasts against [..., K].

    Returns:
        CS [...] in [0, 1], NaN where an input is NaN or K is 0.

    Source: this project's reading of the competition's "compliance with science" (arXiv 2506.07731), which
    uses a hidden web-only model.
    """
    taught, untaught = np.asarray(science, dtype=np.float64), np.asarray(web_only, dtype=np.float64)
    error = np.asarray(standard_error, dtype=np.float64)
    taught, untaught, floor, error = np.broadcast_arrays(
        taught, untaught, np.asarray(chance, dtype=np.float64), error
    )
    if taught.shape[-1] == 0:
        return np.full(taught.shape[:-1], np.nan)
    excess = taught - floor
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # `excess > 0` is also required: with an error of 0, a model at chance would divide 0 by 0.
        above = (excess >= error) & (excess > 0)
        share = np.where(above, np.clip((taught - untaught) / excess, 0.0, 1.0), 0.0)
    missing = np.isnan(taught) | np.isnan(untaught) | np.isnan(floor) | np.isnan(error)
    return np.where(missing, np.nan, share).mean(axis=-1)


def is_rising(science: ArrayLike) -> bool:
    """Whether a science model's early curve [K] rises: tie-aware Spearman with its order >= `MIN_TREND`.

    False for a flat curve and for fewer than two points. Without a rise the model has learned nothing over
    the window, and what it has over its twin is familiarity with the words of science.
    """
    # A correlation of exactly the threshold may be computed a rounding error below it.
    return bool(spearman(science) >= MIN_TREND - 1e-9)


def chance_error(metric: str, chance: float, n: int, values: ArrayLike | None = None) -> Floats:
    """Standard error of a mean over n questions, by which "above chance" is judged.

        acc, acc_norm: `binomial_error` at the chance level; one number (0-d array)
        norm_prob:     `sample_error` of `values` [..., K, Q]; [..., K]

    Args:
        metric: acc, acc_norm or norm_prob.
        chance: Chance level.
        n: Number of questions.
        values: Values [..., K, Q] per question; needed for norm_prob only.

    Returns:
        Standard error, 0-d or [..., K]; NaN without a question, and for norm_prob with fewer than two.

    Raises:
        ValueError: The metric has no chance level, norm_prob comes without `values`, or `values` are not of n
            questions.
    """
    if metric not in BOUNDED_METRICS:
        raise ValueError(f"{metric} has no chance level; {', '.join(BOUNDED_METRICS)} have")
    if metric != "norm_prob":
        return binomial_error(chance, n)
    if values is None:
        raise ValueError("the error of norm_prob is the sample's: pass its values per question")
    if np.shape(values)[-1] != n:
        raise ValueError(f"values of {np.shape(values)[-1]} questions given for n = {n}")
    return sample_error(values, n)


def binomial_error(chance: ArrayLike, n: int) -> Floats:
    """Binomial standard error at chance level c, sqrt(c (1 - c) / n): [...] -> [...]; NaN for n = 0."""
    level = np.asarray(chance, dtype=np.float64)
    return np.sqrt(level * (1.0 - level) / n) if n else np.full(level.shape, np.nan)


def sample_error(values: ArrayLike, n: int) -> Floats:
    """Standard error of a mean over n questions: sample standard deviation (Q - 1) / sqrt(n).

    Args:
        values: Values [..., Q] of the measured questions.
        n: Number of questions of the mean; Q for the mean of the measured set itself.

    Returns:
        Standard error [...], NaN for fewer than two measured questions.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.shape[-1] < 2:
        return np.full(sample.shape[:-1], np.nan)
    return sample.std(axis=-1, ddof=1) / np.sqrt(n)
