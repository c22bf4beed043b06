"""A set's results read from the store: log-likelihoods by model, checkpoint, question and choice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from e2lm_core.base.records import Checkpoint, ModelInfo, Scope
from e2lm_core.scores import metrics


@dataclass(frozen=True)
class ModelCurve:
    """One model's results: `ll` [K, Q, C] in nats, NaN where not computed or no such choice."""

    model: ModelInfo
    checkpoints: tuple[Checkpoint, ...]
    ll: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        return np.array([c.step for c in self.checkpoints])

    @property
    def tokens_seen(self) -> np.ndarray:
        """NaN where a family does not record it."""
        return np.array([np.nan if c.tokens_seen is None else c.tokens_seen for c in self.checkpoints], float)

    @property
    def early(self) -> np.ndarray:
        """Which checkpoints lie in the early window; all of them where the family names none."""
        return np.array([c.early is not False for c in self.checkpoints])


@dataclass(frozen=True)
class Measurements:
    """A set's results on some checkpoints, complete or not.

    `gold` [Q], `chars` [Q, C] (NaN where there is no such choice) and `gold_bytes` [Q] are the set's own.
    """

    task: str
    question_ids: tuple[str, ...]
    subjects: tuple[str, ...]
    gold: np.ndarray
    chars: np.ndarray
    gold_bytes: np.ndarray
    curves: tuple[ModelCurve, ...]
    groups: tuple[str | None, ...] = ()  # of questions that are drawn together, None for one by itself
    keys: tuple[
        tuple[bytes, ...], ...
    ] = ()  # of each question's choices in the store, where it was read from
    scopes: tuple[Scope, ...] = ()  # of the checkpoints of all curves, in their order

    @property
    def choice_counts(self) -> np.ndarray:
        return np.isfinite(self.chars).sum(axis=1)

    @property
    def chance(self) -> float:
        return metrics.chance(self.choice_counts)

    @cached_property
    def per_question(self) -> dict[str, dict[str, np.ndarray]]:
        """`{model: {metric: [K, Q]}}`."""
        return {
            curve.model.name: metrics.per_question(curve.ll, self.gold, self.chars, self.gold_bytes)
            for curve in self.curves
        }

    def values(self, model: str, metric: str) -> np.ndarray:
        """The model's curve [K]: the mean over questions, NaN at a checkpoint that is not complete."""
        return metrics.curve(self.per_question[model][metric])

    def curve_of(self, model: str) -> ModelCurve:
        return next(curve for curve in self.curves if curve.model.name == model)

    @property
    def measured(self) -> int:
        """How many (checkpoint, question) pairs are complete."""
        return int(sum(np.isfinite(m["margin"]).sum() for m in self.per_question.values()))

    @property
    def complete_checkpoints(self) -> int:
        return int(sum(np.isfinite(m["margin"]).all(axis=1).sum() for m in self.per_question.values()))

    @property
    def nbytes(self) -> int:
        """Of the log-likelihoods, which are most of it."""
        return sum(curve.ll.nbytes for curve in self.curves)

    @property
    def checkpoints(self) -> int:
        return sum(len(curve.checkpoints) for curve in self.curves)


@dataclass(frozen=True)
class Grid:
    """Scores of M models at the K complete checkpoints that all of them have: `scores` is oriented so that
    more is better, `values` is as measured."""

    models: tuple[str, ...]
    steps: np.ndarray
    tokens_seen: np.ndarray
    early: np.ndarray
    values: np.ndarray
    scores: np.ndarray

    @property
    def end(self) -> int | None:
        """The early window's last checkpoint, None where there is none or nothing after it."""
        inside = np.flatnonzero(self.early)
        return int(inside[-1]) if inside.size and not self.early[-1] else None


def common_grid(measurements: Measurements, metric: str) -> Grid | None:
    """None where fewer than two models that count share a complete checkpoint."""
    counted = [c for c in measurements.curves if c.model.counts_in_scores]
    if len(counted) < 2:
        return None
    complete = [
        {
            int(step): k
            for k, (step, value) in enumerate(
                zip(c.steps, measurements.values(c.model.name, metric), strict=True)
            )
            if np.isfinite(value)
        }
        for c in counted
    ]
    steps = sorted(set.intersection(*(set(own) for own in complete)))
    if not steps:
        return None
    values = np.array(
        [
            [measurements.values(c.model.name, metric)[own[step]] for step in steps]
            for c, own in zip(counted, complete, strict=True)
        ]
    )
    at = [complete[0][step] for step in steps]
    return Grid(
        models=tuple(c.model.name for c in counted),
        steps=np.array(steps),
        tokens_seen=counted[0].tokens_seen[at],
        early=counted[0].early[at],
        values=values,
        scores=metrics.oriented(metric, values),
    )
