"""A set's results read from the store: log-likelihoods by model, checkpoint, question and choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import metrics
from .prompts import render_set
from .records import Checkpoint, ModelInfo, TaskSet
from .runs import requests_of
from .store import digest
from .studio import Studio


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
    def checkpoints(self) -> int:
        return sum(len(curve.checkpoints) for curve in self.curves)


def measure(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None = None
) -> Measurements:
    """Read from the store whatever of the set is there; computes nothing and loads no weights."""
    docs = render_set(task, num_fewshot)
    width = max((len(doc.choices) for doc in docs), default=1)  # a set may be empty; no axis may be
    keys = [[digest(request) for request in requests_of(doc)] for doc in docs]
    flat = [key for doc in keys for key in doc]
    rows = np.repeat(np.arange(len(docs)), [len(doc) for doc in keys])
    columns = np.concatenate([np.arange(len(doc)) for doc in keys]) if docs else np.empty(0, int)
    wanted = list(dict.fromkeys(flat))

    def ll_of(checkpoint: Checkpoint) -> np.ndarray:
        held = studio.store.ll_nats(studio.backend.scope(checkpoint), wanted)
        values = np.full((len(docs), width), np.nan)
        values[rows, columns] = [held.get(key, np.nan) for key in flat]
        return values

    chars = np.full((len(docs), width), np.nan)
    chars[rows, columns] = [len(choice) for doc in docs for choice in doc.choices]
    by_model: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        by_model.setdefault(checkpoint.model.name, []).append(checkpoint)
    curves = []
    for own in by_model.values():
        own = sorted(own, key=lambda c: c.step)
        ll = np.stack([ll_of(c) for c in own])
        curves.append(ModelCurve(model=own[0].model, checkpoints=tuple(own), ll=ll))
    return Measurements(
        task=task.name,
        question_ids=tuple(q.id for q in task.questions),
        subjects=tuple(q.subject or "" for q in task.questions),
        gold=np.array([doc.gold for doc in docs], int),
        chars=chars,
        gold_bytes=np.array([len(doc.choices[doc.gold].encode()) for doc in docs], float),
        curves=tuple(curves),
        groups=tuple(q.group for q in task.questions),
    )


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
