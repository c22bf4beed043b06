"""The commands that compute: evaluate and worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from e2lm_core.analysis.documents import numbers
from e2lm_core.base.records import METRICS, Checkpoint, TaskSet
from e2lm_core.runs.evaluate import RunResult
from e2lm_core.runs.measure import measure
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import signal_qualities


def evaluation(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None,
    result: RunResult,
    with_questions: bool = False,
) -> dict[str, Any]:
    """`{task, curves, sq, seconds, computed, reused}`, and `questions` on request."""
    measured = measure(studio, task, checkpoints, num_fewshot)
    document: dict[str, Any] = {"task": task.name, "curves": {}, "sq": {}}
    for curve in measured.curves:
        name = curve.model.name
        document["curves"][name] = {
            "steps": curve.steps.tolist(),
            "tokens_seen": numbers(curve.tokens_seen, whole=True),
            **{metric: numbers(measured.values(name, metric)) for metric in METRICS},
        }
        document["sq"][name] = {}
    for metric in METRICS:
        for name, quality in signal_qualities(measured, metric).items():
            document["sq"][name][metric] = quality.model_dump(
                include={"rho", "autocorrelation", "sq", "points"}
            )
    document |= {
        "seconds": round(result.seconds, 3),
        "computed": result.computed,
        "reused": result.reused,
    }
    if with_questions:
        document["questions"] = _questions(measured)
    return document


def _questions(measured: Measurements) -> list[dict[str, Any]]:
    counts = measured.choice_counts
    return [
        {
            "id": identity,
            "loglikelihoods": {
                curve.model.name: [numbers(row[: counts[q]]) for row in curve.ll[:, q]]
                for curve in measured.curves
            },
        }
        for q, identity in enumerate(measured.question_ids)
    ]
