"""Interval calibration by the double bootstrap.

    c       the measured curves without the noise of the questions, which stand for the source
    y_j     c + d_j, the curves of another set of as many questions from it
    aim     mean S(c + d), what a fresh set from it gets
    need_j  the scale from which on the interval of y_j, made of y_j alone, holds the aim
    scale   the 95% quantile of need_j

What an interval needs depends on what learners are like: whether curves rise, how far models stand apart, whether answers
linger from checkpoint to checkpoint. The set shows it in c and in the resampled deviations d, which hang together along
checkpoints and between models as its answers do; so it is asked there and not of a table of learners.

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
FEWEST = SETS // 2  # sets in which a score is defined
# A set that no resample moves asks for none of its reach, and one of whose sets some are moved by none for any.
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
    """{score: the scale at which `methods` {score: method} hold}, NaN where too few sets have the score.

    Args:
        clean: {model: [K]} the curves c; deviations: {model: [R, K]} d, of which the first J are sets and the last I their
            resamples; quiet: takes the noise of questions out of curves [J, K]; scored: {score: [...]} of curves [..., K].
        level: of the intervals, `methods.small_sample_level`.
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
        of_sets = Replicates(estimates[score], _filled(forward[score]), denoised=_filled(denoised[score]))
        low, high = METHODS[method](of_sets, level)
        aim = float("nan") if np.isnan(aims[score]).all() else np.nanmean(aims[score])
        needs = required_scale((low, of_sets.estimate, high), aim, RANGES[score])
        known = needs[np.isfinite(needs)]
        found[score] = (
            float(np.clip(np.quantile(known, LEVEL), *BOUNDS)) if len(known) >= FEWEST else float("nan")
        )
    return found


def required_scale(
    ends: tuple[ArrayLike, ArrayLike, ArrayLike], target_coverage: ArrayLike, allowed: tuple[float, float]
) -> Floats:
    """The scale from which on an interval (low, estimate, high) holds `aim`: before it is cut at the score's bounds, which
    scaling leaves as it is, and with the grain of a bounded score."""
    low, estimate, high = (np.asarray(end, dtype=np.float64) for end in ends)
    exact = np.asarray(target_coverage, dtype=np.float64)
    reach = np.maximum(np.where(exact > estimate, high - estimate, estimate - low), _NEVER_ZERO)
    grain = GRAIN if np.isfinite(allowed).all() else 0.0
    return np.maximum(0.0, np.abs(exact - estimate) - grain) / reach


def _filled(samples: Floats) -> Floats:
    """[I, J] with the mean of a set's resamples where the score is undefined: here it is a spread that is asked for."""
    known = ~np.isnan(samples)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, samples, 0.0).sum(axis=0) / known.sum(axis=0)
    return np.where(known, samples, mean)
