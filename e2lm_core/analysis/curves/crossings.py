"""When curves leave chance and when two of them part, with intervals; noise of questions and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.base import labels, phrasing
from e2lm_core.base.plain import plain
from e2lm_core.base.records import BOUNDED_METRICS, SHARES, Record
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.metrics import oriented
from e2lm_core.scores.uncertainty import intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.means.lasting import Crossing, crossing
from e2lm_core.scores.uncertainty.methods import small_sample_level

NO_CHANCE = "{} has no chance level."
NO_POINT = "No checkpoint of it is complete."
MISSING = "Results are missing at some of its checkpoints, so nothing holds to the last one yet."
NO_INTERVAL = "One question allows no interval."
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
    def words(self) -> str:
        """1.3 M tokens, or step 1,300 where no tokens are known."""
        return phrasing.place(self.step, self.tokens_seen)


class Since(Record):
    """From where on something holds to the last checkpoint: `lasting.Crossing`, with checkpoints for places.

    A place that is None is never, except where `why` says why it cannot be told: all of them where `points`,
    the number of checkpoints compared, is 0, and all but `measured` otherwise. `first` is the first one
    compared. `low` and `high` are left out where `no_range` says why: where the study of their coverage does
    not bear them out.
    """

    sure: Point | None = None
    measured: Point | None = None
    low: Point | None = None
    high: Point | None = None
    share: float | None = None
    first: Point | None = None
    points: int = 0
    why: str | None = None
    no_range: str | None = None


class Parted(Record):
    """Two models of which `higher` stands above `lower` at their last common checkpoint."""

    higher: str
    lower: str
    since: Since


@dataclass(frozen=True)
class _Line:
    """A curve's complete checkpoints: places, oriented values [K] and resamples [R, K]."""

    places: tuple[Point, ...]
    values: np.ndarray
    drawn: np.ndarray


def above_chance(measurements: Measurements, resampled: Resampled, metric: str) -> dict[str, Since]:
    """For each model: from which checkpoint on it stands above chance (`lasting.crossing` of the curve less
    chance)."""
    above = {}
    for curve in measurements.curves:
        name = curve.model.name
        line = _line(measurements, resampled, metric, name)
        if metric not in BOUNDED_METRICS:
            label = labels.METRIC_LABEL[metric]
            above[name] = Since(why=NO_CHANCE.format(label[0].upper() + label[1:]))
        elif not line.places:
            above[name] = Since(why=NO_POINT)
        elif len(line.places) < len(curve.checkpoints):
            above[name] = Since(why=MISSING)
        else:
            difference = line.drawn - resampled.chances[:, None]
            above[name] = _since(
                line.places, line.values - resampled.chance, difference, resampled.clusters, RANGE_FROM
            )
    return above


def parted(measurements: Measurements, resampled: Resampled, metric: str, one: str, other: str) -> Parted:
    """From which checkpoint on two models stand apart as at their last common one, paired by the
    resamples."""
    first, second = (_line(measurements, resampled, metric, name) for name in (one, other))
    shared = sorted({p.step for p in first.places} & {p.step for p in second.places})
    if not shared:
        return Parted(higher=one, lower=other, since=Since(why="They have no complete checkpoint in common."))
    both = np.intersect1d(measurements.curve_of(one).steps, measurements.curve_of(other).steps)
    if len(shared) < len(both):
        return Parted(higher=one, lower=other, since=Since(why=MISSING))
    a, b = (_at(line, shared) for line in (first, second))
    gap = a.values - b.values
    if gap[-1] < 0:
        one, other, a, b = other, one, b, a
    if gap[-1] == 0:
        equal = Since(why="They stand equal at the last checkpoint that both have.")
        return Parted(higher=one, lower=other, since=equal)
    needed = RANGE_FROM_SHARES if metric in SHARES else RANGE_FROM
    since = _since(a.places, a.values - b.values, a.drawn - b.drawn, resampled.clusters, needed)
    return Parted(higher=one, lower=other, since=since)


def all_parted(measurements: Measurements, resampled: Resampled, metric: str) -> list[Parted]:
    """`parted` of every two models, those first that part earliest."""
    names = [c.model.name for c in measurements.curves]
    pairs = [parted(measurements, resampled, metric, one, other) for one, other in combinations(names, 2)]
    return sorted(pairs, key=lambda p: np.inf if p.since.sure is None else p.since.sure.step)


def noises(measurements: Measurements, resampled: Resampled, metric: str) -> dict[str, tuple[float, float]]:
    """Each model's (question noise, checkpoint noise) in the metric's unit, see `intervals.noise`."""
    return {c.model.name: intervals.noise(resampled, metric, c.model.name) for c in measurements.curves}


# --- tables and documents -----------------------------------------------------------------------------


def since_row(since: Since) -> dict[str, Any]:
    """The columns of one `Since` in a table; never is a word, what cannot be told is missing."""
    told = since.points > 0
    sure = told and since.why is None
    ranged = sure and since.no_range is None
    return {
        "surely from": _words(since.sure) if sure else None,
        "measured from": _words(since.measured) if told else None,
        "95% from": _words(since.low) if ranged else None,
        "to": _words(since.high) if ranged else None,
        "at the end": since.share,
        "why": since.why or since.no_range,
    }


def chance_table(above: Mapping[str, Since]) -> pd.DataFrame:
    """One row a model."""
    return pd.DataFrame([{"model": name, **since_row(since)} for name, since in above.items()])


def parting_table(pairs: list[Parted]) -> pd.DataFrame:
    """One row a pair of models."""
    return pd.DataFrame([{"higher": p.higher, "lower": p.lower, **since_row(p.since)} for p in pairs])


def noise_table(noises: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """One row a model: standard deviations of one point of its curve."""
    return pd.DataFrame(
        [
            {"model": name, "question noise": questions, "checkpoint noise": checkpoints}
            for name, (questions, checkpoints) in noises.items()
        ]
    )


def document(measurements: Measurements, resampled: Resampled | None, metric: str) -> dict[str, Any]:
    """`{task, metric, chance, above_chance: {model: since}, parting: [{higher, lower, since}], noise: {model:
    …}}`."""
    bounded = metric in BOUNDED_METRICS
    chance_level = measurements.chance if bounded and np.isfinite(measurements.chance) else None
    above = above_chance(measurements, resampled, metric) if resampled else {}
    pairs = all_parted(measurements, resampled, metric) if resampled else []
    noise = noises(measurements, resampled, metric) if resampled else {}
    return {
        "task": measurements.task,
        "metric": metric,
        "chance": chance_level,
        "above_chance": {name: since.model_dump() for name, since in above.items()},
        "parting": [p.model_dump() for p in pairs],
        "noise": {
            name: {"questions": plain(questions), "checkpoints": plain(checkpoints)}
            for name, (questions, checkpoints) in noise.items()
        },
    }


# --- within -------------------------------------------------------------------------------------------


def _words(place: Point | None) -> str:
    return "never" if place is None else place.words.removesuffix(" tokens")


def _line(measurements: Measurements, resampled: Resampled, metric: str, name: str) -> _Line:
    curve = measurements.curve_of(name)
    values = resampled.observed[metric][name]
    known = np.flatnonzero(np.isfinite(values))
    return _Line(
        places=tuple(
            Point(step=int(curve.steps[k]), tokens_seen=plain(seen))
            for k in known
            for seen in [curve.tokens_seen[k]]
        ),
        values=oriented(metric, values[known]),
        drawn=oriented(metric, resampled.curves[metric][name][:, known]),
    )


def _at(line: _Line, steps: list[int]) -> _Line:
    where = {place.step: k for k, place in enumerate(line.places)}
    at = [where[step] for step in steps]
    return _Line(tuple(line.places[k] for k in at), line.values[at], line.drawn[:, at])


def _since(
    places: tuple[Point, ...], difference: np.ndarray, drawn: np.ndarray, clusters: int, needed: int
) -> Since:
    """`needed`: from how many questions on a range is told."""
    lasting: Crossing = crossing(difference, drawn, small_sample_level(clusters))

    def place(at: int | None) -> Point | None:
        return None if at is None or at >= len(places) else places[at]

    why = NO_INTERVAL if lasting.sure is None else None
    no_range = None
    if why is None:
        no_range = (
            FEW.format(needed) if clusters < needed else UNSETTLED if place(lasting.sure) is None else None
        )
    return Since(
        sure=place(lasting.sure),
        measured=place(lasting.measured),
        low=None if no_range else place(lasting.low),
        high=None if no_range else place(lasting.high),
        share=lasting.share,
        first=places[0],
        points=len(places),
        why=why,
        no_range=no_range,
    )
