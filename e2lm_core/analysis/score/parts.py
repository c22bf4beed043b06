"""Components of the Score, all scores as a table, and advice on raising the Score."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from e2lm_core.analysis import tables, validity
from e2lm_core.base import formatting, labels
from e2lm_core.base.records import BOUNDED_METRICS, Record, Value
from e2lm_core.base.sentences import Sentence, SentenceField
from e2lm_core.scores import composite, finetasks, set_scores
from e2lm_core.scores.measurements import Measurements, common_grid
from e2lm_core.scores.metrics import oriented
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores, SeedSpread
from e2lm_core.scores.uncertainty import null
from e2lm_core.scores.uncertainty.intervals import MetricIntervals
from e2lm_core.scores.uncertainty.set_intervals import attach_interval

PARTS: tuple[Literal["sq", "rc", "cs"], ...] = ("sq", "rc", "cs")
OF_SEEDS = Sentence("Its noise is that of training seeds, which no resampling of questions can tell.")
MIN_GAIN = 5e-5  # a smaller gain would be shown as 0.000


class ScoreComponent(Record):
    """One component of the Score, with its weight; one that is by design can be raised by no question."""

    name: Literal["sq", "rc", "cs"]
    weight: float
    value: Value
    is_by_design: bool = False

    @property
    def contribution(self) -> float | None:
        """Contribution to the Score, weight * value; None if undefined."""
        return None if self.value.value is None else self.weight * self.value.value

    @property
    def is_within_null(self) -> bool:
        """Whether random answers give as much; False where that is not known."""
        return self.value.value is not None and null.is_within_null(self.value)

    @property
    def headroom(self) -> float | None:
        """Largest further contribution to the Score, weight * (1 - value).

        None if the value is undefined, by design or within its null distribution.
        """
        if self.value.value is None or self.is_by_design or self.is_within_null:
            return None
        return self.weight * (1.0 - self.value.value)


class ModelInfluence(Record):
    """Influence of one model on the mean SQ.

    Attributes:
        model: Name of the model.
        short_name: Its short name, for sentences.
        sq: SQ of the model.
        others: Mean SQ of the other models.
        cost: `others` minus the mean over all models.
    """

    model: str
    short_name: str = Field(exclude=True)
    sq: float
    others: float
    cost: float


class TermsAtChance(Record):
    """Terms of CS that count 0, since their science model is not yet above chance.

    A term of CS is a science model at an early checkpoint that its twin has as well.

    Attributes:
        number: Number of these terms.
        terms: Number of all terms of CS.
        cost: What they cost the Score.
    """

    number: int
    terms: int
    cost: float


class Advice(Record):
    """Possible gains in Score.

    Attributes:
        why: Reason why there is no advice; None if there is.
        parts: Components of the Score, with their headroom.
        models: Influence of the models on SQ, largest cost first.
        at_chance: Terms of CS that count 0 for lack of a gain over chance; None if undefined.
    """

    why: SentenceField | None
    parts: tuple[ScoreComponent, ...]
    models: tuple[ModelInfluence, ...]
    at_chance: TermsAtChance | None


def score_components(scores: Scores) -> tuple[ScoreComponent, ...]:
    """SQ, RC and CS with their weights in the Score (`composite.WEIGHTS`)."""
    return tuple(
        ScoreComponent(
            name=n,
            weight=composite.WEIGHTS[n],
            value=getattr(scores, n),
            is_by_design=n == "rc" and scores.is_rc_by_design,
        )
        for n in PARTS
    )


def detrended_snr(measurements: Measurements, metric: str, intervals: MetricIntervals | None = None) -> Value:
    """AI2's SNR with each run's linear trend removed from its noise.

    With the interval that the coverage study supports, if any.
    """
    return attach_interval(intervals, "snr_detrended", set_scores.detrended_snr(measurements, metric))


def finetasks_with_intervals(
    measurements: Measurements, metric: str, intervals: MetricIntervals | None = None
) -> dict[str, Value]:
    """FineTasks' four criteria by name.

    Monotonicity and ordering have the intervals that the coverage study supports. SNR and the gain above the
    baseline have none: their noise is that of training seeds, which no resampling of questions shows.
    """
    values = finetasks_criteria(measurements, metric)
    for name in ("monotonicity", "ordering"):
        values[name] = attach_interval(intervals, name, values[name])
    for name in ("snr", "above_baseline"):
        if values[name].value is not None:
            values[name] = values[name].model_copy(update={"why": OF_SEEDS})
    return values


# --- what would raise it --------------------------------------------------------------------------------


def improvement_advice(measurements: Measurements, scores: Scores, metric: str) -> Advice:
    """Advice on raising the Score: the headroom of each component, and the models with a low SQ.

    Without gains, but with the reason, if `validity.no_advice_reason` has one.
    """
    if why := validity.no_advice_reason(measurements, scores):
        return Advice(why=why, parts=score_components(scores), models=(), at_chance=None)
    return Advice(
        why=None,
        parts=score_components(scores),
        models=_pulls(scores, measurements.short_names),
        at_chance=_terms_at_chance(measurements, metric),
    )


def _pulls(scores: Scores, short_names: Mapping[str, str]) -> tuple[ModelInfluence, ...]:
    known = {m: q.sq for m in scores.counted if (q := scores.sq_models[m]).sq is not None}
    if scores.sq.value is None or len(known) < 2:
        return ()
    mean = scores.sq.value
    pulls = []
    for model, sq in known.items():
        others = (mean * len(known) - sq) / (len(known) - 1)
        pulls.append(
            ModelInfluence(
                model=model, short_name=short_names[model], sq=sq, others=others, cost=others - mean
            )
        )
    return tuple(sorted(pulls, key=lambda p: -p.cost))


def _terms_at_chance(measurements: Measurements, metric: str) -> TermsAtChance | None:
    """Terms of CS whose science model is less than one standard error above chance; None without a term."""
    layout = measurements.layout(metric)
    if metric not in BOUNDED_METRICS or not all(len(pair.science_at) for pair in layout.twins):
        return None
    floor = set_scores.chance_floor(
        measurements.runs, layout, metric, measurements.chance, len(measurements.gold)
    )
    low = []
    for pair in layout.twins:
        excess = measurements.values(pair.science, metric) - floor.chance
        low.append(((excess < floor.errors[pair.science]) | (excess <= 0))[pair.science_at])
    if not low:
        return None
    # CS is a mean over twins, each of which may have other checkpoints.
    share = float(np.mean([terms.mean() for terms in low]))
    return TermsAtChance(
        number=sum(int(terms.sum()) for terms in low),
        terms=sum(map(len, low)),
        cost=composite.WEIGHTS["cs"] * share,
    )


# --- tables ---------------------------------------------------------------------------------------------


def score_frame(
    measurements: Measurements, scores: Scores, metric: str, intervals: MetricIntervals | None
) -> pd.DataFrame:
    """All scores of one metric as a table, one row per score.

    Columns: whose (origin of the score), score, value, low, high, coverage, random (mean under random answer
    keys), random 95% (their 95% point), p, why.

    Args:
        measurements: Results of the set.
        scores: Scores of the metric, with their null distributions.
        metric: Metric of the scores.
        intervals: Intervals of the metric's scores; None without resamples.
    """
    counted = [scores.sq_models[m] for m in scores.counted]
    rows: list[tuple[str, str, Value]] = [
        ("E2LM", "Score", scores.score),
        ("E2LM", "SQ", scores.sq),
        *(
            ()
            if scores.sq_seeds is None
            else ((Sentence("beside SQ"), Sentence("SQ over seeds, mean"), _seed_value(scores.sq_seeds)),)
        ),
        (
            Sentence("E2LM, a reading"),
            Sentence("RC, {reading}", reading=readings.LABELS[scores.rc_reading]),
            scores.rc,
        ),
        (Sentence("E2LM, our reading"), "CS", scores.cs),
        (Sentence("beside SQ"), Sentence("tie-aware Spearman, mean"), _mean([q.spearman for q in counted])),
        (
            Sentence("beside SQ"),
            Sentence("signed AC, mean"),
            _mean([q.signed_autocorrelation for q in counted]),
        ),
        ("AI2", "SNR", scores.snr),
        ("AI2", "SNR, detrended", detrended_snr(measurements, metric, intervals)),
        ("AI2", "decision accuracy", scores.decision_accuracy),
    ]
    rows += [
        (Sentence("E2LM, read otherwise"), Sentence("RC, {reading}", reading=readings.LABELS[name]), value)
        for name, value in scores.rc_readings.items()
        if name != scores.rc_reading
    ]
    rows += [
        ("FineTasks", name.replace("_", " "), v)
        for name, v in finetasks_with_intervals(measurements, metric, intervals).items()
    ]
    frame = pd.DataFrame(
        [
            {
                "whose": whose,
                "score": name,
                "value": value.value,
                "low": value.interval[0] if value.interval else None,
                "high": value.interval[1] if value.interval else None,
                "coverage": value.coverage if value.interval else None,
                "random": value.null.mean if value.null else None,
                "random 95%": value.null.q95 if value.null else None,
                "p": value.null.p if value.null else None,
                "why": value.why,
            }
            for whose, name, value in rows
        ]
    ).astype({"value": float, "low": float, "high": float, "coverage": float})
    return tables.with_sentences(
        frame,
        whose=(whose for whose, _, _ in rows),
        score=(name for _, name, _ in rows),
        why=(value.why for _, _, value in rows),
    )


def _seed_value(spread: SeedSpread) -> Value:
    """Mean SQ over seeds, with its range as the reason why it has no interval."""
    if spread.mean is None:
        return Value(value=None, why=spread.why)
    low, high = formatting.score(spread.low), formatting.score(spread.high)
    return Value(
        value=spread.mean,
        why=Sentence(
            "From {low} with the worst seed of each model to {high} with the best.", low=low, high=high
        ),
    )


def _mean(values: list[float | None]) -> Value:
    known = [v for v in values if v is not None]
    if not values:
        return Value(value=None, why=Sentence("No model that counts was run."))
    if len(known) < len(values):
        return Value(value=None, why=Sentence("It is undefined for one of the models."))
    return Value(value=float(np.mean(known)), why=Sentence("The coverage study holds no interval for it."))


def bar_frame(name: str, scores: Scores) -> pd.DataFrame:
    """Components of a set's Score as a table for stacked bars, one row per component.

    Columns: set, part, start, contribution, value, low, high (of the contribution), random (within the null
    distribution), why, and total, total_low, total_high of the Score.
    """
    start, rows = 0.0, []
    for part in score_components(scores):
        interval = part.value.interval
        rows.append(
            {
                "set": name,
                "part": labels.SCORES[part.name],
                "start": start,
                "contribution": part.contribution,
                "value": part.value.value,
                "low": None if interval is None else part.weight * interval[0],
                "high": None if interval is None else part.weight * interval[1],
                "random": null.is_within_null(part.value),
                "why": part.value.why,
                "total": scores.score.value,
                "total_low": scores.score.interval[0] if scores.score.interval else None,
                "total_high": scores.score.interval[1] if scores.score.interval else None,
            }
        )
        start += part.contribution or 0.0
    numeric = ["start", "contribution", "value", "low", "high", "total", "total_low", "total_high"]
    frame = pd.DataFrame(rows).astype(dict.fromkeys(numeric, float))
    return tables.with_sentences(frame, part=(row["part"] for row in rows), why=(row["why"] for row in rows))


# --- the command's ---------------------------------------------------------------------------------------


def edge_case_values(measurements: Measurements, metric: str) -> dict[str, dict[str, float | int | None]]:
    """Values shown beside each model's SQ.

    {model: {rho, autocorrelation, spearman, signed_autocorrelation, points}}
    """
    wanted = {"rho", "autocorrelation", "spearman", "signed_autocorrelation", "points"}
    qualities = set_scores.signal_qualities(measurements, metric)
    return {model: quality.model_dump(include=wanted) for model, quality in qualities.items()}


def finetasks_criteria(measurements: Measurements, metric: str) -> dict[str, Value]:
    """FineTasks' four criteria; seed noise is that of the model trained from several seeds."""
    grid = common_grid(measurements, metric)
    lacking = measurements.layout(metric).missing_common
    curves = np.empty((0, 0)) if grid is None or lacking else grid.scores
    chance = measurements.chance if metric in BOUNDED_METRICS else None
    found = finetasks.criteria(curves, chance, _seeds(measurements, metric))
    if why := set_scores.undeclared_seeds(measurements.layout(metric)):
        found["ordering"] = Value(value=None, why=why)
    return found


def _seeds(measurements: Measurements, metric: str) -> np.ndarray | None:
    """Curves [S, T] of the first model with other seeds; None without one, or with missing results."""
    for first in measurements.curves:
        group = [first, *(c for c in measurements.curves if c.model.seed_of == first.model.name)]
        steps = reduce(np.intersect1d, [c.steps for c in group])
        if len(group) > 1 and len(steps):
            at = [np.isin(c.steps, steps) for c in group]
            curves = np.array(
                [
                    oriented(metric, measurements.values(c.model.name, metric)[there])
                    for c, there in zip(group, at, strict=True)
                ]
            )
            if np.isfinite(curves).all():
                return curves
    return None
