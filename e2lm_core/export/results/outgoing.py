"""Complete results of a set, ready to be written.

Tested in tests/export/results/test_harness.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.records import METRICS, Checkpoint, RenderedDoc, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import Studio
from e2lm_core.scores import metrics
from e2lm_core.scores.compliance import sample_error
from e2lm_core.sets.prompts.render import render_set


@dataclass(frozen=True, eq=False)
class CheckpointResult:
    """Results of one checkpoint.

    Attributes:
        checkpoint: The checkpoint.
        ll: Log-likelihoods [Q, C] in nats, NaN where there is no such choice.
        values: Values of each metric [Q], by metric.
        means: Mean of each metric.
        errors: Standard error of each mean.
    """

    checkpoint: Checkpoint
    ll: np.ndarray
    values: Mapping[str, np.ndarray]
    means: Mapping[str, float]
    errors: Mapping[str, float]

    @property
    def names(self) -> tuple[str, str | None, str | None]:
        """Names for the harness: the model's repository or name, revision and subfolder."""
        one = self.checkpoint
        if one.repo is not None:
            return one.repo, one.revision, one.subfolder
        return one.model.name, None, one.subfolder or f"iter_{one.step:07d}"


@dataclass(frozen=True)
class CompleteResults:
    """Results of a set at the checkpoints of which all questions are complete.

    Attributes:
        task: The set.
        num_fewshot: Examples in the prompt.
        docs: The questions as prompts.
        results: Results of each complete checkpoint.
        lacking: Names of the incomplete checkpoints, which are left out.
    """

    task: TaskSet
    num_fewshot: int
    docs: Sequence[RenderedDoc]
    results: Sequence[CheckpointResult]
    lacking: tuple[str, ...]

    @property
    def sentence(self) -> str | None:
        """Sentence on the checkpoints left out; None if there are none."""
        if not self.lacking:
            return None
        return f"Not every question was run at {join_words(list(self.lacking))}: left out."


def collect_results(studio: Studio, task: TaskSet, fleet: OpenFleet) -> CompleteResults:
    """Complete results of a set on a fleet.

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        fleet: The fleet.

    Raises:
        StudioError: No checkpoint is complete.
    """
    measured = load_measurements(studio, task, *fleet.run_arguments)
    results, lacking = [], []
    for curve in measured.curves:
        for checkpoint, ll in zip(curve.checkpoints, curve.ll, strict=True):
            values = metrics.per_question(ll[None], measured.gold, measured.chars, measured.gold_bytes)
            own = {metric: values[metric][0] for metric in METRICS}
            if not task.questions or np.isnan(own["margin"]).any():
                lacking.append(checkpoint.name)
                continue
            means = {metric: float(metrics.curve(one)) for metric, one in own.items()}
            errors = {metric: float(sample_error(one, len(one))) for metric, one in own.items()}
            results.append(CheckpointResult(checkpoint, ll, own, means, errors))
    if not results:
        raise StudioError(
            Sentence(
                "The set {quoted} has no complete results: run it first (evaluate {name}).",
                quoted=quote(task.name),
                name=task.name,
            )
        )
    shots = task.config.num_fewshot if fleet.num_fewshot is None else fleet.num_fewshot
    return CompleteResults(task, shots, render_set(task, shots), results, tuple(lacking))


def finite_values(values: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Names and values that are finite, so that JSON can hold them."""
    return ((name, value) for name, value in values.items() if math.isfinite(value))
