"""Held-out gains of a selection rule under random answer keys.

Models that read the same text share which choices they prefer, so a rule gains on models left out of the choice
even where every answer key is random. A gain is evidence only above what the same rule, made anew and judged by
the same folds, gains with random keys on the same log-likelihoods.

Axes: B draws, M scored models, T shared checkpoints, Q questions of the pool, C choices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from e2lm_core.analysis.questions import heldout
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.rules import Rule, Sample, TwinFinal
from e2lm_core.analysis.questions.selection import GainNull, Selection, resolve_rule
from e2lm_core.base.memory.memo import Filled
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import null

Progress = Callable[[int], object]  # called with the number of draws made since the last call
MIN_DRAWS = 399
SUBSETS = (
    10  # random subsets of each draw, the reference of SQ and SNR; more cost time, and widen no draw's spread
)
AT_ONCE_S = 5.0  # longer draws are made on demand
_BLOCK = 3_000_000  # values of one metric in memory at once
# Seconds for each value (models x checkpoints x questions) of one draw and fold, measured on one core.
_PACE_S = {"final": 1.5e-8, "sq": 2e-8, "snr": 3e-8}
NO_BYTES = Sentence(
    "The lengths of the choices are not known, so no gain of bpb under random answer keys can be drawn."
)


def required_draws(trial_number: int) -> int:
    """Number of draws: two of them would lie at the level of the k-th rule tried, and `MIN_DRAWS` at least."""
    return max(MIN_DRAWS, math.ceil(2 / (1 - heldout.adjusted_level(trial_number))) - 1)


def estimated_seconds(pool: Pool, selection: Selection) -> float:
    """Estimated time in seconds of `with_null`; 0 where there is nothing to draw."""
    if not _is_testable(selection):
        return 0.0
    values = len(pool.models) * len(pool.steps) * len(pool.ids)
    return required_draws(selection.tried) * values * len(selection.folds) * _PACE_S[selection.target]


def with_null(
    selection: Selection,
    pool: Pool,
    measurements: Measurements,
    rule: Rule | None = None,
    progress: Progress | None = None,
) -> Selection:
    """Add to a selection the gain of its rule under random answer keys.

    Args:
        selection: Selection of `select_questions`.
        pool: Item pool that it was made of.
        measurements: Results that the pool was built from.
        rule: The selection's rule; None to read it from its text.
        progress: Called with the number of draws after each block of them.

    Returns:
        The selection with its `null`; unchanged where the gain is undefined, or undefined in most draws.
    """
    if not _is_testable(selection) or (selection.metric == "bpb" and measurements.choice_bytes is None):
        return selection
    rule = rule or resolve_rule(pool, selection.rule, selection.source)
    draws = required_draws(selection.tried)
    gains = null_gains(pool, measurements, rule, selection.metric, selection.target, draws, progress=progress)
    known = gains[np.isfinite(gains)]
    gain = selection.scores[selection.target].held_out
    if gain is None or len(known) < (1 - null.MAX_UNDEFINED) * len(gains):
        return selection
    low, high = np.quantile(known, [0.025, 0.975])
    found = GainNull(
        mean=float(known.mean()),
        low=float(low),
        high=float(high),
        p=float((1 + (known >= gain).sum()) / (len(known) + 1)),
        draws=len(known),
        level=1 - heldout.adjusted_level(selection.tried),
    )
    return replace(selection, null=found)


def null_gains(
    pool: Pool,
    measurements: Measurements,
    rule: Rule,
    metric: str,
    score: str,
    draws: int = MIN_DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Floats:
    """Held-out gains [B] of a rule under random answer keys; NaN where a fold chooses no question.

    Args:
        pool: Item pool.
        measurements: Results that the pool was built from.
        rule: Selection rule.
        metric: Metric of the gains.
        score: A score of `heldout.SCORES`.
        draws: Number of draws B.
        seed: Seed of the keys and of the random subsets.
        progress: Called with the number of draws after each block of them.
    """
    folds, _ = heldout.leave_out_folds(pool.models)
    golds = null.random_golds_of_set(measurements, draws, seed)[:, pool.rows]
    gains = []
    for number, sample in enumerate(samples_under(pool, measurements, golds)):
        gains.append(heldout.held_out_gains(sample, rule, folds, metric, score, SUBSETS, seed + number))
        if progress is not None:
            progress(len(gains[-1]))
    return np.concatenate(gains)


def samples_under(pool: Pool, measurements: Measurements, golds: NDArray[np.integer]) -> Iterator[Sample]:
    """Results of the pool under other answer keys, in blocks of draws.

    Args:
        pool: Item pool.
        measurements: Results that the pool was built from.
        golds: Index [B, Q] of the right choice under each draw.

    Yields:
        Samples with values [b, M, T, Q], of all draws in their order.
    """
    named = {curve.model.name: curve for curve in measurements.curves}
    curves = [named[model.name] for model in pool.models]
    columns = Filled(partial(_choice_columns, measurements, curves, pool))
    twins = _twin_choices(measurements, pool)
    block = max(1, _BLOCK // max(1, len(pool.models) * len(pool.steps) * len(pool.ids)))
    for start in range(0, len(golds), block):
        rows = _choice_rows(golds[start : start + block], measurements.chars.shape[1])
        yield replace(
            pool.sample,
            values=Filled(partial(_values_under, columns, rows, len(pool.models), len(pool.steps))),
            traits={**pool.sample.traits, **_gold_ratio(pool, measurements, rows)},
            twins=tuple(TwinFinal(science, final[rows]) for science, final in twins),
        )


def _is_testable(selection: Selection) -> bool:
    return bool(selection.folds) and selection.scores[selection.target].held_out is not None


def _choice_rows(golds: NDArray[np.integer], width: int) -> NDArray[np.intp]:
    """Row of each right choice [b, Q] in arrays [Q * C, ...]."""
    return np.arange(golds.shape[1]) * width + golds.astype(np.intp)


def _choice_columns(measurements: Measurements, curves: list[ModelCurve], pool: Pool, metric: str) -> Floats:
    """Values [Q * C, M * T] of a metric if each choice were gold.

    A choice is a row, so that the values of a draw are copied row by row.
    """
    parts = []
    for curve in curves:
        at = np.searchsorted(curve.steps, pool.steps)
        of_each = null.values_of_every_choice(measurements, curve.ll[at], metric)[:, pool.rows]  # [T, Q, C]
        parts.append(of_each.reshape(len(at), -1))
    return np.ascontiguousarray(np.concatenate(parts).T)


def _values_under(
    columns: Filled[str, Floats], rows: NDArray[np.intp], models: int, steps: int, metric: str
) -> Floats:
    drawn = np.take(columns[metric], rows, axis=0)  # [b, Q, M * T]
    return np.moveaxis(drawn.reshape(*rows.shape, models, steps), 1, -1)


def _twin_choices(measurements: Measurements, pool: Pool) -> list[tuple[int, Floats]]:
    """Science model and final norm_prob [Q * C] of each twin of the pool if each choice were gold."""
    places = {model.name: place for place, model in enumerate(pool.models)}
    found = []
    for twin in measurements.curves if pool.sample.twins else ():
        at = np.flatnonzero(twin.steps == int(pool.steps[-1]))
        if twin.model.twin_of in places and at.size:
            values = null.values_of_every_choice(measurements, twin.ll[at[:1]], "norm_prob")[0, pool.rows]
            if np.isfinite(values).any():
                found.append((places[twin.model.twin_of], values.reshape(-1)))
    return found


def _gold_ratio(pool: Pool, measurements: Measurements, rows: NDArray[np.intp]) -> dict[str, Floats]:
    """The one trait of the text that depends on the key; empty where choices are scored as letters."""
    if measurements.letters or "gold_ratio" not in pool.sample.traits:
        return {}
    chars = measurements.chars[pool.rows]
    counts = np.isfinite(chars).sum(axis=1)
    gold = chars.reshape(-1)[rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"gold_ratio": gold / ((np.nansum(chars, axis=1) - gold) / (counts - 1))}
