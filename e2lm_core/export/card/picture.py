"""Curve image of a data set card.

Tested in tests/export/test_card.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2lm_core.base import formatting
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import palette
from e2lm_core.export.picture.curves import CARD, Line, Plot, draw_svg

METRIC = "acc"


def curves(document: Mapping[str, Any]) -> bytes | None:
    """SVG of the curves of a report's document on accuracy; None if no checkpoint is complete."""
    if not document["complete_checkpoints"]:
        return None
    by_tokens = all(None not in curve["tokens_seen"] for curve in document["curves"])
    lines = [line for curve in document["curves"] if (line := _line(curve, by_tokens)).points]
    plot = Plot(
        lines,
        f"Accuracy on {document['task']} of {formatting.count(len(lines), 'model')} as they are trained",
        document["chance"],
        document["early_end_tokens"] if by_tokens else None,
        by_tokens,
    )
    return f"{draw_svg(plot, CARD, palette.LIGHT)}\n".encode()


def _line(curve: Mapping[str, Any], by_tokens: bool) -> Line:
    of = curve["metrics"][METRIC]
    xs = curve["tokens_seen"] if by_tokens else curve["steps"]
    rows = [row for row in zip(xs, of["values"], of["low"], of["high"], strict=True) if row[1] is not None]
    banded = [(x, low, high) for x, _, low, high in rows if low is not None and high is not None]
    band = [(x, high) for x, _, high in banded] + [(x, low) for x, low, _ in reversed(banded)]
    model = ModelInfo.model_validate(curve["model"])
    points = [(x, value) for x, value, *_ in rows]
    return Line(model, points, "", ()) if model.seed_of else Line(model, points, model.name, band)
