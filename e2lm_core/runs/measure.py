"""Read a set's log-likelihoods from the store into measurements; nothing is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from e2lm_core.base.records import Checkpoint, PromptStyle, Scope, TaskSet
from e2lm_core.checkpoints.ladder.taught import taught_answers, told_of
from e2lm_core.runs.kept.packs import Keys
from e2lm_core.runs.kept.store import FEW_KEYS
from e2lm_core.runs.requests import keys_of
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.sets.checks import groups
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
    sizes, texts = np.full_like(chars, np.nan), np.full(chars.shape, -1)
    numbers: dict[str, int] = {}
    for row, doc in enumerate(docs):
        chars[row, : len(doc.choices)] = [len(choice) for choice in doc.choices]
        sizes[row, : len(doc.choices)] = [len(text.encode()) for text in doc.scored]
        texts[row, : len(doc.choices)] = [numbers.setdefault(c, len(numbers)) for c in doc.choices]
    curves, scopes = _read(studio, keys, width, _by_model(checkpoints), like)
    return Measurements(
        task=task.name,
        question_ids=tuple(q.id for q in task.questions),
        subjects=tuple(q.subject or "" for q in task.questions),
        gold=np.array([doc.gold for doc in docs], int),
        chars=chars,
        gold_bytes=np.array([len(doc.scored[doc.gold].encode()) for doc in docs], float),
        curves=curves,
        groups=tuple(q.group for q in task.questions),
        keys=keys,
        scopes=scopes,
        choice_bytes=sizes,
        choice_texts=texts,
        letters=task.config.style is PromptStyle.LETTERS,
        taught=_asked(studio, task, checkpoints, taught_answers),
        taught_of_all=all(checkpoint.packed is not None for checkpoint in checkpoints),
        told=_asked(studio, task, checkpoints, told_of),
        independent=groups.declared(task.config),
    )


def _asked(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    of: Callable[[Path | None, TaskSet], dict[str, bool] | None],
) -> tuple[bool, ...] | None:
    """What the embedded models were told of each question; None where none of them is among these."""
    if all(checkpoint.packed is None for checkpoint in checkpoints):
        return None
    told = of(studio.catalogue.taught_file, task)
    return None if told is None else tuple(told.values())


def refreshed(studio: Studio, measurements: Measurements) -> Measurements:
    """The same set with what has been computed since; the same object where that is nothing."""
    checkpoints = [list(curve.checkpoints) for curve in measurements.curves]
    if measurements.complete_checkpoints == measurements.checkpoints:
        # Results never change, so there is nothing more to read as long as the weights are the same.
        scopes = tuple(studio.backend.scope(c) for curve in checkpoints for c in curve)
        if scopes == measurements.scopes:
            return measurements
    width = measurements.chars.shape[1]
    curves, scopes = _read(studio, measurements.keys, width, checkpoints, measurements)
    unchanged = scopes == measurements.scopes and all(
        np.array_equal(new.ll, old.ll, equal_nan=True)
        for new, old in zip(curves, measurements.curves, strict=True)
    )
    return measurements if unchanged else replace(measurements, curves=curves, scopes=scopes)


def _by_model(checkpoints: Sequence[Checkpoint]) -> list[list[Checkpoint]]:
    by_model: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        by_model.setdefault(checkpoint.model.name, []).append(checkpoint)
    return [sorted(curve, key=lambda c: c.step) for curve in by_model.values()]


def _read(
    studio: Studio,
    keys: Sequence[tuple[bytes, ...]],
    width: int,
    by_model: Sequence[Sequence[Checkpoint]],
    like: Measurements | None,
) -> tuple[tuple[ModelCurve, ...], tuple[Scope, ...]]:
    """Every model's log-likelihoods in nats, [checkpoint, question, choice up to `width`], NaN where unknown."""
    counts = np.array([len(choices) for choices in keys], int)
    real = np.arange(width) < counts[:, None]
    known = {} if like is None else _by_scope(like)
    places = {} if like is None else {choices: place for place, choices in enumerate(like.keys)}
    taken = np.array([places.get(choices, -1) for choices in keys], int)
    flat = [key for choices in keys for key in choices]  # in the order of `array[real]`
    distinct = Keys(flat)
    at = distinct.places(flat)
    kept = np.flatnonzero(taken >= 0)
    curves, scopes = [], []
    edited: list[tuple[Scope, np.ndarray]] = []
    few: set[int] = set()
    for checkpoints in by_model:
        ll = np.full((len(checkpoints), len(keys), width), np.nan)
        of = [studio.backend.scope(checkpoint) for checkpoint in checkpoints]
        if read := [row for row, scope in enumerate(of) if scope in known]:
            before = np.stack([known[of[row]] for row in read])[:, taken[kept], :width]
            ll[np.ix_(np.array(read), kept, np.arange(before.shape[2]))] = before
        absent = np.isnan(ll[:, real])
        rows = [(of[row], ll[row]) for row in np.flatnonzero(absent.any(axis=1))]
        numbers = np.unique(at[absent.any(axis=0)])
        if len(numbers) <= FEW_KEYS:
            few.update(numbers.tolist())
            edited += rows
        else:
            asked = distinct.some(numbers)
            for scope, row in rows:
                _fill(row, real, at, numbers, studio.store.values(scope, asked))
        scopes += of
        curves.append(ModelCurve(model=checkpoints[0].model, checkpoints=tuple(checkpoints), ll=ll))
    if few:  # an edit's, at many checkpoints: one look for all
        numbers = np.array(sorted(few))
        columns = studio.store.values_of_all([scope for scope, _ in edited], distinct.some(numbers))
        for (_, row), values in zip(edited, columns, strict=True):
            _fill(row, real, at, numbers, values)
    return tuple(curves), tuple(scopes)


def _fill(row: np.ndarray, real: np.ndarray, at: np.ndarray, numbers: np.ndarray, values: np.ndarray) -> None:
    """Put values of the keys with these numbers where `row` [Q, C] has none; `row[real]` are those of keys `at`."""
    by_number = np.full(at.max() + 1, np.nan)
    by_number[numbers] = values
    filled = row[real]
    absent = np.isnan(filled)
    filled[absent] = by_number[at[absent]]
    row[real] = filled


def _by_scope(measurements: Measurements) -> dict[Scope, np.ndarray]:
    rows = [row for curve in measurements.curves for row in curve.ll]
    return dict(zip(measurements.scopes, rows, strict=True)) if measurements.scopes else {}
