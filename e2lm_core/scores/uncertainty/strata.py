"""Strata of sets by which interval coverage was studied.

The coverage of a score's interval depends on the kind of models; strata are the observable part of that.
Axes: R resamples, K checkpoints of a model, Q questions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import metrics
from e2lm_core.scores.layout import Curves, Layout, Run

KINDS = (
    Sentence("whose curves hardly rise"),
    Sentence("whose curves rise"),
    Sentence("whose curves rise clearly"),
)
RISES = (3.0, 12.0)  # standard errors


def stratum_of(rise: float) -> str | None:
    """Kind of a set by the rise of its early curves in standard errors; None where the rise is NaN."""
    return None if math.isnan(rise) else KINDS[sum(rise >= bound for bound in RISES)]


def standardised_rise(runs: Mapping[str, Run], observed: Curves, drawn: Curves, metric: str) -> float:
    """Rise of the counted models' early curves from first to last third, in standard errors.

        (mean over models of last third - first third) / its deviation over the resamples

    Args:
        runs: Runs by model.
        observed: Measured curves {model: [K]}, NaN at incomplete checkpoints.
        drawn: Resampled curves {model: [R, K]}.
        metric: Name of the metric; bpb is negated, so that a rise is an improvement.

    Returns:
        Rise in standard errors; NaN with fewer than three early checkpoints or no spread.
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
    """Share of questions on which two of the counted models differ, as the median over pairs.

    It is the smaller share of two checkpoints: the early window's end and the last checkpoint. A question on
    which two models do alike carries no information on their order.

    Args:
        runs: Runs by model, with values [K, Q] of the metric.
        observed: Measured curves {model: [K]}, NaN at incomplete checkpoints.
        metric: Name of the metric.

    Returns:
        Share in [0, 1]; NaN with fewer than two models or without a checkpoint that all have.
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
