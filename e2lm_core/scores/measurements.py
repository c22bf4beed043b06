"""Measurements: log-likelihoods by model, checkpoint, question and choice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.memory import mapped
from e2lm_core.base.memory.memo import Filled
from e2lm_core.base.records import Checkpoint, ModelInfo, Scope, SelectionOrigin
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores import metrics, serial_dependence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.copies import join_copies, number_copies
from e2lm_core.scores.layout import Layout, Run

ASSUMED = Sentence("Intervals treat all questions as independent: similar questions were not looked for.")
ASSUMED_OF_OTHERS = Sentence("All others count as independent: similar questions were not looked for.")
NOTHING_SHARED = Sentence("Fewer than two models share a complete checkpoint: run two at the same steps.")


@dataclass(frozen=True)
class ModelCurve:
    """Results of one model at its checkpoints.

    Attributes:
        model: The model.
        checkpoints: Its K checkpoints, by ascending step.
        ll: Log-likelihoods [K, Q, C] in nats, NaN where not computed or where the question has no such
            choice.
    """

    model: ModelInfo
    checkpoints: tuple[Checkpoint, ...]
    ll: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """Training steps [K], int, ascending."""
        return np.array([c.step for c in self.checkpoints], dtype=int)

    @property
    def tokens_seen(self) -> np.ndarray:
        """Training tokens [K], NaN where a family does not record them."""
        return np.array([np.nan if c.tokens_seen is None else c.tokens_seen for c in self.checkpoints], float)

    @property
    def early(self) -> np.ndarray:
        """Mask [K], bool, of the early window; all True where the family names no window."""
        return np.array([c.early is not False for c in self.checkpoints], dtype=bool)


@dataclass(frozen=True)
class Measurements:
    """Results of a set at some checkpoints, complete or not.

    Attributes:
        task: Name of the set.
        question_ids: Ids of the Q questions.
        subjects: Subject of each question [Q].
        gold: Index of the right choice [Q], from 0.
        chars: Characters of each choice [Q, C], NaN where there is no such choice.
        gold_bytes: UTF-8 bytes of the gold choice [Q].
        curves: Results by model.
        groups: Group of each question [Q], drawn together in resamples; None for a question by itself.
        keys: Keys of each question's choices in the store that the results were read from; empty without one.
        scopes: Scopes of the checkpoints of all curves, in their order.
        choice_bytes: UTF-8 bytes of each choice [Q, C]; None where the texts of the choices are not known.
        choice_texts: A number for each distinct text [Q, C], -1 where there is no choice; None where the
            texts are not known. Case and spaces make no difference.
        question_texts: The same for the question [Q].
        letters: True where the choices scored are letters.
        taught: For each question [Q], True if the training text of the built-in mini models states the right
            answer; None where no such model was measured or this is not known.
        taught_of_all: True where all models measured are built-in mini models.
        told: For each question [Q], True if that text states any of its choices as the answer. A question
            with a wrong answer key is True here and False in `taught`.
        independent: True where the author of the set declares its questions independent.
        chosen: Origin of the set if a selection rule made it; None for others.
        cue_words: Sentence of the wording control against the set: the models answer it without understanding its
            questions. None where they do not, or where the control was not run.
    """

    task: str
    question_ids: tuple[str, ...]
    subjects: tuple[str, ...]
    gold: np.ndarray
    chars: np.ndarray
    gold_bytes: np.ndarray
    curves: tuple[ModelCurve, ...]
    groups: tuple[str | None, ...] = ()
    keys: tuple[tuple[bytes, ...], ...] = ()
    scopes: tuple[Scope, ...] = ()
    choice_bytes: np.ndarray | None = None
    choice_texts: np.ndarray | None = None
    letters: bool = False
    taught: tuple[bool, ...] | None = None
    taught_of_all: bool = True
    told: tuple[bool, ...] | None = None
    independent: bool = False
    chosen: SelectionOrigin | None = None
    question_texts: np.ndarray | None = None
    cue_words: str | None = None

    @cached_property
    def digest(self) -> str:
        """Digest of everything that an answer about the measurements depends on: equal for equal content alone."""
        digest = hashlib.blake2b(digest_size=16)
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name == "curves":
                continue
            digest.update(f"{one.name}:".encode())
            digest.update(_content(value))
        for curve in self.curves:
            digest.update(repr((curve.model, curve.checkpoints)).encode())
            digest.update(_content(curve.ll))
        return digest.hexdigest()

    @property
    def independence_note(self) -> str | None:
        """Assumption of every interval; None with groups or declared independence, unless questions are repeated."""
        notes = []
        if self.copies is not None:
            notes.append(
                Sentence(
                    "{number} question repeats another one: intervals count the two as one.",
                    "{number} questions repeat others: intervals count each with the one that it repeats.",
                    number=len(self.copies) - int(self.copies.max()) - 1,
                )
            )
        if self.block_length > 1:
            notes.append(
                Sentence(
                    "Neighbouring questions are answered alike. Intervals count {number} in a row as one until groups are "
                    "set.",
                    number=self.block_length,
                )
            )
        elif not self.independent and not any(self.groups):
            notes.append(ASSUMED if self.copies is None else ASSUMED_OF_OTHERS)
        return joined(notes) if notes else None

    @cached_property
    def copies(self) -> NDArray[np.intp] | None:
        """Number of each distinct question [Q], which its copies share; None without copies or known texts."""
        if self.question_texts is None or self.choice_texts is None:
            return None
        return number_copies(self.question_texts, self.choice_texts)

    @cached_property
    def block_length(self) -> int:
        """Number of neighbouring questions that resamples draw together, see `serial_dependence`; 1 for each alone.

        It is 1 with groups and with declared independence.
        """
        return 1 if self.independent or any(self.groups) else serial_dependence.block_length(self.runs)

    @cached_property
    def resampling_groups(self) -> tuple[str | None, ...]:
        """Group of each question [Q] in resamples: the declared ones, or blocks of neighbours; empty for none.

        Copies of a question are in one group.
        """
        groups: tuple[str | None, ...] = self.groups
        if self.block_length > 1:
            groups = serial_dependence.group_neighbours(self.question_ids, self.block_length)
        return groups if self.copies is None else join_copies(groups, self.copies, self.question_ids)

    @property
    def has_curve(self) -> bool:
        """Whether a model has more than one checkpoint; the others have a value and no learning curve."""
        return any(len(curve.checkpoints) > 1 for curve in self.curves)

    @property
    def choice_counts(self) -> np.ndarray:
        """Number of choices of each question [Q], int."""
        return np.isfinite(self.chars).sum(axis=1)

    @property
    def chance(self) -> float:
        """Expected acc of a blind guess, see `metrics.chance`."""
        return metrics.chance(self.choice_counts)

    @cached_property
    def per_question(self) -> dict[str, Filled[str, Floats]]:
        """Values by model and metric, {model: {metric: [K, Q]}}, NaN where not computed.

        A metric is computed at first access, because all metrics together take more memory than `ll`. If the
        log-likelihoods lie in a file, a metric lies in a file beside it, for all models: the first process
        that needs it writes it, and all processes share it.
        """
        own = self.gold, self.chars, self.gold_bytes
        lls = [curve.ll for curve in self.curves]
        makers = [partial(_metric, ll, *own) for ll in lls]
        if mapped.together(lls) is None:
            return {c.model.name: Filled(make) for c, make in zip(self.curves, makers, strict=True)}
        whole = Filled(partial(_in_file, lls, *own))
        ends = np.cumsum([len(ll) for ll in lls]).tolist()
        return {
            c.model.name: Filled(partial(_rows, whole, slice(end - len(c.ll), end)), once=make)
            for c, make, end in zip(self.curves, makers, ends, strict=True)
        }

    @cached_property
    def complete(self) -> dict[str, NDArray[np.bool_]]:
        """Masks of computed questions by model: {model: [K, Q]}, bool."""
        return {name: np.isfinite(by.passing("margin")) for name, by in self.per_question.items()}

    def values(self, model: str, metric: str) -> Floats:
        """Curve of one model [K]: the mean over questions, NaN at a checkpoint that is not complete."""
        return self._values[model, metric].copy()

    def all_values(self, metric: str) -> dict[str, Floats]:
        """Curves of all models, {model: [K]}, see `values`."""
        return {curve.model.name: self.values(curve.model.name, metric) for curve in self.curves}

    @cached_property
    def _values(self) -> Filled[tuple[str, str], Floats]:
        """Curves by (model, metric), kept because every score and sentence of a page needs them."""
        return Filled(partial(_curve, self.per_question))

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Runs by model, the input of the scores."""
        return {
            curve.model.name: Run(
                per_question=self.per_question[curve.model.name],
                steps=curve.steps,
                early=curve.early,
                counts=curve.model.counts_in_scores,
                twin_of=curve.model.twin_of,
                size=curve.model.size,
                shape=curve.model.shape,
            )
            for curve in self.curves
        }

    def layout(self, metric: str) -> Layout:
        """Selection of checkpoints for each score of one metric."""
        if metric not in self._layouts:
            self._layouts[metric] = Layout.from_runs(self.runs, self.all_values(metric))
        return self._layouts[metric]

    @cached_property
    def _layouts(self) -> dict[str, Layout]:
        """Layouts by metric, filled on demand and kept for every score, grid and table of a page."""
        return {}

    @property
    def short_names(self) -> dict[str, str]:
        """Short name by name of each model."""
        return {curve.model.name: curve.model.short_name for curve in self.curves}

    def curve_of(self, model: str) -> ModelCurve:
        """Results of one model.

        Raises:
            StopIteration: The model is not among the measured ones.
        """
        return next(curve for curve in self.curves if curve.model.name == model)

    @property
    def twin_pairs(self) -> tuple[tuple[ModelCurve, ModelCurve], ...]:
        """Pairs (science model, its web-only twin) of which both are measured."""
        named = {curve.model.name: curve for curve in self.curves}
        return tuple((named[c.model.twin_of], c) for c in self.curves if c.model.twin_of in named)

    @property
    def scored_curves(self) -> tuple[ModelCurve, ...]:
        """Results of the models that count in scores: no twins, no other seeds."""
        return tuple(curve for curve in self.curves if curve.model.counts_in_scores)

    @cached_property
    def complete_pairs(self) -> int:
        """Number of complete (checkpoint, question) pairs."""
        return int(sum(known.sum() for known in self.complete.values()))

    @cached_property
    def complete_checkpoints(self) -> int:
        """Number of checkpoints of all models that have results for every question."""
        return int(sum(known.all(axis=1).sum() for known in self.complete.values()))

    @property
    def nbytes(self) -> int:
        """Bytes of the log-likelihoods, which are the largest part of the measurements."""
        return sum(curve.ll.nbytes for curve in self.curves)

    @property
    def checkpoints(self) -> int:
        """Number of checkpoints of all models, complete or not."""
        return sum(len(curve.checkpoints) for curve in self.curves)


def _content(value: object) -> bytes | memoryview:
    if not isinstance(value, np.ndarray):
        return repr(value).encode()
    return np.ascontiguousarray(value).data if value.size else repr(value.shape).encode()


def _metric(
    ll: np.ndarray, gold: np.ndarray, chars: np.ndarray, gold_bytes: np.ndarray, metric: str
) -> Floats:
    return metrics.per_question(ll, gold, chars, gold_bytes, (metric,))[metric]


def _in_file(
    lls: Sequence[np.ndarray], gold: np.ndarray, chars: np.ndarray, gold_bytes: np.ndarray, metric: str
) -> Floats:
    """Values [all K, Q] of a metric, in a file beside the log-likelihoods, else in memory."""

    def blocks() -> Iterator[Floats]:
        for ll in lls:
            yield _metric(ll, gold, chars, gold_bytes, metric)

    shape = (sum(map(len, lls)), len(gold))
    made = map_beside(lls, (gold, chars, gold_bytes), metric, blocks, shape)
    return np.concatenate(list(blocks())) if made is None else made


def map_beside(
    parts: Sequence[np.ndarray],
    inputs: Sequence[np.ndarray],
    name: str,
    blocks: Callable[[], Iterator[np.ndarray]],
    shape: tuple[int, ...],
) -> np.ndarray | None:
    """Map an array that is computed from parts of one mapped file, in a file beside that one.

    Args:
        parts: Arrays [...] that the array is computed from, all of one mapped file.
        inputs: Other arrays [...] that it is computed from.
        name: Name of the file's kind.
        blocks: Makes the array's blocks, in order; called if no process has made the file yet.
        shape: Shape of the array, float64.

    Returns:
        The array; None if the parts lie in no one file or none can be written beside it.
    """
    whole = mapped.whole_of(parts[0])
    if whole is None or whole.path is None or any(mapped.whole_of(part) is not whole for part in parts):
        return None
    told = hashlib.sha256(str([(mapped.offset(part, whole), part.shape) for part in parts]).encode())
    for array in inputs:
        told.update(np.ascontiguousarray(array).data)
    path = mapped.named_after(whole.path, name, told.hexdigest()[:32])
    return mapped.map_file(path, blocks, "<f8", shape)


def _rows(whole: dict[str, Floats], rows: slice, metric: str) -> Floats:
    return whole[metric][rows]


def _curve(per_question: dict[str, Filled[str, Floats]], of: tuple[str, str]) -> Floats:
    model, metric = of
    return metrics.curve(per_question[model][metric])


@dataclass(frozen=True)
class Grid:
    """Scores of M models at the T complete checkpoints that all of them share.

    Attributes:
        models: Names of the M models that count in scores.
        short_names: Their short names, for sentences.
        steps: Training steps [T] of the first model, int.
        tokens_seen: Training tokens [T] of the first model, NaN where not recorded.
        early: Mask [T], bool, of the early window of the first model.
        values: Metric [M, T] as measured.
        scores: Metric [M, T], oriented: higher is better.
        end: Index among the T of the last early checkpoint; None without one, or without a later checkpoint.
    """

    models: tuple[str, ...]
    short_names: tuple[str, ...]
    steps: np.ndarray
    tokens_seen: np.ndarray
    early: np.ndarray
    values: Floats
    scores: Floats
    end: int | None


def common_grid(measurements: Measurements, metric: str) -> Grid | None:
    """Scores at the checkpoints that all counted models share; None without two models that share one."""
    layout = measurements.layout(metric)
    if not layout.comparable:
        return None
    first = measurements.curve_of(layout.counted[0])
    at = layout.common[first.model.name]
    values, named = layout.stack_curves(measurements.all_values(metric)), measurements.short_names
    return Grid(
        models=layout.counted,
        short_names=tuple(named[name] for name in layout.counted),
        steps=first.steps[at],
        tokens_seen=first.tokens_seen[at],
        early=first.early[at],
        values=values,
        scores=metrics.oriented(metric, values),
        end=layout.end,
    )


def final_values(measurements: Measurements, metric: str, fall_back_to_all: bool = True) -> Floats:
    """Mean over models of each question's value at the last checkpoint of each model.

    Args:
        measurements: The results; models that count in scores are used.
        metric: Name of the metric.
        fall_back_to_all: Where no model counts, use all of them (a twin by itself is still informative);
            otherwise the result is NaN.

    Returns:
        Values [Q], NaN where a question is not computed at one of these checkpoints.
    """
    curves = measurements.scored_curves or (measurements.curves if fall_back_to_all else ())
    last = [measurements.per_question[c.model.name][metric][-1] for c in curves if c.checkpoints]
    return np.mean(last, axis=0) if last else np.full(len(measurements.question_ids), np.nan)
