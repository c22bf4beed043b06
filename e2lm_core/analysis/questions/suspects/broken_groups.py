"""Broken groups: in a set whose groups have every choice right once, a group in which one is right twice.

One of the two questions has a wrong key then, and the answer that no question has is its right one. Of the questions q with
the doubled answer d and a missing answer m,

    P(q is the wrong one) = (P_qm / P_qd) / sum_r (P_rm / P_rd)

with P the probability that the models give a choice. Groups are questions with the same choices, as many as there are
choices; the rule speaks where `INTACT` of them have every choice right once.

Axes: Q questions, C choices.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements

INTACT = 0.6  # smallest share of groups in which every choice is right once
MIN_GROUPS = 10


class Misplaced(NamedTuple):
    """A question whose key is another question's in its group.

    Attributes:
        question: Index of the question.
        rather: Index of the choice that no question of the group has as its answer.
        probability: P that this question is the wrong one of those with one answer.
    """

    question: int
    rather: int
    probability: float


def find_misplaced(measurements: Measurements, pooled: Floats) -> list[Misplaced]:
    """The most likely wrong key of every doubled answer of a broken group; empty for a set without such groups.

    Args:
        measurements: Results of the set.
        pooled: Probabilities [Q, C] of the choices.
    """
    if measurements.choice_texts is None:
        return []
    texts, gold = np.asarray(measurements.choice_texts), measurements.gold
    groups = _groups(texts, measurements.groups)
    broken = [of for of in groups if len({int(texts[q, gold[q]]) for q in of}) < len(of)]
    if len(groups) < MIN_GROUPS or len(broken) > (1 - INTACT) * len(groups):
        return []
    return [found for of in broken for found in _misplaced_in(of, texts, gold, pooled)]


def _groups(texts: np.ndarray, declared: tuple[str | None, ...]) -> list[list[int]]:
    """Questions of every group that has as many as each of them has choices."""
    members: dict[tuple[tuple[int, ...], str | None], list[int]] = defaultdict(list)
    for q, row in enumerate(texts):
        choices = tuple(sorted(int(text) for text in row if text >= 0))
        members[choices, declared[q] if declared else None].append(q)
    return [of for (choices, _), of in members.items() if len(of) == len(choices) == len(set(choices)) > 1]


def _misplaced_in(of: list[int], texts: np.ndarray, gold: np.ndarray, pooled: Floats) -> list[Misplaced]:
    """The most likely wrong key of every doubled answer of one group."""
    keyed: dict[int, list[int]] = defaultdict(list)
    for q in of:
        keyed[int(texts[q, gold[q]])].append(q)
    missing = {int(text) for text in texts[of[0]] if text >= 0} - set(keyed)
    found = []
    for questions in keyed.values():
        if len(questions) < 2:
            continue
        odds, rather = [], []
        for q in questions:
            options = [c for c, text in enumerate(texts[q].tolist()) if text in missing]
            best = max(options, key=lambda c: pooled[q, c])
            odds.append(np.log(max(pooled[q, best], 1e-9)) - np.log(max(pooled[q, gold[q]], 1e-9)))
            rather.append(best)
        share = np.exp(np.array(odds) - np.logaddexp.reduce(odds))
        first = int(share.argmax())
        found.append(Misplaced(questions[first], rather[first], float(share[first])))
    return found
