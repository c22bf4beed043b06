"""Marks of a figure's traces: lines, areas, markers, bars, cells and texts.

Source of dashes and symbols: plotly.js, src/components/drawing/{index,symbol_defs}.js.
Tested in tests/charts/svg/test_figure.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape, unescape
from itertools import groupby
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from e2lm_core.charts.svg.axis_scales import Scale, as_list, format_number

# Width of the box of lines; it is stretched to that of the plot, strokes are not.
BOX = 1000.0
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down")
_RGBA = re.compile(r"rgba\((\d+), ?(\d+), ?(\d+), ?([0-9.]+)\)")
_FIELD = re.compile(r"%\{([^}:]+)(?::([^}]+))?\}")
_TAG = re.compile(r"<extra>.*?</extra>|</?[a-z]+ ?/?>", re.DOTALL)
_HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$")
_TEXT_SHIFT = 9
BUBBLE_OPACITY = 0.7  # Plotly's own of marks with a size each


class Plot(NamedTuple):
    """The plot that traces are drawn in.

    Attributes:
        scales: Its axes by name.
        height: Its height in pixels.
    """

    scales: Mapping[str, Scale]
    height: float

    def axes_of(self, trace: Mapping[str, Any]) -> tuple[Scale, Scale]:
        """Axes of a trace."""
        return self.scales[trace.get("xaxis") or "x"], self.scales[trace.get("yaxis") or "y"]

    def points(self, trace: Mapping[str, Any]) -> list[tuple[float, float]]:
        """Positions of a trace's points: shares of the width, pixels from above; NaN of a point without a value."""
        x, y = self.axes_of(trace)
        pairs = zip(as_list(trace.get("x")), as_list(trace.get("y")), strict=True)
        return [(x.share(one), self.height * y.share(other)) for one, other in pairs]


# --- colours and texts ------------------------------------------------------------------------------------


def paint(colour: str, name: str = "fill", opacity: float = 1.0) -> str:
    """Attributes of a fill or a stroke.

    Args:
        colour: Colour of CSS; the opacity of an `rgba` stands apart.
        name: Name of the attribute.
        opacity: Further opacity.
    """
    if found := _RGBA.fullmatch(colour):
        red, green, blue, own = found.groups()
        colour, opacity = f"#{int(red):02x}{int(green):02x}{int(blue):02x}", opacity * float(own)
    faint = f' {name}-opacity="{opacity:g}"' if opacity < 1 else ""
    return f'{name}="{escape(colour)}"{faint}'


def dash_lengths(dash: str | None, width: float) -> str:
    """Attribute of a dash pattern; "" of a solid line."""
    unit = max(width, 3.0)
    lengths = {
        "dot": (1, 1),
        "dash": (3, 3),
        "longdash": (5, 5),
        "dashdot": (3, 1, 1, 1),
        "longdashdot": (5, 2, 1, 2),
    }.get(dash or "solid")
    return f' stroke-dasharray="{" ".join(f"{unit * times:g}" for times in lengths)}"' if lengths else ""


def hover_texts(trace: Mapping[str, Any]) -> list[str]:
    """Text of each point on hover, from the trace's template; none without one.

    A number takes the format that the template names, a text stays as it is.
    """
    template = trace.get("hovertemplate")
    if not template:
        return []
    columns: dict[str, Sequence[Any]] = {
        name: as_list(trace.get(name))
        for name in ("x", "y", "text", "customdata")
        if trace.get(name) is not None
    }
    lines = [_TAG.sub("", line) for line in re.split(r"<br ?/?>", str(template))]
    joined = ", ".join(line for line in lines if line)
    count = max((len(values) for values in columns.values()), default=0)

    def told(place: int) -> str:
        def value(found: re.Match[str]) -> str:
            name, _, inner = found[1].partition("[")
            values = columns.get(name, ())
            one = values[place] if place < len(values) else ""
            if inner:
                one = one[int(inner.rstrip("]"))]
            if one is None or isinstance(one, (list, tuple)):
                return ""
            return format_number(one, found[2]) if found[2] else str(one)

        return unescape(_TAG.sub("", _FIELD.sub(value, joined).replace("<br>", ", ")))

    return [told(place) for place in range(count)]


def title(text: str) -> str:
    """Text that the browser shows on hover; "" without one."""
    return f"<title>{escape(text)}</title>" if text else ""


# --- traces -------------------------------------------------------------------------------------------------


def trace_parts(trace: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    """Yield a trace's marks from back to front."""
    kind = trace.get("type", "scatter")
    opacity = trace.get("opacity")
    faint = opacity is not None and opacity < 0.99
    if faint:
        yield f'<g opacity="{opacity:g}">'
    if kind == "heatmap":
        yield from _cells(trace, plot)
    elif kind == "bar":
        yield from _bars(trace, plot)
    else:
        yield from _scatter(trace, plot)
    if faint:
        yield "</g>"


def _scatter(trace: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    points, mode = plot.points(trace), str(trace.get("mode", "lines"))
    if "lines" in mode or trace.get("fill"):
        yield from _line(trace, points, plot.height)
    if trace.get("error_y"):
        yield from _error_bars(trace, points, plot)
    if "markers" in mode:
        yield from _markers(trace, points)
    if "text" in mode:
        yield from _texts(trace, points)


def _line(trace: Mapping[str, Any], points: Sequence[tuple[float, float]], height: float) -> Iterator[str]:
    """Line or area in a box of its own, which is stretched to the plot."""
    line = trace.get("line") or {}
    width = float(line.get("width", 2))
    yield f'<svg width="100%" height="{height:g}" viewBox="0 0 {BOX:g} {height:g}" preserveAspectRatio="none">'
    known = [list(run) for is_known, run in groupby(points, _is_known) if is_known]
    name = escape(str(trace.get("name") or ""))
    for run in known:
        shape = " ".join(f"{x * BOX:.1f},{y:.1f}" for x, y in run)
        if trace.get("fill"):
            yield f'<polygon points="{shape}" {paint(str(trace["fillcolor"]))}/>'
        if width:
            yield (
                f'<polyline data-name="{name}" points="{shape}" fill="none" {paint(str(line["color"]), "stroke")} '
                f'stroke-width="{width:g}"{dash_lengths(line.get("dash"), width)} stroke-linejoin="round" '
                'style="vector-effect:non-scaling-stroke"/>'
            )
    yield "</svg>"


def _is_known(point: tuple[float, float]) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _error_bars(trace: Mapping[str, Any], points: Sequence[tuple[float, float]], plot: Plot) -> Iterator[str]:
    bars = trace["error_y"]
    scale = plot.axes_of(trace)[1]
    above = as_list(bars["array"])
    below = as_list(bars.get("arrayminus", bars["array"]))
    half, wide = float(bars.get("width", 4)), float(bars.get("thickness", 2))
    yield f'<g stroke-width="{wide:g}" {paint(str(bars["color"]), "stroke")}>'
    for (x, _), value, up, down in zip(points, as_list(trace["y"]), above, below, strict=True):
        top, bottom = (plot.height * scale.share(end) for end in (value + up, value - down))
        place = f"{100 * x:.2f}%"
        yield f'<line x1="{place}" x2="{place}" y1="{top:.1f}" y2="{bottom:.1f}"/>'
        for y in (top, bottom):
            yield (
                f'<svg x="{place}" y="{y:.1f}" overflow="visible"><line x1="{-half:g}" x2="{half:g}"/></svg>'
            )
    yield "</g>"


def _markers(trace: Mapping[str, Any], points: Sequence[tuple[float, float]]) -> Iterator[str]:
    marker, told = trace.get("marker") or {}, hover_texts(trace)
    sizes, colours, symbols = (
        one_each(marker.get(name, default), len(points))
        for name, default in (("size", 6), ("color", "#000"), ("symbol", "circle"))
    )
    bubbles = not isinstance(marker.get("size", 6), (int, float))
    opacity = float(marker.get("opacity") or (BUBBLE_OPACITY if bubbles else 1.0))
    styles = [
        mark_style(symbol, str(colour), marker.get("line") or {}, opacity)
        for symbol, colour in zip(symbols, colours, strict=True)
    ]
    alike = len(set(styles)) == 1
    yield f'<g data-marks="{escape(str(trace.get("name") or ""))}"{f" {styles[0]}" if alike else ""}>'
    for place, (x, y) in enumerate(points):
        if _is_known((x, y)):
            inner = title(told[place]) if place < len(told) else ""
            where = f"{100 * x:.2f}%", f"{y:.1f}"
            yield symbol_mark(
                symbols[place], float(sizes[place]) / 2, where, "" if alike else styles[place], inner
            )
    yield "</g>"


def one_each(value: Any, count: int) -> list[Any]:
    """One value for each point."""
    return (
        [value] * count
        if isinstance(value, (str, int, float)) or not hasattr(value, "__len__")
        else as_list(value)
    )


def mark_style(symbol: str | int, colour: str, edge: Mapping[str, Any], opacity: float = 1.0) -> str:
    """Attributes of a mark's colours.

    Args:
        symbol: Plotly's name of the symbol, or its number.
        colour: Colour of the mark.
        edge: Plotly's settings of its edge.
        opacity: Opacity of the mark.
    """
    named, width = _symbol_name(symbol), float(edge.get("width", 0) or 0)
    if named.endswith("-open"):
        return f'fill="none" pointer-events="all" {paint(colour, "stroke", opacity)} stroke-width="{width or 1:g}"'
    if named == "line-ns":
        return f'{paint(str(edge.get("color", colour)), "stroke", opacity)} stroke-width="{width or 1:g}"'
    if not width:
        return paint(colour, opacity=opacity)
    around = paint(str(edge.get("color", "#444")), "stroke", opacity)
    return f'{paint(colour, opacity=opacity)} {around} stroke-width="{width:g}"'


def _symbol_name(symbol: str | int) -> str:
    return SYMBOLS[symbol] if isinstance(symbol, int) else symbol


def symbol_mark(symbol: str | int, radius: float, place: tuple[str, str], style: str, inner: str = "") -> str:
    """Mark of a point.

    Args:
        symbol: Plotly's name of the symbol, or its number.
        radius: Half of its size in pixels.
        place: Its x and y.
        style: Attributes as of `mark_style`; "" where the group of marks has them.
        inner: Text on hover as an element.
    """
    x, y = place
    named, style = _symbol_name(symbol).removesuffix("-open"), f" {style}" if style else ""
    if named == "circle":
        return f'<circle cx="{x}" cy="{y}" r="{radius:g}"{style}>{inner}</circle>'
    path = _path(named, radius)
    return f'<svg x="{x}" y="{y}" overflow="visible"><path d="{path}"{style}>{inner}</path></svg>'


def _path(symbol: str, r: float) -> str:
    """Outline of a symbol about 0."""
    if symbol == "square":
        return f"M{r:.2f},{r:.2f}H{-r:.2f}V{-r:.2f}H{r:.2f}Z"
    if symbol == "diamond":
        d = 1.3 * r
        return f"M{d:.2f},0L0,{d:.2f}L{-d:.2f},0L0,{-d:.2f}Z"
    if symbol == "cross":
        a, b = 0.4 * r, 1.2 * r
        return (
            f"M{b:.2f},{a:.2f}H{a:.2f}V{b:.2f}H{-a:.2f}V{a:.2f}H{-b:.2f}V{-a:.2f}H{-a:.2f}V{-b:.2f}H{a:.2f}"
            f"V{-a:.2f}H{b:.2f}Z"
        )
    if symbol == "x":
        d = 0.8 * r / math.sqrt(2)
        return (
            f"M0,{d:.2f}l{d:.2f},{d:.2f}l{d:.2f},{-d:.2f}l{-d:.2f},{-d:.2f}l{d:.2f},{-d:.2f}l{-d:.2f},{-d:.2f}"
            f"l{-d:.2f},{d:.2f}l{-d:.2f},{-d:.2f}l{-d:.2f},{d:.2f}l{d:.2f},{d:.2f}l{-d:.2f},{d:.2f}l{d:.2f},{d:.2f}Z"
        )
    if symbol in ("triangle-up", "triangle-down"):
        sign = 1 if symbol == "triangle-up" else -1
        wide, half = 2 * r / math.sqrt(3), sign * r / 2
        return f"M{-wide:.2f},{half:.2f}H{wide:.2f}L0,{-sign * r:.2f}Z"
    if symbol == "line-ns":
        return f"M0,{1.4 * r:.2f}V{-1.4 * r:.2f}"
    raise ValueError(f"no mark is drawn for the symbol {symbol}")


def _texts(trace: Mapping[str, Any], points: Sequence[tuple[float, float]]) -> Iterator[str]:
    font = trace.get("textfont") or {}
    colours = one_each(font.get("color", "#000"), len(points))
    vertical, horizontal = str(trace.get("textposition", "middle center")).split()
    anchor = {"left": "end", "center": "middle", "right": "start"}[horizontal]
    dx = {"left": -_TEXT_SHIFT, "center": 0, "right": _TEXT_SHIFT}[horizontal]
    dy = {"top": -_TEXT_SHIFT, "middle": 0, "bottom": 2 * _TEXT_SHIFT}[vertical] + 0.36 * font.get("size", 12)
    yield f'<g data-texts="" text-anchor="{anchor}" font-size="{font.get("size", 12):g}">'
    for (x, y), text, colour in zip(points, as_list(trace["text"]), colours, strict=True):
        if _is_known((x, y)):
            yield (
                f'<text x="{100 * x:.2f}%" y="{y:.1f}" dx="{dx}" dy="{dy:.1f}" {paint(str(colour))}>'
                f"{escape(str(text))}</text>"
            )
    yield "</g>"


def _bars(trace: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    """Bars with their texts; a bar along x begins at its base, or at 0."""
    x, y = plot.axes_of(trace)
    lies = trace.get("orientation") == "h"
    along, across = (x, y) if lies else (y, x)
    values, places = as_list(trace["x" if lies else "y"]), as_list(trace["y" if lies else "x"])
    base = trace.get("base")
    feet = as_list(base) if base is not None else [0.0] * len(values)
    half, marker = float(trace.get("width", 0.8)) / 2, trace.get("marker") or {}
    colours, edge = one_each(marker.get("color", "#000"), len(values)), marker.get("line") or {}
    pattern, told = marker.get("pattern"), hover_texts(trace)
    wide = float(edge.get("width", 0) or 0)
    stroke = f' {paint(str(edge.get("color")), "stroke")} stroke-width="{wide:g}"' if wide else ""
    hatching = f"hatching-{crc32(str(trace.get('name')).encode())}" if pattern else ""
    yield '<g data-bars="">'
    if pattern:
        yield _hatching(hatching, pattern)
    texts, font = as_list(trace.get("text")), trace.get("textfont") or {}
    inks = one_each(font.get("color", "#000"), len(values))
    for at, (value, place, foot) in enumerate(zip(values, places, feet, strict=True)):
        if value is None or not math.isfinite(float(value)) or not math.isfinite(float(foot)):
            continue
        low, high = sorted((along.share(foot), along.share(foot + value)))
        first, last = sorted((across.share(place - half), across.share(place + half)))
        left, right = (low, high) if lies else (first, last)
        top, bottom = (plot.height * end for end in ((first, last) if lies else (low, high)))
        box = f'x="{100 * left:.2f}%" width="{100 * (right - left):.2f}%" y="{top:.1f}" height="{bottom - top:.1f}"'
        inner = title(told[at]) if at < len(told) else ""
        yield f"<rect {box} {paint(str(colours[at]))}{stroke}>{inner}</rect>"
        if pattern:
            yield f'<rect {box} fill="url(#{hatching})" pointer-events="none"/>'
        if at < len(texts) and texts[at]:
            yield (
                f'<text x="{50 * (left + right):.2f}%" y="{(top + bottom) / 2 + 4.5:.1f}" text-anchor="middle" '
                f'font-size="{font.get("size", 12):g}" pointer-events="none" {paint(str(inks[at]))}>'
                f"{escape(str(texts[at]))}</text>"
            )
    yield "</g>"


def _hatching(name: str, pattern: Mapping[str, Any]) -> str:
    size = float(pattern.get("size", 8))
    colour = str(pattern["fgcolor"])
    drawn = (
        f'<path d="M{-size / 4:g},{size / 4:g}l{size / 2:g},{-size / 2:g}M0,{size:g}l{size:g},{-size:g}'
        f'M{3 * size / 4:g},{5 * size / 4:g}l{size / 2:g},{-size / 2:g}" {paint(colour, "stroke")} stroke-width="1"/>'
        if pattern.get("shape") == "/"
        else f'<circle cx="{size / 2:g}" cy="{size / 2:g}" r="{size / 4:g}" {paint(colour)}/>'
    )
    return (
        f'<defs><pattern id="{name}" width="{size:g}" height="{size:g}" patternUnits="userSpaceOnUse">'
        f"{drawn}</pattern></defs>"
    )


def _cells(trace: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    """Cells of a heat map, with a gap between them where it is wished."""
    x, y = plot.axes_of(trace)
    low, high, gap = float(trace["zmin"]), float(trace["zmax"]), float(trace.get("xgap", 0) or 0)
    values = np.array(as_list(trace["z"]), float)
    colours = scale_colours(trace["colorscale"], ((values - low) / (high - low)).ravel())
    columns = [_band(x, str(name), 100) for name in as_list(trace["x"])]
    rows = [_band(y, str(name), plot.height) for name in as_list(trace["y"])]
    crisp = "" if gap else ' shape-rendering="crispEdges"'
    yield f'<g data-cells=""{crisp}>'
    for number, (value, colour) in enumerate(zip(values.ravel(), colours, strict=True)):
        if not math.isfinite(value):
            continue
        row, column = divmod(number, len(columns))
        (left, wide), (top, tall) = columns[column], rows[row]
        place = f'x="{left:.2f}%" y="{top:.1f}" width="{wide:.2f}%"'
        if gap:  # a box of its own takes the gap from the cell
            yield (
                f'<svg {place} height="{tall:.1f}"><rect x="{gap / 2:g}" y="{gap / 2:g}" height="{tall - gap:.1f}" '
                f'style="width:calc(100% - {gap:g}px)" fill="{colour}"/></svg>'
            )
        else:
            yield f'<rect {place} height="{tall:.1f}" fill="{colour}"/>'
    yield "</g>"


def _band(scale: Scale, name: str, length: float) -> tuple[float, float]:
    """Start and size of a name's band on an axis of that length."""
    place = scale.number(name)
    start, end = sorted(length * scale.share_of_number(place + side) for side in (-0.5, 0.5))
    return start, end - start


def scale_colours(scale: Sequence[Sequence[Any]], shares: np.ndarray) -> list[str]:
    """Colours on a scale.

    Args:
        scale: Stops from 0 to 1 with their colours.
        shares: Shares [N]; those outside of the scale have the colour of its end.

    Returns:
        Colours [N]; that of NaN means nothing.

    Raises:
        ValueError: A colour of the scale is not `#rrggbb`.
    """
    stops = [float(stop) for stop, _ in scale]
    parts = np.array([_rgb(str(colour)) for _, colour in scale], float)
    mixed = np.stack([np.interp(shares, stops, parts[:, channel]) for channel in range(3)], axis=-1)
    return [
        f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.nan_to_num(mixed).round().astype(int)
    ]


def _rgb(colour: str) -> tuple[int, ...]:
    found = _HEX.match(colour)
    if not found:
        raise ValueError(f"a colour of a scale is {colour}; it must be #rrggbb")
    return tuple(int(part, 16) for part in found.groups())
