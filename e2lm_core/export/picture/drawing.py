"""SVG line chart.

It takes the width of its container: positions along x are percentages, while texts, marks and strokes keep
their size. Colours, dashes and symbols are those of the other charts.
Tested in tests/export/test_edited.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from e2lm_core.base import formatting
from e2lm_core.charts.canvas import AXIS_PX, MARGIN, WHOLE_PERCENTS_FROM, axis_range
from e2lm_core.charts.marks import LABEL_GAP_PX, LEGEND_ROW_PX, spread_labels
from e2lm_core.charts.palette import Theme
from e2lm_core.export.picture.curves import DASHES, ticks

HEIGHT = 250
PLOT_PX = HEIGHT - MARGIN["t"] - AXIS_PX
LEFT_PX = MARGIN["l"]
RIGHT_PX = 16  # without names at the lines' ends
TICKS = 5
# Width of the box of lines, which is stretched to the chart's width.
_ACROSS = 1000
_MARKS = {
    "circle": '<circle cx="{x}" cy="{y}" r="2.8">{said}</circle>',
    "square": '<rect x="{x}" y="{y}" width="5" height="5" transform="translate(-2.5 -2.5)">{said}</rect>',
    "diamond": '<svg x="{x}" y="{y}" overflow="visible"><path d="M0-3.6 3.6 0 0 3.6-3.6 0z">{said}</path></svg>',
}


class Line(NamedTuple):
    """A line of the chart, with its points in order of x.

    Attributes:
        name: Name at the line's end or in the legend.
        xs: Positions along x: tokens seen or training steps.
        ys: Values along y.
        colour: Colour of the line.
        ink: Colour of its name.
        width: Width of the stroke in pixels.
        dash: Dash pattern.
        symbol: Symbol of its marks.
        said: Text of each point on hover; without texts the points have no marks.
        faint: Opacity; below 1 for a line that shows an earlier state.
        shown: Whether its name is shown.
    """

    name: str
    xs: np.ndarray
    ys: np.ndarray
    colour: str
    ink: str
    width: float = 2.0
    dash: str = "solid"
    symbol: str = "circle"
    said: Sequence[str] = ()
    faint: float = 1.0
    shown: bool = True


class Chart(NamedTuple):
    """Content of a chart.

    Attributes:
        title: Description for screen readers.
        lines: Its lines.
        by_tokens: Whether x is tokens seen; else training steps.
        y_title: Title of the y axis.
        share: Whether y is a share, shown in percent.
        chance: Accuracy of blind guessing; None without a line for it.
        window: End of the early window on x; None without one.
        right: Pixels for names at the lines' ends.
        legend: Columns of the legend below; 0 to put names at the lines' ends.
    """

    title: str
    lines: Sequence[Line]
    by_tokens: bool
    y_title: str
    share: bool
    chance: float | None = None
    window: float | None = None
    right: int = MARGIN["r"]
    legend: int = 0


class _Scale:
    """Position of values: x in percent of the plot's width, y in pixels from its top."""

    def __init__(self, chart: Chart) -> None:
        xs = [x for line in chart.lines for x in line.xs]
        self.most = max(xs, default=1.0) * 1.02 or 1.0
        self.low, self.high = axis_range((y for line in chart.lines for y in line.ys), chart.chance)

    def x(self, value: float) -> float:
        return 100 * value / self.most

    def y(self, value: float) -> float:
        return round(PLOT_PX * (self.high - value) / (self.high - self.low), 1)


def draw(chart: Chart, theme: Theme) -> str:
    """Chart as an SVG element as wide as its container."""
    at = _Scale(chart)
    right = RIGHT_PX if chart.legend else chart.right
    rows = math.ceil(len([line for line in chart.lines if line.shown]) / chart.legend) if chart.legend else 0
    below = AXIS_PX + LEGEND_ROW_PX * rows
    style = (
        f"display:block;overflow:visible;width:calc(100% - {LEFT_PX + right}px);height:{PLOT_PX}px;"
        f"margin:{MARGIN['t']}px {right}px {below}px {LEFT_PX}px"
    )
    parts = [*_ground(chart, at, theme), *_lines(chart, at), *_marks(chart, at), *_names(chart, at)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(chart.title)}" '
        f'font-size="12" style="{style}">{"".join(parts)}</svg>'
    )


def _ground(chart: Chart, at: _Scale, theme: Theme) -> Iterator[str]:
    """The early window, both axes with their titles, and chance."""
    if chart.window:
        wide = min(100.0, at.x(chart.window))
        yield f'<rect width="{wide:.2f}%" height="{PLOT_PX}" fill="{theme.window}"/>'
    yield f'<g stroke="{theme.grid}">'
    rows, columns = ticks(at.low, at.high, TICKS), ticks(0, at.most, TICKS)
    yield from (f'<line x2="100%" y1="{at.y(y)}" y2="{at.y(y)}"/>' for y in rows)
    yield from (f'<line x1="{at.x(x):.2f}%" x2="{at.x(x):.2f}%" y2="{PLOT_PX}"/>' for x in columns)
    yield f'</g><g fill="{theme.muted}">'
    yield from (
        f'<text x="-8" y="{at.y(y) + 4:.1f}" text-anchor="end">{text}</text>'
        for y, text in zip(rows, _numbers(rows, chart.share, at), strict=True)
    )
    for x in columns:
        text = formatting.tokens(x) if chart.by_tokens and x else f"{x:,.0f}"
        yield f'<text x="{at.x(x):.2f}%" y="{PLOT_PX + 19}" text-anchor="middle">{text}</text>'
    title = "tokens seen" if chart.by_tokens else "training step"
    yield f'<text x="50%" y="{PLOT_PX + 42}" text-anchor="middle">{title}</text>'
    yield (
        f'<text transform="translate({14 - LEFT_PX} {PLOT_PX // 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(chart.y_title)}</text>"
    )
    yield f'</g><g fill="{theme.muted}" stroke="{theme.background}" stroke-width="3" paint-order="stroke">'
    if chart.window:
        yield '<text x="6" y="13">early window</text>'
    if chart.chance is not None:
        y = at.y(chart.chance)
        yield f'<line x2="100%" y1="{y}" y2="{y}" style="stroke:{theme.muted};stroke-width:1" stroke-dasharray="6 4"/>'
        yield f'<text x="6" y="{y + 15 if chart.legend else y - 5:.1f}">chance {chart.chance:.0%}</text>'
    yield "</g>"


def _numbers(values: Sequence[float], share: bool, at: _Scale) -> list[str]:
    """Labels of ticks, with as many decimals as distinguish them."""
    if share:
        return [f"{v:.0%}" if at.high - at.low > WHOLE_PERCENTS_FROM else f"{v:.1%}" for v in values]
    step = values[1] - values[0] if len(values) > 1 else 1.0
    return [f"{v:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}" for v in values]


def _lines(chart: Chart, at: _Scale) -> Iterator[str]:
    """All lines in a box of their own that is stretched to the width, except for the strokes."""
    yield (
        f'<svg width="100%" height="{PLOT_PX}" viewBox="0 0 {_ACROSS} {PLOT_PX}" preserveAspectRatio="none" '
        'overflow="visible"><g fill="none" stroke-linejoin="round" stroke-linecap="round">'
    )
    for line in chart.lines:
        if not len(line.xs):
            continue
        points = " ".join(
            f"{at.x(x) * _ACROSS / 100:.1f},{at.y(y)}" for x, y in zip(line.xs, line.ys, strict=True)
        )
        dashed = f' stroke-dasharray="{DASHES[line.dash]}"' if line.dash in DASHES else ""
        faint = f' opacity="{line.faint}"' if line.faint < 1 else ""
        yield (
            f'<polyline data-name="{escape(line.name)}" points="{points}" stroke="{line.colour}" '
            f'stroke-width="{line.width}" vector-effect="non-scaling-stroke"{dashed}{faint}/>'
        )
    yield "</g></svg>"


def _marks(chart: Chart, at: _Scale) -> Iterator[str]:
    for line in chart.lines:
        if not line.said:
            continue
        mark, faint = _MARKS[line.symbol], f' opacity="{line.faint}"' if line.faint < 1 else ""
        # A transparent edge makes the marks easier to hit with the pointer.
        yield (
            f'<g data-marks="{escape(line.name)}" fill="{line.colour}" stroke="#000" stroke-opacity="0" '
            f'stroke-width="12" pointer-events="all"{faint}>'
        )
        for x, y, said in zip(line.xs, line.ys, line.said, strict=True):
            yield mark.format(x=f"{at.x(x):.2f}%", y=at.y(y), said=f"<title>{escape(said)}</title>")
        yield "</g>"


def _names(chart: Chart, at: _Scale) -> Iterator[str]:
    """Names at the lines' ends with the necessary distance, or below with a piece of each line."""
    named = [line for line in chart.lines if line.shown and len(line.ys)]
    if not chart.legend:
        wanted = [PLOT_PX - at.y(float(line.ys[-1])) for line in named]
        for line, place in zip(named, spread_labels(wanted, LABEL_GAP_PX, PLOT_PX), strict=True):
            yield f'<text x="100%" dx="8" y="{PLOT_PX - place + 4:.1f}" fill="{line.ink}">{escape(line.name)}</text>'
        return
    for number, line in enumerate(named):
        row, column = divmod(number, chart.legend)
        y = PLOT_PX + AXIS_PX + LEGEND_ROW_PX * row + 4
        dashed = f' stroke-dasharray="{DASHES[line.dash]}"' if line.dash in DASHES else ""
        yield (
            f'<svg x="{100 * column / chart.legend:g}%" y="{y}" overflow="visible"><path d="M-30 0h24" '
            f'stroke="{line.colour}" stroke-width="{line.width}"{dashed}/>'
            f'<text y="4" fill="{line.ink}">{escape(line.name)}</text></svg>'
        )
