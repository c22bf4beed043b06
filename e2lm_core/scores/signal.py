"""Signal quality (SQ), signal-to-noise ratio and decision accuracy.

Axes: n points of a curve in step order, M models, K checkpoints; further axes in front (models, the resamples
of a bootstrap) are carried along without a loop. The cores return NaN where a score is undefined; the
functions that return a record give the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base.records import SignalQuality, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.ranking.order import average_ranks

# AI2's ratio divides by a mean, which is meaningless for a metric that may cross zero (margin).
RATIO_METRICS = ("acc", "acc_norm", "norm_prob", "bpb")
NO_RATIO_OF_MARGINS = Sentence("The margin can be negative, and this SNR is a ratio to the mean.")
ROUNDING = 1e-12  # relative; far below the step of any score, far above float64's own
MAX_MISSING = 2  # points of a curve whose SQ is still bounded
GRID = {1: 1001, 2: 161}  # values of each missing point
MIN_POINTS = 8  # the shortest curve that has a lag: 8 // 4 - 1 = 1


def rho(y: ArrayLike) -> Floats:
    """Official monotonicity of curves, in [0, 1]: [..., n] -> [...].

        rho = max(0, 1 - 6 sum (i - rank y_i)^2 / (n (n^2 - 1)))

    Ranks are a *stable* double argsort: of equal points the earlier has the lower rank, so a flat curve has
    rho 1. An unstable sort would give ties an order that depends on the processor.

    Args:
        y: Curves [..., n] in step order, oriented.

    Returns:
        rho [...], NaN where a point is not finite or n < 2.

    Source: the organisers' scoring notebook (E2LM, arXiv 2506.07731).
    """
    array = np.asarray(y, dtype=np.float64)
    n = array.shape[-1]
    if n < 2:
        return np.full(array.shape[:-1], np.nan)
    order = np.argsort(array, axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1, kind="stable")
    squared = ((np.arange(n) - rank) ** 2).sum(axis=-1)
    value = np.maximum(0.0, 1.0 - 6.0 * squared / (n * (n**2 - 1)))
    return np.where(np.isfinite(array).all(axis=-1), value, np.nan)


def autocorrelation(y: ArrayLike, signed: bool = False) -> Floats:
    """AC = mean over lags 1 … n//4 - 1 of |corr(y[lag:], y[:-lag])|: [..., n] -> [...].

    Args:
        y: Curves [..., n] in step order.
        signed: Average the correlations themselves instead of their absolute values.

    Returns:
        AC [...]. NaN where n < 8 (no lag is left), a point is not finite, or one of the compared stretches is
        constant: its correlation is 0/0, which numpy.corrcoef, and so the organisers' mean, turns into NaN.

    Source: the organisers' scoring notebook (E2LM, arXiv 2506.07731).
    """
    array = np.asarray(y, dtype=np.float64)
    lags = range(1, array.shape[-1] // 4)
    if not lags:
        return np.full(array.shape[:-1], np.nan)
    total = np.zeros(array.shape[:-1])
    for lag in lags:
        correlation = _correlation(array[..., lag:], array[..., :-lag])
        total += correlation if signed else np.abs(correlation)
    return np.asarray(total / len(lags))


def spearman(y: ArrayLike) -> Floats:
    """Tie-aware Spearman correlation of a curve with its order: [..., n] -> [...], in [-1, 1].

    Pearson's correlation of average ranks, equal to scipy.stats.spearmanr(range(n), y). NaN for a flat curve,
    a point that is not finite, or n < 2.
    """
    array = np.asarray(y, dtype=np.float64)
    if array.shape[-1] < 2:
        return np.full(array.shape[:-1], np.nan)
    ranked = average_ranks(np.where(np.isfinite(array), array, np.nan))
    return _correlation(ranked, np.broadcast_to(np.arange(array.shape[-1], dtype=np.float64), array.shape))


def signal_quality(y: ArrayLike) -> SignalQuality:
    """SQ = (rho + AC) / 2 of one model's curve in the early window.

    See `rho` and `autocorrelation` for the official parts. Edge cases are reported, not hidden: a flat curve
    has the official rho 1 and no AC; fewer than 8 points leave no lag; then `sq` is None and `why` gives the
    reason.

    Args:
        y: Curve [K] of the early window in step order, oriented.

    Raises:
        ValueError: The curve does not have one axis, or a point is NaN or infinite. Leaving a point out would
            shift every later lag, so the caller decides how to treat a missing checkpoint.

    Source: the organisers' scoring notebook (E2LM, arXiv 2506.07731).
    """
    array = np.asarray(y, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"a curve has one axis, not {array.ndim}")
    if not np.isfinite(array).all():
        raise ValueError("a curve with missing points has no signal quality")
    monotonicity, persistence = _known(rho(array)), _known(autocorrelation(array))
    defined = monotonicity is not None and persistence is not None
    return SignalQuality(
        rho=monotonicity,
        autocorrelation=persistence,
        sq=(monotonicity + persistence) / 2 if defined else None,  # type: ignore[operator]
        points=len(array),
        spearman=_known(spearman(array)),
        signed_autocorrelation=_known(autocorrelation(array, signed=True)),
        why=None if defined else _why_no_quality(array),
    )


def quality_bounds(y: ArrayLike, low: float = 0.0, high: float = 1.0) -> tuple[float, float] | None:
    """Smallest and largest SQ of a curve of which few points are missing, whatever these are between `low` and `high`.

    The missing points take the values of a grid, and just above and below every known value, where ranks change.

    Args:
        y: Curve [K] of the early window in step order, oriented; NaN where missing.
        low: Smallest possible value of a point.
        high: Largest.

    Returns:
        Bounds; None without a missing point, with more than `MAX_MISSING` of them, or where SQ is undefined throughout.
    """
    array = np.asarray(y, dtype=np.float64)
    missing = np.flatnonzero(np.isnan(array))
    if not 0 < len(missing) <= MAX_MISSING:
        return None
    known = array[~np.isnan(array)]
    beside = (high - low) * 1e-9
    near = np.concatenate([known - beside, known + beside]).clip(low, high)
    grid = np.unique(np.concatenate([np.linspace(low, high, GRID[len(missing)]), near]))
    values = np.stack(np.meshgrid(*[grid] * len(missing), indexing="ij"), axis=-1).reshape(-1, len(missing))
    curves = np.tile(array, (len(values), 1))
    curves[:, missing] = values
    found = (rho(curves) + autocorrelation(curves)) / 2
    return None if np.isnan(found).all() else (float(np.nanmin(found)), float(np.nanmax(found)))


def mean_quality(by_model: Mapping[str, SignalQuality]) -> Value:
    """SQ of a set: the mean SQ of the given models, without twins and other seeds.

    The caller leaves those out. Undefined where it is undefined for one of the models: a mean over the others
    would be another set's score.
    """
    if not by_model:
        return Value(value=None, why="No model has been run, so there is no curve.")
    for model, quality in by_model.items():
        if quality.sq is None:
            return Value(value=None, why=Sentence("{model}: {why}", model=model, why=quality.why))
    scores = [quality.sq for quality in by_model.values() if quality.sq is not None]
    return Value(value=float(np.mean(scores)))


def signal_to_noise(curves: ArrayLike, last: int = 5, detrend: bool = False) -> Floats:
    """Core of `snr`, vectorised over leading axes.

    Args:
        curves: Curves [..., M, K] in step order.
        last: Number of last checkpoints to use.
        detrend: Take the noise about each run's own least-squares line.

    Returns:
        SNR [...], NaN where undefined.
    """
    tail = np.asarray(curves, dtype=np.float64)[..., -last:]
    if tail.shape[-1] < last or tail.shape[-2] < 2:
        return np.full(tail.shape[:-2], np.nan)
    means = tail.mean(axis=-1)
    noise = _detrended(tail) if detrend else tail - means[..., None]
    one_sign = (tail >= 0).all(axis=(-1, -2)) | (tail <= 0).all(axis=(-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        signal = (means.max(axis=-1) - means.min(axis=-1)) / np.abs(means.mean(axis=-1))
        relative = np.sqrt((noise**2).mean(axis=-1)) / np.abs(means)
        # The rounding errors of a flat run, or of a straight one when detrended, do not count as noise. A run
        # at exactly zero stays NaN (0/0), because its relative noise is unknown and not zero.
        relative = np.where(relative < ROUNDING, 0.0, relative)
        spread = relative.mean(axis=-1)
        ratio = signal / np.where(spread > 0, spread, np.nan)
    return np.where(one_sign & np.isfinite(ratio), ratio, np.nan)


def snr(curves: ArrayLike, last: int = 5, detrend: bool = False) -> Value:
    """AI2's signal-to-noise ratio over each run's own last checkpoints.

        m_j    = mean of run j's last 5 scores
        signal = max over j, k of |m_j - m_k| / mean of m
        noise  = mean over runs of (population std of a run's last 5 / m_j)
        SNR    = signal / noise

    Args:
        curves: Curves [M, K] in step order, of one of `RATIO_METRICS`. A negated bpb gives the same ratio, as
            both means change sign.
        last: Number of last checkpoints, 5 in the definition.
        detrend: Take the std about the run's own least-squares line (same divisor), since on a curve that
            still rises the plain std counts the rise as noise.

    Returns:
        The ratio; undefined, with the reason, with fewer than two runs or `last` checkpoints, a missing
        score, scores on both sides of zero (a relative spread about a mean near zero is meaningless), or runs
        without any noise.

    Raises:
        ValueError: `last` is below 2 (3 with `detrend`), or `curves` do not have two axes.

    Source: Signal and Noise, arXiv 2508.13144.
    """
    if last < (3 if detrend else 2):
        raise ValueError(f"the spread of {last} checkpoints is not a noise")
    array = np.asarray(curves, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(f"expected curves [M, K], not {array.shape}")
    value = _known(signal_to_noise(array, last, detrend))
    return Value(value=value, why=_why_no_snr(array, last) if value is None else None)


def pair_agreement(early: ArrayLike, late: ArrayLike) -> Floats:
    """Decision accuracy: share of model pairs that are in the same order early and late.

    mean over pairs j < k of [sign(e_j - e_k) = sign(l_j - l_k)]. A pair tied at one end only counts as
    different; a pair tied at both ends counts as equal.

    Args:
        early: Scores [..., M] at the early checkpoint, higher is better, NaN where missing.
        late: Scores [..., M] of the same models in the same order, at the last checkpoint.

    Returns:
        Share [...] in [0, 1]; NaN where a score is not finite or there are fewer than two models.

    Source: DataDecide, arXiv 2504.11393; Signal and Noise, arXiv 2508.13144.
    """
    before, after = np.asarray(early, dtype=np.float64), np.asarray(late, dtype=np.float64)
    first, second = np.triu_indices(before.shape[-1], k=1)
    if not len(first):
        return np.full(np.broadcast_shapes(before.shape, after.shape)[:-1], np.nan)
    with np.errstate(invalid="ignore"):
        alike = np.sign(before[..., first] - before[..., second]) == np.sign(
            after[..., first] - after[..., second]
        )
    finite = np.isfinite(before).all(axis=-1) & np.isfinite(after).all(axis=-1)
    return np.where(finite, alike.mean(axis=-1), np.nan)


def _correlation(a: Floats, b: Floats) -> Floats:
    product = (_unit(a) * _unit(b)).sum(axis=-1)
    return np.clip(product, -1.0, 1.0)


def _unit(x: Floats) -> Floats:
    """Values centred and scaled to length 1 along the last axis; NaN where constant.

    The values themselves are tested for constancy: the mean of 0.3, 0.3, … is not exactly 0.3 in floating
    point, and the correlation of the remaining rounding errors would look like a signal.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.abs(centred).max(axis=-1, keepdims=True)  # squares of tiny scores underflow
        unit = scaled / np.sqrt((scaled**2).sum(axis=-1, keepdims=True))
        return np.where(np.ptp(x, axis=-1, keepdims=True) == 0, np.nan, unit)


def _detrended(tail: Floats) -> Floats:
    """Residuals along the last axis from the least-squares line over equally spaced points."""
    centred = tail - tail.mean(axis=-1, keepdims=True)
    x = np.arange(tail.shape[-1]) - (tail.shape[-1] - 1) / 2
    slope = (centred @ x) / (x @ x)
    return centred - slope[..., None] * x


def _known(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)


def _why_no_quality(y: Floats) -> str:
    if len(y) < MIN_POINTS:
        return Sentence(
            "The early window has {number} point of this curve, and SQ needs at least {least}: run more early "
            "checkpoints, or write a later early_end_step in checkpoints.json.",
            "The early window has {number} points of this curve, and SQ needs at least {least}: run more early "
            "checkpoints, or write a later early_end_step in checkpoints.json.",
            number=len(y),
            least=MIN_POINTS,
        )
    if np.ptp(y) == 0:
        return Sentence(
            "The curve is flat: its official ρ is 1, since ties keep their order, but its "
            "autocorrelation is undefined."
        )
    return Sentence("A stretch of the curve is constant, so its autocorrelation is undefined.")


def _why_no_snr(curves: Floats, last: int) -> str:
    models, checkpoints = curves.shape
    tail = curves[:, -last:]
    if models < 2:
        return Sentence(
            "The signal is a difference between models, and there are fewer than 2: run another model."
        )
    if checkpoints < last:
        return Sentence(
            "The noise is measured over the last {last} checkpoints, and there are {checkpoints}: run more.",
            last=last,
            checkpoints=checkpoints,
        )
    if not np.isfinite(tail).all():
        return Sentence(
            "Scores are missing among the last {last} checkpoints; run all of them for every model.",
            last=last,
        )
    if (tail < 0).any() and (tail > 0).any():
        return Sentence(
            "The ratio is defined for metrics that do not cross zero; use acc, acc_norm, norm_prob or bpb."
        )
    if (tail.mean(axis=-1) == 0).any():
        return Sentence(
            "A model's score is 0 at its last {last} checkpoints, so its relative noise is undefined.",
            last=last,
        )
    return Sentence(
        "No model's score has a spread over its last {last} checkpoints, so there is no noise to divide by.",
        last=last,
    )
