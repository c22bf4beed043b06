"""Imported results as JSON documents and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from e2lm_core.analysis import documents
from e2lm_core.base import json_values
from e2lm_core.imported.records import Curve, Imported, Setup
from e2lm_core.imported.scores import coverage, quality, standard_errors
from e2lm_core.scores.ranking import readings

MAX_PROBLEMS = 200
# Columns that a table has only where a curve has something in them.
_IF_ANY = ("stderr", "questions", "seed_of", *Setup.model_fields)


def document(
    imported: Imported, with_scores: bool = False, reading: str = readings.DEFAULT
) -> dict[str, Any]:
    """Curves, problems and files, and with `with_scores` what samples give.

    `{curves: [{model, task, metric, steps, tokens_seen, scores, …}], problems, recognised, unrecognised,
    per_question, scores}`.
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
            label: documents.scoring(measured, reading=reading)
            for label, measured in imported.measured.items()
        }
    return content


def curve_document(curve: Curve) -> dict[str, Any]:
    """One curve: its axes and scores as lists of one length, and its signal quality."""
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
    """The curves as the plain table that is read back."""
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
        # Of any size, and whole where others are missing: none of pandas' own kinds of numbers is both.
        frame[column] = pd.Series(
            [
                "" if value is None or pd.isna(value) else str(int(value))
                for value in (row[column] for row in rows)
            ],
            dtype=object,
        )
    return json_values.frame_to_csv(frame.drop(columns=without))
