"""Base figure: template, axes, ticks and positions."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.base.formatting import tokens
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import LOWER_IS_BETTER, SHARES
from e2lm_core.charts.palette import Theme

FONT = "Inter, -apple-system, 'Segoe UI', sans-serif"
MARGIN = {"l": 58, "r": 132, "t": 16, "b": 48}
AXIS_PX = 54  # of an x axis with ticks and title, to a pixel, more than its margin
# Of an axis: below this height, whole percents would stand at two ticks.
WHOLE_PERCENTS_FROM = 0.08
CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["toImage", "resetScale2d"]],
    "toImageButtonOptions": {"scale": 2},
}


# --- the template ---------------------------------------------------------------------------------------


def blank_figure(theme: Theme, height: int, narrow: bool, traces: Sequence[go.Scatter] = ()) -> go.Figure:
    """A figure in the house's look, `height` pixels high, empty but for `traces`; `narrow`: with no room for names.

    Where there are many traces they are given here: `add_traces` checks each of them once more.
    """
    layout = _layouts.get((theme.name, narrow))
    if layout is None:
        layout = _layouts[theme.name, narrow] = _checked_layout(theme, narrow)
    # Checked once: plotly's own check takes twenty milliseconds a figure, and a page has six.
    return go.Figure(list(traces), copy.deepcopy(layout) | {"height": height}, _validate=False)


def unchecked_trace(**drawn: Any) -> go.Scatter:
    """A trace of properties that plotly need not check, which takes it a millisecond; those that are None are left out."""
    return go.Scatter({name: value for name, value in drawn.items() if value is not None}, _validate=False)


def figure_from_json(figure_json: dict[str, Any]) -> go.Figure:
    """A figure of what `to_plotly_json` gave of it, in another process or before: it was checked then."""
    return go.Figure(figure_json, _validate=False)


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
        showlegend=False,
        hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)",
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


# Our own marks in a figure's texts. Plotly reads links and styles, too: those could only be others'.
_FOREIGN_TAG = re.compile(r"<(?!(?:br ?/?|/?(?:b|i|sub|sup|extra))>)")


def without_links(figure: go.Figure) -> go.Figure:
    """The same figure, in whose texts nothing is a mark but breaks, bold, italic and what is raised or lowered."""
    for part in (*figure._data, figure._layout):
        _unmark(part)
    return figure


def _unmark(part: dict[str, Any]) -> None:
    for name, value in part.items():
        if isinstance(value, dict):
            _unmark(value)
        elif (mended := _unmarked(value)) is not value:
            part[name] = mended


def _unmarked(value: Any) -> Any:
    """A value of a figure with foreign tags as text; the very same one where there is none."""
    if isinstance(value, str):
        return _FOREIGN_TAG.sub("&lt;", value) if "<" in value else value
    if isinstance(value, dict):
        _unmark(value)
        return value
    dtype = getattr(value, "dtype", None)
    if not isinstance(value, (list, tuple)) and (dtype is None or getattr(dtype, "kind", "O") not in "OUT"):
        return value
    old = list(value)
    new = [_unmarked(one) for one in old]
    return value if all(a is b for a, b in zip(old, new, strict=True)) else new


def fit_margins(figure: go.Figure) -> None:
    """Give the figure the margin that its x axis takes: one that grows by itself is laid out twice by the browser."""
    figure.layout.margin.b = AXIS_PX


def plot_height(figure: go.Figure) -> int:
    """Pixels between the top and the bottom of the plot, where no axis or legend takes more than its margin."""
    margin = figure.layout.margin
    return figure.layout.height - margin.t - margin.b


# --- the y axis -----------------------------------------------------------------------------------------


def metric_axis(figure: go.Figure, metric: str, low: float, high: float) -> None:
    """The y axis of a metric from `low` to `high`, with its name; shares have ticks in percent."""
    figure.update_yaxes(range=[low, high], title_text=y_title(metric))
    if metric in SHARES:
        percent_ticks(figure, low, high)


def percent_ticks(figure: go.Figure, low: float, high: float) -> None:
    """Ticks in percent, with a decimal where whole ones would stand at two ticks."""
    figure.update_yaxes(tickformat=".0%" if high - low > WHOLE_PERCENTS_FROM else ".1%")


def y_title(metric: str) -> str:
    """A metric's name, and that less is better where it is."""
    label = METRIC_LABEL[metric]
    return f"{label} (lower is better)" if metric in LOWER_IS_BETTER else label


def value_format(metric: str) -> str:
    """How a hover writes a value, in d3's words: shares in percent with a decimal, else three decimals."""
    return ".1%" if metric in SHARES else ".3f"


def axis_range(values: Iterable[float], level: float | None = None) -> tuple[float, float]:
    """The range of an axis over all finite `values` and a `level` in view with them, with a little room."""
    finite = [v for v in (*values, *(() if level is None else (level,))) if np.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * 0.06 or 0.05
    return low - room, high + room


# --- the x axis -----------------------------------------------------------------------------------------


def positions(frame: pd.DataFrame) -> pd.Series:
    """Where points stand: the column `x` of `axes.on_axis`, else tokens in millions, else steps."""
    if "x" in frame:
        return frame["x"]
    return frame["tokens_seen"] / 1e6 if frame["tokens_seen"].notna().all() else frame["step"]


def window_end(early_end: float | None, axis: Axis | None = None) -> float | None:
    """Where the early window ends among `positions`: the axis' own, else `early_end` tokens in millions."""
    if axis:
        return axis.window_end
    return None if early_end is None else early_end / 1e6


def checkpoint_labels(frame: pd.DataFrame) -> list[str]:
    """Each point's checkpoint, as a hover names it."""
    steps, seen = frame["step"].tolist(), frame["tokens_seen"].astype(float).tolist()
    return [checkpoint_label(step, there) for step, there in zip(steps, seen, strict=True)]


def checkpoint_label(step: int, tokens_seen: float) -> str:
    """A checkpoint, as a hover names it."""
    return f"step {step:,}" if math.isnan(tokens_seen) else f"{tokens(tokens_seen)} tokens, step {step:,}"


def token_axis(figure: go.Figure, frame: pd.DataFrame, axis: Axis | None = None) -> None:
    """Names the x axis and holds it still: from 0, or over the data where it is logarithmic."""
    known = frame["tokens_seen"].notna().all() if len(frame) else True
    title = axis.title if axis else "tokens seen (millions)" if known else "training step"
    values = positions(frame)
    if axis and axis.log and len(frame):
        _log_axis(figure, title, float(values.min()), float(values.max()))
        return
    top = float(values.max()) if len(frame) else 1.0
    figure.update_xaxes(title_text=title, range=[0, top * 1.02])


def _log_axis(figure: go.Figure, title: str, low: float, high: float) -> None:
    room = 0.02 * math.log10(high / low) or 0.1
    # At the left, room for the name of the chance line.
    shown = [math.log10(low) - 6 * room, math.log10(high) + room]
    figure.update_xaxes(title_text=title, type="log", range=shown, tickmode="array", **log_ticks(low, high))


def log_ticks(low: float, high: float) -> dict[str, list]:
    """Ticks of a logarithmic axis: 1, 2, 5 of each decade, or powers of ten where there are many."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 1000 else (1,)
    values = [step * 10.0**decade for decade in decades for step in steps]
    return {"tickvals": values, "ticktext": [f"{value:,.10g}" for value in values]}
