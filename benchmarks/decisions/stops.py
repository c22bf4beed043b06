"""Pairs of other seeds at the checkpoint at which the pairs of an example set are decided."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from benchmarks.decisions.built_in import models_of_seed
from e2lm_core.analysis.decisions import outlook
from e2lm_core.analysis.decisions.probability import Coefficients
from e2lm_core.scores.measurements import Measurements


class Checked(NamedTuple):
    """Pairs of other seeds at a checkpoint.

    Attributes:
        pairs: Number of pairs.
        known: Number of those whose probability is known.
        stated: Mean stated probability of these.
        right: Number of these that are right.
        all_right: Number of all pairs whose leader there is ahead at the end, ties as half.
    """

    pairs: int
    known: int
    stated: float
    right: float
    all_right: float


def check_seed(
    measured: Measurements, metric: str, seed: int, tokens: float, coefficients: Coefficients
) -> Checked:
    """The pairs of one seed's models at the checkpoint with these tokens."""
    pairs, stated, right, all_right = 0, [], [], 0.0
    for first, second in combinations(models_of_seed(measured, seed), 2):
        points = outlook.outlooks(measured, metric, first, second, coefficients=coefficients)
        at = next(point for point in points if point.tokens_seen == tokens)
        if at.why in outlook.LEFT_OUT:
            continue
        end, pairs = points[-1].second_score - points[-1].first_score, pairs + 1
        all_right += 0.5 + 0.5 * float(np.sign(end) * np.sign(at.second_score - at.first_score))
        if at.probability is not None:
            stated.append(at.probability)
            sign = 1 if at.ahead == second else -1
            right.append(0.5 + 0.5 * float(np.sign(end)) * sign)
    mean = float(np.mean(stated)) if stated else float("nan")
    return Checked(pairs, len(stated), mean, float(sum(right)), all_right)
