"""Strata of sets by which interval coverage was studied.

What learners are like decides how far an interval of their scores is from 95%; this is what can be seen of it. Axes: R
resamples, K checkpoints of a model, Q questions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from e2lm_core.scores import metrics
from e2lm_core.scores.layout import Curves, Layout, Run

KINDS = ("whose curves hardly rise", "whose curves rise", "whose curves rise clearly")
RISES = (3.0, 12.0)  # standard errors


def stratum_of(rise: float) -> str | None:
    """The kind of a set whose early curves rise by so many standard errors; None where that is not known."""
    return None if math.isnan(rise) else KINDS[sum(rise >= bound for bound in RISES)]


def standardised_rise(runs: Mapping[str, Run], observed: Curves, drawn: Curves, metric: str) -> float:
    """How far the early curves of the models that count rise from their first third to their last, in standard errors.

    (mean over models of last third - first third) / its deviation over the resamples `drawn` {model: [R, K]}; NaN with
    fewer than three early checkpoints or no spread.
    """
    rises, samples = [], []
    for name in Layout.from_runs(runs, observed).counted:
        at = np.flatnonzero(runs[name].early & np.isfinite(observed[name]))
        third = len(at) // 3
        if not third:
            return float("nan")
        first, last = at[:third], at[-third:]
        rises.append(observed[name][last].mean() - observed[name][first].mean())
        samples.append(drawn[name][:, last].mean(axis=1) - drawn[name][:, first].mean(axis=1))
    if not rises or (error := float(np.mean(samples, axis=0).std())) == 0:
        return float("nan")
    return float(metrics.oriented(metric, np.mean(rises))) / error


def differing_questions(runs: Mapping[str, Run], observed: Curves, metric: str) -> float:
    """The share of questions on which two of the models that count differ: the median over pairs, where they differ less,
    at the early window's end or at the last checkpoint.

    A question on which two models do alike says nothing of their order. NaN with fewer than two models or without a
    checkpoint that all have.
    """
    layout = Layout.from_runs(runs, observed)
    shared = len(layout.common[layout.counted[0]]) if len(layout.counted) > 1 else 0
    if not shared:
        return float("nan")
    shares = []
    for place in {shared - 1, shared - 1 if layout.end is None else layout.end}:
        values = [runs[name].per_question[metric][layout.common[name][place]] for name in layout.counted]
        shares.append(np.median([(one != other).mean() for one, other in combinations(values, 2)]))
    return float(min(shares))
