"""Onset above chance and separation of model pairs, with question noise and training noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from e2lm_core.analysis.curves import noises
from e2lm_core.base import formatting, labels
from e2lm_core.base.json_values import to_json_value
from e2lm_core.base.records import BOUNDED_METRICS, SHARES, Record
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.metrics import oriented
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.means import multiple_testing, pointwise
from e2lm_core.scores.uncertainty.means import seed_variance as retraining
from e2lm_core.scores.uncertainty.means.onset import OnsetEstimate, estimate_onset
from e2lm_core.scores.uncertainty.means.pointwise import Evidence
from e2lm_core.scores.uncertainty.means.seed_variance import SeedVariance
from e2lm_core.scores.uncertainty.methods import small_sample_level

NO_CHANCE = "{} has no chance level."
NO_POINT = "No checkpoint of it is complete."
MISSING = "Results are missing at some of its checkpoints, so nothing holds to the last one yet."
NOTHING_COMMON = "They have no complete checkpoint in common."
EQUAL = "They stand equal at the last checkpoint that both have."
NOT_KNOWN = "not known"
# From where on the range of a crossing holds the true place in at least 85% of simulated sets
# (benchmarks/coverage/parting.py).
# In questions; the second where two curves of a share part, which moves in steps of one question.
RANGE_FROM, RANGE_FROM_SHARES = 100, 300
FEW = "No range: it was found to hold for {} questions and more."
UNSETTLED = "No range: how they stand at the last checkpoint is not sure."


class Point(Record):
    """A checkpoint on a curve: its step, and its tokens where the family records them."""

    step: int
    tokens_seen: float | None

    @property
    def text(self) -> str:
        """1.3 M tokens, or step 1,300 where no tokens are known."""
        return formatting.checkpoint_position(self.step, self.tokens_seen)


class Onset(Record):
    """From where on something holds to the last checkpoint, with checkpoints for places.

    `sure` holds against other questions and against training again, `on_these` against other questions alone; both
    among the `judged` comparisons that are made together (`together.from_where`). A place that is None is never,
    except that `sure` is not known where `retraining` is None: how far training again moves a mean at the last
    checkpoint (t of `means.retraining`). `detectable` is the smallest difference there that would be told in 80% of
    cases. `measured`, `low`, `high` and `share` are `lasting.Crossing`'s; `low` and `high` are left out where `no_range`
    says why: where the study of their coverage does not bear them out. Where `points`, the number of checkpoints
    compared, is 0, nothing can be told, and `why` says why. `first` is the first one compared.
    """

    sure: Point | None = None
    on_these: Point | None = None
    retraining: float | None = None
    detectable: float | None = None
    judged: int = 1
    measured: Point | None = None
    low: Point | None = None
    high: Point | None = None
    share: float | None = None
    first: Point | None = None
    points: int = 0
    why: str | None = None
    no_range: str | None = None


class Separation(Record):
    """Two models of which `higher` stands above `lower` at their last common checkpoint."""

    higher: str
    lower: str
    since: Onset


@dataclass(frozen=True)
class _Line:
    """A curve's complete checkpoints: places, oriented values [K], resamples [R, K] and single questions [K, Q]."""

    places: tuple[Point, ...]
    values: np.ndarray
    drawn: np.ndarray
    each: np.ndarray


@dataclass(frozen=True)
class _Asked:
    """A difference that may be positive: what `Since` is told of, and its p-values [K] on these questions and,
    where it is known, against training again."""

    since: Onset
    on_these: Floats
    trained: Floats | None = None
    places: tuple[Point, ...] = ()


def onsets_above_chance(measurements: Measurements, resampled: Resampled, metric: str) -> dict[str, Onset]:
    """For each model, all judged together: from which checkpoint on it stands above chance."""
    again = retraining.estimate_seed_variance(measurements, metric)
    names = [curve.model.name for curve in measurements.curves]
    asked = [_asked_of_chance(measurements, resampled, metric, name, again) for name in names]
    return dict(zip(names, _judged(asked), strict=True))


def _asked_of_chance(
    measurements: Measurements, resampled: Resampled, metric: str, name: str, again: SeedVariance
) -> _Asked:
    line = _line(measurements, resampled, metric, name)
    if metric not in BOUNDED_METRICS:
        label = labels.METRIC_LABEL[metric]
        return _nothing(NO_CHANCE.format(label[0].upper() + label[1:]))
    if not line.places:
        return _nothing(NO_POINT)
    if len(line.places) < len(measurements.curve_of(name).checkpoints):
        return _nothing(MISSING)
    share = 1.0 / measurements.choice_counts
    each = line.each - share
    found = pointwise.evidence(metric, each, line.drawn, resampled.clusters)
    if metric in SHARES:  # at chance the variance is known, which holds where few questions are right
        effect = pointwise.design_effect(
            line.each.var(axis=-1), resampled.questions, line.drawn, resampled.clusters
        )
        guess = np.sqrt((share * (1 - share)).sum()) / len(share)
        found = replace(found, centre=each.mean(axis=-1), error=guess * np.sqrt(effect))
    drawn = line.drawn - resampled.chances[:, None]
    return _asked(line.places, each.mean(axis=-1), drawn, found, resampled, metric, RANGE_FROM, again, 1)


def separation(
    measurements: Measurements, resampled: Resampled, metric: str, first_model: str, second_model: str
) -> Separation:
    """From which checkpoint on two models stand apart as at their last common one, paired by the resamples, and
    judged by themselves."""
    return _parted(measurements, resampled, metric, [(first_model, second_model)])[0]


def all_separations(measurements: Measurements, resampled: Resampled, metric: str) -> list[Separation]:
    """`parted` of every two models, all judged together, those first that part earliest."""
    names = [c.model.name for c in measurements.curves]
    pairs = _parted(measurements, resampled, metric, list(combinations(names, 2)))
    return sorted(pairs, key=lambda p: (_step(p.since.sure), _step(p.since.on_these)))


def _common(measurements: Measurements, one: str, other: str) -> int:
    """How many checkpoints two models have in common, complete or not."""
    return len(np.intersect1d(measurements.curve_of(one).steps, measurements.curve_of(other).steps))


def _step(place: Point | None) -> float:
    return np.inf if place is None else place.step


def _parted(
    measurements: Measurements, resampled: Resampled, metric: str, pairs: Sequence[tuple[str, str]]
) -> list[Separation]:
    again = retraining.estimate_seed_variance(measurements, metric)
    lines = {c.model.name: _line(measurements, resampled, metric, c.model.name) for c in measurements.curves}
    ordered, asked = [], []
    for one, other in pairs:
        first, second = lines[one], lines[other]
        shared = sorted({p.step for p in first.places} & {p.step for p in second.places})
        a, b = _at(first, shared), _at(second, shared)
        gap = a.values - b.values
        if shared and gap[-1] < 0:
            one, other, a, b, gap = other, one, b, a, -gap
        ordered.append((one, other))
        if not shared:
            asked.append(_nothing(NOTHING_COMMON))
        elif len(shared) < _common(measurements, one, other):
            asked.append(_nothing(MISSING))
        elif gap[-1] == 0:
            asked.append(_nothing(EQUAL))
        else:
            each = a.each - b.each
            found = pointwise.evidence(metric, each, a.drawn - b.drawn, resampled.clusters)
            needed = RANGE_FROM_SHARES if metric in SHARES else RANGE_FROM
            asked.append(_asked(a.places, gap, a.drawn - b.drawn, found, resampled, metric, needed, again, 2))
    judged = _judged(asked)
    return [
        Separation(higher=h, lower=low, since=since) for (h, low), since in zip(ordered, judged, strict=True)
    ]


# --- tables and documents -----------------------------------------------------------------------------


def onset_row(onset: Onset) -> dict[str, Any]:
    """The columns of one `Since` in a table; never is a word, what cannot be told is missing."""
    told = onset.points > 0
    sure = told and onset.why is None
    ranged = sure and onset.no_range is None
    known = onset.retraining is not None
    return {
        "surely from": (_words(onset.sure) if known else NOT_KNOWN) if sure else None,
        "on these questions from": _words(onset.on_these) if sure else None,
        "measured from": _words(onset.measured) if told else None,
        "95% from": _words(onset.low) if ranged else None,
        "to": _words(onset.high) if ranged else None,
        "at the end": onset.share,
        "why": onset.why or onset.no_range,
    }


def chance_table(onsets: Mapping[str, Onset]) -> pd.DataFrame:
    """One row a model."""
    return pd.DataFrame([{"model": name, **onset_row(since)} for name, since in onsets.items()])


def separation_table(separations: list[Separation]) -> pd.DataFrame:
    """One row a pair of models."""
    return pd.DataFrame([{"higher": p.higher, "lower": p.lower, **onset_row(p.since)} for p in separations])


def onset_document(measurements: Measurements, resampled: Resampled | None, metric: str) -> dict[str, Any]:
    """`{task, metric, assumption, chance, above_chance: {model: since}, parting: [{higher, lower, since}], noise: {model:
    …}}`."""
    bounded = metric in BOUNDED_METRICS
    chance_level = measurements.chance if bounded and np.isfinite(measurements.chance) else None
    above = onsets_above_chance(measurements, resampled, metric) if resampled else {}
    pairs = all_separations(measurements, resampled, metric) if resampled else []
    noise = noises.noise_components(measurements, resampled, metric) if resampled else {}
    return {
        "task": measurements.task,
        "metric": metric,
        "assumption": measurements.independence_note,
        "chance": chance_level,
        "above_chance": {name: since.model_dump() for name, since in above.items()},
        "parting": [p.model_dump() for p in pairs],
        "noise": {name: own.model_dump() for name, own in noise.items()},
    }


# --- within -------------------------------------------------------------------------------------------


def _words(place: Point | None) -> str:
    return "never" if place is None else place.text.removesuffix(" tokens")


def _line(measurements: Measurements, resampled: Resampled, metric: str, name: str) -> _Line:
    curve = measurements.curve_of(name)
    values = resampled.observed[metric][name]
    known = np.flatnonzero(np.isfinite(values))
    return _Line(
        places=tuple(
            Point(step=int(curve.steps[k]), tokens_seen=to_json_value(seen))
            for k in known
            for seen in [curve.tokens_seen[k]]
        ),
        values=oriented(metric, values[known]),
        drawn=oriented(metric, resampled.curves[metric][name][:, known]),
        each=oriented(metric, measurements.per_question[name][metric][known]),
    )


def _at(line: _Line, steps: list[int]) -> _Line:
    where = {place.step: k for k, place in enumerate(line.places)}
    at = [where[step] for step in steps]
    return _Line(tuple(line.places[k] for k in at), line.values[at], line.drawn[:, at], line.each[at])


def _nothing(why: str) -> _Asked:
    return _Asked(Onset(why=why), np.ones(0))


def _asked(
    places: tuple[Point, ...],
    difference: Floats,
    drawn: Floats,
    found: Evidence,
    resampled: Resampled,
    metric: str,
    needed: int,
    again: SeedVariance,
    models: int,
) -> _Asked:
    """`needed`: from how many questions on a range is told; `models`: how many are trained again."""
    clusters = resampled.clusters
    why = pointwise.too_few_reason(metric, resampled.questions, clusters)
    lasting: OnsetEstimate = estimate_onset(
        difference, drawn, np.nan if why else small_sample_level(clusters)
    )

    def place(at: int | None) -> Point | None:
        return None if at is None or at >= len(places) else places[at]

    moved = [again.deviation_at(p.step) for p in places]
    end = moved[-1].sd
    errors, degrees = retraining.total_error(found.error, found.freedom, moved, models)
    since = Onset(
        retraining=end,
        detectable=float((stdtrit(degrees[-1], 0.975) + stdtrit(degrees[-1], 0.8)) * errors[-1]),
        measured=place(lasting.measured),
        low=place(lasting.low),
        high=place(lasting.high),
        share=lasting.share,
        first=places[0],
        points=len(places),
        why=why,
        no_range=FEW.format(needed) if clusters < needed else None,
    )
    if why:
        return _Asked(since, np.ones(len(places)), None, places)
    on_these = retraining.p_values(found.centre, found.error, found.freedom)
    trained = None if end is None else retraining.p_values(found.centre, errors, degrees)
    lower = found.centre <= 0  # no evidence that the difference is positive
    on_these[lower] = 1.0
    if trained is not None:
        trained[lower] = 1.0
    return _Asked(since, on_these, trained, places)


def _judged(asked: Sequence[_Asked]) -> list[Onset]:
    """What was asked, judged together: those of which training again is known by themselves for `sure`."""
    open_ = [a for a in asked if a.places and a.since.why is None]
    on_these = iter(multiple_testing.first_significant_index([a.on_these for a in open_]))
    trained = iter(
        multiple_testing.first_significant_index([a.trained for a in open_ if a.trained is not None])
    )
    judged = []
    for a in asked:
        if not a.places or a.since.why is not None:
            judged.append(a.since)
            continue
        here = (*a.places, None)[next(on_these)]
        sure = None if a.trained is None else (*a.places, None)[next(trained)]
        update = {"sure": sure, "on_these": here, "judged": len(open_)}
        if a.since.no_range is None and here is None:
            update["no_range"] = UNSETTLED
        if update.get("no_range") or a.since.no_range:
            update |= {"low": None, "high": None}
        judged.append(a.since.model_copy(update=update))
    return judged
