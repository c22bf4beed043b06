"""Overview of one benchmark on the shelf: SQ, onset above chance, neighbours apart and the figures of `indicators`.

SQ is that of sets and of imports: the same code over the same points. The other two are onsets as sets have them: the
first checkpoint from which a curve is above chance, or two neighbouring sizes are apart, to the end. Where the source
has standard errors, models or pairs are tested together (Holm) and an onset is an upper bound: with 95% all of them
have come so far by then. Errors of two models are taken as independent, which is cautious, as they answered the same
questions. Without errors an onset is the measured one: means alone. Of many models or pairs the tokens are those at
which half of them have come so far.

The interval of SQ draws curves from the errors, independently at each checkpoint and for each model. Questions that
these share make real errors alike: it was found to hold for many questions alone (benchmarks/coverage/errors_alone.py).

Axes: M models, K points of each, R draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from e2lm_core.base.records import SHARES, Record, Value
from e2lm_core.imported.records import Curve
from e2lm_core.imported.scores import quality, scored_points
from e2lm_core.imported.shelf import indicators, library
from e2lm_core.imported.shelf.indicators import SEED, LateOrder, errors_of, has_errors, oriented
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.scores import signal
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.uncertainty.means import multiple_testing, seed_variance
from e2lm_core.scores.uncertainty.means.onset import first_lasting_index

NOISE_CURVES = 2_000


class Lasting(Record):
    """A state that models or pairs of models reach and keep to their last checkpoint.

    Attributes:
        number: Number of models or pairs.
        at_end: Number of those with a positive difference at the last checkpoint: above chance, or the larger ahead.
        sure: Number of those that have the state beyond the standard errors; None without errors.
        by: Tokens by which half of them have it beyond the errors; None for never, or without errors.
        measured: Tokens from which half of them have it as measured; None for never.
    """

    number: int
    at_end: int
    sure: int | None
    by: float | None
    measured: float | None


@dataclass(frozen=True)
class _Difference:
    """A difference of curves that may come to last.

    Attributes:
        tokens: Tokens [K].
        values: Differences [K].
        errors: Their standard errors [K]; None without.
        ahead: Whether the model is above chance, or the larger of a pair ahead, at the end.
    """

    tokens: Floats
    values: Floats
    errors: Floats | None
    ahead: bool


class Overview(Record):
    """Figures of one benchmark and metric.

    Attributes:
        source: Key of the source.
        benchmark: Name of the benchmark.
        num_fewshot: Few-shot examples; None if the source does not say.
        metric: Name of the metric in the source.
        questions: Number of questions; None if unknown.
        chance: Accuracy of blind guessing; None if there is none.
        models: Number of models.
        points: Number of points that SQ is computed over.
        sq: Mean SQ over the models.
        noise: Mean SQ of curves of white noise with as many points.
        thinned: Mean SQ of the curves thinned to a wanted number of points; None without one or where undefined.
        rc: RC over the few published points behind the early window, provisional: the competition's is to 1 T tokens;
            None where the family has no early window.
        rc_points: Number of these points; 0 without any.
        rc_noise: Mean RC of curves of white noise over as many points; None without any.
        above_chance: Models above chance; None without a chance level or where tokens are unknown.
        apart: Neighbouring sizes apart from each other; None where no models are known to differ in size alone, or tokens
            are unknown.
        order: Decision accuracy, beside what the sizes alone would decide.
        snr: AI2's signal-to-noise ratio over the last five points.
        snr_luck: SNR that luck with the questions would give at most; None if unknown.
        slope: Mean slope of the score per doubling of tokens.
    """

    source: str
    benchmark: str
    num_fewshot: int | None
    metric: str
    questions: int | None
    chance: float | None
    models: int
    points: int
    sq: Value
    noise: float | None
    thinned: float | None = None
    rc: Value | None
    rc_points: int
    rc_noise: float | None
    above_chance: Lasting | None
    apart: Lasting | None
    order: LateOrder
    snr: Value
    snr_luck: float | None
    slope: Value


def overview(
    shelved: Shelved,
    metric: str | None = None,
    wanted_points: int | None = None,
    reading: str = readings.DEFAULT,
) -> Overview:
    """Overview of a benchmark.

    Args:
        shelved: The benchmark.
        metric: A metric of it; the source's first where None.
        wanted_points: Number of points for `thinned`; None for none.
        reading: RC definition, one of `readings.READINGS`.

    Raises:
        StudioError: The benchmark lacks the metric.
    """
    metric = metric or shelved.main_metric
    curves = library.open_curves(shelved, metric)
    chance = shelved.chance(metric)
    points = max(int(scored_points(curve).sum()) for curve in curves)
    # An onset is told in tokens.
    timed = [] if any(None in curve.tokens_seen for curve in curves) else curves
    over = [] if chance is None else [_over_chance(curve, chance) for curve in timed]
    gaps = _gaps(timed, library.series(shelved)) if timed else []
    rc, rc_points, rc_noise = _provisional_rc(curves, reading)
    return Overview(
        source=shelved.source.key,
        benchmark=shelved.benchmark.name,
        num_fewshot=shelved.benchmark.num_fewshot,
        metric=metric,
        questions=shelved.benchmark.questions,
        chance=chance,
        models=len(curves),
        points=points,
        sq=_signal_quality(curves),
        noise=noise_quality(points),
        thinned=None if wanted_points is None else mean_thinned(curves, wanted_points),
        rc=rc,
        rc_points=rc_points,
        rc_noise=rc_noise,
        above_chance=_lasting(over) if over else None,
        apart=_lasting(gaps) if gaps else None,
        order=indicators.late_order(curves),
        snr=indicators.signal_to_noise(curves),
        snr_luck=indicators.luck_ratio(curves),
        slope=indicators.mean_slope(curves),
    )


@lru_cache(maxsize=64)
def noise_quality(points: int) -> float | None:
    """Mean SQ of curves of white noise with so many points; None where SQ needs more.

    A curve without any trend gets this much, and the more the fewer its points.
    """
    if points < signal.MIN_POINTS:
        return None
    noise = np.random.default_rng(SEED).standard_normal((NOISE_CURVES, points))
    return round(float(signal_qualities(noise).mean()), 3)


def thinned_quality(curve: Curve, points: int) -> float | None:
    """Mean SQ of a curve thinned to so many points, over all offsets; None where it has fewer or SQ is undefined.

        points floor((i s + o) L / (s n)), i = 0 … n - 1, of the L scored ones, for offsets o = 0 … s - 1, s = ceil(L / n)

    A long curve and a short one can be laid beside each other only so: SQ of the same curve depends on the number of
    points that are kept of it.
    """
    values = oriented(curve)[scored_points(curve)]
    if points > len(values):
        return None
    offsets = math.ceil(len(values) / points)
    starts = np.arange(points) * offsets + np.arange(offsets)[:, None]
    found = signal_qualities(values[starts * len(values) // (offsets * points)])
    return float(found.mean()) if np.isfinite(found).all() else None


def mean_thinned(curves: Sequence[Curve], points: int) -> float | None:
    """Mean of `thinned_quality` over the curves; None where it is undefined for one."""
    found = [thinned_quality(curve, points) for curve in curves]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if len(known) == len(found) else None


def mean_signal_quality(curves: Sequence[Curve]) -> Value:
    """Mean SQ over the models of a benchmark, without an interval; undefined, with the reason, where one model's is."""
    # Curves of the competition may lack one of its points, which `quality` tells.
    if all(curve.model.family != "e2lm" for curve in curves):
        scored = [oriented(curve)[scored_points(curve)] for curve in curves]
        lengths = {len(values) for values in scored}
        groups = [np.stack([values for values in scored if len(values) == length]) for length in lengths]
        found = np.concatenate([signal_qualities(group) for group in groups])
        if np.isfinite(found).all():
            return Value(value=float(found.mean()))
    return signal.mean_quality({curve.model.name: quality(curve) for curve in curves})


def _signal_quality(curves: Sequence[Curve]) -> Value:
    value = mean_signal_quality(curves)
    if value.value is None:
        return value
    if (why := indicators.why_no_interval(curves)) is not None:
        return value.model_copy(update={"why": why})
    found = quality_interval(curves)
    return value.model_copy(update={"why" if isinstance(found, str) else "interval": found})


@lru_cache(maxsize=64)
def noise_consistency(reading: str, sizes: tuple[str | None, ...], points: int) -> float:
    """Mean RC of curves of white noise over so many points behind the early window.

    Few points give noise a high RC, since the last counts itself in the organisers' reading.
    """
    noise = np.random.default_rng(SEED).standard_normal(
        (NOISE_CURVES, len(sizes), signal.MIN_POINTS + points)
    )
    return round(float(readings.READINGS[reading](noise, signal.MIN_POINTS - 1, sizes).mean()), 3)


def _provisional_rc(curves: Sequence[Curve], reading: str) -> tuple[Value | None, int, float | None]:
    """RC at the steps that all curves share, the early window's being those that SQ is computed over or before."""
    shared = sorted(set.intersection(*(set(curve.steps) for curve in curves)))
    if not shared or any(None in curve.early or not scored_points(curve).any() for curve in curves):
        return None, 0, None
    scores = np.array([_at_steps(curve, shared) for curve in curves])
    last = max(step for step, there in zip(curves[0].steps, scored_points(curves[0]), strict=True) if there)
    end = sum(step <= last for step in shared) - 1
    sizes = tuple(curve.model.size for curve in curves)
    later = len(shared) - end - 1
    if end < 0 or not later:
        return None, 0, None
    return readings.rc_value(reading, scores, end, sizes), later, noise_consistency(reading, sizes, later)


def _at_steps(curve: Curve, steps: Sequence[int]) -> Floats:
    return oriented(curve)[np.isin(curve.steps, steps)]


def quality_interval(curves: Sequence[Curve]) -> tuple[float, float] | str:
    """Interval of the mean SQ, or the reason why there is none, see `indicators.interval_of_errors`.

    Args:
        curves: Curves of one benchmark, all with standard errors and a number of questions.
    """
    where = [scored_points(curve) for curve in curves]
    return indicators.interval_of_errors(
        "sq", curves, where, lambda values: signal_qualities(values).mean(axis=-1)
    )


def _over_chance(curve: Curve, chance: float) -> _Difference:
    # At chance the variance of a share is known, and it holds where few questions are answered right.
    known = curve.metric in SHARES and curve.questions is not None
    errors = errors_of(curve) if has_errors(curve) else None
    if errors is not None and known:
        errors = np.full(len(errors), np.sqrt(chance * (1 - chance) / float(curve.questions or 1)))
    over = np.array(curve.scores) - chance
    return _Difference(_tokens(curve), over, errors, bool(over[-1] > 0))


def _gaps(curves: Sequence[Curve], series: Sequence[Sequence[str]]) -> list[_Difference]:
    """Differences of neighbouring sizes; as for sets, the one that is ahead at the end is the higher."""
    by_model = {curve.model.name: curve for curve in curves}
    found = []
    for names in series:
        for small, large in pairwise(by_model[name] for name in names):
            _, here, there = np.intersect1d(small.steps, large.steps, return_indices=True)
            gap = oriented(large)[there] - oriented(small)[here]
            both = has_errors(small) and has_errors(large)
            errors = np.hypot(errors_of(small)[here], errors_of(large)[there]) if both else None
            higher = -gap if gap[-1] < 0 else gap
            found.append(_Difference(_tokens(small)[here], higher, errors, bool(gap[-1] > 0)))
    return found


def _lasting(differences: Sequence[_Difference]) -> Lasting:
    measured = [_tokens_at(d.tokens, int(first_lasting_index(d.values > 0))) for d in differences]
    found = Lasting(
        number=len(differences),
        at_end=sum(d.ahead for d in differences),
        sure=None,
        by=None,
        measured=_half(measured),
    )
    p_values = [
        np.where(d.values > 0, seed_variance.p_values(d.values, d.errors, np.inf), 1.0)
        for d in differences
        if d.errors is not None
    ]
    if len(p_values) < len(differences):
        return found
    first = multiple_testing.first_significant_index(p_values)
    reached = [_tokens_at(d.tokens, int(index)) for d, index in zip(differences, first, strict=True)]
    return found.model_copy(update={"sure": sum(t < np.inf for t in reached), "by": _half(reached)})


def _tokens_at(tokens: Floats, index: int) -> float:
    """Tokens at an index, infinite behind the last."""
    return float(tokens[index]) if index < len(tokens) else np.inf


def _half(reached: Sequence[float]) -> float | None:
    """Tokens at which half of all are reached; None for never."""
    tokens = sorted(reached)[(len(reached) - 1) // 2]
    return tokens if tokens < np.inf else None


def signal_qualities(values: Floats) -> Floats:
    """SQ of many curves, NaN where undefined: [..., K] -> [...]."""
    return np.asarray((signal.rho(values) + signal.autocorrelation(values)) / 2)


def _tokens(curve: Curve) -> Floats:
    return np.array(curve.tokens_seen, dtype=np.float64)
