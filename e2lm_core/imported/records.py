"""Records of imported results: evaluation, curve, import.

Tested in tests/imported/test_read_results.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.records import METRICS, ModelInfo, Record
from e2lm_core.scores.measurements import Measurements

# Metrics of other tools that are the studio's own under another name; docs/results.md has those that differ.
SAME_METRIC = {"acc_raw": "acc", "norm_correct_prob": "norm_prob", "normalized_mc_prob": "norm_prob"}
_STDERR = re.compile(r"(.+)_stderr(,.*)?")
_LOWER = ("bpb", "bits_per_byte", "perplexity", "loss", "brier", "ppl", "wer", "ter")


@lru_cache(maxsize=1024)
def lower_is_better(metric: str) -> bool:
    """What a metric's name says, for files that do not say it themselves."""
    return any(part in metric.lower() for part in _LOWER)


@lru_cache(maxsize=1024)
def stderr_metric(name: str) -> str | None:
    """The metric of which `name` is the standard error (`acc_stderr`, `acc_stderr,none`); None for a metric."""
    found = _STDERR.fullmatch(name)
    return found[1] + (found[2] or "") if found else None


def split_stderr(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Scores by metric, and the standard errors of those that have one, which stood among them."""
    errors = {metric: value for name, value in values.items() if (metric := stderr_metric(name)) is not None}
    scores = {name: value for name, value in values.items() if stderr_metric(name) is None}
    return scores, {metric: error for metric, error in errors.items() if metric in scores}


class Setup(Record):
    """Conditions of a run beside its few-shot count; runs under different ones are no curve together.

    Attributes:
        adapter: Adapter or delta weights on top of the checkpoint; None without.
        chat_template: Short name of the chat template around the prompts; None without.
        system_instruction: Text before each prompt, shortened; None without.
        quantization: Quantization of the weights, in the tool's own words; None without.
        task_version: Version of the task as the tool counts it; None where it is not known.
    """

    adapter: str | None = None
    chat_template: str | None = None
    system_instruction: str | None = None
    quantization: str | None = None
    task_version: str | None = None


PLAIN = Setup()


@dataclass(frozen=True, eq=False)
class Questions:
    """A task's questions as the harness saw them; the same for every checkpoint that ran them.

    `gold` [Q], `chars` [Q, C] without the delimiter, NaN where there is no such choice, `gold_bytes` [Q].
    """

    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    gold: NDArray[np.intp]
    chars: NDArray[np.float64]
    gold_bytes: NDArray[np.float64]

    def same_as(self, other: Questions) -> bool:
        """Whether ids, gold and the lengths of the choices are the same: the same version of the task."""
        return (
            self.ids == other.ids
            and np.array_equal(self.gold, other.gold)
            and np.array_equal(self.chars, other.chars, equal_nan=True)
        )


class ImportFilter(Record):
    """What of results is kept, as globs; everything where nothing is named."""

    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    def apply(self, evaluation: Evaluation) -> Evaluation | None:
        """The evaluation with those of its scores that are wanted; None where it is not."""
        if not (
            matches_any_glob(evaluation.model.name, self.models)
            and matches_any_glob(evaluation.task, self.tasks)
        ):
            return None
        if not self.metrics:
            return evaluation
        scores = {
            metric: value
            for metric, value in evaluation.scores.items()
            if matches_any_glob(metric, self.metrics)
        }
        stderr = {metric: value for metric, value in evaluation.stderr.items() if metric in scores}
        return replace(evaluation, scores=scores, stderr=stderr) if scores else None


EVERYTHING = ImportFilter()


def matches_any_glob(name: str, globs: tuple[str, ...]) -> bool:
    """Whether a name fits one of the globs, if there are any."""
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


@dataclass(frozen=True, eq=False, slots=True)
class Evaluation:
    """One checkpoint's scores on one task, from one file.

    `when` is the run's date in seconds since 1970 (0 unknown), `n` the number of questions, `lower` the
    metrics of which less is better. `questions` and `ll` [Q, C] (nats) are there where samples were logged.
    `stderr` holds the standard errors that the file gives, by metric; `dtype` is None where it is not said.
    """

    model: ModelInfo
    step: int
    tokens_seen: int | None
    early: bool | None
    checkpoint: str
    task: str
    scores: Mapping[str, float]
    source: str
    num_fewshot: int | None = None
    n: int | None = None
    when: float = 0.0
    lower: frozenset[str] = field(default_factory=frozenset)
    stderr: Mapping[str, float] = field(default_factory=dict)
    setup: Setup = PLAIN
    dtype: str | None = None
    questions: Questions | None = None
    ll: NDArray[np.float64] | None = None


class FileSeen(Record):
    """A file that was read: what it is and how many (checkpoint, task) results it gave, or why it was not."""

    file: str
    kind: str | None = None
    results: int = 0
    why: str | None = None


class Curve(Record):
    """One metric of one model on one task, in step order.

    `early` is as the family says, None where it names no window; with `per_question`, samples are
    there at every point. `stderr` holds the standard error of each point as the files give it, None where
    one is missing; it is empty where no point has one.
    """

    model: ModelInfo
    task: str
    metric: str
    num_fewshot: int | None
    questions: int | None
    lower_is_better: bool
    steps: tuple[int, ...]
    tokens_seen: tuple[int | None, ...]
    early: tuple[bool | None, ...]
    scores: tuple[float, ...]
    per_question: bool = False
    stderr: tuple[float | None, ...] = ()
    setup: Setup = PLAIN


@dataclass(frozen=True)
class Imported:
    """All that a file, a folder or a zip gave: its curves, what was left out, and which files were read.

    `measured` holds, by task (and few-shot count where a task has several), what samples give of every
    question.
    """

    curves: tuple[Curve, ...]
    measured: Mapping[str, Measurements]
    problems: tuple[str, ...]
    files: tuple[FileSeen, ...]

    @property
    def tasks(self) -> list[str]:
        """The tasks that have a curve, in the order of the curves."""
        return list(dict.fromkeys(curve.task for curve in self.curves))

    def metrics(self, task: str) -> list[str]:
        """The metrics of a task's curves, the studio's own first."""
        names = dict.fromkeys(curve.metric for curve in self.curves if curve.task == task)
        return sorted(names, key=lambda m: METRICS.index(m) if m in METRICS else len(METRICS))

    def curves_of(self, task: str, metric: str) -> list[Curve]:
        """The curves of one metric on one task."""
        return [curve for curve in self.curves if (curve.task, curve.metric) == (task, metric)]
