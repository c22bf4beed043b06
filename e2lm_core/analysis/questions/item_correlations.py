"""Item figures of classical test theory: biserial and tetrachoric item-rest correlation, Cronbach's alpha.

The persons of the test are the models, each at its last shared checkpoint. Checkpoints of one model are no
further persons: a checkpoint answers nearly as the one before it, and over training all questions get easier
together, so that any two questions would correlate. Axes: M models, Q questions.

Sources: Pearson 1909 (biserial), Pearson 1900 and Divgi 1979 (tetrachoric), Cronbach 1951, Kuder and
Richardson 1937 (formula 20), Feldt 1965 (interval). Values as those of the R package psych.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtri, ndtr, ndtri, owens_t

from e2lm_core.base.records import NullDistribution, Record
from e2lm_core.base.sentences import Sentence, SentenceField
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import null

MIN_MODELS = 30
COLUMNS = ("biserial", "tetrachoric")
DRAWS = 199
_EMPTY_CELL = 0.5  # the count that stands for an empty cell, as in psych
_HALVINGS = 50  # of the range of a correlation: to the last bits
_LEAST = 1e-300
_NEAR_ZERO = 1e-12  # stands for a threshold of 0, at which Owen's formula has 0 / 0


class Reliability(Record):
    """Cronbach's alpha of a set over models, which for right and wrong answers is KR-20.

    Attributes:
        alpha: Alpha of the questions on which models differ; None if it is undefined, see `why`.
        low: Lower end of Feldt's 95% interval, as if the models were a sample of such models.
        high: Upper end of that interval.
        models: Number of models.
        questions: Number of questions on which models differ; the others do not enter.
        null: Alpha of the same answers under random answer keys.
        why: Reason why alpha is undefined.
    """

    alpha: float | None = None
    low: float | None = None
    high: float | None = None
    models: int = 0
    questions: int = 0
    null: NullDistribution | None = None
    why: SentenceField | None = None


def too_few_reason(models: int) -> str | None:
    """Reason against these figures for this number of models; None if they are enough."""
    if models >= MIN_MODELS:
        return None
    return Sentence(
        "These figures need {min_models} models that count, and there is {number}.",
        "These figures need {min_models} models that count, and there are {number}.",
        min_models=MIN_MODELS,
        number=models,
    )


def biserial(right: ArrayLike) -> Floats:
    """Biserial correlation of each question with the share of the other questions answered right.

    r = (mean rest of models that are right - mean rest of the others) p q / (h s), with p the share of models
    that are right, q = 1 - p, h the normal density at the p-quantile, and s the standard deviation of the rest
    over models (divided by M - 1). Values beyond -1 and 1 are cut off there.

    Args:
        right: Right answers [M, Q], 0 or 1.

    Returns:
        Correlations [Q] in [-1, 1]; NaN for a question on which the models, or their rests, are equal.
    """
    answers = np.asarray(right, dtype=np.float64)
    rest = _rest(answers)
    p = answers.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = (answers * rest).sum(axis=0) / answers.sum(axis=0)
        below = ((1 - answers) * rest).sum(axis=0) / (1 - answers).sum(axis=0)
        spread = rest.std(axis=0, ddof=1)
        found = (above - below) * p * (1 - p) / (_normal_density(ndtri(p)) * spread)
        return np.where(_varies(answers) & (spread > 1e-12), np.clip(found, -1, 1), np.nan)


def tetrachoric(right: ArrayLike) -> Floats:
    """Tetrachoric correlation of each question with a high result on the other questions.

    A model's result on the others is high above the median of the models'. The correlation of the two normal
    variables that most likely gave the four counts, with thresholds at the two shares; an empty cell counts .5.

    Args:
        right: Right answers [M, Q], 0 or 1.

    Returns:
        Correlations [Q] in (-1, 1); NaN for a question on which the models are equal, or of whose rests none is
        above the median.
    """
    answers = np.asarray(right, dtype=np.float64)
    rest = _rest(answers)
    high = (rest > np.median(rest, axis=0) + 1e-12).astype(np.float64)
    models = len(answers)
    both = (answers * high).sum(axis=0)
    only_right, only_high = answers.sum(axis=0) - both, high.sum(axis=0) - both
    neither = models - both - only_right - only_high
    defined = _varies(answers) & _varies(high)
    table = np.stack([both, only_right, only_high, neither])[:, defined]
    found = np.full(answers.shape[1], np.nan)
    found[defined] = _most_likely_correlation(table)
    return found


def cronbach_alpha(right: ArrayLike) -> float:
    """Cronbach's alpha (KR-20): k / (k - 1) (1 - sum of the questions' variances / variance of the sums).

    Args:
        right: Right answers [M, Q], 0 or 1; the k questions on which models differ enter.

    Returns:
        Alpha, at most 1; NaN with fewer than two such questions, or if all models have the same sum.
    """
    answers = np.asarray(right, dtype=bool)
    models, shares = len(answers), answers.mean(axis=0)
    number = int(((shares > 0) & (shares < 1)).sum())
    if number < 2 or (whole := answers.sum(axis=1).var(ddof=1)) < 1e-12:
        return float("nan")
    variances = shares @ (1 - shares) * models / (models - 1)
    return float(number / (number - 1) * (1 - variances / whole))


def feldt_interval(alpha: float, models: int, questions: int) -> tuple[float, float]:
    """Feldt's 95% interval of alpha for other models of the kind: 1 - (1 - alpha) F, F at 97.5% and 2.5%."""
    freedoms = models - 1, (models - 1) * (questions - 1)
    high, low = fdtri(*freedoms, (0.025, 0.975))
    return float(1 - (1 - alpha) * low), float(1 - (1 - alpha) * high)


def reliability(
    right: ArrayLike,
    measurements: Measurements,
    models: tuple[str, ...],
    step: int,
    rows: NDArray[np.integer],
) -> Reliability:
    """Cronbach's alpha of a set's questions, with its interval and its values under random answer keys.

    Models that prefer the same wrong answers agree under any key: alpha says something about the questions
    only above what random keys give.

    Args:
        right: Right answers [M, Q], 0 or 1.
        measurements: Results of the set, from which the answers under other keys follow.
        models: Names of the M models.
        step: Step of the checkpoint.
        rows: Indices [Q] of the questions in the set.
    """
    answers = np.asarray(right, dtype=np.float64)
    number = len(models)
    if why := too_few_reason(number):
        return Reliability(models=number, why=why)
    questions = int(_varies(answers).sum())
    alpha = cronbach_alpha(answers)
    if not np.isfinite(alpha):
        why = Sentence("Models differ on fewer than two questions, or all have the same number right.")
        return Reliability(models=number, questions=questions, why=why)
    low, high = feldt_interval(alpha, number, questions)
    chosen = _chosen_answers(measurements, models, step)[:, rows]
    keys = null.random_golds_of_set(measurements, DRAWS)[:, rows]
    drawn = null.null_distribution(alpha, [cronbach_alpha(chosen == key) for key in keys])
    return Reliability(alpha=alpha, low=low, high=high, models=number, questions=questions, null=drawn)


def _chosen_answers(measurements: Measurements, models: tuple[str, ...], step: int) -> np.ndarray:
    """Answers [M, Q] that the models prefer at one checkpoint, as indices of choices."""
    curves = {curve.model.name: curve for curve in measurements.curves}
    found = []
    for name in models:
        at = int(np.searchsorted(curves[name].steps, step))
        found.append(np.nan_to_num(curves[name].ll[at], nan=-np.inf).argmax(axis=-1))
    return np.stack(found)


def _varies(values: Floats) -> np.ndarray:
    """Columns with more than one value [Q] (bool)."""
    return np.asarray(values.min(axis=0) < values.max(axis=0))


def _rest(answers: Floats) -> Floats:
    """Share of the other questions answered right, of each model and question [M, Q]."""
    return (answers.sum(axis=1, keepdims=True) - answers) / max(1, answers.shape[1] - 1)


def _most_likely_correlation(table: Floats) -> Floats:
    """Correlations [N] that make counts [4, N] most likely: of both, only first, only second, neither.

    The likelihood's slope has one zero, since each count's term of it falls with the correlation.
    """
    first, second = table[0] + table[1], table[0] + table[2]
    total = table.sum(axis=0)
    p, q = first / total, second / total
    counts = np.where(table == 0, _EMPTY_CELL, table)

    def slope(rho: Floats) -> Floats:
        both = _both_below(ndtri(p), ndtri(q), rho)
        cells = np.maximum(np.stack([both, p - both, q - both, 1 - p - q + both]), _LEAST)
        return np.asarray(np.array([1.0, -1.0, -1.0, 1.0]) @ (counts / cells))

    return _falling_zero(slope, p.shape)


def _falling_zero(slope: Callable[[Floats], Floats], shape: tuple[int, ...]) -> Floats:
    """Zeros in (-1, 1) of falling functions, by halving."""
    low, high = np.full(shape, -1.0), np.full(shape, 1.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rises = slope(middle) > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return (low + high) / 2


def _normal_density(x: Floats) -> Floats:
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def _both_below(first: Floats, second: Floats, rho: Floats) -> Floats:
    """Probability that two normal variables of correlation rho lie below `first` and `second`, after Owen 1956."""
    h = np.where(first == 0, _NEAR_ZERO, first)
    k = np.where(second == 0, _NEAR_ZERO, second)
    root = np.sqrt(1 - rho**2)
    apart = np.where(h * k < 0, 0.5, 0.0)
    beside = owens_t(h, (k / h - rho) / root) + owens_t(k, (h / k - rho) / root)
    return np.asarray((ndtr(h) + ndtr(k)) / 2 - beside - apart)
