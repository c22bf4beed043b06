"""SVG line chart.

Plotly draws only in a browser, with a script of 4.7 MB. Positions along x are percentages of the plot's width,
so that a fluid chart takes the width of its container while texts, marks and strokes keep their size. Colours,
dashes and symbols are those of the other charts.
Tested in tests/export/test_picture.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from e2lm_core.base import formatting
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import SHARES, ModelInfo
from e2lm_core.charts import palette
from e2lm_core.charts.canvas import (
    AXIS_PX,
    CHANCE_ROOM,
    MARGIN,
    WHOLE_PERCENTS_FROM,
    axis_range,
    checkpoint_label,
)
from e2lm_core.charts.marks import LABEL_GAP_PX, LEGEND_ROW_PX, spread_labels
from e2lm_core.charts.palette import Theme

# Room for the label of chance before the first points; with less it stands at the right.
CHANCE_PX = 72
_DASHES = {"dash": "7 4", "dot": "2 4", "dashdot": "7 4 2 4"}
_MARKS = {
    "circle": '<circle cx="{x}" cy="{y}" r="2.8">{said}</circle>',
    "square": '<rect x="{x}" y="{y}" width="5" height="5" transform="translate(-2.5 -2.5)">{said}</rect>',
    "diamond": '<svg x="{x}" y="{y}" overflow="visible"><path d="M0-3.6 3.6 0 0 3.6-3.6 0z">{said}</path></svg>',
    "triangle-up": '<svg x="{x}" y="{y}" overflow="visible"><path d="M0-3.4 3.2 2.4-3.2 2.4z">{said}</path></svg>',
    "triangle-down": '<svg x="{x}" y="{y}" overflow="visible"><path d="M0 3.4 3.2-2.4-3.2-2.4z">{said}</path></svg>',
    "cross": '<svg x="{x}" y="{y}" overflow="visible"><path d="M-1.1-3.3h2.2v2.2h2.2v2.2h-2.2v2.2h-2.2v-2.2h-2.2v-2.2h2.2z">{said}</path></svg>',
}

Values = Sequence[float] | np.ndarray


class Layout(NamedTuple):
    """Sizes of a chart in pixels.

    Attributes:
        width: Width of the chart; a fluid one takes that of its container, and is drawn for this one.
        height: Height of the plot.
        left: Margin at the left.
        right: Margin at the right, for names at the lines' ends.
        top: Margin above the plot.
        legend: Columns of the legend below; 0 to put names at the lines' ends.
        ticks: Largest number of steps on the x axis and on the y axis.
        is_fluid: Whether only positions along x follow the width; else the whole chart is scaled.
    """

    width: int
    height: int
    left: int = MARGIN["l"]
    right: int = MARGIN["r"]
    top: int = MARGIN["t"]
    legend: int = 0
    ticks: tuple[int, int] = (6, 6)
    is_fluid: bool = False

    @property
    def plot_width(self) -> int:
        """Width of the plot."""
        return self.width - self.left - self.right


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
        band: Its interval (x, low, high), where known.
    """

    name: str
    xs: Values
    ys: Values
    colour: str
    ink: str
    width: float = 2.0
    dash: str = "solid"
    symbol: str = "circle"
    said: Sequence[str] = ()
    faint: float = 1.0
    shown: bool = True
    band: Sequence[tuple[float, float, float]] = ()


class Chart(NamedTuple):
    """Content of a chart.

    Attributes:
        title: Name for screen readers.
        lines: Its lines.
        by_tokens: Whether x is tokens seen; else training steps.
        chance: Accuracy of blind guessing; None without a line for it.
        window: End of the early window on x; None without one.
        metric: Metric along y.
        about: Longer description for screen readers, for a chart with a name in its page.
        label: Name along y; "" for the metric's.
    """

    title: str
    lines: Sequence[Line]
    by_tokens: bool
    chance: float | None = None
    window: float | None = None
    metric: str = "acc"
    about: str = ""
    label: str = ""


class _Scale:
    """Position of values: x in percent of the plot's width, y in pixels from its top."""

    def __init__(self, chart: Chart, layout: Layout) -> None:
        xs = [x for line in chart.lines for x in line.xs]
        self.first, self.last = min(xs, default=0.0), max(xs, default=0.0) or 1.0
        values = [y for line in chart.lines for y in line.ys]
        values += [y for line in chart.lines for _, *bounds in line.band for y in bounds]
        self.low, self.high = axis_range(values, chart.chance, CHANCE_ROOM)
        self._layout = layout

    def x(self, value: float) -> float:
        return 100 * value / self.last

    def y(self, value: float) -> float:
        return round(self._layout.height * (self.high - value) / (self.high - self.low), 1)

    def points(self, xs: Iterable[float], ys: Iterable[float]) -> str:
        """Points in the box of lines, which is as wide as the plot of the layout."""
        wide = self._layout.plot_width / 100
        return " ".join(f"{self.x(x) * wide:.1f},{self.y(y)}" for x, y in zip(xs, ys, strict=True))


def model_line(
    model: ModelInfo, look: palette.Look, theme: Theme, xs: Values, ys: Values, **more: Any
) -> Line:
    """Line in a model's style; the name of a model of another seed is not shown.

    Args:
        model: The model.
        look: Its look.
        theme: Colours.
        xs: Positions [K] along x.
        ys: Values [K] along y.
        more: Further fields of the line.
    """
    line = Line(
        model.short_name,
        xs,
        ys,
        theme.line[look.hue],
        theme.label[look.hue],
        look.width,
        look.dash,
        look.symbol,
        shown=model.seed_of is None,
    )
    return line._replace(**more)


def point_texts(
    name: str, values: Iterable[float], steps: Iterable[int], tokens_seen: Iterable[float], metric: str
) -> list[str]:
    """Text of each point of a line.

    Args:
        name: Name of the line.
        values: Values of the points.
        steps: Their training steps.
        tokens_seen: Their tokens; NaN where unknown.
        metric: Metric of the values.
    """
    written = formatting.percent if metric in SHARES else "{:.3f}".format
    return [
        f"{name}: {written(value)}, {checkpoint_label(int(step), float(seen))}"
        for value, step, seen in zip(values, steps, tokens_seen, strict=True)
    ]


def draw(chart: Chart, layout: Layout, theme: Theme, name: str = "") -> str:
    """Chart as an SVG element.

    Args:
        chart: Content of the chart.
        layout: Its sizes.
        theme: Its colours.
        name: Name of the element in a page, where it has no background and the page's type; empty for a file
            and for a fluid chart.
    """
    scale = _Scale(chart, layout)
    named = [line for line in chart.lines if line.shown and len(line.ys)]
    parts = [*_ground(chart, layout, scale, theme), *_lines(chart, layout, scale), *_marks(chart, scale)]
    plot = "".join([*parts, *_names(named, layout, scale)])
    below = AXIS_PX + (LEGEND_ROW_PX * math.ceil(len(named) / layout.legend) if layout.legend else 0)
    title, left, right, top = escape(chart.title), layout.left, layout.right, layout.top
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}" font-size="12"'
    if layout.is_fluid:
        style = (
            f"display:block;overflow:visible;width:calc(100% - {left + right}px);height:{layout.height}px;"
            f"margin:{top}px {right}px {below}px {left}px"
        )
        return f'{head} style="{style}">{plot}</svg>'
    height = top + layout.height + below
    plot = (
        f'<svg x="{left}" y="{top}" width="{layout.plot_width}" height="{layout.height}" overflow="visible">'
        f"{plot}</svg></svg>"
    )
    head += f' viewBox="0 0 {layout.width} {height}"'
    if name:
        about = f'<desc id="{name}-about">{escape(chart.about)}</desc>'
        return f'{head} id="{name}" aria-describedby="{name}-about">{about}{plot}'
    size = f'width="{layout.width}" height="{height}"'
    background = f'<title>{title}</title><rect {size} rx="6" fill="{theme.background}"/>'
    return f'{head} {size} font-family="Inter, Helvetica, Arial, sans-serif">{background}{plot}'


def _ground(chart: Chart, layout: Layout, scale: _Scale, theme: Theme) -> Iterator[str]:
    """The early window, both axes with their titles, and chance."""
    height = layout.height
    if chart.window:
        wide = min(100.0, scale.x(chart.window))
        yield f'<rect width="{wide:.2f}%" height="{height}" fill="{theme.window}"/>'
    columns = ticks(0, scale.last, layout.ticks[0])
    rows = ticks(scale.low, scale.high, layout.ticks[1])
    yield f'<g stroke="{theme.grid}">'
    yield from (f'<line x2="100%" y1="{scale.y(y)}" y2="{scale.y(y)}"/>' for y in rows)
    if layout.is_fluid:
        yield from (f'<line x1="{scale.x(x):.2f}%" x2="{scale.x(x):.2f}%" y2="{height}"/>' for x in columns)
    yield f'</g><g fill="{theme.muted}">'
    yield from (
        f'<text x="-8" y="{scale.y(y) + 4:.1f}" text-anchor="end">{text}</text>'
        for y, text in zip(rows, _numbers(rows, chart.metric in SHARES, scale), strict=True)
    )
    for x in columns:
        text = formatting.tokens(x) if chart.by_tokens and x else f"{x:,.0f}"
        yield f'<text x="{scale.x(x):.2f}%" y="{height + 19}" text-anchor="middle">{text}</text>'
    title = "tokens seen" if chart.by_tokens else "training step"
    yield f'<text x="50%" y="{height + 42}" text-anchor="middle">{title}</text>'
    # A narrow margin has no room beside the numbers.
    place = (
        f'transform="translate({14 - layout.left} {height // 2}) rotate(-90)" text-anchor="middle"'
        if layout.left >= MARGIN["l"]
        else f'x="{-layout.left}" y="-10"'
    )
    yield f"<text {place}>{escape(chart.label or METRIC_LABEL[chart.metric])}</text>"
    yield f'</g><g fill="{theme.muted}" stroke="{theme.background}" stroke-width="3" paint-order="stroke">'
    if chart.window:
        yield '<text x="6" y="13">early window</text>'
    if chart.chance is not None:
        y = scale.y(chart.chance)
        style = f'stroke="{theme.muted}" stroke-width="1" stroke-dasharray="6 4"'
        yield f'<line x2="100%" y1="{y}" y2="{y}" {style}/>'
        place = f'x="6" y="{y - 5:.1f}"'
        if scale.x(scale.first) * layout.plot_width / 100 < CHANCE_PX:
            place = f'x="100%" dx="-6" y="{y + 15:.1f}" text-anchor="end"'
        yield f"<text {place}>chance {chart.chance:.0%}</text>"
    yield "</g>"


def ticks(low: float, high: float, most: int) -> list[float]:
    """A few round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten.

    Args:
        low: Smallest value.
        high: Largest value, above `low`.
        most: Number of steps at most.
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def _numbers(values: Sequence[float], share: bool, scale: _Scale) -> list[str]:
    """Labels of ticks, with as many decimals as distinguish them."""
    if share:
        return [f"{v:.0%}" if scale.high - scale.low > WHOLE_PERCENTS_FROM else f"{v:.1%}" for v in values]
    step = values[1] - values[0] if len(values) > 1 else 1.0
    return [f"{v:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}" for v in values]


def _lines(chart: Chart, layout: Layout, scale: _Scale) -> Iterator[str]:
    """All bands and lines in a box of their own; in a fluid chart it is stretched, except for the strokes."""
    wide, high = layout.plot_width, layout.height
    yield (
        f'<svg width="100%" height="{high}" viewBox="0 0 {wide} {high}" preserveAspectRatio="none" '
        'overflow="visible">'
    )
    for line in chart.lines:
        if line.band:
            xs, lows, highs = zip(*line.band, strict=True)
            outline = scale.points([*xs, *xs[::-1]], [*highs, *lows[::-1]])
            yield f'<polygon points="{outline}" fill="{line.colour}" fill-opacity="0.1"/>'
    yield '<g fill="none" stroke-linejoin="round" stroke-linecap="round">'
    kept = ' vector-effect="non-scaling-stroke"' if layout.is_fluid else ""
    for line in chart.lines:
        if len(line.xs):
            yield (
                f'<polyline data-name="{escape(line.name)}" points="{scale.points(line.xs, line.ys)}" '
                f"{_stroke(line)}{kept}{_opacity(line)}/>"
            )
    yield "</g></svg>"


def _stroke(line: Line) -> str:
    dashed = f' stroke-dasharray="{_DASHES[line.dash]}"' if line.dash in _DASHES else ""
    return f'stroke="{line.colour}" stroke-width="{line.width}"{dashed}'


def _opacity(line: Line) -> str:
    return f' opacity="{line.faint}"' if line.faint < 1 else ""


def _marks(chart: Chart, scale: _Scale) -> Iterator[str]:
    for line in chart.lines:
        if not line.said:
            continue
        # A transparent edge makes the marks easier to hit with the pointer.
        yield (
            f'<g data-marks="{escape(line.name)}" fill="{line.colour}" stroke="#000" stroke-opacity="0" '
            f'stroke-width="12" pointer-events="all"{_opacity(line)}>'
        )
        for x, y, said in zip(line.xs, line.ys, line.said, strict=True):
            title = f"<title>{escape(said)}</title>"
            yield _MARKS[line.symbol].format(x=f"{scale.x(x):.2f}%", y=scale.y(y), said=title)
        yield "</g>"


def _names(named: Sequence[Line], layout: Layout, scale: _Scale) -> Iterator[str]:
    """Names at the lines' ends with the necessary distance, or below with a piece of each line."""
    if not layout.legend:
        wanted = [scale.y(float(line.ys[-1])) for line in named]
        for line, y in zip(named, spread_labels(wanted, LABEL_GAP_PX, layout.height), strict=True):
            yield f'<text x="100%" dx="8" y="{y + 4:.1f}" fill="{line.ink}">{escape(line.name)}</text>'
        return
    for number, line in enumerate(named):
        row, column = divmod(number, layout.legend)
        y = layout.height + AXIS_PX + LEGEND_ROW_PX * row + 4
        yield (
            f'<svg x="{100 * column / layout.legend:g}%" y="{y}" overflow="visible">'
            f'<path d="M-30 0h24" {_stroke(line)}/>'
            f'<text y="4" fill="{line.ink}">{escape(line.name)}</text></svg>'
        )
