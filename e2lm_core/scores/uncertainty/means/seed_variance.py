"""Seed variance of a model's mean.

    t^2 = mean over pairs of replicates and checkpoints near a step of ((m_1 - m_2)^2 - DEFF s_12^2 / Q) / 2
    seeds^2 = t^2 - checkpoints^2
    SE^2 = e^2 + max(0, m raw - min(m (raw - t^2), e^2))

with m_1, m_2 the means of two models that differ only by their seed, s_12 the deviation of their paired
difference over Q questions, checkpoints the checkpoint noise of `methods.wiggle`, e the standard error of the
questions, raw the t^2 with its question noise, and m the number of models. A comparison of two models carries
2 t^2 on top of the variance of its questions, for any number of questions, with as many degrees of freedom f
as there are replicates less families. A negative t^2 is set to 0: variance that questions explain is no
training noise.

Satterthwaite's degrees of the sum treat the variance that replicates show as the true one. If few of them
show too little by chance, both the error and the trust in it are wrong: two models that do not differ are
found different in 8% of cases with f = 2, and in 13% with f = 1. The degrees are therefore those of
replicates that show (1 + 10 / f) times as much. The rate is then 5% at most from two degrees on, and 5.5%
with one, for any t (`tests/scores/uncertainty/means/test_seed_variance.py`).

Sources: Brennan 2001, Generalizability Theory; Madaan et al. 2024, arXiv 2406.10229; Satterthwaite 1946 for
the degrees of freedom of a sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty.means.clusters import design_effect

CAUTION = 10.0
NEARBY = 2.0  # replicates are compared at checkpoints up to so many times nearer or further in training


@dataclass(frozen=True)
class Family:
    """One architecture trained from several seeds.

    Attributes:
        name: Name of the model that the others are seeds of.
        variance: t^2 and half of (m_1 - m_2)^2, both means over pairs, by step.
        freedom: Number of replicates less one.
    """

    name: str
    variance: dict[int, tuple[float, float]]
    freedom: int


class SeedDeviation(NamedTuple):
    """Standard deviation between seeds near a step.

    Attributes:
        sd: The standard deviation t in the metric's unit; None where no replicates are near.
        freedom: Its degrees of freedom, 0 where no replicates are near.
        raw: Variance with question noise, half of (m_1 - m_2)^2, that t was found in.
    """

    sd: float | None
    freedom: float
    raw: float


@dataclass(frozen=True)
class SeedVariance:
    """Variance between seeds of the measured models.

    Attributes:
        families: Models trained from several seeds; empty where there is none.
    """

    families: tuple[Family, ...]

    def deviation_at(self, step: int) -> SeedDeviation:
        """Standard deviation between seeds of a mean, from checkpoints near a step of training."""
        near = [
            (family.freedom, [v for k, v in family.variance.items() if step / NEARBY <= k <= step * NEARBY])
            for family in self.families
        ]
        known = [(freedom, np.mean(values, axis=0)) for freedom, values in near if values]
        if not known:
            return SeedDeviation(None, 0.0, 0.0)
        degrees = sum(own for own, _ in known)
        variance, raw = sum(own * value for own, value in known) / degrees
        return SeedDeviation(math.sqrt(max(0.0, float(variance))), float(degrees), float(raw))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models that were trained from several seeds."""
        return tuple(family.name for family in self.families)


def estimate_seed_variance(measurements: Measurements, metric: str) -> SeedVariance:
    """Seed variance of a metric, from measured models that are named as other seeds of one model."""
    members: dict[str, list[ModelCurve]] = {}
    for curve in measurements.curves:
        members.setdefault(curve.model.seed_of or curve.model.name, []).append(curve)
    families = []
    for name, curves in members.items():
        per_step: dict[int, list[tuple[float, float]]] = {}
        for one, other in combinations(curves, 2):
            for step, found in _variances(measurements, metric, one, other):
                per_step.setdefault(step, []).append(found)
        if per_step:
            means = {step: np.mean(found, axis=0) for step, found in per_step.items()}
            variance = {step: (float(mean[0]), float(mean[1])) for step, mean in means.items()}
            families.append(Family(name, variance, len(curves) - 1))
    return SeedVariance(tuple(families))


def _variances(
    measurements: Measurements, metric: str, one: ModelCurve, other: ModelCurve
) -> list[tuple[int, tuple[float, float]]]:
    """Pairs (step, (t^2, half of (m_1 - m_2)^2)) of every complete checkpoint that two replicates share."""
    values, others = (measurements.per_question[c.model.name][metric] for c in (one, other))
    found = []
    for step in np.intersect1d(one.steps, other.steps):
        apart = values[one.steps == step][0] - others[other.steps == step][0]
        if np.isfinite(apart).all() and len(apart) > 1:
            noise = design_effect(apart, measurements.groups) * apart.var(ddof=1) / len(apart)
            raw = float(apart.mean() ** 2)
            found.append((int(step), ((raw - float(noise)) / 2, raw / 2)))
    return found


def satterthwaite_freedom(total: float, parts: Sequence[tuple[float, float]]) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances: total^2 / sum of v^2 / f.

    The question noise that was subtracted from a part counts in it here: a t of 0 from few replicates is not
    known to be 0.

    Args:
        total: The variance.
        parts: Its parts, each (variance v, degrees of freedom f).

    Returns:
        Degrees of freedom; infinite where every part that varies is known exactly.
    """
    uncertain = sum(variance**2 / f for variance, f in parts if variance > 0 and np.isfinite(f))
    return total**2 / uncertain if uncertain > 0 else math.inf


def training_noise_factor(degrees: float) -> float:
    """Factor on the training noise that replicates show, for the degrees of freedom: 1 + 10 / degrees.

    It is 1 without replicates (0 degrees).
    """
    return 1.0 + CAUTION / degrees if degrees else 1.0


def total_error(
    error: Floats, degrees: float, seed_deviation: Sequence[SeedDeviation], models: int
) -> tuple[Floats, Floats]:
    """Standard errors that include training noise, with their degrees of freedom.

    Of the variance that replicates show, question noise of at most e^2 is subtracted: a total below their
    variance would have fewer degrees than they have.

    Args:
        error: Standard error e [K] of the questions.
        degrees: Its degrees of freedom.
        seed_deviation: Deviation between seeds at each checkpoint [K].
        models: Number of models m in the quantity: 1 for a mean, 2 for a difference.

    Returns:
        Standard errors [K] and their degrees of freedom [K]; where no replicates are near, those of the
        questions.
    """
    errors, freedoms = [], []
    for own, again in zip(error, seed_deviation, strict=True):
        shown = models * again.raw
        known = min(shown - models * (again.sd or 0.0) ** 2, own**2)
        errors.append(math.sqrt(own**2 + max(0.0, shown - known)))
        feared = training_noise_factor(again.freedom) * shown
        parts = [(own**2, degrees), (feared, again.freedom or math.inf)]
        freedoms.append(min(satterthwaite_freedom(own**2 + max(0.0, feared - known), parts), 1e9))
    return np.array(errors), np.array(freedoms)


def p_value(difference: float, error: float, degrees: float) -> float:
    """Two-sided p-value of no difference: the probability of so large a |difference| / error.

    Args:
        difference: The difference.
        error: Its standard error.
        degrees: Degrees of freedom of the error.

    Returns:
        p-value in [0, 1]; 1 where the error is 0 or NaN.
    """
    return float(p_values(difference, error, degrees))


def p_values(centre: ArrayLike, error: ArrayLike, degrees: ArrayLike) -> Floats:
    """Two-sided p-values [K] of no difference, see `p_value`.

    Args:
        centre: Differences [K].
        error: Their standard errors [K].
        degrees: Degrees of freedom, [K] or one number.
    """
    spread = np.asarray(error, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 2 * stdtr(np.minimum(degrees, 1e9), -np.abs(centre) / spread)
    return np.where(spread > 0, found, 1.0)
