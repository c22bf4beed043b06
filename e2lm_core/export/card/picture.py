"""Learning curves as one small SVG: lines, 95% bands, chance and the early window; the same bytes for the same numbers.

Plotly draws in a browser alone, and a card's picture is an image. Colours and dashes are the pages'.
Tested in tests/export/test_card.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from e2lm_core.base import phrasing
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import palette

TEMPLATE = Path(__file__).parent / "curves.svg.j2"
METRIC = "acc"
WIDTH, HEIGHT = 860, 430
LEFT, RIGHT, TOP, BOTTOM = 58, 660, 16, 380  # the plot; names stand to its right
APART = 15  # two names, at least
MOST_TICKS = 6
DASHES = {"dash": "7 4", "dot": "2 4"}
Xy = tuple[float, float]


class Line(NamedTuple):
    """A model's measured points, and those of its band from the first above to the first below."""

    model: ModelInfo
    points: list[Xy]
    band: list[Xy]


def curves(document: Mapping[str, Any]) -> bytes | None:
    """The curves of a report's document on accuracy; None where no checkpoint is complete."""
    if not document["complete_checkpoints"]:
        return None
    by_tokens = all(None not in curve["tokens_seen"] for curve in document["curves"])
    lines = [line for curve in document["curves"] if (line := _line(curve, by_tokens)).points]
    theme, chance = palette.LIGHT, document["chance"]
    most = max(x for line in lines for x, _ in line.points)
    values = [y for line in lines for _, y in (*line.points, *line.band)]
    low, high = _room(min(*values, chance), max(*values, chance))

    def at(point: Xy) -> Xy:
        x, y = point
        across = LEFT + (RIGHT - LEFT) * x / most if most else LEFT
        return round(across, 1), round(BOTTOM - (BOTTOM - TOP) * (y - low) / (high - low), 1)

    ends = [None if line.model.seed_of else at(line.points[-1])[1] for line in lines]
    end = document["early_end_tokens"] if by_tokens else None
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    drawing = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=f"Accuracy on {document['task']} of {phrasing.count(len(lines), 'model')} as they are trained",
        axis="tokens seen" if by_tokens else "training step",
        size=(WIDTH, HEIGHT),
        plot=(LEFT, RIGHT, TOP, BOTTOM),
        theme=theme,
        window=at((min(end, most), low))[0] - LEFT if end else 0,
        rows=[(at((0, y))[1], f"{y:.0%}") for y in ticks(low, high)],
        columns=[
            (at((x, low))[0], phrasing.tokens(x) if by_tokens and x else f"{x:,.0f}") for x in ticks(0, most)
        ],
        chance=at((0, chance))[1],
        lines=[
            {
                "name": line.model.name,
                "points": _path(map(at, line.points)),
                "band": _path(map(at, line.band)),
                "colour": theme.line[palette.hue(line.model)],
                "ink": theme.label[palette.hue(line.model)],
                "dash": DASHES.get(palette.dash(line.model)),
                "width": palette.width(line.model),
                "named_at": name,
            }
            for line, name in zip(lines, apart(ends), strict=True)
        ],
    )
    return f"{drawing}\n".encode()


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, a few: steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    rough = (high - low) / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def apart(places: Sequence[float | None]) -> list[float | None]:
    """The places of names moved down, then up where they leave the plot, until no two overlap."""
    order = sorted((k for k, y in enumerate(places) if y is not None), key=lambda k: places[k] or 0.0)
    moved = {k: places[k] or 0.0 for k in order}
    for above, k in pairwise(order):
        moved[k] = max(moved[k], moved[above] + APART)
    floor = float(BOTTOM)
    for k in reversed(order):
        moved[k] = min(moved[k], floor)
        floor = moved[k] - APART
    return [moved.get(k) for k in range(len(places))]


def _line(curve: Mapping[str, Any], by_tokens: bool) -> Line:
    of = curve["metrics"][METRIC]
    xs = curve["tokens_seen"] if by_tokens else curve["steps"]
    rows = [row for row in zip(xs, of["values"], of["low"], of["high"], strict=True) if row[1] is not None]
    banded = [(x, low, high) for x, _, low, high in rows if low is not None and high is not None]
    band = [(x, high) for x, _, high in banded] + [(x, low) for x, low, _ in reversed(banded)]
    model = ModelInfo.model_validate(curve["model"])
    return Line(model, [(x, value) for x, value, *_ in rows], [] if model.seed_of else band)


def _room(low: float, high: float) -> Xy:
    """The ends of the y axis: a little beyond what is drawn, within 0 and 1."""
    more = max(0.02, (high - low) * 0.06)
    return max(0.0, low - more), min(1.0, high + more)


def _path(points: Any) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
