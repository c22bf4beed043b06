"""Base figure: template, axes, ticks and positions."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.base.formatting import tokens
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import SHARES
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.palette import Theme

FONT = "Inter, -apple-system, 'Segoe UI', sans-serif"
MARGIN = {"l": 58, "r": 132, "t": 16, "b": 48}
AXIS_PX = 54  # exact height of an x axis with ticks and title; it is larger than the margin
# Range of an axis up to which whole percents would repeat at two ticks.
CHANCE_ROOM = 0.25  # see `axis_range`
WHOLE_PERCENTS_FROM = 0.08
FAINT = 0.28  # opacity of lines behind others
_BUTTONS = ("toImage", "resetScale2d")


def config(name: str, selecting: bool = False) -> dict[str, Any]:
    """Plotly's settings of a chart: its buttons, and its picture in a file of this name at twice its size.

    Args:
        name: Name of the file, without its ending; `_` becomes `-`.
        selecting: Whether the chart's points are selected by a box or a lasso.
    """
    return {
        "displaylogo": False,
        "modeBarButtons": [[*(("select2d", "lasso2d") if selecting else ()), *_BUTTONS]],
        "toImageButtonOptions": {"scale": 2, "filename": name.replace("_", "-")},
    }


# --- the template ---------------------------------------------------------------------------------------


def blank_figure(theme: Theme, height: int, narrow: bool, traces: Sequence[go.Scatter] = ()) -> go.Figure:
    """Empty figure in the style of the studio, with `traces` if given.

    Many traces are best given here, since `add_traces` checks each of them once more.

    Args:
        theme: Colours.
        height: Height in pixels.
        narrow: Leave no room for names in the right margin.
        traces: Traces of the figure.
    """
    layout = _layouts.get((theme.name, narrow))
    if layout is None:
        layout = _layouts[theme.name, narrow] = _checked_layout(theme, narrow)
    # The layout is checked once: plotly's check takes twenty milliseconds a figure, and a page has six.
    return go.Figure(list(traces), copy.deepcopy(layout) | {"height": height}, _validate=False)


def unchecked_trace(**drawn: Any) -> go.Scatter:
    """Scatter trace without plotly's check of its properties, which takes a millisecond; None is left out."""
    return go.Scatter({name: value for name, value in drawn.items() if value is not None}, _validate=False)


_layouts: dict[tuple[str, bool], dict] = {}


def _checked_layout(theme: Theme, narrow: bool) -> dict:
    margin = MARGIN | ({"r": 16, "l": 50} if narrow else {})
    axis = {
        "gridcolor": theme.grid,
        "zeroline": False,
        "linecolor": theme.grid,
        "ticks": "outside",
        "tickcolor": theme.grid,
        "tickfont": {"color": theme.muted, "size": 12},
        "title": {"font": {"color": theme.muted, "size": 12.5}, "standoff": 10},
        "automargin": True,
    }
    figure = go.Figure()
    figure.update_layout(
        margin=margin,
        xaxis=axis,
        yaxis=axis,
        # Without a legend unless a chart adds one.
        showlegend=False,
        hovermode="closest",
        # The page's own, for a picture of the chart alone.
        paper_bgcolor=theme.background,
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode=False,
        font={"family": FONT, "color": theme.text, "size": 13},
        hoverlabel={
            "bgcolor": theme.background,
            "bordercolor": theme.muted,
            "align": "left",
            "font": {"family": FONT, "color": theme.text, "size": 12.5},
        },
        legend={"font": {"color": theme.muted, "size": 12}},
    )
    return figure.layout.to_plotly_json()


# Tags other than those that the studio writes. Plotly also interprets links and styles, which can only come
# from untrusted texts.
_FOREIGN_TAG = re.compile(r"<(?!(?:br ?/?|/?(?:b|i|sub|sup|extra))>)")


def without_links(figure: go.Figure, say: Callable[[str], str] = str) -> go.Figure:
    """Escape all tags in the figure's texts but line breaks, bold, italic, sub- and superscript.

    Changes and returns the same figure.

    Args:
        figure: The figure.
        say: Translates the texts that are a `Sentence`.
    """
    for part in (*figure._data, figure._layout):
        _unmark(part, say)
    return figure


def plain(text: str) -> str:
    """A user's text for a figure, which shows it as it is: neither tags nor fields of a hover are read in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "%\u2060{")


def _unmark(part: dict[str, Any], say: Callable[[str], str]) -> None:
    for name, value in part.items():
        if isinstance(value, dict):
            _unmark(value, say)
        elif (mended := _unmarked(value, say)) is not value:
            part[name] = mended


def _unmarked(value: Any, say: Callable[[str], str]) -> Any:
    """Value of a figure with foreign tags as text; the same object if there is none."""
    if isinstance(value, Sentence):
        value = say(value)
    if isinstance(value, str):
        return _FOREIGN_TAG.sub("&lt;", value) if "<" in value else value
    if isinstance(value, dict):
        _unmark(value, say)
        return value
    dtype = getattr(value, "dtype", None)
    if not isinstance(value, (list, tuple)) and (dtype is None or getattr(dtype, "kind", "O") not in "OUT"):
        return value
    old = list(value)
    new = [_unmarked(one, say) for one in old]
    return value if all(a is b for a, b in zip(old, new, strict=True)) else new


def fit_margins(figure: go.Figure) -> None:
    """Set the bottom margin to the height of the x axis.

    An automatic margin makes the browser lay the figure out twice.
    """
    figure.layout.margin.b = AXIS_PX


def plot_height(figure: go.Figure) -> int:
    """Height of the plot area in pixels, if no axis or legend takes more than its margin."""
    margin = figure.layout.margin
    return figure.layout.height - margin.t - margin.b


# --- the y axis -----------------------------------------------------------------------------------------


def metric_axis(figure: go.Figure, metric: str, low: float, high: float) -> None:
    """Set range and title of a metric's y axis; shares have ticks in percent."""
    figure.update_yaxes(range=[low, high], title_text=METRIC_LABEL[metric])
    if metric in SHARES:
        percent_ticks(figure, low, high)


def percent_ticks(figure: go.Figure, low: float, high: float) -> None:
    """Set the y axis' ticks to percent, with a decimal if whole percents would repeat."""
    figure.update_yaxes(tickformat=".0%" if high - low > WHOLE_PERCENTS_FROM else ".1%")


def value_format(metric: str) -> str:
    """d3 format of a value in a hover: shares in percent with one decimal, others with three decimals."""
    return ".1%" if metric in SHARES else ".3f"


def axis_range(values: Iterable[float], level: float | None = None, room: float = 0.0) -> tuple[float, float]:
    """Range of an axis over all finite values and a reference level, with a margin of 6%.

    Args:
        values: Values to show; those that are not finite are ignored.
        level: Reference level to show; None without one.
        room: Distance in view on both sides of the level, not below 0, while no value lies farther above it: noise
            about chance does not fill a chart.
    """
    finite = [v for v in (*values, *(() if level is None else (level,))) if np.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if level is not None and high <= level + room:
        low, high = min(low, max(0.0, level - room)), level + room
    margin = (high - low) * 0.06 or 0.05
    return low - margin, high + margin


# --- the x axis -----------------------------------------------------------------------------------------


def positions(frame: pd.DataFrame) -> pd.Series:
    """X positions of points: column `x` of `axes.with_x_column`, else tokens in millions, else steps."""
    if "x" in frame:
        return frame["x"]
    return frame["tokens_seen"] / 1e6 if frame["tokens_seen"].notna().all() else frame["step"]


def window_end(early_end: float | None, axis: Axis | None = None) -> float | None:
    """End of the early window in the unit of `positions`: that of the axis, else tokens in millions.

    Args:
        early_end: Last tokens_seen of the early window; None without a window.
        axis: X axis of the chart, if it is not that of the tokens.
    """
    if axis:
        return axis.window_end
    return None if early_end is None else early_end / 1e6


def checkpoint_labels(frame: pd.DataFrame) -> list[str]:
    """Name of each point's checkpoint, for a hover."""
    steps, seen = frame["step"].tolist(), frame["tokens_seen"].astype(float).tolist()
    return [checkpoint_label(step, there) for step, there in zip(steps, seen, strict=True)]


def checkpoint_label(step: int, tokens_seen: float) -> str:
    """Name of a checkpoint, for a hover; `tokens_seen` is NaN if unknown."""
    return (
        Sentence("step {step}", step=step)
        if math.isnan(tokens_seen)
        else Sentence("{tokens_seen} tokens, step {step}", tokens_seen=tokens(tokens_seen), step=step)
    )


def token_axis(figure: go.Figure, frame: pd.DataFrame, axis: Axis | None = None) -> None:
    """Set title and range of the x axis: from 0, or over the data if it is logarithmic.

    Args:
        figure: Figure to change.
        frame: Table of the points, with step and tokens_seen.
        axis: X axis of the chart; None for tokens, or steps if tokens are unknown.
    """
    known = frame["tokens_seen"].notna().all() if len(frame) else True
    title = axis.title if axis else Sentence("tokens seen (millions)" if known else "training step")
    values = positions(frame)
    if axis and axis.log and len(frame):
        _log_axis(figure, title, float(values.min()), float(values.max()))
        return
    top = float(values.max()) if len(frame) else 1.0
    figure.update_xaxes(title_text=title, range=[0, top * 1.02])


def _log_axis(figure: go.Figure, title: str, low: float, high: float) -> None:
    room = 0.02 * math.log10(high / low) or 0.1
    # The left side has room for the name of the chance line.
    shown = [math.log10(low) - 6 * room, math.log10(high) + room]
    figure.update_xaxes(title_text=title, type="log", range=shown, tickmode="array", **log_ticks(low, high))


def log_ticks(low: float, high: float) -> dict[str, list]:
    """Ticks of a logarithmic axis: 1, 2 and 5 in each decade; powers of ten from three decades on."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 1000 else (1,)
    values = [step * 10.0**decade for decade in decades for step in steps]
    return {"tickvals": values, "ticktext": [f"{value:,.10g}" for value in values]}
