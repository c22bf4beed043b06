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
from e2lm_core.base.sentences import SentenceField
from e2lm_core.scores.measurements import Measurements

# Metrics of the studio under another tool's name; docs/results.md lists those that differ.
SAME_METRIC = {"acc_raw": "acc", "norm_correct_prob": "norm_prob", "normalized_mc_prob": "norm_prob"}
_STDERR = re.compile(r"(.+)_stderr(,.*)?")
_LOWER = ("bpb", "bits_per_byte", "perplexity", "loss", "brier", "ppl", "wer", "ter")


@lru_cache(maxsize=1024)
def lower_is_better(metric: str) -> bool:
    """Whether a metric's name says that lower is better, for files that do not say it themselves."""
    return any(part in metric.lower() for part in _LOWER)


@lru_cache(maxsize=1024)
def stderr_metric(name: str) -> str | None:
    """Metric that a standard error belongs to, by its name; None for the name of a metric.

    `acc_stderr` belongs to `acc`, and `acc_stderr,none` to `acc,none`.
    """
    found = _STDERR.fullmatch(name)
    return found[1] + (found[2] or "") if found else None


def split_stderr(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Split values by name into scores by metric, and standard errors by metric.

    A standard error without a score of its metric is dropped.
    """
    errors = {metric: value for name, value in values.items() if (metric := stderr_metric(name)) is not None}
    scores = {name: value for name, value in values.items() if stderr_metric(name) is None}
    return scores, {metric: error for metric, error in errors.items() if metric in scores}


class Setup(Record):
    """Conditions of a run besides its few-shot count; runs under different ones form different curves.

    Attributes:
        adapter: Adapter or delta weights on top of the checkpoint; None without.
        chat_template: Short name of the chat template around the prompts; None without.
        system_instruction: Text before each prompt, shortened; None without.
        quantization: Quantization of the weights, in the tool's own words; None without.
        task_version: Version of the task as the tool counts it; None if it is not known.
    """

    adapter: str | None = None
    chat_template: str | None = None
    system_instruction: str | None = None
    quantization: str | None = None
    task_version: str | None = None


PLAIN = Setup()


@dataclass(frozen=True, eq=False)
class Questions:
    """Questions of a task as the harness saw them, the same for every checkpoint that ran them.

    Attributes:
        ids: Ids of the Q questions.
        subjects: Their subjects, empty where there is none.
        gold: Index of the right answer from 0 [Q], integers.
        chars: Characters of each choice without the delimiter before it [Q, C]; NaN where there is no such
            choice.
        gold_bytes: UTF-8 bytes of the right answer [Q].
    """

    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    gold: NDArray[np.intp]
    chars: NDArray[np.float64]
    gold_bytes: NDArray[np.float64]

    def same_as(self, other: Questions) -> bool:
        """Whether both are the same version of a task: equal ids, right answers and lengths of choices."""
        return (
            self.ids == other.ids
            and np.array_equal(self.gold, other.gold)
            and np.array_equal(self.chars, other.chars, equal_nan=True)
        )


class ImportFilter(Record):
    """Globs of the models, tasks and metrics to import; an empty tuple takes all."""

    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    def apply(self, evaluation: Evaluation) -> Evaluation | None:
        """The evaluation with the scores that the filter takes; None if it takes none of them."""
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
    """Whether a name matches one of the globs; always if there are none."""
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


@dataclass(frozen=True, eq=False, slots=True)
class Evaluation:
    """Scores of one checkpoint on one task, from one file.

    Attributes:
        model: Model of the checkpoint.
        step: Training step of the checkpoint.
        tokens_seen: Tokens seen up to this step; None if not known.
        early: Whether the step is in the family's early window; None if the family names none.
        checkpoint: Name of the checkpoint as sentences show it.
        task: Name of the task.
        scores: Values by metric.
        source: Name of the file.
        num_fewshot: Few-shot examples in the prompt; None if not known.
        n: Number of questions; None if not known.
        when: Date of the run in seconds since 1970; 0 if not known.
        lower: Metrics of which lower is better.
        stderr: Standard errors that the file gives, by metric.
        setup: Other conditions of the run.
        dtype: Name of the weights' dtype; None if the file does not name it.
        questions: The task's questions; None without logged samples.
        ll: Log-likelihoods [Q, C] in nats, NaN where there is no such choice; None without logged samples.
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
    """Outcome of reading one file.

    Attributes:
        file: Name of the file.
        kind: Format that it was recognised as; None if it was not read.
        results: Number of (checkpoint, task) results in it.
        why: Reason why it was not read; None if it was.
    """

    file: str
    kind: SentenceField | None = None
    results: int = 0
    why: SentenceField | None = None


class Curve(Record):
    """One metric of one model on one task, in step order; its tuples have one entry per point.

    Attributes:
        model: Model of the curve.
        task: Name of the task.
        metric: Name of the metric.
        num_fewshot: Few-shot examples in the prompt; None if not known.
        questions: Number of questions; None if not known.
        lower_is_better: Whether lower values are better.
        steps: Training steps.
        tokens_seen: Tokens seen; None where not known.
        early: Whether the family counts the point to its early window; None if it names no window.
        scores: Values of the metric.
        per_question: Whether every point has samples.
        stderr: Standard errors as the files give them, None where one is missing; empty if no point has one.
        setup: Other conditions of the runs.
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
    """Results read from a file, a folder or a zip.

    Attributes:
        curves: Curves of all models, tasks and metrics.
        measured: Measurements from samples, by task; a task run in several ways has a label for each.
        problems: Sentences on what was left out or needs attention.
        files: Outcome of reading each file.
    """

    curves: tuple[Curve, ...]
    measured: Mapping[str, Measurements]
    problems: tuple[str, ...]
    files: tuple[FileSeen, ...]

    @property
    def tasks(self) -> list[str]:
        """Tasks that have a curve, in the order of the curves."""
        return list(dict.fromkeys(curve.task for curve in self.curves))

    def metrics(self, task: str) -> list[str]:
        """Metrics of a task's curves, the studio's own first."""
        names = dict.fromkeys(curve.metric for curve in self.curves if curve.task == task)
        return sorted(names, key=lambda m: METRICS.index(m) if m in METRICS else len(METRICS))

    def curves_of(self, task: str, metric: str) -> list[Curve]:
        """Curves of one metric on one task."""
        return [curve for curve in self.curves if (curve.task, curve.metric) == (task, metric)]
