"""Seed variance of a model's mean.

    t^2 = mean over pairs of replicates and checkpoints near a step of ((m_1 - m_2)^2 - DEFF s_12^2 / Q) / 2
    seeds^2 = t^2 - checkpoints^2,      checkpoints as `methods.wiggle` has it
    SE^2 = e^2 + max(0, m raw - min(m (raw - t^2), e^2)),      raw: t^2 with its question noise, m: how many models

with m the means of two models that differ by their seed alone, s_12 the deviation of their paired difference over Q
questions. t is what a comparison of two models carries on top of its questions, whatever their number: 2 t^2, of as
many degrees of freedom f as there are replicates less families. A negative t^2 is 0: what questions explain is no
training noise.

Satterthwaite's degrees of the sum take for true what the replicates show. Where few of them show too little by luck, both
the error and the trust in it are wrong: of two models that do not differ 8% are told apart with f = 2, and 13% with
f = 1. So the degrees are those of replicates that show (1 + 10 / f) times as much, at which it is 5% at most from two
degrees on, and 5.5% with one, whatever t is (`tests/scores/uncertainty/means/test_seed_variance.py`).

Sources: Brennan 2001, Generalizability Theory; Madaan et al. 2024, arXiv 2406.10229; Satterthwaite 1946 for the degrees
of freedom of a sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty.means.clusters import design_effect

CAUTION = 10.0
NEARBY = 2.0  # replicates are compared at checkpoints up to so many times nearer or further in training


@dataclass(frozen=True)
class Family:
    """One architecture trained more than once: `variance` {step: (t^2, half of (m_1 - m_2)^2)}, of `freedom` replicates
    less one."""

    name: str
    variance: dict[int, tuple[float, float]]
    freedom: int


class SeedDeviation(NamedTuple):
    """Near a step: `sd`, t, None where no replicates are near; of `freedom` degrees, found in a `raw` variance (half of
    (m_1 - m_2)^2) that holds question noise too."""

    sd: float | None
    freedom: float
    raw: float


@dataclass(frozen=True)
class SeedVariance:
    """What is known of training again; `families` is empty where no model was trained twice."""

    families: tuple[Family, ...]

    def deviation_at(self, step: int) -> SeedDeviation:
        """How far training again moves a mean near a step of training."""
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
        """The models that were trained more than once."""
        return tuple(family.name for family in self.families)


def estimate_seed_variance(measurements: Measurements, metric: str) -> SeedVariance:
    """From the replicates among the measured models: those that are named as further seeds of another."""
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
    """(step, (t^2, half of (m_1 - m_2)^2)) of every complete checkpoint that two replicates share."""
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
    """Satterthwaite's degrees of freedom of a `total` variance that is made of parts, each (variance, its degrees).

    total^2 / sum of v^2 / f; infinite where nothing varies that is not known. What was taken off a part as question
    noise is in it still: a t of 0 that few replicates show is not known to be 0.
    """
    uncertain = sum(variance**2 / f for variance, f in parts if variance > 0 and np.isfinite(f))
    return total**2 / uncertain if uncertain > 0 else math.inf


def training_noise_factor(degrees: float) -> float:
    """How many times as much training noise as replicates of so many degrees show is reckoned with in the degrees."""
    return 1.0 + CAUTION / degrees if degrees else 1.0


def total_error(
    error: Floats, degrees: float, seed_deviation: Sequence[SeedDeviation], models: int
) -> tuple[Floats, Floats]:
    """Standard errors [K] of `degrees` with training again of so many models in them, where known, and their degrees.

    Of what replicates show, question noise of at most e^2 is taken off: a total below their variance would have fewer
    degrees than they have.
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
    """Two-sided: the chance of so large a |difference| / error where there is none; 1 where there is no error to go by."""
    if not error > 0:
        return 1.0
    return float(2 * stdtr(min(degrees, 1e9), -abs(difference) / error))


def p_values(centre: Floats, error: Floats, degrees: Floats | float) -> Floats:
    """`p_value` of each of [K]."""
    each = np.broadcast_to(np.asarray(degrees, dtype=np.float64), centre.shape)
    return np.array([p_value(c, e, f) for c, e, f in zip(centre, error, each, strict=True)])
