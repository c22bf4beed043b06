"""Imported results as JSON documents and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from e2lm_core.analysis.answers import Answers
from e2lm_core.base import json_values
from e2lm_core.imported.records import Curve, Imported, Setup
from e2lm_core.imported.scores import coverage, quality, standard_errors
from e2lm_core.scores.ranking import readings

MAX_PROBLEMS = 200
# Columns left out of a table in which they would be empty.
_IF_ANY = ("stderr", "questions", "seed_of", *Setup.model_fields)


def document(
    imported: Imported, with_scores: bool = False, reading: str = readings.DEFAULT
) -> dict[str, Any]:
    """Imported results as a JSON document.

    `{curves: [{model, task, metric, steps, tokens_seen, scores, …}], problems, recognised, unrecognised,
    per_question, scores}`; at most 200 problems are listed.

    Args:
        imported: Results to describe.
        with_scores: Whether to add `scores`: SQ, RC, CS and Score of each task with samples.
        reading: RC definition in these scores.
    """
    content: dict[str, Any] = {
        "curves": [curve_document(curve) for curve in imported.curves],
        "problems": list(imported.problems[:MAX_PROBLEMS]),
        "recognised": [
            {"file": seen.file, "kind": seen.kind, "results": seen.results}
            for seen in imported.files
            if seen.why is None
        ],
        "unrecognised": [{"file": seen.file, "why": seen.why} for seen in imported.files if seen.why],
        "per_question": list(imported.measured),
    }
    if (more := len(imported.problems) - MAX_PROBLEMS) > 0:
        content["problems"].append(f"{more:,} more problems are not listed.")
    if with_scores:
        content["scores"] = {
            label: Answers(measured).score_document(reading=reading)
            for label, measured in imported.measured.items()
        }
    return content


def curve_document(curve: Curve) -> dict[str, Any]:
    """One curve as JSON: lists of one length for its axes and scores, and its signal quality."""
    return {
        "model": curve.model.name,
        "task": curve.task,
        "metric": curve.metric,
        "num_fewshot": curve.num_fewshot,
        "questions": curve.questions,
        "higher_is_better": not curve.lower_is_better,
        "steps": list(curve.steps),
        "tokens_seen": list(curve.tokens_seen),
        "scores": list(curve.scores),
        "stderr": list(curve.stderr) or None,
        "seed_of": curve.model.seed_of,
        **curve.setup.model_dump(),
        "quality": quality(curve).model_dump(include={"rho", "autocorrelation", "sq", "points", "why"}),
        "coverage": coverage(curve),
    }


def csv(curves: Sequence[Curve]) -> bytes:
    """Curves as CSV in the long layout that the import reads back: one row per point."""
    rows = [
        {
            "model": curve.model.name,
            "task": curve.task,
            "metric": curve.metric,
            "num_fewshot": curve.num_fewshot,
            "step": step,
            "tokens_seen": tokens,
            "score": score,
            "stderr": stderr,
            "questions": curve.questions,
            "seed_of": curve.model.seed_of,
            **curve.setup.model_dump(),
        }
        for curve in curves
        for step, tokens, score, stderr in zip(
            curve.steps, curve.tokens_seen, curve.scores, standard_errors(curve), strict=True
        )
    ]
    frame = pd.DataFrame(rows)
    without = [c for c in _IF_ANY if frame[c].isna().all()]
    for column in ("tokens_seen", "num_fewshot", "questions"):
        # None of pandas' own number types holds integers of any size beside missing values.
        frame[column] = pd.Series(
            [
                "" if value is None or pd.isna(value) else str(int(value))
                for value in (row[column] for row in rows)
            ],
            dtype=object,
        )
    return json_values.frame_to_csv(frame.drop(columns=without))
