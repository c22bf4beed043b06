"""Every score of a set from its curves at once, with any axes in front: the resamples of a bootstrap, for one.

Axes: K checkpoints of a model, Q questions. `layout` decides once which points of which curve enter which score
(as `set_scores.scores` does); `scores` then has no loop but over models. NaN where a score is undefined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import BOUNDED_METRICS
from e2lm_core.scores import composite, contrast, finetasks, metrics, ranking, signal

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

SCORES = (
    *("sq", "rc", "cs", "score", "snr", "snr_detrended", "decision_accuracy"),
    *("monotonicity", "ordering"),
)
# No score but the two ratios is unbounded.
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(SCORES, (0.0, 1.0)),
    "sq_model": (0.0, 1.0),
    "snr": (0.0, np.inf),
    "snr_detrended": (0.0, np.inf),
    "monotonicity": (-1.0, 1.0),
    "ordering": (-1.0, 1.0),
}


@dataclass(frozen=True)
class Run:
    """One model's measurements: `per_question` {metric: [K, Q]} in step order, `steps` [K], `early` [K].

    `counts` is false for twins and further seeds, which stay out of SQ, RC and SNR; `twin_of` names the science
    model whose web-only twin this is.
    """

    per_question: Mapping[str, NDArray]
    steps: NDArray
    early: NDArray[np.bool_]
    counts: bool = True
    twin_of: str | None = None


@dataclass(frozen=True)
class Contrast:
    """A science model and its twin at the early checkpoints that are complete for both."""

    science: str
    science_at: Indices
    twin: str
    twin_at: Indices


@dataclass(frozen=True)
class Layout:
    """Which points enter which score; indices into each model's own K checkpoints.

    `early`: every model's complete checkpoints of the early window. `common`: the complete checkpoints that all
    counted models share; `end` is the place among them of the early window's last, None without a later one.
    """

    early: Mapping[str, Indices]
    counted: tuple[str, ...]
    common: Mapping[str, Indices]
    end: int | None
    contrasts: tuple[Contrast, ...]


@dataclass(frozen=True)
class Floor:
    """What CS is measured against: `chance` [...] and, by science model, the standard error [..., K] there."""

    chance: Floats
    errors: Mapping[str, Floats]


@dataclass(frozen=True)
class CurveScores:
    """`whole` {score: [...]} by the names in `SCORES`; `models` {model: its own SQ [...]}."""

    whole: dict[str, Floats]
    models: dict[str, Floats]


def layout(runs: Mapping[str, Run]) -> Layout:
    """Which points are complete (no question missing), early and shared."""
    complete = {name: _complete(run) for name, run in runs.items()}
    early = {name: np.flatnonzero(complete[name] & run.early) for name, run in runs.items()}
    counted = tuple(name for name, run in runs.items() if run.counts)
    common, end = _shared(runs, complete, counted)
    pairs = []
    for twin, run in runs.items():
        if run.twin_of is None or run.twin_of not in runs:
            continue
        science = runs[run.twin_of]
        steps, mine, theirs = np.intersect1d(
            run.steps[early[twin]], science.steps[early[run.twin_of]], return_indices=True
        )
        if len(steps):
            pairs.append(Contrast(run.twin_of, early[run.twin_of][theirs], twin, early[twin][mine]))
    return Layout(early, counted, common, end, tuple(pairs))


def floor(runs: Mapping[str, Run], plan: Layout, metric: str, chance: ArrayLike, questions: int) -> Floor:
    """The chance level [...] and the error of "above chance" for one metric.

    For acc and acc_norm the error follows from the chance; for norm_prob it is the sample's, and the resamples
    of a bootstrap share it: its own error is of second order.
    """
    level = np.asarray(chance, dtype=np.float64)
    if metric not in BOUNDED_METRICS:
        return Floor(level, {})
    if metric != "norm_prob":
        binomial = np.sqrt(level * (1.0 - level) / questions)[..., None]
        return Floor(level, {pair.science: binomial for pair in plan.contrasts})
    return Floor(
        level,
        {
            pair.science: contrast.chance_error(
                metric, 0.0, questions, runs[pair.science].per_question[metric]
            )
            for pair in plan.contrasts
        },
    )


def scores(plan: Layout, curves: Mapping[str, Floats], metric: str, against: Floor) -> CurveScores:
    """All scores of curves {model: [..., K]} of one metric, as measured (bpb not negated): {score: [...]}.

    Formulas: `signal`, `ranking`, `contrast`, `composite`, `finetasks`. Undefined scores are NaN.
    """
    oriented = {name: metrics.oriented(metric, values) for name, values in curves.items()}
    qualities = _qualities({name: oriented[name][..., at] for name, at in plan.early.items()})
    counted = [qualities[name] for name in plan.counted]
    axes = next((values.shape[:-1] for values in curves.values()), against.chance.shape)
    whole: dict[str, Floats] = dict.fromkeys(SCORES, np.full(axes, np.nan))
    if counted:
        whole["sq"] = np.mean(counted, axis=0)
    if len(plan.counted) > 1 and len(plan.common[plan.counted[0]]):
        grid = np.stack([oriented[name][..., plan.common[name]] for name in plan.counted], axis=-2)
        whole |= _between_models(grid, plan.end, metric)
    if metric in BOUNDED_METRICS and plan.contrasts:
        whole["cs"] = _contrast(plan, curves, against)
    whole["score"] = composite.total(whole["sq"], whole["rc"], whole["cs"])
    return CurveScores(whole, qualities)


def _qualities(early: Mapping[str, Floats]) -> dict[str, Floats]:
    """Each model's SQ; curves of one length are taken at once."""
    by_length: dict[int, list[str]] = {}
    for name, curve in early.items():
        by_length.setdefault(curve.shape[-1], []).append(name)
    found: dict[str, Floats] = {}
    for names in by_length.values():
        together = np.stack([early[name] for name in names])
        found |= zip(names, (signal.rho(together) + signal.autocorrelation(together)) / 2, strict=True)
    return {name: found[name] for name in early}


def _between_models(grid: Floats, end: int | None, metric: str) -> dict[str, Floats]:
    """Scores of the counted models' oriented curves [..., M, K] on their common checkpoints."""
    found = {"monotonicity": finetasks.monotonicity(grid), "ordering": finetasks.ordering(grid)}
    if metric in signal.RATIO_METRICS:
        found["snr"] = signal.signal_to_noise(grid)
        found["snr_detrended"] = signal.signal_to_noise(grid, detrend=True)
    if end is not None:
        found["rc"] = ranking.consistency(grid[..., end], grid[..., end + 1 :])
        found["decision_accuracy"] = signal.pair_agreement(grid[..., end], grid[..., -1])
    return found


def _contrast(plan: Layout, curves: Mapping[str, Floats], against: Floor) -> Floats:
    """The mean over twins, as `analysis` takes it."""
    chance = against.chance[..., None]
    parts = []
    for pair in plan.contrasts:
        error = against.errors[pair.science]
        if error.shape[-1] > 1:
            error = error[..., pair.science_at]
        science = curves[pair.science][..., pair.science_at]
        parts.append(contrast.contrast(science, curves[pair.twin][..., pair.twin_at], chance, error))
    return np.mean(parts, axis=0)


def _complete(run: Run) -> NDArray[np.bool_]:
    """[K]: which checkpoints lack no question. A metric is NaN where all are, so one tells."""
    values = next(iter(run.per_question.values()))
    return ~np.isnan(values).any(axis=-1) & (values.shape[-1] > 0)


def _shared(
    runs: Mapping[str, Run], complete: Mapping[str, NDArray[np.bool_]], counted: tuple[str, ...]
) -> tuple[dict[str, Indices], int | None]:
    if not counted:
        return {}, None
    own = {name: np.flatnonzero(complete[name]) for name in counted}
    steps = runs[counted[0]].steps[own[counted[0]]]
    for name in counted[1:]:
        steps = np.intersect1d(steps, runs[name].steps[own[name]])
    common = {name: own[name][np.isin(runs[name].steps[own[name]], steps)] for name in counted}
    early = runs[counted[0]].early[common[counted[0]]]
    inside = np.flatnonzero(early)
    return common, int(inside[-1]) if inside.size and not early[-1] else None
