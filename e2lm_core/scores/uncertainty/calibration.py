"""Interval calibration by the double bootstrap.

    c       the measured curves without the noise of the questions, which stand for the source
    y_j     c + d_j, the curves of another set of as many questions from it
    aim     mean S(c + d), the expected score of a fresh set from it
    need_j  the smallest scale at which the interval of y_j, made of y_j alone, holds the aim
    scale   the 95% quantile of need_j

The scale that an interval needs depends on the models: on how curves rise, how far models lie apart, and how
long answers persist from checkpoint to checkpoint. The set itself shows this in c and in the resampled
deviations d, which are correlated along checkpoints and between models as its answers are. The scale is
therefore estimated from the set and not taken from a table of simulated models.

Source: Beran 1987, Biometrika 74 (prepivoting); Loh 1987, JASA 82 (calibration).

Axes: J sets drawn, I resamples of each, K checkpoints of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.scores.arrays import EXACT, Floats
from e2lm_core.scores.layout import Curves
from e2lm_core.scores.set_scores import RANGES
from e2lm_core.scores.uncertainty.methods import GRAIN, LEVEL, METHODS, Replicates

SETS, RESAMPLES = 100, 25
MIN_SETS = SETS // 2  # sets in which a score is defined
# Without bounds, a set whose score no resample changes would need a scale of 0, and a set that has some drawn
# sets without spread would need an unlimited one.
BOUNDS = (0.05, 1.5)
_NEVER_ZERO = 1e-9

Scored = Callable[[Curves], Mapping[str, Floats]]


def calibration_scales(
    clean: Curves,
    deviations: Curves,
    quiet: Callable[[Curves], Curves],
    scored: Scored,
    methods: Mapping[str, str],
    level: float,
) -> dict[str, float]:
    """Scales at which intervals hold by score, NaN where too few drawn sets have the score.

    Args:
        clean: Curves c without question noise, {model: [K]}.
        deviations: Deviations d, {model: [R, K]}; the first J stand for sets, the last I for their resamples.
        quiet: Removes the question noise from curves {model: [J, K]}.
        scored: Scores {score: [...]} of curves {model: [..., K]}.
        methods: Method of each score.
        level: Level of the intervals, `methods.small_sample_level`.
    """
    drawn = {name: np.round(clean[name] + d, EXACT) for name, d in deviations.items()}
    sets = {name: values[:SETS] for name, values in drawn.items()}
    again = {name: d[-RESAMPLES:, None] for name, d in deviations.items()}
    calm = quiet(sets)
    aims, estimates = scored(drawn), scored(sets)
    forward = scored({name: np.round(values + again[name], EXACT) for name, values in sets.items()})
    denoised = scored({name: np.round(calm[name] + again[name], EXACT) for name in sets})
    found = {}
    for score, method in methods.items():
        of_sets = Replicates(estimates[score], _filled(forward[score]), _filled(denoised[score]))
        low, high = METHODS[method](of_sets, level)
        aim = float("nan") if np.isnan(aims[score]).all() else np.nanmean(aims[score])
        needs = required_scale((low, of_sets.estimate, high), aim, RANGES[score])
        known = needs[np.isfinite(needs)]
        found[score] = (
            float(np.clip(np.quantile(known, LEVEL), *BOUNDS)) if len(known) >= MIN_SETS else float("nan")
        )
    return found


def required_scale(
    ends: tuple[ArrayLike, ArrayLike, ArrayLike], target_coverage: ArrayLike, allowed: tuple[float, float]
) -> Floats:
    """Smallest scale at which an interval (low, estimate, high) holds the target value.

    The interval is taken before it is cut at the score's bounds, which scaling does not move, and with the
    grain (`methods.GRAIN`) of a bounded score.

    Args:
        ends: Lower end [...], estimate [...] and upper end [...] of the interval.
        target_coverage: Value [...] that the interval has to hold, in the score's unit.
        allowed: Lowest and highest value that the score may have.

    Returns:
        Factor [...] on the distance from the estimate to the end, at least 0; NaN where an input is NaN.
    """
    low, estimate, high = (np.asarray(end, dtype=np.float64) for end in ends)
    exact = np.asarray(target_coverage, dtype=np.float64)
    reach = np.maximum(np.where(exact > estimate, high - estimate, estimate - low), _NEVER_ZERO)
    grain = GRAIN if np.isfinite(allowed).all() else 0.0
    return np.maximum(0.0, np.abs(exact - estimate) - grain) / reach


def _filled(samples: Floats) -> Floats:
    """Samples [I, J] with undefined scores replaced by their set's mean, for methods that need a spread."""
    known = ~np.isnan(samples)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, samples, 0.0).sum(axis=0) / known.sum(axis=0)
    return np.where(known, samples, mean)
