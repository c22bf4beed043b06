"""Paired bootstrap of two sets.

Axes: R resamples, K checkpoints of a model, U the union of both sets' questions. If the sets share questions,
questions of the union are drawn with replacement and each set takes its own among them (an edited question is
drawn together with its old wording), so that shared questions move both sets alike. If they share none, each
set is drawn by itself, as many questions as it has. `docs/comparing.md` has the measured coverage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import METRICS
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import metrics
from e2lm_core.scores.arrays import EXACT, Floats
from e2lm_core.scores.layout import Run
from e2lm_core.scores.set_scores import RANGES, SCORES
from e2lm_core.scores.uncertainty import bootstrap, intervals
from e2lm_core.scores.uncertainty.bootstrap import RESAMPLES, ResamplingDesign
from e2lm_core.scores.uncertainty.intervals import CurveDifference, Interval, Resampled
from e2lm_core.scores.uncertainty.means import pointwise
from e2lm_core.scores.uncertainty.methods import Replicates, small_sample_level
from e2lm_core.scores.uncertainty.rules import NO_METHOD_OF_DIFFERENCES, IntervalRule

UNDEFINED = Sentence("The score is undefined for one of the two.")
OFTEN_UNDEFINED = Sentence("The difference is undefined in more than 5% of the resamples.")
# Key of an array drawn for one set: ("", "") for its share of the draws, ("", "chance"), or (metric, model).
Key = tuple[str, str]


@dataclass(frozen=True)
class Pairing:
    """Union of the questions of two sets.

    Attributes:
        first: Index in the first set of each question of the union [U], -1 where it lacks the question.
        second: Index in the second set [U], likewise.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]

    @property
    def shared(self) -> int:
        """Number of questions that both sets have."""
        return int(((self.first >= 0) & (self.second >= 0)).sum())


@dataclass(frozen=True)
class Side:
    """Measurements of one of the two sets.

    Attributes:
        runs: Runs by model.
        choices: Number of choices of each question [Q].
        groups: Group of each question [Q], drawn together; None where no groups are known.
    """

    runs: Mapping[str, Run]
    choices: NDArray
    groups: Sequence[str | None] | None = None


def match_questions(first: Sequence[str], second: Sequence[str]) -> Pairing:
    """Union of two sets' questions by their keys, which are unique within each set.

    The first set's questions come first, in their order, then those that only the second has.
    """
    places = {key: place for place, key in enumerate(second)}
    in_second = [places.pop(key, -1) for key in first]
    added = list(places.values())
    return Pairing(
        np.array([*range(len(first)), *[-1] * len(added)], dtype=np.intp),
        np.array([*in_second, *added], dtype=np.intp),
    )


def resample(
    first: Side,
    second: Side,
    pairing: Pairing,
    metric_names: Sequence[str] = METRICS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Resampled, Resampled]:
    """Curves of both sets in the same resamples, as the module describes.

    Args:
        first: First set.
        second: Second set.
        pairing: Union of their questions.
        metric_names: Names of the metrics to resample.
        resamples: Number of resamples R.
        seed: Seed of the random numbers.

    Raises:
        ValueError: An array is not as long as the set, a question has no choice, or `resamples` is below 1.
    """
    sides = ((first, pairing.first), (second, pairing.second))
    design = _design(first, second, pairing)
    values = {
        (number, *key): array
        for number, (side, places) in enumerate(sides)
        for key, array in _drawn_values(side, places, metric_names).items()
    }
    means = bootstrap.resampled_means(values, design, resamples, seed)
    one, two = (
        _resampled(side, places, design, {key[1:]: m for key, m in means.items() if key[0] == number})
        for number, (side, places) in enumerate(sides)
    )
    return one, two


def _design(first: Side, second: Side, pairing: Pairing) -> ResamplingDesign:
    """Resampling design of the union; sets that share no question are separate strata."""
    apart = None if pairing.shared else ["first" if place >= 0 else "second" for place in pairing.first]
    return bootstrap.resampling_design(len(pairing.first), _groups(first, second, pairing), apart)


def _drawn_values(side: Side, places: NDArray[np.intp], metric_names: Sequence[str]) -> dict[Key, Floats]:
    """Values to resample for one set over the union's questions, {key: [..., U]}."""
    values: dict[Key, Floats] = {
        ("", ""): (places >= 0).astype(np.float64),
        ("", "chance"): _spread(1.0 / np.asarray(side.choices, dtype=np.float64), places),
    }
    for metric in metric_names:
        for name, run in side.runs.items():
            values[metric, name] = _spread(run.per_question[metric], places)
    return values


def _resampled(
    side: Side, places: NDArray[np.intp], design: ResamplingDesign, means: Mapping[Key, Floats]
) -> Resampled:
    """Resampled curves of one set: means over the union, divided by the set's share of the draws.

    They are NaN in a resample that draws none of its questions.
    """
    share = np.where(means["", ""] > 0, means["", ""], np.nan)
    of_set = {
        key: np.round(mean / share.reshape(-1, *[1] * (mean.ndim - 1)), EXACT) for key, mean in means.items()
    }
    metric_names = {metric: None for metric, _ in means if metric}
    return Resampled(
        runs=side.runs,
        questions=len(side.choices),
        clusters=len(np.unique(design.cluster_of[places >= 0])),
        observed={
            metric: {name: metrics.curve(run.per_question[metric]) for name, run in side.runs.items()}
            for metric in metric_names
        },
        curves={m: {name: of_set[m, name] for name in side.runs} for m in metric_names},
        chance=metrics.chance(np.asarray(side.choices)),
        chances=of_set["", "chance"],
        places=places,
    )


def mean_difference(
    first: Resampled, second: Resampled, metric: str, points: Sequence[tuple[str, int, int]]
) -> CurveDifference:
    """Difference second - first of a metric, averaged over pairs of checkpoints.

    The interval is Bonett and Price's over the union's questions where the sets share some, Newcombe's where
    they share none (`pointwise`). `share` is that of the resamples in which the second is higher, ties
    counted half.

    Args:
        first: First set, from `resample`.
        second: Second set, from the same draws.
        metric: Name of the metric.
        points: Model, index of the checkpoint in the first's curve, index in the second's curve.
    """
    if not points:
        return CurveDifference(None, None, None)
    old = _averaged(first, metric, [(name, i) for name, i, _ in points])
    new = _averaged(second, metric, [(name, j) for name, _, j in points])
    value = float(new.mean() - old.mean())
    if not np.isfinite(value):
        return CurveDifference(None, None, None)
    drawn_old = np.mean([first.curves[metric][name][:, i] for name, i, _ in points], axis=0)
    drawn_new = np.mean([second.curves[metric][name][:, j] for name, _, j in points], axis=0)
    samples: Floats = np.round(drawn_new - drawn_old, EXACT)
    known = samples[np.isfinite(samples)]
    clusters = min(first.clusters, second.clusters)
    if not known.size:
        return CurveDifference(value, None, None)
    each = _influence(old, new, first, second)
    if each is None:
        apart = np.concatenate([old, new])
        one, two = (old, drawn_old, first.clusters), (new, drawn_new, second.clusters)
        return CurveDifference.from_samples(
            metric, value, pointwise.unpaired_interval(metric, one, two), known, apart, clusters
        )
    grouped = any(side.clusters < side.questions for side in (first, second))
    drawn_together = clusters if grouped else len(each)
    bounds = pointwise.paired_interval(metric, each[None], known[:, None], drawn_together)[0]
    return CurveDifference.from_samples(metric, value, bounds, known, each, drawn_together)


def _averaged(side: Resampled, metric: str, points: Sequence[tuple[str, int]]) -> Floats:
    """Mean of each question [Q] over pairs (model, checkpoint)."""
    return np.mean(
        [side.runs[name].per_question[metric][at] for name, at in points], axis=0, dtype=np.float64
    )


def _influence(old: Floats, new: Floats, first: Resampled, second: Resampled) -> Floats | None:
    """Contribution of each question [U] to mean(new) - mean(old), or None where no question is shared.

    The mean of the contributions is the difference, and their spread is that of the difference: U (y2 - m2) /
    n2 - U (y1 - m1) / n1 + m2 - m1, a set's part 0 where it lacks the question. For two versions of the same
    questions this is y2 - y1.
    """
    assert first.places is not None
    assert second.places is not None
    shared = (first.places >= 0) & (second.places >= 0)
    if not shared.any():
        return None
    union = len(shared)
    apart = new.mean() - old.mean()
    if shared.all():
        return np.round(new[second.places] - old[first.places], EXACT)
    each = np.full(union, apart)
    for sign, values, places in ((1, new, second.places), (-1, old, first.places)):
        each += sign * _spread(union / len(values) * (values - values.mean()), places)
    return np.round(each, EXACT)


def score_replicates(first: Resampled, second: Resampled, metric: str) -> dict[str, Replicates]:
    """Replicates of the difference second - first of every score over the paired resamples."""
    old, _ = intervals.replicates(first, metric)
    new, _ = intervals.replicates(second, metric)
    return {score: _difference(old[score], new[score]) for score in SCORES}


def score_differences(
    first: Resampled, second: Resampled, metric: str, rules: Mapping[str, IntervalRule]
) -> dict[str, tuple[float | None, Interval]]:
    """Difference second - first and its interval by score; no interval, with the reason, by the rules.

    Args:
        first: First set, from `resample`.
        second: Second set, from the same draws.
        metric: Name of the metric.
        rules: Interval rules by score, see `coverage.difference_rules`.

    Returns:
        (difference, interval) by score; the difference is None where a score is undefined.
    """
    level = small_sample_level(min(first.clusters, second.clusters))
    differences: dict[str, tuple[float | None, Interval]] = {}
    for score, of_score in score_replicates(first, second, metric).items():
        if np.isnan(of_score.estimate):
            differences[score] = (None, Interval(None, why=UNDEFINED))
            continue
        rule = rules.get(score, IntervalRule(None, why=NO_METHOD_OF_DIFFERENCES))
        interval = intervals.interval_by_rule(of_score, rule, allowed_range(score), level, OFTEN_UNDEFINED)
        differences[score] = (float(of_score.estimate), interval)
    return differences


def smallest_counts(first: Resampled, second: Resampled, metric: str) -> tuple[int, int, float]:
    """Smaller count of the two sets, of questions, counted models and differing questions.

    Returns:
        Questions (groups counted once), models that count in scores, and questions on which two of the models
        differ; each the smaller of both sets.
    """
    sides = (first, second)
    return (
        min(side.clusters for side in sides),
        min(len(side.counted) for side in sides),
        float(np.fmin(first.differing_questions(metric), second.differing_questions(metric))),
    )


def allowed_range(score: str) -> tuple[float, float]:
    """Lowest and highest value that the difference of a score may have."""
    low, high = RANGES[score]
    return low - high, high - low


def _difference(old: Replicates, new: Replicates) -> Replicates:
    return Replicates(
        estimate=new.estimate - old.estimate,
        forward=new.forward - old.forward,
        denoised=new.denoised - old.denoised,
    )


def _spread(values: ArrayLike, places: NDArray[np.intp]) -> Floats:
    """Values over the union, [..., Q] -> [..., U]: 0 where the set lacks the question.

    The division by the set's share of the draws makes up for the zeros.
    """
    array = np.asarray(values, dtype=np.float64)
    spread = np.zeros((*array.shape[:-1], len(places)))
    spread[..., places >= 0] = array[..., places[places >= 0]]
    return spread


def _groups(first: Side, second: Side, pairing: Pairing) -> list[str | None]:
    """Group of each question of the union: the second set's where it has the question, else the first's.

    Groups join the two sets only if they share questions. A group of the first set with questions of both kinds
    stays together: those that only the first has join the second's group of the others.
    """
    pairs = list(zip(pairing.first.tolist(), pairing.second.tolist(), strict=True))
    olds = [(first.groups[old] or None) if first.groups and old >= 0 else None for old, _ in pairs]
    news = [(second.groups[new] or None) if second.groups and new >= 0 else None for _, new in pairs]
    if not pairing.shared:  # equal names of groups in the two sets are then a coincidence
        return [
            f"first {old}" if old else new and f"second {new}" for old, new in zip(olds, news, strict=True)
        ]
    left = {old for old, (_, new) in zip(olds, pairs, strict=True) if new < 0}
    names: dict[str, str] = {}
    for old, new in zip(olds, news, strict=True):
        if old is not None and old in left and new is not None:
            names.setdefault(old, new)
    return [
        new or (names.get(old, old) if old and old in left else None)
        for old, new in zip(olds, news, strict=True)
    ]
