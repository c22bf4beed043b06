"""Loads a set's stored log-likelihoods as Measurements; computes nothing."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from e2lm_core.base.memory import mapped
from e2lm_core.base.records import Checkpoint, PromptStyle, Scope, TaskSet
from e2lm_core.checkpoints.ladder.training_facts import known_answers, mentioned_choices
from e2lm_core.runs.store.loglikelihood_store import FEW_KEYS
from e2lm_core.runs.store.packed_columns import Keys
from e2lm_core.runs.store.requests import keys_of
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.sets.checks import groups
from e2lm_core.sets.prompts.render import render_set
from e2lm_core.sets.selection_origin import origin_of_set

# Log-likelihoods of this many bytes or more lie in a file if a folder is given. 15,000 questions of four
# choices at 150 checkpoints stay below it and in memory, so an edit of such a set writes no file.
MAPPED_FROM = 100 * 2**20


def load_measurements(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    reuse_from: Measurements | None = None,
    folder: Path | None = None,
    facts: bool = True,
) -> Measurements:
    """Stored log-likelihoods of a set as `Measurements`; computes nothing and loads no weights.

    Args:
        studio: Store, catalogue and backend.
        task: The set; prompts are rendered from it as it is now.
        checkpoints: Checkpoints of any number of models.
        num_fewshot: Number of few-shot examples; None for the set's own.
        reuse_from: Measurements of this set or an earlier version. Values of the same questions under the
            same checkpoints are taken from them, since results never change.
        folder: Folder for the file of a large set's log-likelihoods, which exists as long as this process
            uses it; None to keep all of them in memory.
        facts: Whether to look up what the mini models were taught; a control needs none of it.

    Returns:
        Measurements with NaN for missing log-likelihoods.
    """
    docs = render_set(task, num_fewshot)
    width = max((len(doc.choices) for doc in docs), default=1)  # a set may be empty; no axis may be
    keys = tuple(keys_of(doc) for doc in docs)
    chars = np.full((len(docs), width), np.nan)
    sizes, texts = np.full_like(chars, np.nan), np.full(chars.shape, -1)
    numbers: dict[str, int] = {}
    of_questions: dict[str, int] = {}
    for row, doc in enumerate(docs):
        chars[row, : len(doc.choices)] = [len(choice) for choice in doc.choices]
        sizes[row, : len(doc.choices)] = [len(text.encode()) for text in doc.scored_texts]
        texts[row, : len(doc.choices)] = [numbers.setdefault(_plain(c), len(numbers)) for c in doc.choices]
    curves, scopes = _read(studio, keys, width, _by_model(checkpoints), reuse_from, folder)
    return Measurements(
        task=task.name,
        question_ids=tuple(q.id for q in task.questions),
        subjects=tuple(q.subject or "" for q in task.questions),
        gold=np.array([doc.gold for doc in docs], int),
        chars=chars,
        gold_bytes=np.array([len(doc.scored_texts[doc.gold].encode()) for doc in docs], float),
        curves=curves,
        groups=tuple(q.group for q in task.questions),
        keys=keys,
        scopes=scopes,
        choice_bytes=sizes,
        choice_texts=texts,
        letters=task.config.style is PromptStyle.LETTERS,
        taught=_asked(studio, task, checkpoints, known_answers) if facts else None,
        taught_of_all=all(checkpoint.packed is not None for checkpoint in checkpoints),
        told=_asked(studio, task, checkpoints, mentioned_choices) if facts else None,
        independent=groups.is_declared_independent(task.config),
        chosen=origin_of_set(task),
        question_texts=np.array(
            [of_questions.setdefault(_plain(q.question), len(of_questions)) for q in task.questions], int
        ),
    )


def _plain(text: str) -> str:
    """The text without the case and spaces in which copies differ."""
    return " ".join(text.casefold().split())


def is_large(checkpoints: int, questions: int, max_choices: int) -> bool:
    """Whether a set's log-likelihoods take 100 MiB or more, and so lie in a file.

    Args:
        checkpoints: Number of checkpoints.
        questions: Number of questions.
        max_choices: Largest number of choices of a question.
    """
    return checkpoints * questions * max_choices * np.dtype(float).itemsize >= MAPPED_FROM


def _asked(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    of: Callable[[Path | None, TaskSet], dict[str, bool] | None],
) -> tuple[bool, ...] | None:
    """Training facts of each question by `of`; None if no mini model is among the checkpoints."""
    if all(checkpoint.packed is None for checkpoint in checkpoints):
        return None
    told = of(studio.catalogue.taught_file, task)
    return None if told is None else tuple(told.values())


def refresh(studio: Studio, measurements: Measurements, folder: Path | None = None) -> Measurements:
    """Measurements of the same set with results computed since; the same object if there are none.

    Args:
        studio: Store and backend.
        measurements: Measurements to bring up to date.
        folder: As in `load_measurements`.
    """
    checkpoints = [list(curve.checkpoints) for curve in measurements.curves]
    if measurements.complete_checkpoints == measurements.checkpoints:
        # Results never change, so there is nothing more to read as long as the weights are the same.
        scopes = tuple(studio.backend.scope(c) for curve in checkpoints for c in curve)
        if scopes == measurements.scopes:
            return measurements
    width = measurements.chars.shape[1]
    curves, scopes = _read(studio, measurements.keys, width, checkpoints, measurements, folder)
    unchanged = scopes == measurements.scopes and all(
        new.ll is old.ll or np.array_equal(new.ll, old.ll, equal_nan=True)
        for new, old in zip(curves, measurements.curves, strict=True)
    )
    return measurements if unchanged else replace(measurements, curves=curves, scopes=scopes)


def _by_model(checkpoints: Sequence[Checkpoint]) -> list[list[Checkpoint]]:
    by_model: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        by_model.setdefault(checkpoint.model.name, []).append(checkpoint)
    return [sorted(curve, key=lambda c: c.step) for curve in by_model.values()]


@dataclass(frozen=True)
class _Asked:
    """The lookup: keys of every choice of every question, and earlier measurements to reuse."""

    keys: Sequence[tuple[bytes, ...]]
    width: int
    like: Measurements | None

    @cached_property
    def real(self) -> np.ndarray:
        """[Q, C] bool: whether the question has that choice."""
        return np.arange(self.width) < np.array([len(choices) for choices in self.keys], int)[:, None]

    @cached_property
    def flat(self) -> list[bytes]:
        """The keys, in the order of `array[real]`."""
        return [key for choices in self.keys for key in choices]

    @cached_property
    def distinct(self) -> Keys:
        """The distinct keys."""
        return Keys(self.flat)

    @cached_property
    def key_positions(self) -> np.ndarray:
        """[N] int: positions of the keys `flat` in `distinct`."""
        return self.distinct.positions_of(self.flat)

    @cached_property
    def earlier_by_scope(self) -> dict[Scope, np.ndarray]:
        """Scope → [Q, C] earlier log-likelihoods, with the questions and choices of that time."""
        return {} if self.like is None else _by_scope(self.like)

    @cached_property
    def earlier_positions(self) -> np.ndarray:
        """[Q] int: position of each question in the earlier measurements, -1 if it is not in them."""
        places = {} if self.like is None else {choices: place for place, choices in enumerate(self.like.keys)}
        return np.array([places.get(choices, -1) for choices in self.keys], int)

    @cached_property
    def reused_questions(self) -> np.ndarray:
        """[N] int: positions of the questions that are in the earlier measurements."""
        return np.flatnonzero(self.earlier_positions >= 0)

    def again(self, by_model: Sequence[Sequence[Scope]]) -> bool:
        """Whether the earlier measurements are of exactly these keys and of these scopes by model."""
        like = self.like
        return (
            like is not None and like.keys is self.keys and like.scopes == tuple(itertools.chain(*by_model))
        )


def _read(
    studio: Studio,
    keys: Sequence[tuple[bytes, ...]],
    width: int,
    by_model: Sequence[Sequence[Checkpoint]],
    like: Measurements | None,
    folder: Path | None,
) -> tuple[tuple[ModelCurve, ...], tuple[Scope, ...]]:
    """[K, Q, C] log-likelihoods in nats of every model, NaN if missing, and the scopes of all checkpoints."""
    asked = _Asked(keys, width, like)
    scopes = [[studio.backend.scope(checkpoint) for checkpoint in checkpoints] for checkpoints in by_model]
    lls = None
    if folder is not None and is_large(sum(map(len, scopes)), len(keys), width):
        lls = _large(studio, asked, scopes, folder)
    if lls is None:
        lls = _in_memory(studio, asked, scopes)
    curves = tuple(
        ModelCurve(model=checkpoints[0].model, checkpoints=tuple(checkpoints), ll=ll)
        for checkpoints, ll in zip(by_model, lls, strict=True)
    )
    return curves, tuple(itertools.chain(*scopes))


def _in_memory(studio: Studio, asked: _Asked, by_model: Sequence[Sequence[Scope]]) -> list[np.ndarray]:
    real, at, kept = asked.real, asked.key_positions, asked.reused_questions
    lls = []
    edited: list[tuple[Scope, np.ndarray]] = []
    few: set[int] = set()
    for of in by_model:
        ll = np.full((len(of), *real.shape), np.nan)
        if read := [row for row, scope in enumerate(of) if scope in asked.earlier_by_scope]:
            before = np.stack([asked.earlier_by_scope[of[row]] for row in read])[
                :, asked.earlier_positions[kept], : asked.width
            ]
            ll[np.ix_(np.array(read), kept, np.arange(before.shape[2]))] = before
        absent = np.isnan(ll[:, real])
        rows = [(of[row], ll[row]) for row in np.flatnonzero(absent.any(axis=1)).tolist()]
        numbers = np.unique(at[absent.any(axis=0)])
        if len(numbers) <= FEW_KEYS:
            few.update(numbers.tolist())
            edited += rows
        else:
            some = asked.distinct.select(numbers)
            for scope, row in rows:
                _fill(row, real, at, numbers, studio.store.values(scope, some))
        lls.append(ll)
    if few:  # an edit at many checkpoints takes one query
        numbers = np.array(sorted(few))
        columns = studio.store.values_of_all([scope for scope, _ in edited], asked.distinct.select(numbers))
        for (_, row), values in zip(edited, columns, strict=True):
            _fill(row, real, at, numbers, values)
    return lls


def _large(
    studio: Studio, asked: _Asked, by_model: Sequence[Sequence[Scope]], folder: Path
) -> list[np.ndarray] | None:
    """[K, Q, C] log-likelihoods of each model in one file; None if the file cannot be written.

    If the very questions were measured before, arrays of models with nothing new are kept as they are. During
    a run nothing is written for added results: they stay in memory until all results are complete.
    """
    rows: Iterator[np.ndarray] = itertools.chain(*(_rows(studio, asked, of) for of in by_model))
    if asked.again(by_model):
        assert asked.like is not None
        before = [curve.ll for curve in asked.like.curves]
        lls = [_grown(studio, asked, of, ll) for of, ll in zip(by_model, before, strict=True)]
        if mapped.together(lls) is not None or not all(_is_whole(ll, asked.real) for ll in lls):
            return lls
        rows = iter(lls)
    # A name of its own: the file holds the results that the store had at this moment.
    path = folder / f"{secrets.token_hex(16)}{mapped.SUFFIX}"
    whole = mapped.written(path, rows, "<f8")
    if whole is None:
        return None
    mapped.of_owner(whole)
    ends = np.cumsum([len(of) for of in by_model]).tolist()
    return [whole[end - len(of) : end] for of, end in zip(by_model, ends, strict=True)]


def _grown(studio: Studio, asked: _Asked, scopes: Sequence[Scope], before: np.ndarray) -> np.ndarray:
    """A model's log-likelihoods with new results; the array `before` itself if there are none."""
    if _is_whole(before, asked.real):
        return before
    now = np.concatenate(list(_rows(studio, asked, scopes)))
    return before if np.array_equal(now, before, equal_nan=True) else now


def _is_whole(ll: np.ndarray, real: np.ndarray) -> bool:
    return not any(np.isnan(row[real]).any() for row in ll)


def _rows(studio: Studio, asked: _Asked, scopes: Sequence[Scope]) -> Iterator[np.ndarray]:
    """[1, Q, C] log-likelihoods of one checkpoint after another.

    The selection of missing keys is kept from one checkpoint to the next, since most lack the same ones.
    """
    kept = asked.reused_questions
    places = np.flatnonzero(asked.real)
    number_at = np.full(asked.real.size, -1)
    number_at[places] = asked.key_positions
    looked_for, some, of = np.empty(0, int), asked.distinct, np.empty(0, int)
    for scope in scopes:
        row = np.full(asked.real.shape, np.nan)
        if (before := asked.earlier_by_scope.get(scope)) is not None:
            row[kept, : min(before.shape[1], asked.width)] = before[
                asked.earlier_positions[kept], : asked.width
            ]
        flat = row.reshape(-1)
        absent = places[np.isnan(flat[places])]
        if len(absent):
            if not np.array_equal(absent, looked_for):
                looked_for = absent
                numbers, of = np.unique(number_at[absent], return_inverse=True)
                some = asked.distinct.select(numbers)
            few = len(some) <= FEW_KEYS
            values = studio.store.values_of_all([scope], some)[0] if few else studio.store.values(scope, some)
            flat[absent] = values[of]
        yield row[None]


def _fill(row: np.ndarray, real: np.ndarray, at: np.ndarray, numbers: np.ndarray, values: np.ndarray) -> None:
    """Set the NaN values of `row` [Q, C] from the values of the keys with these numbers.

    `at` [N] are the key numbers of `row[real]`; `numbers` [N] and `values` [N] belong together.
    """
    by_number = np.full(at.max() + 1, np.nan)
    by_number[numbers] = values
    filled = row[real]
    absent = np.isnan(filled)
    filled[absent] = by_number[at[absent]]
    row[real] = filled


def _by_scope(measurements: Measurements) -> dict[Scope, np.ndarray]:
    rows = [row for curve in measurements.curves for row in curve.ll]
    return dict(zip(measurements.scopes, rows, strict=True)) if measurements.scopes else {}
