"""Measurements: log-likelihoods by model, checkpoint, question and choice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.memory import mapped
from e2lm_core.base.memory.memo import Filled
from e2lm_core.base.records import Checkpoint, ModelInfo, Scope
from e2lm_core.scores import metrics
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.layout import Layout, Run

ASSUMED = "Assumes independent questions: no groups are known, and nobody has said that there are none."
NOTHING_SHARED = "Fewer than two models share a complete checkpoint."


@dataclass(frozen=True)
class ModelCurve:
    """One model's results: `ll` [K, Q, C] in nats, NaN where not computed or no such choice."""

    model: ModelInfo
    checkpoints: tuple[Checkpoint, ...]
    ll: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """[K] training steps, ascending."""
        return np.array([c.step for c in self.checkpoints], dtype=int)

    @property
    def tokens_seen(self) -> np.ndarray:
        """[K] training tokens, NaN where a family does not record them."""
        return np.array([np.nan if c.tokens_seen is None else c.tokens_seen for c in self.checkpoints], float)

    @property
    def early(self) -> np.ndarray:
        """[K] which checkpoints lie in the early window; all of them where the family names none."""
        return np.array([c.early is not False for c in self.checkpoints], dtype=bool)


@dataclass(frozen=True)
class Measurements:
    """A set's results on some checkpoints, complete or not.

    `gold` [Q], `chars` [Q, C] (NaN where there is no such choice) and `gold_bytes` [Q] are the set's own. `groups`
    [Q] names what is drawn together, None for a question by itself. `keys` are those of each question's choices in
    the store, where it was read from; `scopes` those of the checkpoints of all curves, in their order.
    `choice_bytes` [Q, C] and `choice_texts` [Q, C] (a number for each distinct text, -1 where there is no choice)
    are None where the choices' texts are not known; `letters` says that the choices scored are letters;
    `taught` [Q] whether the embedded models were told each answer, None where none of them was measured or that is not
    known; `told` [Q] whether they were told any of its choices as the answer: where the key is wrong, only this is
    true; `taught_of_all` whether all that were measured are such; `independent` says that the set's author takes its
    questions for independent.
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

    @property
    def independence_note(self) -> str | None:
        """What every interval assumes where nobody has said which questions hang together; None where that is known."""
        return None if self.independent or any(self.groups) else ASSUMED

    @property
    def choice_counts(self) -> np.ndarray:
        """[Q] how many choices each question has."""
        return np.isfinite(self.chars).sum(axis=1)

    @property
    def chance(self) -> float:
        """The expected acc of a blind guess, see `metrics.chance`."""
        return metrics.chance(self.choice_counts)

    @cached_property
    def per_question(self) -> dict[str, Filled[str, Floats]]:
        """`{model: {metric: [K, Q]}}`; a metric is there once it is asked for, since all of them are more than `ll`.

        Where the log-likelihoods lie in a file, a metric lies in one beside it, of all models: whichever process asks
        first makes it, and all share it.
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
        """{model: [K, Q]} which questions are computed at which of its checkpoints."""
        return {name: np.isfinite(by.passing("margin")) for name, by in self.per_question.items()}

    def values(self, model: str, metric: str) -> Floats:
        """The model's curve [K]: the mean over questions, NaN at a checkpoint that is not complete."""
        return self._values[model, metric].copy()

    def all_values(self, metric: str) -> dict[str, Floats]:
        """{model: its curve [K]}, see `values`."""
        return {curve.model.name: self.values(curve.model.name, metric) for curve in self.curves}

    @cached_property
    def _values(self) -> Filled[tuple[str, str], Floats]:
        """By model and metric: every score, grid and sentence of a page asks again."""
        return Filled(partial(_curve, self.per_question))

    @cached_property
    def runs(self) -> dict[str, Run]:
        """{model: Run}, as the scores take them."""
        return {
            curve.model.name: Run(
                per_question=self.per_question[curve.model.name],
                steps=curve.steps,
                early=curve.early,
                counts=curve.model.counts_in_scores,
                twin_of=curve.model.twin_of,
                size=curve.model.size,
            )
            for curve in self.curves
        }

    def layout(self, metric: str) -> Layout:
        """Which checkpoints enter which score of one metric."""
        if metric not in self._layouts:
            self._layouts[metric] = Layout.from_runs(self.runs, self.all_values(metric))
        return self._layouts[metric]

    @cached_property
    def _layouts(self) -> dict[str, Layout]:
        """By metric, filled as they are asked for: every score, grid and table of a page asks again."""
        return {}

    def curve_of(self, model: str) -> ModelCurve:
        """The results of one model. Raises StopIteration where it is not among them."""
        return next(curve for curve in self.curves if curve.model.name == model)

    @property
    def twin_pairs(self) -> tuple[tuple[ModelCurve, ModelCurve], ...]:
        """(science model, its web-only twin), where both are measured."""
        named = {curve.model.name: curve for curve in self.curves}
        return tuple((named[c.model.twin_of], c) for c in self.curves if c.model.twin_of in named)

    @property
    def scored_curves(self) -> tuple[ModelCurve, ...]:
        """The results of the models that count in scores: no twins, no further seeds."""
        return tuple(curve for curve in self.curves if curve.model.counts_in_scores)

    @cached_property
    def complete_pairs(self) -> int:
        """How many (checkpoint, question) pairs are complete."""
        return int(sum(known.sum() for known in self.complete.values()))

    @cached_property
    def complete_checkpoints(self) -> int:
        """How many checkpoints of all models lack no question."""
        return int(sum(known.all(axis=1).sum() for known in self.complete.values()))

    @property
    def nbytes(self) -> int:
        """Of the log-likelihoods, which are most of it."""
        return sum(curve.ll.nbytes for curve in self.curves)

    @property
    def checkpoints(self) -> int:
        """How many checkpoints of all models there are, complete or not."""
        return sum(len(curve.checkpoints) for curve in self.curves)


def _metric(
    ll: np.ndarray, gold: np.ndarray, chars: np.ndarray, gold_bytes: np.ndarray, metric: str
) -> Floats:
    return metrics.per_question(ll, gold, chars, gold_bytes, (metric,))[metric]


def _in_file(
    lls: Sequence[np.ndarray], gold: np.ndarray, chars: np.ndarray, gold_bytes: np.ndarray, metric: str
) -> Floats:
    """[all K, Q] a metric in a file beside that of the log-likelihoods, in memory where none can be written."""
    whole = mapped.whole_of(lls[0])
    assert whole is not None
    assert whole.path is not None
    told = hashlib.sha256(str([(mapped.offset(ll, whole), ll.shape) for ll in lls]).encode())
    for array in (gold, chars, gold_bytes):
        told.update(np.ascontiguousarray(array).data)
    shape = (sum(map(len, lls)), len(gold))

    def blocks() -> Iterator[Floats]:
        for ll in lls:
            yield _metric(ll, gold, chars, gold_bytes, metric)

    path = mapped.named_after(whole.path, metric, told.hexdigest()[:32])
    made = mapped.made(path, blocks, "<f8", shape)
    return np.concatenate(list(blocks())) if made is None else made


def _rows(whole: dict[str, Floats], rows: slice, metric: str) -> Floats:
    return whole[metric][rows]


def _curve(per_question: dict[str, Filled[str, Floats]], of: tuple[str, str]) -> Floats:
    model, metric = of
    return metrics.curve(per_question[model][metric])


@dataclass(frozen=True)
class Grid:
    """Scores of M models at the T complete checkpoints that all of them have.

    `scores` [M, T] is oriented so that more is better, `values` [M, T] is as measured; `steps`, `tokens_seen` and
    `early` [T] are the first model's. `end` is the place of the early window's last checkpoint, None where there is
    none or nothing after it.
    """

    models: tuple[str, ...]
    steps: np.ndarray
    tokens_seen: np.ndarray
    early: np.ndarray
    values: Floats
    scores: Floats
    end: int | None


def common_grid(measurements: Measurements, metric: str) -> Grid | None:
    """The layout's common checkpoints with their scores; None where fewer than two models that count share one."""
    layout = measurements.layout(metric)
    if not layout.comparable:
        return None
    first = measurements.curve_of(layout.counted[0])
    at = layout.common[first.model.name]
    values = layout.stack_curves(measurements.all_values(metric))
    return Grid(
        models=layout.counted,
        steps=first.steps[at],
        tokens_seen=first.tokens_seen[at],
        early=first.early[at],
        values=values,
        scores=metrics.oriented(metric, values),
        end=layout.end,
    )


def final_values(measurements: Measurements, metric: str, fall_back_to_all: bool = True) -> Floats:
    """Each question's last value: mean over models of its value at each model's last checkpoint, [Q].

    Over the models that count in scores; where none does, over all of them (a twin that stands alone is still worth
    a look), or NaN with `or_all` false. NaN too where a question is not computed at one of those checkpoints.
    """
    curves = measurements.scored_curves or (measurements.curves if fall_back_to_all else ())
    last = [measurements.per_question[c.model.name][metric][-1] for c in curves if c.checkpoints]
    return np.mean(last, axis=0) if last else np.full(len(measurements.question_ids), np.nan)
