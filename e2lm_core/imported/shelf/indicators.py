"""Decision accuracy, SNR and slope of one benchmark, each beside what would give it without a signal.

The curves of a benchmark are all that there is. Intervals draw curves from the standard errors, independently at each
checkpoint and for each model, as that of SQ does (`overview`); how often they hold is counted by
benchmarks/coverage/errors_alone.py.

Axes: M models, K points of each, R draws.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from e2lm_core.base.records import ModelInfo, Record, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.imported.records import Curve
from e2lm_core.imported.scores import scored_points
from e2lm_core.scores import signal
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.set_scores import RANGES
from e2lm_core.scores.uncertainty import coverage
from e2lm_core.scores.uncertainty.methods import (
    LEVEL,
    Replicates,
    denoise,
    interval,
    small_sample_level,
)

DRAWS, SEED = 200, 0
NOISE_DRAWS = 200_000
LAST = 5  # checkpoints of AI2's ratio
# Share of the training that is early for a family without an early window: the competition's own, 206 B of 1 T tokens.
EARLY_SHARE = 0.2
# With 300, intervals from errors alone held in as little as 89% of fresh sets of one source, where 95% are promised
# (docs/shelf.md).
MIN_QUESTIONS = 1_000
MAX_MODELS = 100  # of an interval: the pairs of a thousand models take a gigabyte in 200 draws
MEANS_ALONE = Sentence("Means alone: the source has no standard errors.")
TOO_FEW = Sentence(
    "No interval: from standard errors alone it holds for {min_questions} questions and more.",
    min_questions=MIN_QUESTIONS,
)
TOO_MANY = Sentence("No interval: it is computed for up to {max_models} models.", max_models=MAX_MODELS)
OFTEN_UNDEFINED = Sentence("No interval: it is undefined in too many draws.")
UNEVEN = Sentence("No interval: the models have different numbers of points.")
NO_EARLY_POINT = Sentence("A model has no point in the first fifth of its training.")
ONE_MODEL = Sentence("There is one model, and no order of one.")
TIED = Sentence("Most pairs of models are tied at the end, so there is no order to find.")
NO_TOKENS = Sentence("Slope is per doubling of tokens, and the tokens are unknown.")
# Metrics that are shares of right answers; `score` is one where the number of questions was worked out from it.
SHARES_OF_QUESTIONS = ("acc", "acc_norm", "score")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kmb])", re.I)
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9}


class LateOrder(Record):
    """Order of the models early in training, against their order at the end.

    Attributes:
        accuracy: Decision accuracy: share of pairs of models in the same order at both. Of curves of noise it is 1/2.
        larger_ahead: Share of pairs of which the larger is ahead at the end, a pair of one size counted half: what
            the sizes alone would decide right; None if a size is unknown.
        early: Tokens of the early point, the median over the models; None if unknown.
        late: Tokens of the last point, likewise.
    """

    accuracy: Value
    larger_ahead: float | None
    early: float | None
    late: float | None


def late_order(curves: Sequence[Curve]) -> LateOrder:
    """Decision accuracy between each model's last early point and its last point.

        mean over pairs j < k of [sign(e_j - e_k) = sign(l_j - l_k)]

    The last early point is the last that SQ is computed over; in a family without an early window it is the last in
    the first fifth of the model's tokens (of its steps, where tokens are unknown).

    Args:
        curves: Curves of one metric of one benchmark.

    Source: DataDecide, arXiv 2504.11393; Signal and Noise, arXiv 2508.13144.
    """
    if len(curves) < 2:
        return LateOrder(accuracy=Value(value=None, why=ONE_MODEL), larger_ahead=None, early=None, late=None)
    places = [_early_index(curve) for curve in curves]
    last = [float(oriented(curve)[-1]) for curve in curves]
    if None in places:
        accuracy = Value(value=None, why=NO_EARLY_POINT)
    elif _tied_share(last) > 0.5:
        accuracy = Value(value=None, why=TIED)
    else:
        at = np.array(places, dtype=np.intp)
        early = [oriented(curve)[place] for curve, place in zip(curves, at, strict=True)]
        accuracy = _with_interval(
            "decision_accuracy",
            curves,
            Value(value=float(signal.pair_agreement(early, last))),
            lambda values: signal.pair_agreement(
                np.take_along_axis(values, np.broadcast_to(at[:, None], (*values.shape[:-1], 1)), -1)[..., 0],
                values[..., -1],
            ),
        )
    known = None not in places and all(None not in curve.tokens_seen for curve in curves)
    return LateOrder(
        accuracy=accuracy,
        larger_ahead=larger_ahead([model_size(curve.model) for curve in curves], last),
        early=_median_tokens(curves, [int(place or 0) for place in places]) if known else None,
        late=_median_tokens(curves, [-1] * len(curves)) if known else None,
    )


def larger_ahead(sizes: Sequence[float | None], last: Sequence[float]) -> float | None:
    """Share of pairs of which the larger model is ahead; one size and a tie count half; None with an unknown size.

    Args:
        sizes: Parameters of the M models.
        last: Their last scores [M], higher is better.
    """
    if None in sizes:
        return None
    first, second = np.triu_indices(len(sizes), k=1)
    size, score = np.array(sizes, dtype=np.float64), np.array(last, dtype=np.float64)
    agree = np.sign(size[first] - size[second]) * np.sign(score[first] - score[second])
    return float((1 + agree).mean() / 2)


def signal_to_noise(curves: Sequence[Curve]) -> Value:
    """AI2's signal-to-noise ratio over each model's last five points, see `signal.snr`.

    Source: Signal and Noise, arXiv 2508.13144.
    """
    return _with_interval("snr", curves, signal.snr(_tails(curves)), signal.signal_to_noise)


def signal_to_noise_value(curves: Sequence[Curve]) -> float | None:
    """The ratio of `signal_to_noise` without its interval."""
    return signal.snr(_tails(curves)).value


def luck_ratio(curves: Sequence[Curve]) -> float | None:
    """SNR that the same noise gives to equally good models, which differ by luck with the questions alone.

        SNR · E[range of M standard normals] · (mean standard error) / (range of the M means)

    Models that know nothing answer the same questions alike at neighbouring checkpoints: luck lasts, and the ratio takes
    it for signal. Luck that models share cancels in their differences, so this is what luck gives at most.

    Returns:
        The ratio; None where it is undefined or the errors are unknown: the source has none, and the scores are no
        shares of a known number of questions.
    """
    ratio = signal_to_noise_value(curves)
    errors = [_last_error(curve) for curve in curves]
    if ratio is None or None in errors:
        return None
    means = [float(oriented(curve)[-LAST:].mean()) for curve in curves]
    spread = normal_range(len(curves)) * float(np.mean([error or 0.0 for error in errors]))
    return ratio * spread / (max(means) - min(means)) if max(means) > min(means) else None


@lru_cache(maxsize=64)
def normal_range(models: int) -> float:
    """Expected range of so many independent standard normal variables."""
    drawn = np.random.default_rng(SEED).standard_normal((max(1, NOISE_DRAWS // models), models))
    return float(np.ptp(drawn, axis=-1).mean())


def mean_slope(curves: Sequence[Curve]) -> Value:
    """Mean over the models of the least-squares slope of the score per doubling of tokens; of noise it is 0.

        slope = sum_k (x_k - mean x) y_k / sum_k (x_k - mean x)^2,   x = log2 of the tokens seen

    over the points that SQ is computed over, without those at 0 tokens; of a metric of which lower is better, a fall
    is positive. Its interval is normal, with the mean over the models of each slope's standard error: models answer the
    same questions, and as if their errors were independent it held in .54 to .60 of fresh sets (docs/shelf.md).
    """
    slopes, errors = [], []
    for curve in curves:
        weights = _slope_weights(curve)
        if weights is None:
            return Value(value=None, why=f"{curve.model.name}: {NO_TOKENS}")
        slopes.append(float(weights @ oriented(curve)))
        if has_errors(curve):
            errors.append(float(np.sqrt(weights**2 @ errors_of(curve) ** 2)))
    mean = float(np.mean(slopes))
    if (why := why_no_interval(curves)) is not None:
        return Value(value=mean, why=why)
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * float(np.mean(errors))
    return Value(value=mean, interval=(mean - reach, mean + reach))


def why_no_interval(curves: Sequence[Curve]) -> str | None:
    """Reason why standard errors give no interval of a benchmark's figures; None if they do."""
    if not all(has_errors(curve) for curve in curves):
        return MEANS_ALONE
    if (curves[0].questions or 0) < MIN_QUESTIONS:
        return TOO_FEW
    return TOO_MANY if len(curves) > MAX_MODELS else None


def interval_of_errors(
    score: str, curves: Sequence[Curve], masks: Sequence[np.ndarray], of: Callable[[Floats], Floats]
) -> tuple[float, float] | str:
    """Interval of a score by the rule of sets, with draws from the errors, or the reason why there is none.

    Args:
        score: Name of the score in the coverage tables.
        curves: Curves of one benchmark, all with standard errors and a number of questions.
        masks: Points of each curve [K] (bool) that the score is of.
        of: The score [...] of oriented curves [..., M, K].
    """
    questions = curves[0].questions or 0
    rule = coverage.load().rule(score, curves[0].metric, questions, len(curves))
    if rule.method is None:
        return rule.why or TOO_FEW
    if len({int(mask.sum()) for mask in masks}) > 1:
        return UNEVEN
    measured = np.stack([oriented(c)[mask] for c, mask in zip(curves, masks, strict=True)])
    errors = np.stack([errors_of(c)[mask] for c, mask in zip(curves, masks, strict=True)])
    deviations = np.random.default_rng(SEED).standard_normal((DRAWS, *errors.shape)) * errors
    made = Replicates(
        estimate=of(measured),
        forward=of(measured + deviations),
        denoised=of(denoise(measured, deviations) + deviations),
    )
    low, high = interval(rule.method, made, RANGES[score], small_sample_level(questions), rule.scale)
    return (float(low), float(high)) if np.isfinite([low, high]).all() else OFTEN_UNDEFINED


def oriented(curve: Curve) -> Floats:
    """Scores [K] of a curve, negated where lower is better."""
    values = np.array(curve.scores, dtype=np.float64)
    return -values if curve.lower_is_better else values


def errors_of(curve: Curve) -> Floats:
    """Standard errors [K] of a curve that has them."""
    return np.array(curve.stderr, dtype=np.float64)


def has_errors(curve: Curve) -> bool:
    """Whether every point of a curve has a standard error."""
    return bool(curve.stderr) and None not in curve.stderr


def model_size(model: ModelInfo) -> float | None:
    """Parameters of a model, by its record or by the name of its size, such as 500m; None if unknown."""
    if model.parameters is not None:
        return float(model.parameters)
    found = _SIZE.fullmatch(model.size or "")
    return float(found[1]) * _UNITS[found[2].lower()] if found else None


# --- within -------------------------------------------------------------------------------------------


def _with_interval(
    score: str, curves: Sequence[Curve], value: Value, of: Callable[[Floats], Floats]
) -> Value:
    if value.value is None:
        return value
    if (why := why_no_interval(curves)) is not None:
        return value.model_copy(update={"why": why})
    found = interval_of_errors(score, curves, [np.ones(len(c.scores), bool) for c in curves], of)
    return value.model_copy(update={"why" if isinstance(found, str) else "interval": found})


def _tails(curves: Sequence[Curve]) -> Floats:
    """The last five points of each curve [M, 5], or as many as the shortest has."""
    count = min(LAST, *(len(curve.scores) for curve in curves))
    return np.stack([oriented(curve)[-count:] for curve in curves])


def _last_error(curve: Curve) -> float | None:
    """Mean standard error over the last five points, that of a share where the source has none; None if unknown."""
    if has_errors(curve):
        return float(errors_of(curve)[-LAST:].mean())
    shares = np.array(curve.scores[-LAST:], dtype=np.float64)
    if curve.questions is None or curve.metric not in SHARES_OF_QUESTIONS:
        return None
    return float(np.sqrt(shares * (1 - shares) / curve.questions).mean())


def _tied_share(scores: Sequence[float]) -> float:
    first, second = np.triu_indices(len(scores), k=1)
    values = np.array(scores)
    return float((values[first] == values[second]).mean())


def _positions(curve: Curve) -> Floats:
    """Tokens [K] of a curve, or its steps where tokens are unknown."""
    return np.array(curve.steps if None in curve.tokens_seen else curve.tokens_seen, dtype=np.float64)


def _early_index(curve: Curve) -> int | None:
    """Index of the last early point; None without one that has a later point behind it."""
    if None in curve.early:
        places = _positions(curve)
        early = places <= EARLY_SHARE * places[-1]
    else:
        early = scored_points(curve)
    found = np.flatnonzero(early)
    return int(found[-1]) if len(found) and found[-1] < len(early) - 1 else None


def _median_tokens(curves: Sequence[Curve], places: Sequence[int]) -> float:
    return float(np.median([_positions(c)[place] for c, place in zip(curves, places, strict=True)]))


def _slope_weights(curve: Curve) -> Floats | None:
    """Weights [K] of the points in the slope; None where tokens are unknown or fewer than two points are left."""
    if None in curve.tokens_seen:
        return None
    tokens = np.array(curve.tokens_seen, dtype=np.float64)
    counted = scored_points(curve) & (tokens > 0)
    if counted.sum() < 2:
        return None
    x = np.log2(tokens[counted])
    centred = x - x.mean()
    weights = np.zeros(len(tokens))
    weights[counted] = centred / (centred @ centred)
    return weights
