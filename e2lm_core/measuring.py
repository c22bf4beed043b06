"""A set's results read from the store: log-likelihoods by model, checkpoint, question and choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from e2lm_core import metrics
from e2lm_core.asked import requests_of
from e2lm_core.prompts import render_set
from e2lm_core.records import Checkpoint, ModelInfo, Scope, TaskSet
from e2lm_core.store import Store, digest
from e2lm_core.studio import Studio


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


def measure(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    like: Measurements | None = None,
) -> Measurements:
    """Read from the store whatever of the set is there; computes nothing and loads no weights.

    `like` was measured before, of this set or an earlier version: what it has of the same questions under the
    same checkpoints is taken from it, since results never change.
    """
    docs = render_set(task, num_fewshot)
    width = max((len(doc.choices) for doc in docs), default=1)  # a set may be empty; no axis may be
    keys = tuple(tuple(digest(request) for request in requests_of(doc)) for doc in docs)
    chars = np.full((len(docs), width), np.nan)
    for row, doc in enumerate(docs):
        chars[row, : len(doc.choices)] = [len(choice) for choice in doc.choices]
    curves, scopes = _read(studio, keys, width, _by_model(checkpoints), like)
    return Measurements(
        task=task.name,
        question_ids=tuple(q.id for q in task.questions),
        subjects=tuple(q.subject or "" for q in task.questions),
        gold=np.array([doc.gold for doc in docs], int),
        chars=chars,
        gold_bytes=np.array([len(doc.choices[doc.gold].encode()) for doc in docs], float),
        curves=curves,
        groups=tuple(q.group for q in task.questions),
        keys=keys,
        scopes=scopes,
    )


def refreshed(studio: Studio, measured: Measurements) -> Measurements:
    """The same set with what has been computed since; the same object where that is nothing."""
    checkpoints = [list(curve.checkpoints) for curve in measured.curves]
    curves, scopes = _read(studio, measured.keys, measured.chars.shape[1], checkpoints, measured)
    unchanged = scopes == measured.scopes and all(
        np.array_equal(new.ll, old.ll, equal_nan=True)
        for new, old in zip(curves, measured.curves, strict=True)
    )
    return measured if unchanged else replace(measured, curves=curves, scopes=scopes)


def _by_model(checkpoints: Sequence[Checkpoint]) -> list[list[Checkpoint]]:
    found: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        found.setdefault(checkpoint.model.name, []).append(checkpoint)
    return [sorted(own, key=lambda c: c.step) for own in found.values()]


def _read(
    studio: Studio,
    keys: Sequence[tuple[bytes, ...]],
    width: int,
    by_model: Sequence[Sequence[Checkpoint]],
    like: Measurements | None,
) -> tuple[tuple[ModelCurve, ...], tuple[Scope, ...]]:
    counts = np.array([len(own) for own in keys], int)
    real = np.arange(width) < counts[:, None]
    held = {} if like is None else _held(like)
    places = {} if like is None else {own: place for place, own in enumerate(like.keys)}
    taken = np.array([places.get(own, -1) for own in keys], int)
    flat = [key for own in keys for key in own]  # in the order of `array[real]`
    distinct = sorted(set(flat))
    place = {key: number for number, key in enumerate(distinct)}
    at = np.array([place[key] for key in flat], int)
    curves, scopes = [], []
    for own in by_model:
        ll = np.full((len(own), len(keys), width), np.nan)
        for row, checkpoint in zip(ll, own, strict=True):
            scope = studio.backend.scope(checkpoint)
            scopes.append(scope)
            if scope in held:
                before = held[scope][taken[taken >= 0]][:, :width]
                row[taken >= 0, : before.shape[1]] = before
            absent = np.flatnonzero(np.isnan(row[real]))
            if absent.size:
                row[real] = _filled(studio.store, scope, row[real], absent, distinct, at)
        curves.append(ModelCurve(model=own[0].model, checkpoints=tuple(own), ll=ll))
    return tuple(curves), tuple(scopes)


def _filled(
    store: Store, scope: Scope, values: np.ndarray, absent: np.ndarray, distinct: list[bytes], at: np.ndarray
) -> np.ndarray:
    """`values` with what the store has at `absent`; value i has the key `distinct[at[i]]`, those ascend."""
    if len(absent) == len(values):
        found = store.ll_nats(scope, distinct)
        if (
            list(found) == distinct
        ):  # all of it, and in their order: no look-ups, the usual case of a large set
            return np.fromiter(found.values(), float, len(found))[at]
    else:
        found = store.ll_nats(scope, {distinct[number] for number in at[absent]})
    if found:
        values[absent] = [found.get(distinct[number], np.nan) for number in at[absent]]
    return values


def _held(measured: Measurements) -> dict[Scope, np.ndarray]:
    rows = [row for curve in measured.curves for row in curve.ll]
    return dict(zip(measured.scopes, rows, strict=True)) if measured.scopes else {}


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
