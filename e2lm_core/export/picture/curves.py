"""SVG of learning curves.

Plotly draws only in a browser, with a script of 4.7 MB. Colours, dashes and markers are those of the pages.
Tested in tests/export/test_picture.py.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from e2lm_core.base import formatting
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import palette
from e2lm_core.charts.palette import Theme

TEMPLATE = Path(__file__).parent / "curves.svg.j2"
APART = 15  # pixels between two names at least
ROW = 20  # height in pixels of a legend's row
MAX_TICKS = 6
DASHES = {"dash": "7 4", "dot": "2 4"}
Xy = tuple[float, float]


class Layout(NamedTuple):
    """Sizes of a picture in pixels.

    Attributes:
        width: Width of the picture.
        height: Its height without the legend.
        left: Left edge of the plot.
        right: Right edge of the plot; names stand to the right of it.
        top: Upper edge of the plot.
        bottom: Lower edge of the plot.
        columns: Columns of a legend below; 0 to put names at the right.
    """

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    columns: int = 0


CARD = Layout(860, 430, 58, 660, 16, 380)
WIDE = Layout(940, 372, 62, 796, 14, 318)
NARROW = Layout(360, 306, 36, 348, 24, 252, columns=2)
CHANCE_ROOM = 72  # pixels for the label of chance before the first points; with fewer it stands at the right


class Line(NamedTuple):
    """Learning curve of a model.

    Attributes:
        model: The model.
        points: Measured points (x, y).
        name: Name at the line's end; empty for a model of another seed, whose line is thin and has no
            markers.
        band: Outline of its interval: the upper points in order of x, then the lower ones back to the first.
        said: Text of each point on hover.
    """

    model: ModelInfo
    points: Sequence[Xy]
    name: str
    band: Sequence[Xy] = ()
    said: Sequence[str] = ()


class Plot(NamedTuple):
    """Content of a picture.

    Attributes:
        lines: Curves, whose y values are shares.
        title: Title of the picture.
        chance: Accuracy of blind guessing; None without a line for it.
        window: End of the early window on x; None without one.
        by_tokens: Whether x is tokens seen; else training steps.
        about: Longer description of the picture.
    """

    lines: Sequence[Line]
    title: str
    chance: float | None
    window: float | None
    by_tokens: bool
    about: str = ""


def draw_svg(plot: Plot, layout: Layout, theme: Theme, within: str = "") -> str:
    """Draw a picture of learning curves as SVG.

    Args:
        plot: Content of the picture.
        layout: Its sizes.
        theme: Its colours.
        within: Name of the picture in a page, where it has no background and the page's type; empty for a
            file.

    Raises:
        ValueError: No line has a point.
    """
    at, (low, high), most = _scales(plot, layout)
    named = [line for line in plot.lines if line.name]
    ends = [None if layout.columns or not line.name else at(line.points[-1])[1] for line in plot.lines]
    return _template().render(
        plot=plot,
        box=layout,
        height=layout.height + ROW * math.ceil(len(named) / layout.columns)
        if layout.columns
        else layout.height,
        within=within,
        theme=theme,
        axis="tokens seen" if plot.by_tokens else "training step",
        window=at((min(plot.window, most), low))[0] - layout.left if plot.window else 0,
        rows=[(at((0, y))[1], f"{y:.0%}") for y in ticks(low, high)],
        columns=[
            (at((x, low))[0], formatting.tokens(x) if plot.by_tokens and x else f"{x:,.0f}")
            for x in ticks(0, most, MAX_TICKS if layout.width > NARROW.width else 3)
        ],
        chance=None if plot.chance is None else (at((0, plot.chance))[1], f"chance {plot.chance:.0%}"),
        early=at((min(x for line in plot.lines for x, _ in line.points), low))[0] - layout.left < CHANCE_ROOM,
        lines=[
            _drawn(line, at, theme) | {"named_at": name}
            for line, name in zip(plot.lines, separate_labels(ends, layout.bottom), strict=True)
        ],
        legend=list(_legend(named, layout, theme)),
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _scales(plot: Plot, layout: Layout) -> tuple[Callable[[Xy], Xy], Xy, float]:
    """Function from a point to its position in the picture, the ends of the y axis, and the last x."""
    most = max(x for line in plot.lines for x, _ in line.points)
    values = [y for line in plot.lines for _, y in (*line.points, *line.band)]
    values += [] if plot.chance is None else [plot.chance]
    low, high = _room(min(values), max(values))
    left, right, top, bottom = layout[2:6]

    def at(point: Xy) -> Xy:
        x, y = point
        across = left + (right - left) * x / most if most else left
        return round(across, 1), round(bottom - (bottom - top) * (y - low) / (high - low), 1)

    return at, (low, high), most


def _drawn(line: Line, at: Callable[[Xy], Xy], theme: Theme) -> dict[str, Any]:
    places = [at(point) for point in line.points]
    return {
        "name": line.name,
        "points": _path(places),
        "band": _path(map(at, line.band)),
        "marks": list(zip(places, line.said, strict=True)) if line.said and line.name else [],
    } | _look(line, theme)


def _look(line: Line, theme: Theme) -> dict[str, Any]:
    hue = palette.hue(line.model)
    return {
        "colour": theme.line[hue],
        "ink": theme.label[hue],
        "dash": DASHES.get(palette.dash(line.model)),
        "width": palette.width(line.model),
        "symbol": palette.symbol(line.model),
    }


def _legend(named: Sequence[Line], layout: Layout, theme: Theme) -> Iterator[dict[str, Any]]:
    """Names in columns below the plot, each with a piece of its line."""
    if not layout.columns:
        return
    for number, line in enumerate(named):
        row, column = divmod(number, layout.columns)
        x = layout.left + column * (layout.right - layout.left) // layout.columns
        yield {"name": line.name, "x": x, "y": layout.height + ROW * row} | _look(line, theme)


def ticks(low: float, high: float, most: int = MAX_TICKS) -> list[float]:
    """A few round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten.

    Args:
        low: Smallest value.
        high: Largest value.
        most: Number of steps at most.
    """
    if high <= low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def separate_labels(label_ys: Sequence[float | None], max_y: float) -> list[float | None]:
    """Positions of labels moved until no two overlap: first down, then up from the plot's lower edge.

    Args:
        label_ys: Wished positions in pixels from the top; None for a line without a label.
        max_y: Lower edge of the plot.
    """
    order = sorted((k for k, y in enumerate(label_ys) if y is not None), key=lambda k: label_ys[k] or 0.0)
    moved = {k: label_ys[k] or 0.0 for k in order}
    for above, k in pairwise(order):
        moved[k] = max(moved[k], moved[above] + APART)
    for k in reversed(order):
        moved[k] = min(moved[k], max_y)
        max_y = moved[k] - APART
    return [moved.get(k) for k in range(len(label_ys))]


def _room(low: float, high: float) -> Xy:
    """Ends of the y axis: slightly beyond the values, within 0 and 1."""
    more = max(0.02, (high - low) * 0.06)
    return max(0.0, low - more), min(1.0, high + more)


def _path(points: Iterable[Xy]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
