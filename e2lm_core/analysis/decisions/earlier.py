"""Changes that would decide a set's pairs earlier: more questions like its own, or the other metric.

A measured difference d over n questions is a true one and luck of standard error e. The true one is taken as normal with
mean k d and error sqrt(k) e, where k = max(0, 1 - mean(e^2) / mean(d^2)) over the pairs at one checkpoint (empirical Bayes).
A new set of f n questions like these has the difference k d + sqrt(k) e z + e z' / sqrt(f). Its probability of the likelier
model is the mean over draws of z and z', which are the bootstrap's. `python -m benchmarks.decisions` counts how well that
foretells the certainty of questions that were held back.

Axes: R resamples, N checkpoints of a pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from e2lm_core.analysis.decisions import probability
from e2lm_core.analysis.decisions.outlook import (
    LEFT_OUT,
    Certainty,
    above_chance_from,
    certainty,
    pair_cases,
    set_certainty,
    set_reason,
    shared_points,
)
from e2lm_core.analysis.decisions.probability import Cases, Coefficients
from e2lm_core.base.records import Record
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty.intervals import Resampled

FACTORS = (1, 2, 4, 8)  # times the questions of the set
MIN_QUESTIONS = 40  # fewer say too much of more: see the study
DRAWS = 200


class Alternative(Record):
    """A set or metric in place of the measured one, and when it decides the pairs.

    Attributes:
        metric: Name of the metric.
        questions: Number of questions.
        is_measured: Whether it is the set as it is; otherwise other questions like its own, foretold.
        certainty: Certainty over the pairs; None where nothing is known of it.
    """

    metric: str
    questions: int
    is_measured: bool
    certainty: Certainty | None


@dataclass(frozen=True)
class _Pair:
    """Two models at their N shared checkpoints, with the bootstrap's moves [R, N] of their difference."""

    cases: Cases
    steps: NDArray[np.intp]
    tokens: Floats
    moves: Floats


def alternatives(
    measured: Measurements,
    resampled: Resampled | None,
    metric: str,
    end_tokens: float | None = None,
    coefficients: Coefficients | None = None,
) -> list[Alternative]:
    """Certainty of the set as it is, of sets of other questions like its own, and on the other metric.

    Args:
        measured: Results of the set.
        resampled: Bootstrap of the metric; None without a complete checkpoint.
        metric: Name of the metric; empty list where public curves have none of it.
        end_tokens: Tokens at the end of training; None for the last checkpoint of each pair.
        coefficients: Coefficients to use; None for those of the studio.
    """
    if metric not in probability.METRICS:
        return []
    number = len(measured.question_ids)
    found = [
        Alternative(
            metric=name,
            questions=number,
            is_measured=True,
            certainty=set_certainty(measured, name, end_tokens, coefficients=coefficients),
        )
        for name in (metric, *(other for other in probability.METRICS if other != metric))
    ]
    if resampled is not None and number >= MIN_QUESTIONS:
        found += [
            Alternative(
                metric=metric,
                questions=number * factor,
                is_measured=False,
                certainty=certainty_of_more(measured, resampled, metric, factor, end_tokens, coefficients),
            )
            for factor in FACTORS
        ]
    return found


def certainty_of_more(
    measured: Measurements,
    resampled: Resampled,
    metric: str,
    factor: float,
    end_tokens: float | None = None,
    coefficients: Coefficients | None = None,
) -> Certainty | None:
    """Certainty foretold of a new set of questions like these, `factor` times as many.

    None where nothing is known of the set (`set_reason`), where it is not above chance, or without a pair that can be known.

    Args:
        measured: Results of the set.
        resampled: Bootstrap of the metric.
        metric: Name of the metric.
        factor: Questions of the new set over those of this one.
        end_tokens: Tokens at the end of training; None for the last checkpoint of each pair.
        coefficients: Coefficients to use; None for those of the studio.
    """
    if set_reason(measured, metric) or not np.isfinite(above_chance_from(measured, metric)):
        return None
    since = above_chance_from(measured, metric, factor)
    used = coefficients or probability.load_coefficients()
    pairs = _pairs(measured, resampled, metric, end_tokens, since)
    shrink = _shrinkage(pairs)
    tokens, shares, values, numbers = [], [], [], []
    for number, pair in enumerate(pairs):
        kept = np.array([shrink[step] for step in pair.steps.tolist()])
        stated, why = _foretold(pair, kept, factor, used)
        at = np.isfinite(pair.tokens) & (pair.cases.share < 1) & ~np.isin(why, LEFT_OUT)
        tokens.append(pair.tokens[at])
        shares.append(pair.cases.share[at])
        values.append(stated[at])
        numbers.append(np.full(at.sum(), number))
    if not tokens:
        return None
    return certainty(*(np.concatenate(of) for of in (tokens, shares, values, numbers)))


def _pairs(
    measured: Measurements, resampled: Resampled, metric: str, end_tokens: float | None, since: float
) -> list[_Pair]:
    """Pairs of the models that count."""
    drawn, observed = resampled.curves[metric], resampled.observed[metric]
    pairs = []
    for one, other in combinations(measured.scored_curves, 2):
        steps, here, there = shared_points(measured, metric, one, other)
        if not len(steps):
            continue
        first, second = one.model.name, other.model.name
        moves = (drawn[second][:DRAWS, there] - observed[second][there]) - (
            drawn[first][:DRAWS, here] - observed[first][here]
        )
        cases = pair_cases(measured, metric, one, other, end_tokens, since)
        pairs.append(_Pair(cases, steps, one.tokens_seen[here], moves))
    return pairs


def _shrinkage(pairs: list[_Pair]) -> dict[int, float]:
    """Share k of a measured difference that is true in the mean, by step."""
    squares: dict[int, list[tuple[float, float]]] = {}
    for pair in pairs:
        apart, luck = pair.cases.second - pair.cases.first, pair.moves.var(axis=0, ddof=1)
        for at, step in enumerate(pair.steps.tolist()):
            squares.setdefault(step, []).append((float(apart[at] ** 2), float(luck[at])))
    found = {}
    for step, of in squares.items():
        apart_mean, luck_mean = np.mean(of, axis=0)
        found[step] = max(0.0, 1 - float(luck_mean / apart_mean)) if apart_mean > 0 else 0.0
    return found


def _foretold(
    pair: _Pair, kept: Floats, factor: float, coefficients: Coefficients
) -> tuple[Floats, NDArray[np.object_]]:
    """Probability of the likelier model [N], NaN where no draw knows it, and reasons [N] of the measured case."""
    cases, draws = pair.cases, len(pair.moves)
    apart, middle = cases.second - cases.first, (cases.second + cases.first) / 2
    luck = np.roll(pair.moves, draws // 2, axis=0) / np.sqrt(factor)
    drawn = kept * apart + np.sqrt(kept) * pair.moves + luck
    many = replace(
        cases,
        first=np.clip(middle - drawn / 2, 0, 1).ravel(),
        second=np.clip(middle + drawn / 2, 0, 1).ravel(),
        questions=np.tile(cases.questions * factor, draws),
        **{name: np.tile(getattr(cases, name), draws) for name in ("chance", "size_ratio", "share", "above")},
    )
    found = probability.probabilities(many, coefficients).values.reshape(draws, -1)
    likelier = np.maximum(found, 1 - found)
    known = np.isfinite(likelier)
    mean = np.where(known, likelier, 0.5).mean(axis=0)
    return np.where(known.any(axis=0), mean, np.nan), probability.unknown_reasons(cases)
