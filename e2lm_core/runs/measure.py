"""Read a set's log-likelihoods from the store into measurements; nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from e2lm_core.base.records import Checkpoint, Scope, TaskSet
from e2lm_core.runs.requests import keys_of
from e2lm_core.runs.store import Store
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.sets.prompts.render import render_set


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
    keys = tuple(keys_of(doc) for doc in docs)
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
