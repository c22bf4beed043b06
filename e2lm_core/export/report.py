"""A set's report: everything that the pages show of it and what it takes to get the same numbers again.

The scores are `documents.scoring`'s, as on the pages and the command line; nothing is computed a second way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from e2lm_core.analysis import documents, tables
from e2lm_core.analysis.curves import words as curve_words
from e2lm_core.analysis.ranks import stability
from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.base.plain import numbers, plain, rows
from e2lm_core.base.records import METRICS, Checkpoint, TaskSet
from e2lm_core.export import provenance
from e2lm_core.export.submission import findings
from e2lm_core.runs import measure
from e2lm_core.runs.studio import Studio
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements, finals
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.scores.uncertainty.intervals import Resampled

VERSION = 1
NOT_ASKED = "It was not asked for: report --relevance adds it."


def build(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    with_relevance: bool = False,
) -> dict[str, Any]:
    """The report as one JSON document: what it holds is listed in docs/results.md. Undefined is null."""
    measured = measure.measure(studio, task, checkpoints, num_fewshot)
    given = set_intervals.resample(measured) if measured.complete_checkpoints else None
    about = provenance.of(studio, task, checkpoints, num_fewshot)
    dtype = about["dtype"][0] if about["dtype"] else studio.settings.dtype
    return {
        "report": VERSION,
        "task": task.name,
        "finding": _finding(task, measured),
        "chance": None if not task.questions else float(measured.chance),
        "early_end_tokens": set_scores.early_end(measured),
        "complete_checkpoints": measured.complete_checkpoints,
        "checkpoints": measured.checkpoints,
        "curves": _curves(measured, given),
        "scores": _scores(measured),
        "ranks": _ranks(measured, given),
        "quality": rows(tables.quality_interval_frame(measured, given, "acc")) if given else [],
        "checks": [f.model_dump() for f in findings(studio, task)] if task.questions else [],
        "relevance": _relevance(studio, task, with_relevance),
        "questions": _questions(task, measured),
        "provenance": about,
        "commands": provenance.commands(studio, task, checkpoints, num_fewshot, dtype),
    }


def _finding(task: TaskSet, measured: Measurements) -> str:
    if not task.questions:
        return "This set has no questions yet."
    if not measured.complete_checkpoints:
        return "No checkpoint is complete for this set yet, so nothing is known of its signal."
    return curve_words.rise(measured, "acc").replace("**", "")


def _curves(measured: Measurements, given: Resampled | None) -> list[dict[str, Any]]:
    """A model each: its facts, its axes, and every metric with the 95% interval of its points."""
    if not measured.curves:
        return []
    bands = {metric: tables.band_frame(measured, given, metric) for metric in METRICS} if given else {}
    found = []
    for curve in measured.curves:
        name = curve.model.name
        metrics: dict[str, Any] = {}
        for metric in METRICS:
            low = high = np.full(len(curve.steps), np.nan)
            if bands:
                own = bands[metric][bands[metric]["model"] == name]
                low, high = own["low"].to_numpy(), own["high"].to_numpy()
            metrics[metric] = {
                "values": numbers(measured.values(name, metric)),
                "low": numbers(low),
                "high": numbers(high),
            }
        found.append(
            {
                "model": curve.model.model_dump(),
                "steps": curve.steps.tolist(),
                "tokens_seen": numbers(curve.tokens_seen, whole=True),
                "early": [c.early for c in curve.checkpoints],
                "metrics": metrics,
            }
        )
    return found


def _scores(measured: Measurements) -> dict[str, Any] | None:
    """`documents.scoring`'s metrics; None where no checkpoint is complete."""
    return documents.scoring(measured)["metrics"] if measured.complete_checkpoints else None


def _ranks(measured: Measurements, given: Resampled | None) -> list[dict[str, Any]]:
    """The rank of each model on accuracy at each checkpoint that all have, and the share of resamples at each rank."""
    found = stability.stability(measured, given, "acc") if given else None
    return rows(stability.bump_frame(found)) if found else []


def _relevance(studio: Studio, task: TaskSet, wanted: bool) -> dict[str, Any]:
    """`{accepted_share, questions, why}`: null with its reason where it was not asked for or cannot be had."""
    nothing: dict[str, Any] = {"accepted_share": None, "questions": []}
    if not task.questions:
        return {**nothing, "why": "The set has no questions."}
    if not wanted:
        return {**nothing, "why": NOT_ASKED}
    from e2lm_core.relevance.judge import assess

    try:
        return {**assess(studio.settings, task.questions), "why": None}
    except StudioError as error:
        return {**nothing, "why": str(error)}


def _questions(task: TaskSet, measured: Measurements) -> list[dict[str, Any]]:
    """Each question with the share of models that answer it at their last checkpoint, null where not computed."""
    last = {metric: finals(measured, metric, or_all=False) for metric in ("acc", "norm_prob")}
    return [
        {
            "id": question.id,
            "subject": question.subject,
            "question": question.question,
            "choices": list(question.choices),
            "answer": question.answer,
            "acc_last": plain(last["acc"][q]),
            "norm_prob_last": plain(last["norm_prob"][q]),
        }
        for q, question in enumerate(task.questions)
    ]


def headline(document: dict[str, Any]) -> str:
    """What the command line says of a report that it wrote."""
    scores = document["scores"]
    if scores is None:
        return document["finding"]
    sq = scores["acc"]["sq"]["overall"]
    return f"SQ {phrasing.with_interval(sq)} on accuracy. {document['finding']}"
