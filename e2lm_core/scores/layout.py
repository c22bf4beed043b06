"""Selection of checkpoints for each score: complete, early, shared, paired with a twin.

Axes: K checkpoints of a model, Q questions, M models that count, T checkpoints that all of them share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from e2lm_core.scores.arrays import Floats

Indices = NDArray[np.intp]
Curves = Mapping[str, Floats]


@dataclass(frozen=True)
class Run:
    """Measurements of one model, the input of the scores.

    Attributes:
        per_question: Values by metric, {metric: [K, Q]}, in step order, NaN where not computed.
        steps: Training steps [K], ascending.
        early: Mask [K], bool, of the early window.
        counts: False for twins and other seeds, which stay out of SQ, RC and SNR.
        twin_of: Name of the science model that this is the web-only twin of; None for any other model.
        size: Label of the model's size; models of one size differ in their shape.
        shape: Size, architecture and role of a model of one's own; two models of one shape may be seeds of one
            model. None where they are not known, see `ModelInfo.shape`.
    """

    per_question: Mapping[str, NDArray]
    steps: NDArray
    early: NDArray[np.bool_]
    counts: bool = True
    twin_of: str | None = None
    size: str | None = None
    shape: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class TwinPair:
    """A science model and its web-only twin at the early checkpoints that both have.

    Attributes:
        science: Name of the science model.
        science_at: Indices into the science model's checkpoints, complete in both.
        twin: Name of the web-only twin.
        twin_at: Indices into the twin's checkpoints, of the same steps.
        missing: Number of shared early checkpoints that lack results in at least one of the two.
    """

    science: str
    science_at: Indices
    twin: str
    twin_at: Indices
    missing: int = 0


@dataclass(frozen=True)
class Layout:
    """Checkpoints that enter each score of one metric, as indices into each model's own K checkpoints.

    A checkpoint without results is left out here and makes every score that needs it undefined, since without
    it the score would be another one. A checkpoint that a model never had is not missing.

    Attributes:
        early: Complete checkpoints of the early window, by model.
        counted: Names of the M models that count in scores.
        common: The T complete checkpoints that all counted models share, by model.
        end: Index among the T of the last early checkpoint; None without one, or without a later checkpoint.
        twins: Science models with their web-only twins.
        sizes: Size of each counted model [M].
        missing: Number of early checkpoints without results, by model.
        missing_common: Number of checkpoints without results among those that all counted models have.
        replicates: Counted models of one shape, which may be seeds of one model; () without any.
    """

    early: Mapping[str, Indices]
    counted: tuple[str, ...]
    common: Mapping[str, Indices]
    end: int | None
    twins: tuple[TwinPair, ...]
    sizes: tuple[str | None, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    missing_common: int = 0
    replicates: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def from_runs(cls, runs: Mapping[str, Run], curves: Curves) -> Layout:
        """Build the layout of measured curves.

        Args:
            runs: Runs by model.
            curves: Curves of one metric, {model: [K]}; a checkpoint is complete where its mean is finite.
        """
        complete = {name: np.isfinite(curves[name]) for name in runs}
        early = {name: np.flatnonzero(complete[name] & run.early) for name, run in runs.items()}
        missing = {name: int(run.early.sum()) - len(early[name]) for name, run in runs.items()}
        counted = tuple(name for name, run in runs.items() if run.counts)
        common, end = _shared(runs, complete, counted)
        sizes = tuple(runs[name].size for name in counted)
        lacking = len(_steps(runs, counted)) - (len(common[counted[0]]) if counted else 0)
        twins, replicates = _twins(runs, complete), _replicates(runs, counted)
        return cls(early, counted, common, end, twins, sizes, missing, lacking, replicates)

    @property
    def comparable(self) -> bool:
        """Whether at least two models that count share a complete checkpoint."""
        return len(self.counted) > 1 and len(self.common[self.counted[0]]) > 0

    def stack_curves(self, curves: Curves) -> Floats:
        """Curves of the counted models at their shared checkpoints: {model: [..., K]} -> [..., M, T]."""
        return np.stack([curves[name][..., self.common[name]] for name in self.counted], axis=-2)


def _steps(runs: Mapping[str, Run], counted: tuple[str, ...]) -> NDArray[np.intp]:
    """Steps that all counted models have, complete or not."""
    steps = runs[counted[0]].steps if counted else np.empty(0, np.intp)
    for name in counted[1:]:
        steps = np.intersect1d(steps, runs[name].steps)
    return steps


def _shared(
    runs: Mapping[str, Run], complete: Mapping[str, NDArray[np.bool_]], counted: tuple[str, ...]
) -> tuple[dict[str, Indices], int | None]:
    if not counted:
        return {}, None
    places = {name: np.flatnonzero(complete[name]) for name in counted}
    steps = runs[counted[0]].steps[places[counted[0]]]
    for name in counted[1:]:
        steps = np.intersect1d(steps, runs[name].steps[places[name]])
    common = {name: places[name][np.isin(runs[name].steps[places[name]], steps)] for name in counted}
    early = runs[counted[0]].early[common[counted[0]]]
    inside = np.flatnonzero(early)
    return common, int(inside[-1]) if inside.size and not early[-1] else None


def _replicates(runs: Mapping[str, Run], counted: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    by_shape: dict[tuple[str, str, str], list[str]] = {}
    for name in counted:
        if (shape := runs[name].shape) is not None:
            by_shape.setdefault(shape, []).append(name)
    return tuple(tuple(names) for names in by_shape.values() if len(names) > 1)


def _twins(runs: Mapping[str, Run], complete: Mapping[str, NDArray[np.bool_]]) -> tuple[TwinPair, ...]:
    pairs = []
    for twin, run in runs.items():
        science = run.twin_of
        if science is None or science not in runs:
            continue
        window = {name: np.flatnonzero(runs[name].early) for name in (twin, science)}
        steps, of_twin, of_science = np.intersect1d(
            run.steps[window[twin]], runs[science].steps[window[science]], return_indices=True
        )
        if not len(steps):
            continue
        twin_at, science_at = window[twin][of_twin], window[science][of_science]
        there = complete[twin][twin_at] & complete[science][science_at]
        lacking = int((~there).sum())
        pairs.append(TwinPair(science, science_at[there], twin, twin_at[there], lacking))
    return tuple(pairs)
