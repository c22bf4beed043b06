"""Sets that measure nothing: how many of them get a decision.

Four kinds, none of which a model knows anything of: models that share their tastes for choices and wander
(`tests.support.random_keys`), the same standing still from the first checkpoint on, and both example sets under
random keys. A set counts if any pair at any checkpoint before the last is stated above `LIMIT`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, islice
from typing import NamedTuple

import numpy as np

from e2lm_core.analysis.decisions import outlook, probability
from e2lm_core.analysis.decisions.probability import Coefficients
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import null
from tests.support.random_keys import noise_set, with_sizes

SETS, LIMIT, MOST = 200, 0.6, 16
SEED = 33_000


class Counted(NamedTuple):
    """Sets of a kind: all, with a decision above the limit, and with one if the set's own test is left out."""

    sets: int
    decided: int
    without_test: int


def wandering(first: int = SEED) -> Iterator[Measurements]:
    """Sets whose models know nothing and wander; sizes are given, so that nothing else stops a decision."""
    for seed in range(SETS):
        yield with_sizes(noise_set(first + seed).measured)


def standing() -> Iterator[Measurements]:
    """The same sets, with every model as it was at its first checkpoint."""
    for measured in wandering():
        curves = [replace(c, ll=np.repeat(c.ll[:1], len(c.ll), axis=0)) for c in measured.curves]
        yield replace(measured, curves=tuple(curves))


def random_keys(measured: Measurements) -> Iterator[Measurements]:
    """A set's answers under keys that nobody chose; copies of a question share their shift, as in every null."""
    for gold in null.random_golds_of_set(measured, SETS, SEED):
        yield replace(measured, gold=gold.astype(np.intp))


def count(sets: Iterator[Measurements], metric: str, coefficients: Coefficients, most: int = SETS) -> Counted:
    """Count the sets with a decision.

    Args:
        sets: The sets.
        metric: Name of the metric.
        coefficients: Coefficients to tell by.
        most: Number of sets to look at.
    """
    number = decided = without = 0
    for measured in islice(sets, most):
        with_test, no_test = highest(measured, metric, coefficients)
        number, decided, without = number + 1, decided + (with_test > LIMIT), without + (no_test > LIMIT)
    return Counted(number, decided, without)


def highest(measured: Measurements, metric: str, coefficients: Coefficients) -> tuple[float, float]:
    """Highest stated probability of a set's pairs, with the set's own test and without it; 0.5 for none."""
    best = [0.5, 0.5]
    since = outlook.above_chance_from(measured, metric)
    for one, other in combinations(measured.scored_curves, 2):
        cases = outlook.pair_cases(measured, metric, one, other, since=since)
        for number, of in enumerate((cases, replace(cases, above=np.ones(len(cases), bool)))):
            found = probability.probabilities(of, coefficients).values
            found = found[np.isfinite(found)]
            if len(found):
                best[number] = max(best[number], float(np.maximum(found, 1 - found).max()))
    return best[0], best[1]
