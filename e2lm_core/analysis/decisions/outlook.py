"""Outlook of a set's models: who is ahead at the end, checkpoint by checkpoint, and when enough pairs are decided.

Axes: N cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from e2lm_core.analysis import validity
from e2lm_core.analysis.decisions import probability
from e2lm_core.analysis.decisions.probability import Cases, Coefficients
from e2lm_core.analysis.decisions.sizes import parameter_count
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import SentenceField
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import null

LEVELS = (0.8, 0.9)
LEFT_OUT = (probability.RATIO, probability.SIZES)  # pairs of these are no part of a set's certainty


class Outlook(Record):
    """Outlook of one pair at one checkpoint.

    Attributes:
        step: Training step of the first model.
        tokens_seen: Tokens seen.
        share: Tokens seen over tokens at the end of training; None if unknown.
        first_score: Score of the first model.
        second_score: Score of the second model.
        ahead: Name of the model that is more likely to end above; None where not known, or at 50%.
        is_second_ahead: Whether that is the second model; None where `ahead` is None.
        probability: P that it does, 0.5 or more; None where not known, see `why`.
        interval: What the fit allows for that probability: 95% over resampled models, and each family by itself.
        why: Reason for not known.
    """

    step: int
    tokens_seen: float | None
    share: float | None
    first_score: float
    second_score: float
    ahead: str | None = None
    is_second_ahead: bool | None = None
    probability: float | None = None
    interval: tuple[float, float] | None = None
    why: SentenceField | None = None


class Stop(Record):
    """Earliest checkpoint at which the pairs are decided to a level.

    Attributes:
        level: Mean probability of the likelier model over the pairs; a pair that is not known counts as 50%.
        tokens_seen: Tokens seen there; None if it is never reached.
        share: The same as a share of training; None if it is never reached.
    """

    level: float
    tokens_seen: float | None
    share: float | None


class Certainty(Record):
    """Mean probability of the likelier model over the pairs, checkpoint by checkpoint.

    Attributes:
        tokens_seen: Tokens seen at each checkpoint.
        shares: The same as shares of training.
        means: Mean probability there, 0.5 or more.
        known: Number of pairs whose probability is known there.
        pairs: Number of pairs; those whose sizes are unknown or too far apart are left out.
        stops: Earliest checkpoint of each of `LEVELS`.
    """

    tokens_seen: tuple[float, ...]
    shares: tuple[float, ...]
    means: tuple[float, ...]
    known: tuple[int, ...]
    pairs: int
    stops: tuple[Stop, ...]


def outlooks(
    measured: Measurements,
    metric: str,
    first: str,
    second: str,
    end_tokens: float | None = None,
    coefficients: Coefficients | None = None,
) -> list[Outlook]:
    """Outlook of two models at every checkpoint that both have; empty if they share none.

    Args:
        measured: Results of the set.
        metric: Name of the metric.
        first: Name of one model.
        second: Name of the other.
        end_tokens: Tokens at the end of training; None for the last checkpoint that both models have.
        coefficients: Coefficients to use; None for those of the studio.
    """
    reason = set_reason(measured, metric)
    since = above_chance_from(measured, metric)
    used = coefficients or probability.load_coefficients()
    return _outlooks(measured, metric, (first, second), end_tokens, used, reason, since)


def _outlooks(
    measured: Measurements,
    metric: str,
    pair: tuple[str, str],
    end_tokens: float | None,
    coefficients: Coefficients,
    reason: str | None,
    since: float,
) -> list[Outlook]:
    """Outlook of a pair, given the reason of the set and the tokens from which on it is above chance; see `outlooks`."""
    first, second = pair
    one, other = measured.curve_of(first), measured.curve_of(second)
    steps, here, _there = shared_points(measured, metric, one, other)
    if not len(steps):
        return []
    cases = pair_cases(measured, metric, one, other, end_tokens, since)
    found = None if reason else probability.probabilities(cases, coefficients)
    rows = []
    for at, step in enumerate(steps):
        tokens, share = one.tokens_seen[here][at], cases.share[at]
        why = reason if found is None else found.why[at] or None
        rows.append(
            Outlook(
                step=int(step),
                tokens_seen=float(tokens) if np.isfinite(tokens) else None,
                share=float(share) if np.isfinite(share) else None,
                first_score=float(cases.first[at]),
                second_score=float(cases.second[at]),
                why=why,
                **({} if found is None or why else _told(found, at, first, second)),
            )
        )
    return rows


def probability_at(points: Iterable[Outlook], step: int) -> float | None:
    """Probability that the first model of a pair ends above the second, stated at a step; None where not known."""
    for point in points:
        if point.step == step and point.probability is not None:
            return 1 - point.probability if point.is_second_ahead else point.probability
    return None


def last_tokens(checkpoints: Iterable[Checkpoint]) -> dict[str, int]:
    """Tokens at the last known checkpoint of each model, by name; a model without tokens is left out."""
    last: dict[str, int] = {}
    for checkpoint in checkpoints:
        if checkpoint.tokens_seen is not None:
            name = checkpoint.model.name
            last[name] = max(last.get(name, 0), checkpoint.tokens_seen)
    return last


def end_of_training(last: Mapping[str, int], names: tuple[str, str]) -> float | None:
    """Tokens at which the first of two models ends, of `last_tokens`; None if one has none."""
    return float(min(last.get(name, 0) for name in names)) or None


def pair_cases(
    measured: Measurements,
    metric: str,
    one: ModelCurve,
    other: ModelCurve,
    end_tokens: float | None = None,
    since: float | None = None,
) -> Cases:
    """Cases of two models at the N checkpoints that both have with complete results.

    Args:
        measured: Results of the set.
        metric: Name of the metric.
        one: Results of the first model.
        other: Results of the second.
        end_tokens: Tokens at the end of training; None for the last checkpoint that both models have.
        since: Tokens from which on the set is above chance; None for `above_chance_from`.
    """
    steps, here, there = shared_points(measured, metric, one, other)
    tokens = one.tokens_seen[here]
    if end_tokens is None:
        end_tokens = float(tokens[-1]) if len(tokens) else np.nan
    # Models of two families may have seen other numbers of tokens at one step.
    tokens = np.where(tokens == other.tokens_seen[there], tokens, np.nan)
    small, large = parameter_count(one.model), parameter_count(other.model)
    number = np.ones(len(steps))
    return Cases(
        first=measured.values(one.model.name, metric)[here],
        second=measured.values(other.model.name, metric)[there],
        questions=number * len(measured.question_ids),
        chance=number * measured.chance,
        size_ratio=number * (large / small if small and large else np.nan),
        share=tokens / end_tokens,
        above=tokens >= (above_chance_from(measured, metric) if since is None else since),
    )


def set_reason(measured: Measurements, metric: str) -> str | None:
    """Reason why no probability is known for a set and metric, whatever the models; None without one."""
    if metric not in probability.METRICS:
        return probability.METRIC
    if measured.letters:
        return probability.LETTERS
    return validity.meaningless_reason(measured)


def above_chance_from(measured: Measurements, metric: str, factor: float = 1) -> float:
    """Tokens from which on some model is above chance on the set; copies of a question count once.

    Infinite where none ever is, and for metrics without a chance level.

    Args:
        measured: Results of the set.
        metric: Name of the metric.
        factor: Number of questions with these scores, over those of the set.
    """
    if metric not in probability.METRICS:
        return np.inf
    curves = measured.curves
    return probability.above_chance_from(
        np.concatenate([curve.tokens_seen for curve in curves]),
        np.concatenate([measured.values(curve.model.name, metric) for curve in curves]),
        round(null.distinct_questions(measured) * factor),
        measured.chance,
    )


def set_certainty(
    measured: Measurements,
    metric: str,
    end_tokens: float | None = None,
    models: Sequence[str] | None = None,
    coefficients: Coefficients | None = None,
) -> Certainty | None:
    """Certainty over all pairs of the models that count in scores.

    None without a pair that can be known, or where nothing is known of the set (`set_reason`).

    Args:
        measured: Results of the set.
        metric: Name of the metric.
        end_tokens: Tokens at the end of training; None for the last checkpoint of each pair.
        models: Names of the models, in place of those that count.
        coefficients: Coefficients to use; None for those of the studio.
    """
    if set_reason(measured, metric):
        return None
    since, used = above_chance_from(measured, metric), coefficients or probability.load_coefficients()
    names = [curve.model.name for curve in measured.scored_curves] if models is None else list(models)
    tokens, shares, values, pairs = [], [], [], []
    for number, (first, second) in enumerate(combinations(names, 2)):
        for point in _outlooks(measured, metric, (first, second), end_tokens, used, None, since):
            if (
                point.tokens_seen is not None
                and point.share is not None
                and point.share < 1
                and point.why not in LEFT_OUT
            ):
                tokens.append(point.tokens_seen)
                shares.append(point.share)
                values.append(np.nan if point.probability is None else point.probability)
                pairs.append(number)
    return certainty(np.array(tokens), np.array(shares), np.array(values), np.array(pairs))


def certainty(tokens: Floats, shares: Floats, values: Floats, pairs: NDArray[np.intp]) -> Certainty | None:
    """Certainty over pairs at the checkpoints that all of them have; None if there is none.

    Args:
        tokens: Tokens seen [N].
        shares: The same as shares of training [N].
        values: Probability of the likelier model [N]; NaN where not known.
        pairs: Number of the pair of each case [N].
    """
    number = len(np.unique(pairs))
    at = [one for one in np.unique(tokens) if (tokens == one).sum() == number]
    if not at:
        return None
    means = [float(np.where(np.isnan(values), 0.5, values)[tokens == one].mean()) for one in at]
    of_training = [float(shares[tokens == one].max()) for one in at]
    stops = []
    for level in LEVELS:
        first = next((k for k, mean in enumerate(means) if mean >= level), None)
        reached = (None, None) if first is None else (float(at[first]), of_training[first])
        stops.append(Stop(level=level, tokens_seen=reached[0], share=reached[1]))
    return Certainty(
        tokens_seen=tuple(map(float, at)),
        shares=tuple(of_training),
        means=tuple(means),
        known=tuple(int(np.isfinite(values[tokens == one]).sum()) for one in at),
        pairs=number,
        stops=tuple(stops),
    )


def shared_points(
    measured: Measurements, metric: str, one: ModelCurve, other: ModelCurve
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Steps [N] at which both models have complete results, and their places in both curves [N]."""
    steps, here, there = np.intersect1d(one.steps, other.steps, return_indices=True)
    first, second = (
        measured.values(one.model.name, metric)[here],
        measured.values(other.model.name, metric)[there],
    )
    complete = np.isfinite(first) & np.isfinite(second)
    return steps[complete], here[complete], there[complete]


def _told(found: probability.Probabilities, at: int, first: str, second: str) -> dict[str, Any]:
    """Fields of the likelier model of a case."""
    value, low, high = (float(of[at]) for of in (found.values, found.low, found.high))
    is_second = None if value == 0.5 else value > 0.5
    if is_second is False:
        value, low, high = 1 - value, 1 - high, 1 - low
    ahead = {None: None, True: second, False: first}[is_second]
    return {"ahead": ahead, "is_second_ahead": is_second, "probability": value, "interval": (low, high)}
