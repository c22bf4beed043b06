"""Seed variance of a model's mean.

    t_F^2 = mean over pairs of replicates of family F, at a step, of ((m_1 - m_2)^2 - DEFF s_12^2 / Q) / 2
    t^2 = the larger of the mean over all families and the mean over the families of the models compared
    seeds^2 = t^2 - checkpoints^2
    SE^2 = e^2 + max(0, m raw - min(m (raw - t^2), e^2))

with m_1, m_2 the means of two models that differ only by their seed, s_12 the deviation of their paired
difference over Q questions, checkpoints the checkpoint noise of `methods.wiggle`, e the standard error of the
questions, raw the t^2 with its question noise, and m the number of models. A comparison of two models carries
2 t^2 on top of the variance of its questions, for any number of questions. A negative t^2 is set to 0:
variance that questions explain is no training noise.

Families differ in training noise, and it falls with training. One mean over all of them finds two seeds of
the noisiest of six families different in 22% of cases, and two noisy families in 19%. So a step takes the replicates
of that step (between two steps with replicates the noisier one), and a pair takes the noise of its own
families where they show more. A model without seeds takes the noise of the other, else the mean. Before the
first replicate it is not known.

The mean of all families has as many degrees of freedom f as there are replicates less families. That of a
pair's own families has Satterthwaite's degrees squared, at most f: it is taken only where it is the larger
one, so luck seldom makes it too small (`benchmarks/coverage/surely.py`).

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
NEARBY = 2.0  # replicates count at checkpoints up to so many times further in training, or back to others


@dataclass(frozen=True)
class Family:
    """One architecture trained from several seeds.

    Attributes:
        name: Name of the model that the others are seeds of.
        members: Names of its models.
        variance: t^2 and half of (m_1 - m_2)^2, both means over pairs, by step.
        freedom: Number of replicates less one.
    """

    name: str
    members: frozenset[str]
    variance: dict[int, tuple[float, float]]
    freedom: int

    def variance_at(self, step: int) -> tuple[float, float] | None:
        """t^2 and half of (m_1 - m_2)^2 at a step, see the module; None where they are not known.

        Between two steps with replicates it is the larger pair of values, after the last one that of the last.
        It is not known before the first, nor where the nearest is more than `NEARBY` times away.
        """
        before = [known for known in self.variance if known <= step]
        after = [known for known in self.variance if known >= step]
        if not before:
            return None
        around = {max(before), min(after, default=max(before))}
        if not any(step / NEARBY <= known <= step * NEARBY for known in around):
            return None
        return max((self.variance[known] for known in around), key=lambda pair: pair[1])


class SeedDeviation(NamedTuple):
    """Standard deviation between seeds at a step.

    Attributes:
        sd: The standard deviation t in the metric's unit; None where it is not known.
        freedom: Its degrees of freedom, 0 where it is not known.
        raw: Variance with question noise, half of (m_1 - m_2)^2, that t was found in.
        families: Names of the families that it is the noise of.
        own_freedom: Degrees of freedom of each of the compared models' own families, of which the noise would be
            if they showed more.
    """

    sd: float | None
    freedom: float
    raw: float
    families: tuple[str, ...] = ()
    own_freedom: tuple[int, ...] = ()


@dataclass(frozen=True)
class SeedVariance:
    """Variance between seeds of the measured models.

    Attributes:
        families: Models trained from several seeds; empty where there is none.
    """

    families: tuple[Family, ...]

    def deviation_at(self, step: int, *models: str) -> SeedDeviation:
        """Standard deviation between seeds of a mean at a step of training.

        Args:
            step: Step of the checkpoint.
            models: Names of the models compared, one or two; without any the mean over all families.
        """
        known = [(family, found) for family in self.families if (found := family.variance_at(step))]
        if not known:
            return SeedDeviation(None, 0.0, 0.0)
        freedoms = [family.freedom for family, _ in known]
        degrees = float(sum(freedoms))
        variance, raw = np.average([found for _, found in known], axis=0, weights=freedoms)
        of = [family.name for family, _ in known]
        own = [(family, found) for family, found in known if not family.members.isdisjoint(models)]
        if own:
            own_variance, own_raw = np.mean([found for _, found in own], axis=0)
            if own_raw > raw:
                parts = [(found[1], float(family.freedom)) for family, found in own]
                freedom = satterthwaite_freedom(float(own_raw) * len(own), parts)
                variance, raw, degrees = own_variance, own_raw, min(degrees, freedom**2)
                own, of = [], [family.name for family, _ in own]
        own_freedom = tuple(family.freedom for family, _ in own)
        return SeedDeviation(
            math.sqrt(max(0.0, float(variance))), degrees, float(raw), tuple(of), own_freedom
        )


def estimate_seed_variance(measurements: Measurements, metric: str) -> SeedVariance:
    """Seed variance of a metric, from measured models that are named as other seeds of one model.

    Models whose data order or initial weights alone differ take no part: they move less than a model trained again.
    """
    members: dict[str, list[ModelCurve]] = {}
    for curve in measurements.curves:
        if curve.model.is_partial_seed:
            continue
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
            own = frozenset(curve.model.name for curve in curves)
            families.append(Family(name, own, variance, len(curves) - 1))
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
        Standard errors [K] and their degrees of freedom [K]; where training noise is not known, those of the
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
