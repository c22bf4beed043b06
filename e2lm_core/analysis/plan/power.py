"""Power analysis: probability of separating two models, required questions, detectable difference.

    SE(n)    = sqrt(DEFF s^2 / n + 2 t^2)
    power(n) = E P(|Z + |d| / SE(n)| > q(g) W / SE(n)),   q(g) = t_g^-1(.975),   Z normal, and in the test
               V = SE(n)^2 chi^2_f / f,   W^2 = max(V, DEFF s^2 / n),   g = f (W^2 + (k - 1) V)^2 / (k V)^2
    MDD(n)   = the |d| at which power(n) is .80

with d the difference of the two models' means at a checkpoint, s the standard deviation over questions of
their paired difference, DEFF the design effect of grouped questions, and t the standard deviation of a
model's mean over seeds (`seed_variance`), estimated from replicates if there are any. With few replicates f
is small. V is the variance that the replicates show, question noise and t together, and E is the expectation
over it, since the test (`curves.onsets`) knows no more than V. The test takes no less than the questions' own
part, and has g degrees of freedom, with k = 1 + 10 / f (`seed_variance.training_noise_factor`). Where the two
models have other seeds themselves, V is the larger of what these and what all replicates show. If training
noise is as large as the difference of two models, no number of questions tells them apart.

Sources: Card et al., EMNLP 2020 (With little power comes great responsibility); Miller 2024, arXiv
2411.00640.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm, t

from e2lm_core.analysis.plan.plan import closest_pair
from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import BOUNDED_METRICS, METRICS, Record
from e2lm_core.base.sentences import NONE, Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.metrics import oriented
from e2lm_core.scores.uncertainty.means import seed_variance
from e2lm_core.scores.uncertainty.means.clusters import design_effect

WANTED = 0.9
DETECTED = 0.8  # the power at which a difference counts as detectable
_MANY = 1e6  # degrees of freedom from which Student's distribution is practically normal
_MAX_QUESTIONS = 10**9
ABOUT = 2  # factor by which tokens asked for may lie outside those of the checkpoints
_SHARES = (np.arange(1000) + 0.5) / 1000


class VarianceComponents(Record):
    """Variance components of the difference of two models: d, s, DEFF and t of the module's formulas.

    Attributes:
        difference: d, in the metric's unit.
        questions_sd: s, the standard deviation over questions of the paired difference.
        design_effect: DEFF of grouped questions.
        training_sd: t; None if no other seed has results there, which leaves it out of every number.
        training_freedom: Degrees of freedom of t.
        own_freedom: Degrees of freedom of the two models' own seeds, see `seed_variance.SeedDeviation`.
    """

    difference: float
    questions_sd: float
    design_effect: float
    training_sd: float | None
    training_freedom: float = math.inf
    own_freedom: tuple[int, ...] = ()

    def _parts(self, questions: float) -> tuple[float, float]:
        return self.design_effect * self.questions_sd**2 / questions, 2 * (self.training_sd or 0.0) ** 2

    def standard_error(self, questions: float) -> float:
        """SE(n) of the difference with n questions."""
        return math.sqrt(sum(self._parts(questions)))

    def power(self, questions: float) -> float:
        """Power of a 95% test with n questions; at most .05 for two equal models."""
        error = self.standard_error(questions)
        if error == 0:
            return 1.0 if self.difference else 0.05
        return self._told(abs(self.difference) / error, self._known(questions))

    def detectable_difference(self, questions: float) -> float:
        """Smallest difference that n questions detect with 80% power."""
        known = self._known(questions)
        return self.standard_error(questions) * float(
            brentq(lambda r: self._told(r, known) - DETECTED, 0.0, 200.0)
        )

    def _told(self, ratio: float, known: float) -> float:
        return _told(ratio, known, self.training_freedom, self.own_freedom)

    def _known(self, questions: float) -> float:
        """Share of the variance due to questions, which the test knows."""
        of_questions, of_training = self._parts(questions)
        total = of_questions + of_training
        return of_questions / total if total else 0.0

    def required_questions(self, wanted: float = WANTED) -> int | None:
        """Smallest n with the wanted power, at least 2; None if no number of questions has it."""
        if not self.difference or self.power(_MAX_QUESTIONS) < wanted:
            return None
        low, high = 1, 2
        while self.power(high) < wanted:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.power(middle) >= wanted else (middle, high)
        return high


@cache
def _shown(degrees: float, own: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Variances that replicates may show, as shares of the true one, and their degrees of freedom.

    Args:
        degrees: Degrees of freedom of all replicates.
        own: Those of the compared models' own families among them.

    Returns:
        Variances [B] and degrees of freedom [B].
    """
    if not own:
        return chi2.ppf(_SHARES, degrees) / degrees, np.full(len(_SHARES), degrees)
    others = degrees - sum(own)
    parts = np.array([*own, others] if others else own, dtype=np.float64)[:, None]
    drawn = np.random.default_rng(0).permuted(np.tile(_SHARES, (len(parts), 1)), axis=1)
    shown = chi2.ppf(drawn, parts) / parts
    mine, freedoms = shown[: len(own)], parts[: len(own)]
    of_all, of_own = (parts * shown).sum(axis=0) / degrees, mine.mean(axis=0)
    satterthwaite = mine.sum(axis=0) ** 2 / (mine**2 / freedoms).sum(axis=0)
    larger = of_own > of_all
    freedom = np.where(larger, np.minimum(degrees, satterthwaite**2), degrees)
    return np.where(larger, of_own, of_all), freedom


def _told(ratio: float, known: float, degrees: float, own: tuple[int, ...] = ()) -> float:
    """Power for a difference of `ratio` standard errors, with a known share of the variance."""
    if degrees >= _MANY:
        bound = np.array([t.ppf(0.975, _MANY)])
    else:  # the mean over the variances that replicates with these degrees of freedom may show
        found, freedom = _shown(degrees, own)
        judged = np.maximum(found, known)
        feared = (1.0 + seed_variance.CAUTION / freedom) * found
        freedom = freedom * ((feared + judged - found) / feared) ** 2
        bound = t.ppf(0.975, np.minimum(freedom, _MANY)) * np.sqrt(judged)
    return float((norm.cdf(ratio - bound) + norm.cdf(-ratio - bound)).mean())


class Power(Record):
    """Power of a set to tell two models apart at a checkpoint.

    Attributes:
        first: Name of one model.
        second: Name of the other model.
        metric: Metric of the difference.
        step: Step of the checkpoint.
        tokens_seen: Tokens of the checkpoint; None if unknown.
        questions: Number of questions of the analysis.
        measured: Number of measured questions.
        spread: Variance components of the difference.
        power: Power with `questions`.
        detectable: Smallest difference detected with 80% power, in the metric's unit.
        wanted: Wanted power.
        needed: Questions needed for the wanted power; None if no number is enough.
        replicated: Models trained from several seeds whose training noise is taken (`seed_variance`).
        assumed: The difference was given instead of measured.
        between: Power at the ends of the 95% interval of the measured difference, lower first; None for a
            given one.
        with_training_noise: Whether training noise is taken, where it is known.
    """

    first: str
    second: str
    metric: str
    step: int
    tokens_seen: float | None
    questions: int
    measured: int
    spread: VarianceComponents
    power: float
    detectable: float
    wanted: float
    needed: int | None
    replicated: tuple[str, ...] = ()
    assumed: bool = False
    between: tuple[float, float] | None = None
    with_training_noise: bool = True


def compute_power(
    measurements: Measurements,
    metric: str,
    models: Sequence[str] = (),
    tokens_seen: float | None = None,
    questions: int | None = None,
    difference: float | None = None,
    with_training_noise: bool = True,
) -> Power:
    """Power of the set, or of a set of `questions` like its own, to tell two models apart.

    Args:
        measurements: Results of the set.
        metric: Metric of the difference.
        models: Names of two models; by default those of `closest_pair`.
        tokens_seen: Choose the common complete checkpoint nearest to these tokens; by default the last one.
        questions: Number of questions; by default that of the set.
        difference: Difference to assume, in the metric's unit; by default the measured one.
        with_training_noise: Take the models as newly trained; else as these same models.

    Raises:
        StudioError: The metric or a model does not exist; other than two distinct models are named;
            `questions` or the measured questions are fewer than 2, or `questions` beyond reason; `difference`
            is 0, not finite or out of the metric's range; the models share no complete checkpoint;
            `tokens_seen` is given and far from all checkpoints', or theirs are unknown.
    """
    _check(metric, questions, difference)
    names = list(models) or list(closest_pair(measurements, metric))
    if len(names) < 2 and not models:
        raise StudioError(
            Sentence("Power is of two models, and these results are of fewer: run another model too.")
        )
    if len(names) != 2 or names[0] == names[1]:
        raise StudioError(Sentence("Power is of two models: name two, each once."))
    first, second = (_named(measurements, name) for name in names)
    at_first, at_second = _place(measurements, metric, first, second, tokens_seen)
    values = [
        oriented(metric, measurements.per_question[curve.model.name][metric][at])
        for curve, at in ((first, at_first), (second, at_second))
    ]
    if len(values[0]) < 2:
        raise StudioError(
            Sentence("Power needs the spread between questions, and fewer than two are measured.")
        )
    apart = values[0] - values[1]
    step = int(first.steps[at_first])
    again = seed_variance.SeedVariance(())  # its deviation is unknown
    if with_training_noise:
        again = seed_variance.estimate_seed_variance(measurements, metric)
    moved = again.deviation_at(step, first.model.name, second.model.name)
    spread = VarianceComponents(
        difference=float(apart.mean()) if difference is None else difference,
        questions_sd=float(apart.std(ddof=1)),
        design_effect=design_effect(apart, measurements.resampling_groups),
        training_sd=moved.sd,
        training_freedom=math.inf if moved.sd is None else moved.freedom,
        own_freedom=moved.own_freedom,
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
        detectable=spread.detectable_difference(number),
        wanted=WANTED,
        needed=spread.required_questions(WANTED),
        replicated=moved.families,
        assumed=difference is not None,
        between=_between(spread, len(apart), number) if difference is None else None,
        with_training_noise=with_training_noise,
    )


def _between(spread: VarianceComponents, measured: int, questions: int) -> tuple[float, float]:
    """Power at the ends of the 95% interval of the measured difference; at 0 if the interval contains 0."""
    reach = float(t.ppf(0.975, min(spread.training_freedom, _MANY))) * spread.standard_error(measured)
    size = abs(spread.difference)
    low, high = (
        spread.model_copy(update={"difference": d}).power(questions)
        for d in (max(0.0, size - reach), size + reach)
    )
    return low, high


def _check(metric: str, questions: int | None, difference: float | None) -> None:
    if metric not in METRICS:
        raise StudioError(
            Sentence(
                "The metric {metric} does not exist: use one of {metrics}.",
                metric=repr(metric),
                metrics=", ".join(METRICS),
            )
        )
    if questions is not None and questions < 2:
        raise StudioError(
            Sentence("Power cannot be planned for {questions} questions: use 2 or more.", questions=questions)
        )
    if questions is not None and questions > _MAX_QUESTIONS:
        raise StudioError(
            Sentence(
                "Power cannot be planned for {questions} questions: use {most} at most.",
                questions=questions,
                most=_MAX_QUESTIONS,
            )
        )
    if difference is not None and not (math.isfinite(difference) and difference):
        raise StudioError(
            Sentence(
                "A difference of {difference} cannot be planned for: give one that is not 0.",
                difference=f"{difference:g}",
            )
        )
    if difference is not None and metric in BOUNDED_METRICS and abs(difference) > 1:
        raise StudioError(
            Sentence(
                "A difference of {difference} cannot be planned for: this metric is between 0 and 1, so give at most 1 (a "
                "point is 0.01).",
                difference=f"{difference:g}",
            )
        )


def _named(measurements: Measurements, name: str) -> ModelCurve:
    for curve in measurements.curves:
        if name in (curve.model.name, curve.model.short_name):
            return curve
    known = ", ".join(measurements.per_question) or NONE
    raise StudioError(
        Sentence(
            "The model {name} is not among those of this run: use one of {known}.",
            name=formatting.quote(name),
            known=known,
        )
    )


def _place(
    measurements: Measurements, metric: str, first: ModelCurve, second: ModelCurve, tokens: float | None
) -> tuple[int, int]:
    """Index of the common complete checkpoint in each of two models' curves."""
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
            Sentence(
                "{first} and {second} share no complete checkpoint: run both on the same ones.",
                first=first.model.name,
                second=second.model.name,
            )
        )
    step = shared[-1]
    if tokens is not None:
        seen = {step: float(first.tokens_seen[complete[0][step]]) for step in shared}
        known = [step for step in shared if math.isfinite(seen[step])]
        if not known:
            raise StudioError(
                Sentence("The tokens seen by these checkpoints are not known: leave the token count out.")
            )
        low, high = seen[known[0]], seen[known[-1]]
        if not low / ABOUT <= tokens <= high * ABOUT:
            raise StudioError(
                Sentence(
                    "No checkpoint of both models is at about {tokens} tokens: they lie from {low} to {high}.",
                    tokens=f"{tokens:g}",
                    low=formatting.tokens(low),
                    high=formatting.tokens(high),
                )
            )
        step = min(known, key=lambda k: abs(seen[k] - tokens))
    return complete[0][step], complete[1][step]
