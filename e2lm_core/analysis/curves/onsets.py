"""Onset above chance and separation of model pairs, with question noise and training noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from e2lm_core.analysis import tables
from e2lm_core.analysis.curves import noises
from e2lm_core.base import formatting, labels
from e2lm_core.base.json_values import to_json_value
from e2lm_core.base.records import BOUNDED_METRICS, SHARES, Record
from e2lm_core.base.sentences import Sentence, SentenceField, at_start, joined
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.metrics import oriented
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.means import multiple_testing, pointwise, seed_variance
from e2lm_core.scores.uncertainty.means.onset import OnsetEstimate, estimate_onset
from e2lm_core.scores.uncertainty.means.pointwise import Evidence
from e2lm_core.scores.uncertainty.means.seed_variance import SeedDeviation, SeedVariance
from e2lm_core.scores.uncertainty.methods import small_sample_level

NO_CHANCE = Sentence("{metric} has no chance level.")
NO_POINT = Sentence("No checkpoint of it is complete.")
MISSING = Sentence("Results are missing at some of its checkpoints, so nothing holds to the last one yet.")
NOTHING_COMMON = Sentence("They have no complete checkpoint in common.")
EQUAL = Sentence("They are equal at their last common checkpoint.")
NOT_KNOWN = Sentence("not known")
NOISE_UNKNOWN_BEFORE = Sentence(
    "Before {place} training noise is not known: no other seed has results there."
)
# Smallest numbers of questions for which the range contains the true onset in at least 85% of simulated sets
# (benchmarks/coverage/parting.py). The second is for the separation of two curves of a share, which moves in
# steps of one question.
RANGE_FROM, RANGE_FROM_SHARES = 100, 300
TOO_FEW_QUESTIONS = Sentence("No range: it was found to hold for {number} questions and more.")
UNSETTLED = Sentence("No range: how they stand at the last checkpoint is not sure.")


class Point(Record):
    """A checkpoint on a curve: its step, and its tokens_seen if the model family records them."""

    step: int
    tokens_seen: float | None

    @property
    def text(self) -> str:
        """Position in words: 1.3 M tokens, or step 1,300 without known tokens."""
        return formatting.checkpoint_position(self.step, self.tokens_seen)

    @property
    def unbroken(self) -> str:
        """The same with no-break spaces, which keep it on one line."""
        seen = formatting.tokens(self.tokens_seen)
        if seen == formatting.DASH:
            return Sentence("step\N{NO-BREAK SPACE}{step}", step=self.step)
        return Sentence("{tokens}\N{NO-BREAK SPACE}tokens", tokens=seen.replace(" ", "\N{NO-BREAK SPACE}"))


class Onset(Record):
    """First checkpoint from which a difference stays above 0 to the last checkpoint.

    Attributes:
        sure: Onset against other questions and training noise; None for never, unknown if `retraining` is
            None.
        on_these: Onset against other questions alone; None for never.
        retraining: Training noise of a mean at the last checkpoint (t of `seed_variance`); None if unknown.
        retraining_from: First checkpoint from which training noise is known to the last one, if some before
            it have none; `sure` lies nowhere before it.
        detectable: Smallest difference at the last checkpoint detected with 80% power, in the metric's unit.
        judged: Number of comparisons judged together (`multiple_testing.first_significant_index`).
        measured: Onset of the measured curve (`onset.OnsetEstimate`); None for never.
        low: Lower end of the range of onsets in 95% of the resamples; None for never, or with `no_range`.
        high: Upper end of that range; None for never, or with `no_range`.
        share: Share of resamples with a difference above 0 at the last checkpoint, ties counted half; None for one
            question or group, of which every resample is the same.
        first: First checkpoint compared.
        points: Number of checkpoints compared; 0 if nothing can be concluded, see `why`.
        why: Reason why nothing can be concluded.
        no_range: Reason for a missing range; the coverage study does not support one there.
    """

    sure: Point | None = None
    on_these: Point | None = None
    retraining: float | None = None
    retraining_from: Point | None = None
    detectable: float | None = None
    judged: int = 1
    measured: Point | None = None
    low: Point | None = None
    high: Point | None = None
    share: float | None = None
    first: Point | None = None
    points: int = 0
    why: SentenceField | None = None
    no_range: SentenceField | None = None

    @property
    def sure_or_before(self) -> bool:
        """Whether `sure` is the first checkpoint with known training noise, so that it may hold earlier."""
        return self.sure is not None and self.sure == self.retraining_from


class Separation(Record):
    """Two models with `higher` ahead of `lower` at their last common checkpoint, and the onset of that.

    Attributes:
        higher: Name of the model ahead.
        lower: Name of the other model.
        since: Onset of the lead.
        at: Last checkpoint compared; None if nothing can be concluded.
        difference: Lead at that checkpoint, above 0, in the metric's unit; None with `at`.
        interval: 95% interval of the difference against other questions; None without one.
        retrained: The same against other questions and training noise; None also if that is unknown.
    """

    higher: str
    lower: str
    since: Onset
    at: Point | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    retrained: tuple[float, float] | None = None


@dataclass(frozen=True)
class _Line:
    """Complete checkpoints of a curve: oriented values [K], resamples [R, K] and questions [K, Q]."""

    places: tuple[Point, ...]
    values: np.ndarray
    drawn: np.ndarray
    each: np.ndarray


@dataclass(frozen=True)
class _Asked:
    """Onset before joint testing, with p-values [K] against question noise and, if known, training noise."""

    since: Onset
    on_these: Floats
    trained: Floats | None = None
    places: tuple[Point, ...] = ()


def onsets_above_chance(measurements: Measurements, resampled: Resampled, metric: str) -> dict[str, Onset]:
    """Onset of each model above chance, all models judged together."""
    again = seed_variance.estimate_seed_variance(measurements, metric)
    names = [curve.model.name for curve in measurements.curves]
    asked = [_asked_of_chance(measurements, resampled, metric, name, again) for name in names]
    return dict(zip(names, _judged(asked), strict=True))


def _asked_of_chance(
    measurements: Measurements, resampled: Resampled, metric: str, name: str, again: SeedVariance
) -> _Asked:
    line = _line(measurements, resampled, metric, name)
    if metric not in BOUNDED_METRICS:
        return _nothing(Sentence(NO_CHANCE, metric=at_start(labels.METRIC_LABEL[metric])))
    if not line.places:
        return _nothing(NO_POINT)
    if len(line.places) < len(measurements.curve_of(name).checkpoints):
        return _nothing(MISSING)
    share = 1.0 / measurements.choice_counts
    each = line.each - share
    found = pointwise.evidence(metric, each, line.drawn, resampled.clusters)
    if metric in SHARES:
        # The variance at chance is known, and stays valid if few questions are answered right.
        effect = pointwise.design_effect(
            line.each.var(axis=-1), resampled.questions, line.drawn, resampled.clusters
        )
        guess = np.sqrt((share * (1 - share)).sum()) / len(share)
        found = replace(found, centre=each.mean(axis=-1), error=guess * np.sqrt(effect))
    drawn = line.drawn - resampled.chances[:, None]
    moved = [again.deviation_at(p.step, name) for p in line.places]
    return _asked(line.places, each.mean(axis=-1), drawn, found, resampled, metric, RANGE_FROM, moved, 1)


def all_separations(
    measurements: Measurements, resampled: Resampled, metric: str, at_step: int | None = None
) -> list[Separation]:
    """Separations of all pairs of models, judged together, earliest first; `at_step` as of `separations`."""
    names = [c.model.name for c in measurements.curves]
    pairs = separations(measurements, resampled, metric, list(combinations(names, 2)), at_step)
    return sorted(pairs, key=lambda p: (_step(p.since.sure), _step(p.since.on_these)))


def separations(
    measurements: Measurements,
    resampled: Resampled,
    metric: str,
    pairs: Sequence[tuple[str, str]],
    at_step: int | None = None,
) -> list[Separation]:
    """Onsets of the differences between two models each, paired by the resamples and judged together.

    Of each pair, the model that is ahead at the last common checkpoint is `higher`.

    Args:
        measurements: Results of the set.
        resampled: Resamples of its questions.
        metric: Metric of the curves.
        pairs: Names of the two models of each pair.
        at_step: Step of the only checkpoint to compare; None for all that the two models share.
    """
    again = seed_variance.estimate_seed_variance(measurements, metric)
    lines = {c.model.name: _line(measurements, resampled, metric, c.model.name) for c in measurements.curves}
    ordered, asked, ends = [], [], []
    for one, other in pairs:
        first, second = lines[one], lines[other]
        shared = sorted({p.step for p in first.places} & {p.step for p in second.places})
        if at_step is not None:
            shared = [step for step in shared if step == at_step]
        a, b = _at(first, shared), _at(second, shared)
        gap = a.values - b.values
        if shared and gap[-1] < 0:
            one, other, a, b, gap = other, one, b, a, -gap
        ordered.append((one, other))
        end: dict[str, Any] = {}
        if not shared:
            asked.append(_nothing(NOTHING_COMMON))
        elif at_step is None and len(shared) < _common(measurements, one, other):
            asked.append(_nothing(MISSING))
        elif gap[-1] == 0:
            asked.append(_nothing(EQUAL))
        else:
            each = a.each - b.each
            found = pointwise.evidence(metric, each, a.drawn - b.drawn, resampled.clusters)
            needed = RANGE_FROM_SHARES if metric in SHARES else RANGE_FROM
            moved = [again.deviation_at(step, one, other) for step in shared]
            asked.append(_asked(a.places, gap, a.drawn - b.drawn, found, resampled, metric, needed, moved, 2))
            end = {"at": a.places[-1], "difference": float(gap[-1])}
            if asked[-1].since.why is None:
                end |= _intervals(
                    metric,
                    found,
                    pointwise.quantile(metric, resampled.questions, resampled.clusters),
                    moved[-1],
                )
        ends.append(end)
    judged = _judged(asked)
    return [
        Separation(higher=higher, lower=lower, since=since, **end)
        for (higher, lower), since, end in zip(ordered, judged, ends, strict=True)
    ]


def _intervals(
    metric: str, found: Evidence, quantile: float, noise: SeedDeviation
) -> dict[str, tuple[float, float] | None]:
    """95% intervals of a difference of two models at its last checkpoint: those that its tests invert."""
    centre, error = float(found.centre[-1]), found.error[-1:]
    if not error[0] > 0:
        return {}
    reach = quantile * float(error[0])
    errors, degrees = seed_variance.total_error(error, found.freedom, [noise], 2)
    trained = float(stdtrit(degrees[0], 0.975) * errors[0])
    # With few seeds the quantile is so large that an interval would leave the possible differences.
    limit = 1.0 if metric in BOUNDED_METRICS else np.inf
    return {
        "interval": (centre - reach, centre + reach),
        "retrained": None
        if noise.sd is None
        else (max(centre - trained, -limit), min(centre + trained, limit)),
    }


def _common(measurements: Measurements, one: str, other: str) -> int:
    """Number of checkpoints that two models share, complete or not."""
    return len(np.intersect1d(measurements.curve_of(one).steps, measurements.curve_of(other).steps))


def _step(place: Point | None) -> float:
    return np.inf if place is None else place.step


# --- tables and documents -----------------------------------------------------------------------------


def onset_row(onset: Onset) -> dict[str, Any]:
    """Columns of one onset in a table; an onset of never is a word, an undefined one is None."""
    told = onset.points > 0
    sure = told and onset.why is None
    ranged = sure and onset.no_range is None
    known = onset.retraining is not None
    return {
        "surely from": (_sure_words(onset) if known else NOT_KNOWN) if sure else None,
        "on these questions from": _words(onset.on_these) if sure else None,
        "measured from": _words(onset.measured) if told else None,
        "95% from": _words(onset.low) if ranged else None,
        "to": _words(onset.high) if ranged else None,
        "at the end": onset.share,
        "why": onset.why or joined(filter(None, (_noise_note(onset), onset.no_range))) or None,
    }


def chance_table(onsets: Mapping[str, Onset]) -> pd.DataFrame:
    """Onsets above chance as a table, one row per model."""
    return tables.sentence_table([{"model": name, **onset_row(since)} for name, since in onsets.items()])


def separation_table(separations: list[Separation]) -> pd.DataFrame:
    """Separations as a table, one row per pair of models."""
    return tables.sentence_table(
        [
            {
                "higher": pair.higher,
                "lower": pair.lower,
                "difference": pair.difference,
                **dict(zip(("low", "high"), pair.interval or (None, None), strict=True)),
                **onset_row(pair.since),
            }
            for pair in separations
        ]
    )


def onset_document(
    measurements: Measurements,
    metric: str,
    above: Mapping[str, Onset],
    separations: Sequence[Separation],
    noise: Mapping[str, noises.NoiseComponents],
) -> dict[str, Any]:
    """Return onsets, separations and noise components of one metric as a JSON document.

        {task, metric, assumption, chance, above_chance: {model: onset}, parting: [separation],
        noise: {model: {questions, checkpoints, seeds}}}

    `chance` is null for a metric without one.

    Args:
        measurements: Results of the set.
        metric: Name of a metric.
        above: Onsets above chance, by model.
        separations: Separations of the models.
        noise: Noise of questions, checkpoints and seeds, by model.
    """
    bounded = metric in BOUNDED_METRICS
    chance_level = measurements.chance if bounded and np.isfinite(measurements.chance) else None
    return {
        "task": measurements.task,
        "metric": metric,
        "assumption": measurements.independence_note,
        "chance": chance_level,
        "above_chance": {name: since.model_dump() for name, since in above.items()},
        "parting": [p.model_dump() for p in separations],
        "noise": {name: own.model_dump() for name, own in noise.items()},
    }


# --- within -------------------------------------------------------------------------------------------


def _sure_words(onset: Onset) -> str:
    words = _words(onset.sure)
    return Sentence("{place} or before", place=words) if onset.sure_or_before else words


def _noise_note(onset: Onset) -> str | None:
    """Reason why `sure` lies nowhere earlier, where training noise is not known."""
    if not onset.sure_or_before or onset.retraining_from is None:
        return None
    return Sentence(NOISE_UNKNOWN_BEFORE, place=onset.retraining_from.text)


def _words(place: Point | None) -> str:
    if place is None:
        return Sentence("never")
    seen = formatting.tokens(place.tokens_seen)
    return place.text if seen == formatting.DASH else seen


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
    moved: Sequence[SeedDeviation],
    models: int,
) -> _Asked:
    """Onset of one difference before joint testing.

    Args:
        places: Checkpoints compared.
        difference: Measured differences [K].
        drawn: Resampled differences [R, K].
        found: Evidence at each checkpoint.
        resampled: Resamples of the questions.
        metric: Metric of the curves.
        needed: Smallest number of questions for which a range is stated.
        moved: Training noise at each checkpoint.
        models: Number of models in the difference, each with training noise.
    """
    clusters = resampled.clusters
    why = pointwise.too_few_reason(metric, resampled.questions, clusters)
    lasting: OnsetEstimate = estimate_onset(
        difference, drawn, np.nan if why else small_sample_level(clusters)
    )

    def place(at: int | None) -> Point | None:
        return None if at is None or at >= len(places) else places[at]

    end = moved[-1].sd
    unknown = [k for k, noise in enumerate(moved) if noise.sd is None]
    errors, degrees = seed_variance.total_error(found.error, found.freedom, moved, models)
    since = Onset(
        retraining=end,
        retraining_from=None if end is None or not unknown else places[unknown[-1] + 1],
        detectable=float((stdtrit(degrees[-1], 0.975) + stdtrit(degrees[-1], 0.8)) * errors[-1]),
        measured=place(lasting.measured),
        low=place(lasting.low),
        high=place(lasting.high),
        share=lasting.share if clusters > 1 else None,
        first=places[0],
        points=len(places),
        why=why,
        no_range=Sentence(TOO_FEW_QUESTIONS, number=needed) if clusters < needed else None,
    )
    if why:
        return _Asked(since, np.ones(len(places)), None, places)
    on_these = seed_variance.p_values(found.centre, found.error, found.freedom)
    trained = None if end is None else seed_variance.p_values(found.centre, errors, degrees)
    lower = found.centre <= 0  # no evidence that the difference is positive
    on_these[lower] = 1.0
    if trained is not None:
        trained[lower] = 1.0
        # What is not known is not sure: no onset lies at or before such a checkpoint.
        trained[unknown] = 1.0
    return _Asked(since, on_these, trained, places)


def _judged(asked: Sequence[_Asked]) -> list[Onset]:
    """Onsets judged together; `sure` is judged among the differences with known training noise."""
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
