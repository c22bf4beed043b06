"""A figure as an SVG text: its plot with axes, shapes, traces, notes and names.

Tested in tests/charts/svg/test_figure.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape, unescape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from e2lm_core.charts.canvas import FONT
from e2lm_core.charts.svg.axis_scales import Scale, plain_numbers, read_scales
from e2lm_core.charts.svg.trace_marks import (
    Plot,
    dash_lengths,
    mark_style,
    one_each,
    paint,
    scale_colours,
    symbol_mark,
    trace_parts,
)

# Pixels: a tick, the room beside it, a line of text per size, a character's mean width per size.
TICK_PX, TICK_GAP_PX, LINE, CHARACTER = 5, 3, 1.3, 0.6
# Width of a plot whose own width is not known, for guesses alone.
GUESSED_PX = {False: 880.0, True: 300.0}
ENTRY_PX, SAMPLE_PX, LEGEND_ROW_PX, LEGEND_PAD_PX, GROUP_PX = 40, 30, 19, 5, 5
# Room below the title of an x axis.
BELOW_PX = 4
# Distance of a colour bar from its heat map.
BAR_GAP_PX = 23
# Characters that XML does not allow, of which a name may be full.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile(r"<br ?/?>")
_STYLE = re.compile(r"<(/?)(b|i|sub|sup)>")
_STYLES = {
    "b": "font-weight:bold",
    "i": "font-style:italic",
    "sub": "baseline-shift:sub;font-size:70%",
    "sup": "baseline-shift:super;font-size:70%",
}
_ANCHORS = {"left": "start", "center": "middle", "right": "end"}


def draw_figure(figure: go.Figure, label: str, narrow: bool = False) -> str:
    """Figure as an SVG element that takes the width of its container.

    Args:
        figure: The figure with its height and fixed margins; its texts are those of `canvas.without_links`.
        label: Description for screen readers.
        narrow: Whether it is drawn for a narrow screen.
    """
    data, layout = list(figure._data), figure._layout
    left, right, top, bottom = (float(layout["margin"][side]) for side in "lrtb")
    height = float(layout["height"]) - top - bottom
    plot = Plot(read_scales(data, layout, (GUESSED_PX[narrow], height)), height)
    font = f'font-family="{escape(FONT)}" font-size="{layout["font"]["size"]:g}" {paint(str(layout["font"]["color"]))}'
    size = (
        f"display:block;overflow:visible;box-sizing:content-box;width:calc(100% - {left + right:g}px);"
        f"height:{height:g}px;margin:{top:g}px {right:g}px {bottom:g}px {left:g}px"
    )
    parts = [
        *_shapes(layout, plot, below=True),
        *_grid(layout, plot),
        *(part for trace in data for part in trace_parts(trace, plot)),
        *_shapes(layout, plot, below=False),
        *_axis_texts(layout, plot),
        *_notes(layout, plot),
        *_legend(data, layout, plot),
        *_colour_bar(data, layout, plot),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" tabindex="0" aria-label="{escape(label)}"'
    return _NOT_XML.sub("", f'{head} {font} style="{size}">{"".join(parts)}</svg>')


# --- sizes ----------------------------------------------------------------------------------------------------


def text_width(text: str, size: float) -> float:
    """Width of a text in pixels, guessed by its number of characters."""
    lines = _BREAK.split(unescape(_STYLE.sub("", text)))
    return max(len(line) for line in lines) * CHARACTER * size


def fix_sizes(figure: go.Figure, narrow: bool = False) -> None:
    """Fix what Plotly chooses by measures of the browser: margins with room for all axes, and the number of ticks.

    With automatic margins Plotly lays a figure out twice.

    Args:
        figure: Figure to change.
        narrow: Whether it is drawn for a narrow screen.
    """
    data, layout = list(figure._data), figure._layout
    margin, wide = dict(layout["margin"]), GUESSED_PX[narrow]
    height = float(layout["height"]) - margin["t"] - margin["b"]
    scales = read_scales(data, layout, (wide, height))
    for scale in scales.values():
        settings = scale.layout
        if settings.get("automargin") and settings.get("visible") is not False:
            for side, room in _room_by_side(scale, wide):
                margin[side] = max(margin[side], math.ceil(room))
    layout["margin"] = margin
    for name, settings in layout.items():
        if name[:5] in ("xaxis", "yaxis"):
            settings["automargin"] = False
    for name, scale in scales.items():
        if scale.kind == "linear":
            layout[f"{name[0]}axis{name[1:]}"]["nticks"] = scale.steps


def _room_by_side(scale: Scale, wide: float) -> Iterator[tuple[str, float]]:
    """Yield the sides on which an axis needs room, in pixels."""
    room, (first, last) = _axis_room(scale), scale.domain
    if not scale.is_x:
        yield "l", room - first * wide
        return
    on_top = scale.layout.get("side") == "top"
    if on_top or first == 0:
        yield ("t", room) if on_top else ("b", room + BELOW_PX)
    turned = float(scale.layout.get("tickangle") or 0)
    if on_top and turned < 0 and scale.ticks:
        place, text = scale.ticks[-1]
        size = float(scale.layout["tickfont"]["size"])
        yield "r", text_width(text, size) * math.cos(math.radians(turned)) - (last - place) * wide


def _axis_room(scale: Scale) -> float:
    """Room beside the plot that an axis' ticks, labels and title take."""
    settings = scale.layout
    title, font = settings.get("title") or {}, settings.get("tickfont") or {}
    size = float(font.get("size", 12))
    labels = [text for _, text in scale.ticks] if settings.get("showticklabels", True) else []
    room = float(TICK_PX if settings.get("ticks") else 0)
    if labels:
        wide = max(text_width(text, size) for text in labels)
        rows = max(len(_BREAK.split(text)) for text in labels)
        upright = rows * LINE * size
        if scale.is_x and settings.get("tickangle"):
            room += TICK_GAP_PX + (wide + upright) * math.sin(math.radians(abs(settings["tickangle"])))
        else:
            room += TICK_GAP_PX + (upright if scale.is_x else wide)
    if title.get("text"):
        room += title.get("standoff", 10) + LINE * float((title.get("font") or {}).get("size", 12.5))
    return room


# --- texts ------------------------------------------------------------------------------------------------------


def text_element(text: str, attributes: str, size: float, middle: float = 0.0) -> str:
    """Text with its line breaks and bold parts as an element.

    Args:
        text: The text, with `<br>`, `<b>`, `<i>`, `<sub>`, `<sup>`.
        attributes: Attributes of the element.
        size: Its size in pixels.
        middle: Share of the other lines' height by which the first one stands higher: .5 for a text about its
            middle, 1 for one above its place.
    """
    lines = _BREAK.split(text)
    if len(lines) == 1:
        return f'<text {attributes} font-size="{size:g}">{_styled(text)}</text>'
    first = -(len(lines) - 1) * LINE * size * middle
    x = found[1] if (found := re.search(r'\bx="([^"]+)"', attributes)) else "0"
    spans = "".join(
        f'<tspan x="{x}" dy="{first if number == 0 else LINE * size:.1f}">{_styled(line) or "&#8203;"}</tspan>'
        for number, line in enumerate(lines)
    )
    return f'<text {attributes} font-size="{size:g}">{spans}</text>'


def _styled(text: str) -> str:
    """Text with its styles as spans; a tag that closes none is left out."""
    drawn, at, depth = [], 0, 0
    for found in _STYLE.finditer(text):
        drawn.append(escape(unescape(text[at : found.start()]), quote=False))
        at = found.end()
        if not found[1]:
            drawn.append(f'<tspan style="{_STYLES[found[2]]}">')
            depth += 1
        elif depth:
            drawn.append("</tspan>")
            depth -= 1
    return "".join(drawn) + escape(unescape(text[at:]), quote=False) + "</tspan>" * depth


# --- axes -------------------------------------------------------------------------------------------------------


def _visible(plot: Plot) -> Iterator[Scale]:
    return (one for one in plot.scales.values() if one.is_used and one.layout.get("visible") is not False)


def _beside(scale: Scale, plot: Plot) -> tuple[float, float]:
    """Ends of the other axis that an axis stands at, as shares of the plot from the left or from above."""
    anchor = scale.layout.get("anchor") or ("y" if scale.is_x else "x")
    other = plot.scales.get(str(anchor), plot.scales["y" if scale.is_x else "x"])
    return other.share_within(0), other.share_within(1)


def _grid(layout: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    for scale in _visible(plot):
        if scale.layout.get("showgrid", True) is False:
            continue
        start, end = _beside(scale, plot)
        yield f"<g {paint(str(scale.layout['gridcolor']), 'stroke')}>"
        for share, _ in scale.ticks:
            yield (
                f'<line x1="{100 * share:.2f}%" x2="{100 * share:.2f}%" y1="{plot.height * start:.1f}" '
                f'y2="{plot.height * end:.1f}"/>'
                if scale.is_x
                else f'<line x1="{100 * start:.2f}%" x2="{100 * end:.2f}%" y1="{plot.height * share:.1f}" '
                f'y2="{plot.height * share:.1f}"/>'
            )
        yield "</g>"


def _axis_texts(layout: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    for scale in _visible(plot):
        yield from _x_texts(scale, plot) if scale.is_x else _y_texts(scale, plot)


def _x_texts(scale: Scale, plot: Plot) -> Iterator[str]:
    settings = scale.layout
    on_top = settings.get("side") == "top"
    edge = plot.height * _beside(scale, plot)[1 if on_top else 0]
    down = -1 if on_top else 1
    tick = TICK_PX if settings.get("ticks") else 0
    font, angle = settings.get("tickfont") or {}, float(settings.get("tickangle") or 0)
    size = float(font.get("size", 12))
    if settings.get("showticklabels", True):
        yield f'<g data-axis="x" {paint(str(font["color"]))} text-anchor="{_tick_anchor(angle, on_top)}">'
        base = edge + down * (tick + TICK_GAP_PX) + (0 if on_top else 1.03 * size)
        for share, text in scale.ticks:
            place = f"{100 * share:.2f}%"
            if angle:
                turned = text_element(text, f'transform="rotate({angle:g})"', size)
                yield f'<svg x="{place}" y="{base:.1f}" overflow="visible">{turned}</svg>'
            else:
                yield text_element(text, f'x="{place}" y="{base:.1f}"', size, 1.0 if on_top else 0.0)
        yield "</g>"
    if tick:
        yield f"<g {paint(str(settings['tickcolor']), 'stroke')}>"
        for share, _ in scale.ticks:
            place = f"{100 * share:.2f}%"
            yield f'<line x1="{place}" x2="{place}" y1="{edge:.1f}" y2="{edge + down * tick:.1f}"/>'
        yield "</g>"
    if name := (settings.get("title") or {}).get("text"):
        large = float(settings["title"]["font"]["size"])
        middle = 50 * (scale.share_within(0) + scale.share_within(1))
        baseline = _axis_room(scale) - (LINE - 0.64) * large
        y = edge + (baseline if not on_top else -baseline + 0.7 * large)
        ink = paint(str(settings["title"]["font"]["color"]))
        yield text_element(
            str(name), f'data-title="x" x="{middle:.2f}%" y="{y:.1f}" text-anchor="middle" {ink}', large
        )


def _tick_anchor(angle: float, on_top: bool) -> str:
    if not angle:
        return "middle"
    return "start" if (angle < 0) == on_top else "end"


def _y_texts(scale: Scale, plot: Plot) -> Iterator[str]:
    settings = scale.layout
    left = 100 * _beside(scale, plot)[0]
    tick = TICK_PX if settings.get("ticks") else 0
    font = settings.get("tickfont") or {}
    size = float(font.get("size", 12))
    if settings.get("showticklabels", True):
        yield f'<g data-axis="y" {paint(str(font["color"]))} text-anchor="end">'
        for share, text in scale.ticks:
            y = plot.height * share + 0.36 * size
            yield text_element(text, f'x="{left:.2f}%" dx="{-tick - TICK_GAP_PX}" y="{y:.1f}"', size, 0.5)
        yield "</g>"
    if tick:
        yield f"<g {paint(str(settings['tickcolor']), 'stroke')}>"
        for share, _ in scale.ticks:
            y = plot.height * share
            yield (f'<svg x="{left:.2f}%" y="{y:.1f}" overflow="visible"><line x1="{-tick}" x2="0"/></svg>')
        yield "</g>"
    if name := (settings.get("title") or {}).get("text"):
        large = float(settings["title"]["font"]["size"])
        at = large * (LINE - 0.35) - _axis_room(scale)
        y = plot.height * (scale.share_within(0) + scale.share_within(1)) / 2
        ink = paint(str(settings["title"]["font"]["color"]))
        yield (
            f'<svg x="{left:.2f}%" y="{y:.1f}" overflow="visible">'
            + text_element(
                str(name),
                f'data-title="y" transform="translate({at:.1f} 0) rotate(-90)" text-anchor="middle" {ink}',
                large,
            )
            + "</svg>"
        )


# --- shapes, notes ------------------------------------------------------------------------------------------------


def _place(plot: Plot, reference: str | None, value: Any, letter: str, is_log_number: bool = False) -> float:
    """Share of the plot, from the left or from above, of a place in terms of the paper, of an axis, or of its domain."""
    named = reference or letter
    if named == "paper":
        return float(value) if letter == "x" else 1 - float(value)
    scale = plot.scales[named.removesuffix(" domain")]
    if named.endswith(" domain"):
        return scale.share_within(float(value))
    return (
        scale.share_of_number(float(value)) if is_log_number and scale.kind == "log" else scale.share(value)
    )


def _shapes(layout: Mapping[str, Any], plot: Plot, below: bool) -> Iterator[str]:
    for shape in layout.get("shapes") or ():
        if (shape.get("layer") == "below") != below:
            continue
        x0, x1 = (_place(plot, shape.get("xref"), shape[end], "x") for end in ("x0", "x1"))
        y0, y1 = (plot.height * _place(plot, shape.get("yref"), shape[end], "y") for end in ("y0", "y1"))
        line = shape.get("line") or {}
        if shape["type"] == "rect":
            left, right, top, bottom = max(0.0, min(x0, x1)), min(1.0, max(x0, x1)), min(y0, y1), max(y0, y1)
            yield (
                f'<rect x="{100 * left:.2f}%" y="{top:.1f}" width="{100 * max(0.0, right - left):.2f}%" '
                f'height="{bottom - top:.1f}" {paint(str(shape["fillcolor"]))}/>'
            )
            continue
        width = float(line.get("width", 2))
        yield (
            f'<line x1="{100 * x0:.2f}%" x2="{100 * x1:.2f}%" y1="{y0:.1f}" y2="{y1:.1f}" '
            f'{paint(str(line["color"]), "stroke")} stroke-width="{width:g}"{dash_lengths(line.get("dash"), width)}/>'
        )


def _notes(layout: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    """Annotations, on the page's colour where they have a background."""
    for note in layout.get("annotations") or ():
        size = float((note.get("font") or {}).get("size", 12))
        x = _place(plot, note.get("xref"), note["x"], "x", is_log_number=True)
        y = plot.height * _place(plot, note.get("yref"), note["y"], "y", is_log_number=True)
        across, along = _anchors(note)
        pad = float(note.get("borderpad", 1)) + 1
        dx = float(note.get("xshift", 0)) + {"left": pad, "center": 0, "right": -pad}[across]
        up = {"top": -pad - 0.85 * size, "middle": -0.36 * size, "bottom": pad + 0.2 * size}[along]
        middle = {"top": 0.0, "middle": 0.5, "bottom": 1.0}[along]
        y -= float(note.get("yshift", 0)) + up
        halo = (
            f' {paint(str(note["bgcolor"]), "stroke")} stroke-width="4" stroke-linejoin="round" paint-order="stroke"'
            if note.get("bgcolor")
            else ""
        )
        named = ' data-end=""' if note.get("captureevents") else ""
        ink = paint(str((note.get("font") or layout["font"])["color"]))
        yield text_element(
            str(note["text"]),
            f'data-note=""{named} x="{100 * x:.2f}%" dx="{dx:.1f}" y="{y:.1f}" text-anchor="{_ANCHORS[across]}" {ink}{halo}',
            size,
            middle,
        )


def _anchors(note: Mapping[str, Any]) -> tuple[str, str]:
    """Side of a note that stands at its place; one that is not told depends on the place, as with Plotly."""

    def told(name: str, reference: Any, value: Any, sides: tuple[str, str, str]) -> str:
        given = note.get(name)
        if given not in (None, "auto"):
            return str(given)
        if reference != "paper":
            return sides[1]
        return sides[0] if value <= 1 / 3 else sides[2] if value >= 2 / 3 else sides[1]

    across = told("xanchor", note.get("xref"), note["x"], ("left", "center", "right"))
    return across, told("yanchor", note.get("yref"), note["y"], ("bottom", "middle", "top"))


# --- names --------------------------------------------------------------------------------------------------------


def _legend(data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    if not layout.get("showlegend"):
        return
    legend = layout["legend"]
    size = float((legend.get("font") or {}).get("size", 12))
    ink = str((legend.get("font") or layout["font"]).get("color", layout["font"]["color"]))
    named = [trace for trace in data if trace.get("name") and trace.get("showlegend") is not False]
    row_px = max(LEGEND_ROW_PX, LINE * size + 3)
    top = plot.height * (1 - float(legend.get("y", 1)))
    columns = max(1, math.floor(1 / float(legend["entrywidth"]) + 1e-9))
    apart = GROUP_PX if any(trace.get("legendgroup") for trace in named) else 0
    rows = math.ceil(len(named) / columns)
    top += -rows * row_px - LEGEND_PAD_PX if legend.get("yanchor") == "bottom" else LEGEND_PAD_PX
    yield f'<g data-legend="" {paint(ink)}>'
    for number, trace in enumerate(named):
        row, column = divmod(number, columns)
        x, y = 100 * column * float(legend["entrywidth"]), top + row_px * (row + 0.5)
        yield f'<svg x="{x:.2f}%" y="{y:.1f}" overflow="visible"><g transform="translate({apart * column} 0)">'
        yield _sample(trace) + text_element(str(trace["name"]), f'x="{ENTRY_PX}" y="{0.36 * size:.1f}"', size)
        yield "</g></svg>"
    yield "</g>"


def _sample(trace: Mapping[str, Any]) -> str:
    """Piece of a trace's line with its mark."""
    mode, drawn = str(trace.get("mode", "lines")), ""
    if trace.get("type") == "bar":
        colour = next(iter(one_each((trace.get("marker") or {}).get("color", "#000"), 1)), "#000")
        return f'<rect x="11" y="-6" width="12" height="12" {paint(str(colour))}/>'
    if "lines" in mode:
        line = trace.get("line") or {}
        width = float(line.get("width", 2))
        drawn += (
            f'<line x1="{ENTRY_PX - SAMPLE_PX - 5}" x2="{ENTRY_PX - 5}" {paint(str(line["color"]), "stroke")} '
            f'stroke-width="{width:g}"{dash_lengths(line.get("dash"), width)}/>'
        )
    if "markers" in mode:
        marker = trace["marker"]
        first = {
            name: next(iter(one_each(marker.get(name, default), 1)), default)
            for name, default in (("size", 6), ("color", "#000"), ("symbol", "circle"))
        }
        style = mark_style(first["symbol"], str(first["color"]), marker.get("line") or {})
        place = str(ENTRY_PX - SAMPLE_PX // 2 - 5), "0"
        drawn += symbol_mark(first["symbol"], min(float(first["size"]), 16.0) / 2, place, style)
    return drawn


def _bar_of(data: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Heat map with a colour bar, if there is one."""
    maps = (trace for trace in data if trace.get("type") == "heatmap" and trace.get("showscale") is not False)
    return next(maps, None)


def _colour_bar(data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    trace = _bar_of(data)
    if trace is None:
        return
    low, high = float(trace["zmin"]), float(trace["zmax"])
    top, tall = 0.05 * plot.height + 33, 0.9 * plot.height - 43
    ink = paint(str(layout["xaxis"]["tickfont"]["color"]))
    yield f'<svg x="100%" overflow="visible"><g transform="translate({BAR_GAP_PX} {top:.1f})">'
    shades = scale_colours(trace["colorscale"], 1 - (np.arange(32) + 0.5) / 32)
    for number, colour in enumerate(shades):
        yield (
            f'<rect y="{number * tall / 32:.1f}" width="10" height="{tall / 32 + 0.5:.1f}" fill="{colour}"/>'
        )
    shown = [low + (high - low) * place / 4 for place in range(5)]
    for value, text in zip(
        shown, plain_numbers(shown, (high - low) / 4, max(abs(low), abs(high))), strict=True
    ):
        y = tall * (high - value) / (high - low) + 4
        yield f'<text x="15" y="{y:.1f}" font-size="12" {ink}>{text}</text>'
    yield text_element(str(trace["colorbar"]["title"]["text"]), f'x="2" y="-10" {ink}', 15.6) + "</g></svg>"
