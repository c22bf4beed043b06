"""Certainty foretold of more questions, against that of questions which were held back.

A quarter of an example set's questions is drawn; from its results alone the certainty of three times as many others like
them is foretold, and compared with that of the rest. Groups of questions with the same choices stay together. *Scaled* takes
the measured differences as true and is the control: it mistakes luck for differences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from e2lm_core.analysis.curves.subjects import select_questions
from e2lm_core.analysis.decisions import earlier, outlook
from e2lm_core.analysis.decisions.probability import Coefficients
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.scores.uncertainty.intervals import Resampled

SETS = 60
SEED = 33_500
SHARE = 0.25


class Growth(NamedTuple):
    """Mean over the drawn sets, of their mean certainty at checkpoints where any pair is known.

    Attributes:
        drawn: Number of drawn sets in which the certainty is known.
        now: Certainty of the quarter.
        foretold: Certainty foretold of three times as many others.
        scaled: The same where measured differences are taken as true.
        held_back: Certainty of the questions that were held back.
        error: Standard error of foretold minus held back; draws share questions, so it is a lower bound.
    """

    drawn: int
    now: float
    foretold: float
    scaled: float
    held_back: float
    error: float


def grow(measured: Measurements, metric: str, coefficients: Coefficients, sets: int = SETS) -> Growth | None:
    """Compare foretold and held-back certainty on drawn quarters of a set; None where nothing is known of any.

    Args:
        measured: Results of the set.
        metric: Name of the metric.
        coefficients: Coefficients to tell by.
        sets: Number of draws.
    """
    rows = []
    for few, rest in _splits(measured, sets):
        factor = len(rest.question_ids) / len(few.question_ids)
        resampled = set_intervals.resample(few, (metric,))
        now = outlook.set_certainty(few, metric, coefficients=coefficients)
        told = earlier.certainty_of_more(few, resampled, metric, factor, coefficients=coefficients)
        certain = _without_luck(resampled, metric)
        naive = earlier.certainty_of_more(few, certain, metric, factor, coefficients=coefficients)
        held = outlook.set_certainty(rest, metric, coefficients=coefficients)
        if now is None or told is None or naive is None or held is None:
            continue
        shared = sorted(set(now.shares) & set(told.shares) & set(naive.shares) & set(held.shares))
        at = [[of.means[of.shares.index(share)] for share in shared] for of in (now, told, naive, held)]
        known = np.max(at, axis=0) > 0.5
        rows.append(np.array(at)[:, known].mean(axis=1))
    if not rows:
        return None
    values = np.array(rows)
    gap = values[:, 1] - values[:, 3]
    return Growth(len(rows), *values.mean(axis=0).tolist(), float(gap.std(ddof=1) / np.sqrt(len(rows))))


def _splits(measured: Measurements, sets: int) -> Iterator[tuple[Measurements, Measurements]]:
    """A drawn quarter of the questions and the rest, groups whole, without facts that hold for the whole set alone."""
    plain = replace(measured, taught=None, told=None, keys=(), choice_texts=None, question_texts=None)
    labels = np.array(
        [group or f"question {k}" for k, group in enumerate(plain.groups)] or plain.question_ids
    )
    clusters = np.unique(labels)
    random = np.random.default_rng(SEED)
    for _ in range(sets):
        chosen = random.choice(clusters, round(SHARE * len(clusters)), replace=False)
        mask = np.isin(labels, chosen)
        yield select_questions(plain, mask), select_questions(plain, ~mask)


def _without_luck(resampled: Resampled, metric: str) -> Resampled:
    """The bootstrap with every resample equal to the measured curves."""
    curves = {name: np.tile(value, (2, 1)) for name, value in resampled.observed[metric].items()}
    return replace(resampled, curves={**resampled.curves, metric: curves})
