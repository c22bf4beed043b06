"""The chance of telling two models apart, how many questions that takes, and what no number of them can tell.

    SE(n)    = sqrt(DEFF s^2 / n + 2 t^2)
    power(n) = Phi(|d| / SE - z) + Phi(-|d| / SE - z),      z = Phi^-1(.975)
    MDD(n)   = (z + Phi^-1(.80)) SE(n)

with d the difference of the two models' means at a checkpoint, s the standard deviation over questions of their
paired difference, DEFF the design effect of questions that come in groups, and t the standard deviation of a model's
mean over retrainings (other seeds), taken from replicates where there are any. Two models that retraining moves by as
much as they differ are told apart by no number of questions.

Sources: Card et al., EMNLP 2020 (With little power comes great responsibility); Miller 2024, arXiv 2411.00640.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from e2lm_core.analysis.plan.plan import nearest
from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS, Record
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.metrics import oriented

WANTED = 0.9
DETECTED = 0.8  # the power at which a difference counts as detectable
_Z = float(norm.ppf(0.975))
_NEARBY = 2.0  # replicates are compared at checkpoints up to so many times nearer or further in training


class Spread(Record):
    """What the means of two models and their difference rest on: d, s, DEFF and t of the module's formulas.

    `training_sd` is None where no model has been trained twice, which leaves it out of every number.
    """

    difference: float
    questions_sd: float
    design_effect: float
    training_sd: float | None

    def error(self, questions: float) -> float:
        """SE(n) of the difference with so many questions."""
        training = 2 * (self.training_sd or 0.0) ** 2
        return math.sqrt(self.design_effect * self.questions_sd**2 / questions + training)

    def power(self, questions: float) -> float:
        """The chance that a 95% test with so many questions parts the two; .05 where they do not differ."""
        error = self.error(questions)
        if error == 0:
            return 1.0 if self.difference else 0.05
        ratio = abs(self.difference) / error
        return float(norm.cdf(ratio - _Z) + norm.cdf(-ratio - _Z))

    def detectable(self, questions: float) -> float:
        """The smallest difference that so many questions tell in 80% of cases."""
        return (_Z + float(norm.ppf(DETECTED))) * self.error(questions)

    def needed(self, wanted: float = WANTED) -> int | None:
        """The smallest n with that power, at least 2; None where no number of questions has it."""
        if not self.difference:
            return None
        ratio = brentq(lambda r: norm.cdf(r - _Z) + norm.cdf(-r - _Z) - wanted, 0.0, 20.0)
        left = (self.difference / ratio) ** 2 - 2 * (self.training_sd or 0.0) ** 2
        if left <= 0:
            return None
        # Rounded, so that what comes out whole on paper is not one more here.
        return max(2, math.ceil(round(self.design_effect * self.questions_sd**2 / left, 9)))


class Power(Record):
    """Two models at a checkpoint, told apart by `questions`: the chance of it, and how many it takes for `wanted`.

    `replicated` names the models that were trained more than once, from which the noise of retraining is known: other
    models are taken to be moved as they are.
    """

    first: str
    second: str
    metric: str
    step: int
    tokens_seen: float | None
    questions: int
    measured: int
    spread: Spread
    power: float
    detectable: float
    wanted: float
    needed: int | None
    replicated: tuple[str, ...] = ()


def power(
    measurements: Measurements,
    metric: str,
    models: Sequence[str] = (),
    tokens: float | None = None,
    questions: int | None = None,
    wanted: float = WANTED,
) -> Power:
    """The power of the set, or of one with `questions` like its own, to tell two models apart.

    `models` are two names, by default the nearest two at the end; `tokens` chooses the checkpoint that both have with
    the nearest tokens_seen, by default their last. Raises StudioError where that cannot be.
    """
    _check(metric, questions, wanted)
    names = list(models) or list(nearest(measurements, metric))
    if len(names) != 2 or names[0] == names[1]:
        raise StudioError(f"Power is of two models, and {phrasing.count(len(set(names)), 'model')} is named.")
    first, second = (_named(measurements, name) for name in names)
    at_first, at_second = _place(measurements, metric, first, second, tokens)
    values = [
        oriented(metric, measurements.per_question[curve.model.name][metric][at])
        for curve, at in ((first, at_first), (second, at_second))
    ]
    if len(values[0]) < 2:
        raise StudioError("Power needs the spread between questions, and fewer than two are measured.")
    apart = values[0] - values[1]
    step = int(first.steps[at_first])
    spread = Spread(
        difference=float(apart.mean()),
        questions_sd=float(apart.std(ddof=1)),
        design_effect=design_effect(apart, measurements.groups),
        training_sd=training_sd(measurements, metric, step),
    )
    number = questions or len(apart)
    seen = float(first.tokens_seen[at_first])
    return Power(
        first=names[0],
        second=names[1],
        metric=metric,
        step=step,
        tokens_seen=seen if math.isfinite(seen) else None,
        questions=number,
        measured=len(apart),
        spread=spread,
        power=spread.power(number),
        detectable=spread.detectable(number),
        wanted=wanted,
        needed=spread.needed(wanted),
        replicated=tuple(dict.fromkeys(c.model.seed_of for c in measurements.curves if c.model.seed_of)),
    )


def design_effect(values: Floats, groups: Sequence[str | None]) -> float:
    """Variance of the mean of values [Q] with groups kept whole, over that of independent questions; 1 without groups.

    sum over groups of (sum of a group's deviations)^2 / sum of squared deviations. Not below 1: fewer groups than
    questions cannot be surer.
    """
    deviations = values - values.mean()
    total = float((deviations**2).sum())
    if not any(groups) or total == 0:
        return 1.0
    sums: dict[object, float] = {}
    for place, (group, deviation) in enumerate(zip(groups, deviations, strict=True)):
        key = group or place
        sums[key] = sums.get(key, 0.0) + float(deviation)
    return max(1.0, sum(value**2 for value in sums.values()) / total)


def training_sd(measurements: Measurements, metric: str, step: int) -> float | None:
    """t: how far retraining moves a model's mean, pooled over pairs of replicates near a step; None without replicates.

    t^2 = mean over pairs and checkpoints of ((m_1 - m_2)^2 - DEFF s^2 / Q) / 2, and 0 where that is negative: what
    question noise alone explains is no training noise.
    """
    families: dict[str, list[ModelCurve]] = {}
    for curve in measurements.curves:
        families.setdefault(curve.model.seed_of or curve.model.name, []).append(curve)
    parts = []
    for one, other in (pair for curves in families.values() for pair in combinations(curves, 2)):
        for at, k in enumerate(one.steps):
            if not step / _NEARBY <= k <= step * _NEARBY:
                continue
            for same in np.flatnonzero(other.steps == k):
                apart = (
                    measurements.per_question[one.model.name][metric][at]
                    - measurements.per_question[other.model.name][metric][same]
                )
                if np.isfinite(apart).all() and len(apart) > 1:
                    noise = design_effect(apart, measurements.groups) * apart.var(ddof=1) / len(apart)
                    parts.append((apart.mean() ** 2 - noise) / 2)
    return math.sqrt(max(0.0, float(np.mean(parts)))) if parts else None


def _check(metric: str, questions: int | None, wanted: float) -> None:
    if metric not in METRICS:
        raise StudioError(f"The metric {metric!r} does not exist: use one of {', '.join(METRICS)}.")
    if questions is not None and questions < 2:
        raise StudioError(f"Power cannot be planned for {questions} questions: use 2 or more.")
    if not 0.05 < wanted < 1:
        raise StudioError(f"A power of {wanted:g} cannot be planned for: use a share between 0.05 and 1.")


def _named(measurements: Measurements, name: str) -> ModelCurve:
    for curve in measurements.curves:
        if name in (curve.model.name, curve.model.short_name):
            return curve
    known = ", ".join(measurements.per_question) or "none"
    raise StudioError(
        f"The model {phrasing.quoted(name)} is not among those of this run: use one of {known}."
    )


def _place(
    measurements: Measurements, metric: str, first: ModelCurve, second: ModelCurve, tokens: float | None
) -> tuple[int, int]:
    """Where in each model's curve the checkpoint is that both have complete."""
    complete = [
        {
            int(step): at
            for at, step in enumerate(curve.steps)
            if np.isfinite(measurements.values(curve.model.name, metric)[at])
        }
        for curve in (first, second)
    ]
    shared = sorted(complete[0].keys() & complete[1].keys())
    if not shared:
        raise StudioError(
            f"{first.model.name} and {second.model.name} share no complete checkpoint: run both on the same ones."
        )
    step = shared[-1]
    if tokens is not None:
        seen = {step: float(first.tokens_seen[complete[0][step]]) for step in shared}
        known = [step for step in shared if math.isfinite(seen[step])]
        if not known:
            raise StudioError(
                "The tokens seen by these checkpoints are not known: leave the token count out."
            )
        step = min(known, key=lambda k: abs(seen[k] - tokens))
    return complete[0][step], complete[1][step]
