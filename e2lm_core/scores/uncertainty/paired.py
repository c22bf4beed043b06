"""Two sets, or two versions of one, on the same resamples: differences of their means and of their scores.

Axes: R resamples, K checkpoints of a model, U the union of both sets' questions. Where the sets share questions,
questions of the union are drawn with replacement and each set takes those of its own (an edited question is drawn
together with its old wording), so that what both have in common moves both. Where they share none, each set is
drawn by itself, as many questions as it has. `docs/comparing.md` has the measured coverage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import METRICS
from e2lm_core.scores import metrics, vectorised
from e2lm_core.scores.uncertainty import bootstrap, intervals
from e2lm_core.scores.uncertainty.intervals import Difference, Interval, Resampled
from e2lm_core.scores.uncertainty.methods import Replicates, interval, quantiles, small_sample_level
from e2lm_core.scores.vectorised import RANGES, SCORES, Run

Floats = NDArray[np.float64]
_EXACT = 12  # decimals: what ties before a division still ties after it


@dataclass(frozen=True)
class Pairing:
    """The union of two sets' questions: `first`, `second` [U] are places in each set, -1 where it lacks one."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]

    @property
    def shared(self) -> int:
        return int(((self.first >= 0) & (self.second >= 0)).sum())


@dataclass(frozen=True)
class Side:
    """One set's measurements: `runs` {model: Run}, `choices` [Q], `groups` [Q] of questions drawn together."""

    runs: Mapping[str, Run]
    choices: NDArray
    groups: Sequence[str | None] | None = None


@dataclass(frozen=True)
class Rule:
    """How the difference of a score gets its interval: by `method`, whose measured `coverage` is shown; or `why` not."""

    method: str | None
    coverage: float | None = None
    why: str | None = None


def pair(first: Sequence[str], second: Sequence[str]) -> Pairing:
    """By keys that are unique within each set: those of the first in their order, then what the second adds."""
    places = {key: place for place, key in enumerate(second)}
    own = [places.pop(key, -1) for key in first]
    added = list(places.values())
    return Pairing(
        np.array([*range(len(first)), *[-1] * len(added)], dtype=np.intp),
        np.array([*own, *added], dtype=np.intp),
    )


def resample(
    first: Side,
    second: Side,
    pairing: Pairing,
    metric_names: Sequence[str] = METRICS,
    resamples: int = intervals.RESAMPLES,
    seed: int = 0,
) -> tuple[Resampled, Resampled]:
    """Curves of both sets in the same `resamples` draws, see the module's head."""
    union = len(pairing.first)
    apart = None if pairing.shared else ["first" if place >= 0 else "second" for place in pairing.first]
    plan = bootstrap.design(union, _groups(first, second, pairing), apart)
    sides = ((first, pairing.first), (second, pairing.second))
    values: dict[tuple[int, str, str], NDArray] = {}
    for number, (side, places) in enumerate(sides):
        values[number, "", ""] = (places >= 0).astype(np.float64)
        values[number, "", "chance"] = _spread(1.0 / np.asarray(side.choices, dtype=np.float64), places)
        for metric in metric_names:
            for name, run in side.runs.items():
                values[number, metric, name] = _spread(run.per_question[metric], places)
    means = bootstrap.resampled_means(values, plan, resamples, seed)
    result = []
    for number, (side, places) in enumerate(sides):
        drawn = means[number, "", ""]
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = {
                key: np.round(own / drawn.reshape(-1, *[1] * (own.ndim - 1)), _EXACT)
                for key, own in means.items()
                if key[0] == number
            }
        observed = {
            metric: {name: metrics.curve(run.per_question[metric]) for name, run in side.runs.items()}
            for metric in metric_names
        }
        result.append(
            Resampled(
                runs=side.runs,
                plan=vectorised.layout(side.runs),
                questions=len(side.choices),
                clusters=len(np.unique(plan.cluster_of[places >= 0])),
                observed=observed,
                resampled={m: {n: shares[number, m, n] for n in side.runs} for m in metric_names},
                chance=metrics.chance(np.asarray(side.choices)),
                chances=shares[number, "", "chance"],
            )
        )
    return result[0], result[1]


def mean_difference(
    first: Resampled, second: Resampled, metric: str, at: Sequence[tuple[str, int, int]]
) -> Difference:
    """Second - first, averaged over `at`: (model, checkpoint in the first's curve, in the second's).

    The percentile interval of the paired resamples; `share` of resamples in which the second is higher, ties half.
    """
    if not at:
        return Difference(None, None, None)
    old, new = first.observed[metric], second.observed[metric]
    value = float(np.mean([new[name][j] - old[name][i] for name, i, j in at]))
    old_drawn, new_drawn = first.resampled[metric], second.resampled[metric]
    each = np.stack([new_drawn[name][:, j] - old_drawn[name][:, i] for name, i, j in at])
    samples: Floats = np.round(each.mean(axis=0), _EXACT)
    if not np.isfinite(value):
        return Difference(None, None, None)
    known = samples[np.isfinite(samples)]
    level = small_sample_level(min(first.clusters, second.clusters))
    if not known.size or np.isnan(level):
        return Difference(value, None, None)
    low, high = quantiles(samples, [(1 - level) / 2, (1 + level) / 2])
    bounds = None if np.isnan(low) else (float(low), float(high))
    return Difference(value, bounds, float((known > 0).mean() + (known == 0).mean() / 2))


def score_replicates(first: Resampled, second: Resampled, metric: str) -> dict[str, Replicates]:
    """Every score's difference, second - first, with its replicates over the paired resamples."""
    old, _ = intervals.replicates(first, metric, mirrored=False)
    new, _ = intervals.replicates(second, metric, mirrored=False)
    return {score: _difference(old[score], new[score]) for score in SCORES}


def score_differences(
    first: Resampled, second: Resampled, metric: str, rules: Mapping[str, Rule]
) -> dict[str, tuple[float | None, Interval]]:
    """{score: (second - first, its interval)}; no interval where the rules give none, with the reason."""
    level = small_sample_level(min(first.clusters, second.clusters))
    found: dict[str, tuple[float | None, Interval]] = {}
    for score, own in score_replicates(first, second, metric).items():
        if np.isnan(own.estimate):
            found[score] = (None, Interval(None, why="The score is undefined for one of the two."))
            continue
        rule = rules.get(score, Rule(None, why="The study holds no method for the difference of this score."))
        found[score] = (float(own.estimate), _bounds(own, score, rule, level))
    return found


def _bounds(own: Replicates, score: str, rule: Rule, level: float) -> Interval:
    if rule.method is None:
        return Interval(None, why=rule.why)
    low, high = interval(rule.method, own, allowed(score), level)
    if np.isnan(low) or np.isnan(high):
        return Interval(None, why="The difference is undefined in more than 5% of the resamples.")
    return Interval((float(low), float(high)), rule.coverage, rule.method)


def allowed(score: str) -> tuple[float, float]:
    """The values that a score's difference may have."""
    low, high = RANGES[score]
    return low - high, high - low


def _difference(old: Replicates, new: Replicates) -> Replicates:
    assert old.denoised is not None
    assert new.denoised is not None
    return Replicates(
        estimate=new.estimate - old.estimate,
        forward=new.forward - old.forward,
        denoised=new.denoised - old.denoised,
    )


def _spread(values: ArrayLike, places: NDArray[np.intp]) -> Floats:
    """[..., Q] -> [..., U]: 0 where the set lacks the question, which its share of the draws makes up for."""
    array = np.asarray(values, dtype=np.float64)
    spread = np.zeros((*array.shape[:-1], len(places)))
    spread[..., places >= 0] = array[..., places[places >= 0]]
    return spread


def _groups(first: Side, second: Side, pairing: Pairing) -> list[str | None]:
    """The second set's group of a question where it has it, else the first's; only what is shared joins the sets."""
    groups: list[str | None] = []
    for old, new in zip(pairing.first.tolist(), pairing.second.tolist(), strict=True):
        own = second.groups[new] if new >= 0 and second.groups else None
        if new < 0 and first.groups:
            own = first.groups[old]
        groups.append(own or None)
    if not pairing.shared:  # a group's name in one set says nothing of the other
        return [
            g and f"{'first' if p >= 0 else 'second'} {g}" for g, p in zip(groups, pairing.first, strict=True)
        ]
    return groups
