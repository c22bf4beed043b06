"""Curve image of a data set card.

Tested in tests/export/test_card.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2lm_core.base import formatting
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.palette import LIGHT, Looks, assign_looks
from e2lm_core.export.picture.drawing import Chart, Layout, Line, draw, model_line

METRIC = "acc"
LAYOUT = Layout(860, 364, right=200)


def curves(document: Mapping[str, Any]) -> bytes | None:
    """SVG of the curves of a report's document on accuracy; None without one of two complete checkpoints."""
    if not document["complete_checkpoints"]:
        return None
    by_tokens = all(None not in curve["tokens_seen"] for curve in document["curves"])
    looks = assign_looks(ModelInfo.model_validate(curve["model"]) for curve in document["curves"])
    lines = [line for curve in document["curves"] if (line := _line(curve, looks, by_tokens)).xs]
    if not any(len(line.xs) > 1 for line in lines):
        return None
    chart = Chart(
        f"Accuracy on {document['task']} of {formatting.count(len(lines), 'model')} as they are trained",
        lines,
        by_tokens,
        document["chance"],
        document["early_end_tokens"] if by_tokens else None,
        METRIC,
    )
    return f"{draw(chart, LAYOUT, LIGHT)}\n".encode()


def _line(curve: Mapping[str, Any], looks: Looks, by_tokens: bool) -> Line:
    of, model = curve["metrics"][METRIC], ModelInfo.model_validate(curve["model"])
    xs = curve["tokens_seen"] if by_tokens else curve["steps"]
    rows = [row for row in zip(xs, of["values"], of["low"], of["high"], strict=True) if row[1] is not None]
    band = [] if model.seed_of else [(x, low, high) for x, _, low, high in rows if None not in (low, high)]
    xs, ys = [x for x, *_ in rows], [value for _, value, *_ in rows]
    return model_line(model, looks[model.name], LIGHT, xs, ys, name=model.name, band=band)
