"""Decisions on the shelf: every two models of a benchmark at each checkpoint, and which of them ended above.

Tokens at the end are those of the last point that both models have.

Axes: N cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from e2lm_core.analysis.decisions import outlook, probability
from e2lm_core.analysis.decisions.outlook import Certainty
from e2lm_core.analysis.decisions.probability import Cases, Coefficients
from e2lm_core.analysis.decisions.sizes import parameter_count
from e2lm_core.base.records import ModelInfo, Record
from e2lm_core.imported.records import Curve
from e2lm_core.imported.shelf import library
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.scores.arrays import Floats

METRICS = ("acc", "acc_norm", "score")  # shares of right answers
# Benchmarks whose choices are letters or the same labels in every question: a model that takes one of them more often is
# above 1 / choices without reading, so that what guessing gets is not known.
LABELS = ("anli_r1", "anli_r2", "anli_r3", "gpqa", "mmlu")


@dataclass(frozen=True)
class Decided:
    """Cases of one benchmark, metric and few-shot count, with their outcomes.

    Attributes:
        source: Key of the source.
        benchmark: Name of the benchmark.
        num_fewshot: Few-shot count; None if the source does not say.
        metric: Name of the metric.
        cases: The cases; the second model is never the smaller one.
        outcomes: 1 where the second model ended above, 0 where below, 0.5 where equal [N].
        tokens: Tokens seen [N].
        first: Names of the first models [N].
        second: Names of the second models [N].
        series: Series of the pair [N], such as `standard`; empty where the models are of two series.
    """

    source: str
    benchmark: str
    num_fewshot: int | None
    metric: str
    cases: Cases
    outcomes: Floats
    tokens: Floats
    first: NDArray[np.object_]
    second: NDArray[np.object_]
    series: NDArray[np.object_]


class BenchmarkStops(Record):
    """Checkpoints at which the pairs of a benchmark are decided, and the share decided rightly.

    Attributes:
        source: Key of the source.
        benchmark: Name of the benchmark.
        num_fewshot: Few-shot count; None if the source does not say.
        metric: Name of the metric.
        certainty: Certainty over its pairs.
        right: Share of pairs whose likelier model ended ahead, at each of the stops; half for a pair that is not known there,
            None where the stop is never reached.
    """

    source: str
    benchmark: str
    num_fewshot: int | None
    metric: str
    certainty: Certainty
    right: tuple[float | None, ...]


def decided(shelved: Shelved, metric: str) -> Decided:
    """All decisions on a benchmark, one for each two models and checkpoint before their last.

    Raises:
        StudioError: The benchmark lacks the metric.
    """
    curves = library.open_curves(shelved, metric)
    rows: list[tuple[float, ...]] = []
    names: list[tuple[str, str, str]] = []
    for one, other in combinations(curves, 2):
        small, large = sorted((one, other), key=lambda curve: _size(curve.model))
        of_both = {shelved.series.get(curve.model.name, "") for curve in (small, large)}
        series = of_both.pop() if len(of_both) == 1 else ""
        tokens, first, second = _shared(small, large)
        ratio = _size(large.model) / _size(small.model)
        ended = 0.5 + 0.5 * float(np.sign(second[-1] - first[-1]))
        for at in range(len(tokens) - 1):
            rows.append((first[at], second[at], ratio, tokens[at] / tokens[-1], tokens[at], ended))
            names.append((small.model.name, large.model.name, series))
    table, labels = np.array(rows, float), np.array(names, dtype=object)
    number, chance = shelved.benchmark.questions, shelved.chance(metric)
    if shelved.benchmark.name in LABELS or shelved.benchmark.name.startswith(library.SUBJECT):
        chance = None
    since = np.inf
    if number is not None and chance is not None:
        every = [np.array(curve.tokens_seen, float) for curve in curves]
        scores = [np.array(curve.scores) for curve in curves]
        since = probability.above_chance_from(np.concatenate(every), np.concatenate(scores), number, chance)
    return Decided(
        source=shelved.source.key,
        benchmark=shelved.benchmark.name,
        num_fewshot=shelved.benchmark.num_fewshot,
        metric=metric,
        cases=Cases(
            first=table[:, 0],
            second=table[:, 1],
            questions=np.full(len(table), np.nan if number is None else number),
            chance=np.full(len(table), np.nan if chance is None else chance),
            size_ratio=table[:, 2],
            share=table[:, 3],
            above=table[:, 4] >= since,
        ),
        outcomes=table[:, 5],
        tokens=table[:, 4],
        first=labels[:, 0],
        second=labels[:, 1],
        series=labels[:, 2],
    )


def all_decided(source: str | None = None, with_parts: bool = False) -> Iterator[Decided]:
    """Decisions on all benchmarks of the shelf whose scores are shares of right answers.

    Args:
        source: Key of one source; None for all.
        with_parts: Whether MMLU's subjects are among them, of which MMLU as a whole is made.
    """
    for shelved in library.benchmarks(source):
        if with_parts or not shelved.benchmark.name.startswith(library.SUBJECT):
            for metric in shelved.benchmark.metrics:
                if metric in METRICS:
                    yield decided(shelved, metric)


def benchmark_stops(of: Decided, coefficients: Coefficients | None = None) -> BenchmarkStops | None:
    """Checkpoints at which the pairs of a benchmark are decided; None where guessing is not known, or without a pair.

    Args:
        of: Decisions on the benchmark.
        coefficients: Coefficients to use; None for those of the studio.
    """
    found = probability.probabilities(of.cases, coefficients or probability.load_coefficients())
    kept = ~np.isin(found.why, outlook.LEFT_OUT)
    if not np.isfinite(of.cases.chance).any() or not kept.any():
        return None
    p, tokens = found.values[kept], of.tokens[kept]
    pairs = np.unique((of.first + " " + of.second)[kept].astype(str), return_inverse=True)[1]
    certainty = outlook.certainty(tokens, of.cases.share[kept], np.maximum(p, 1 - p), pairs)
    if certainty is None:
        return None
    right = np.where(p > 0.5, of.outcomes[kept], 1 - of.outcomes[kept])
    right[~np.isfinite(p) | (p == 0.5)] = 0.5
    return BenchmarkStops(
        source=of.source,
        benchmark=of.benchmark,
        num_fewshot=of.num_fewshot,
        metric=of.metric,
        certainty=certainty,
        right=tuple(
            None if stop.tokens_seen is None else float(right[tokens == stop.tokens_seen].mean())
            for stop in certainty.stops
        ),
    )


def _size(model: ModelInfo) -> float:
    return parameter_count(model) or np.nan


def _shared(one: Curve, other: Curve) -> tuple[Floats, Floats, Floats]:
    """Tokens and both scores [K] at the points that both curves have."""
    tokens, here, there = np.intersect1d(
        np.array(one.tokens_seen, float), np.array(other.tokens_seen, float), return_indices=True
    )
    return tokens, np.array(one.scores)[here], np.array(other.scores)[there]
