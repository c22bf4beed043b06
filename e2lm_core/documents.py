"""The JSON documents that the command line prints, from measurements. Undefined is null, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from e2lm_core import analysis, certainty, score_parts, score_words
from e2lm_core.analysis import signal_qualities
from e2lm_core.measure import measure
from e2lm_core.measuring import Measurements
from e2lm_core.records import METRICS, Checkpoint, TaskSet
from e2lm_core.runs import RunResult
from e2lm_core.studio import Studio


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


def numbers(values: np.ndarray, whole: bool = False) -> list[float | int | None]:
    """Plain numbers for JSON, None where a value is not finite."""
    return [None if not np.isfinite(v) else int(v) if whole else float(v) for v in values]


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


SCORE_PARTS = ("rc", "cs", "score", "snr", "decision_accuracy")


def scoring(measured: Measurements, with_advice: bool = False) -> dict[str, Any]:
    """`{task, metrics: {metric: {sq: {overall, models, beside}, rc, cs, score, snr, decision_accuracy, finetasks,
    snr_detrended}}}`, and `advice` (what would raise the score most) on request.

    Each score is `{value, interval, coverage, why}`: a null value has its reason, a null interval too unless
    the value is null. `beside` holds each model's ρ, AC, tie-aware Spearman and signed AC as plain numbers.
    """
    given = certainty.resample(measured)
    document: dict[str, Any] = {"task": measured.task, "metrics": {}}
    for metric in METRICS:
        found = certainty.intervals_of(given, metric)
        scores = certainty.with_intervals(analysis.scores(measured, metric), found)
        document["metrics"][metric] = {
            "sq": {
                "overall": scores.sq.model_dump(),
                "models": {
                    model: value.model_dump()
                    for model, value in certainty.model_values(scores, found).items()
                },
                "beside": score_parts.beside(measured, metric),
            },
            **{part: getattr(scores, part).model_dump() for part in SCORE_PARTS},
            "finetasks": {
                name: value.model_dump()
                for name, value in score_parts.criteria(measured, metric, found).items()
            },
            "snr_detrended": score_parts.detrended_snr(measured, metric, found).model_dump(),
        }
        if with_advice:
            advice = score_parts.advice(measured, scores, metric)
            document["metrics"][metric]["advice"] = score_words.advice_document(advice)
    return document
