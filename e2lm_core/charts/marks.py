"""Traces and annotations: curves, bands, reference lines, end labels."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.optimize import isotonic_regression

from e2lm_core.base.records import ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import (
    FAINT,
    MARGIN,
    checkpoint_labels,
    plot_height,
    positions,
    unchecked_trace,
    value_format,
)
from e2lm_core.charts.palette import Look, Theme, translucent

LABEL_GAP_PX = 15
LEGEND_ROW_PX = 21
LEGEND_ENTRY_PX, LEGEND_AROUND_PX = 19, 27
BAND_OPACITY = 0.15
# Legend in columns, below the plot.
LEGEND = {"orientation": "h", "yanchor": "top", "x": 0, "entrywidthmode": "fraction"}
Curves = list[tuple[ModelInfo, pd.DataFrame]]


# --- curves ---------------------------------------------------------------------------------------------


def lines(frame: pd.DataFrame, metric: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Iterate over models with their points of one metric in step order, without undefined points.

    `frame` is a table as of `tables.curve_frame`: model, step, metric, value, …
    """
    measured = frame[(frame["metric"] == metric) & frame["value"].notna()]
    for name, points in measured.groupby("model", sort=False):
        # Tables usually are in order, and checking that is cheaper than sorting.
        in_order = points["step"].is_monotonic_increasing
        yield str(name), points if in_order else points.sort_values("step")


def model_lines(found: Iterable[tuple[str, pd.DataFrame]], models: Iterable[ModelInfo]) -> Curves:
    """Lines of `models` among those `found`, with the models."""
    by_name = {model.name: model for model in models}
    return [(by_name[name], points) for name, points in found if name in by_name]


def curve_trace(
    points: pd.DataFrame,
    model: ModelInfo,
    look: Look,
    metric: str,
    theme: Theme,
    is_previous: bool = False,
    is_smoothed: bool = False,
    label: str | None = None,
) -> go.Scatter:
    """Line of a model's points.

    Args:
        points: Points of the model, as of `lines`.
        model: The model.
        look: Its look.
        metric: Metric, for the format of the hover.
        theme: Colours.
        is_previous: Draw faint and without a hover, for an older version of the set.
        is_smoothed: Draw thin, under a smoothed line.
        label: Name at the end of the line that this one belongs to; None for its own.
    """
    colour = theme.line[look.hue]
    return unchecked_trace(
        x=positions(points).to_numpy(),
        y=points["value"].to_numpy(),
        mode="lines" if is_previous else "lines+markers",
        line={"color": colour, "dash": look.dash, "width": 0.8 if is_smoothed else look.width},
        marker={"size": 5.5, "color": colour, "symbol": look.symbol},
        opacity=FAINT if is_previous else 0.6 if is_smoothed else 1.0,
        name=model.short_name,
        meta=label,
        customdata=list(zip(*_hover_columns(points, metric), strict=True)),
        hovertemplate=None if is_previous else _hover(points, model, metric),
        hoverinfo="skip" if is_previous else None,
    )


def _hover_columns(points: pd.DataFrame, metric: str) -> list[Any]:
    columns: list[Any] = [points["n"].tolist(), checkpoint_labels(points)]
    if "low" not in points:
        return [*columns, [""] * len(points)]
    spec = value_format(metric)
    bounds = zip(points["low"], points["high"], strict=True)
    return [*columns, [f" [{low:{spec}}, {high:{spec}}]" if low <= high else "" for low, high in bounds]]


def _hover(points: pd.DataFrame, model: ModelInfo, metric: str) -> str:
    return Sentence(
        "<b>{short_name}</b><br>%{{y:{spec}}}%{{customdata[2]}}<br>%{{customdata[1]}}<br>n = "
        "%{{customdata[0]:,.0f}} question<extra></extra>",
        "<b>{short_name}</b><br>%{{y:{spec}}}%{{customdata[2]}}<br>%{{customdata[1]}}<br>n = "
        "%{{customdata[0]:,.0f}} questions<extra></extra>",
        number=int(points["n"].max()) if len(points) else 0,
        short_name=model.short_name,
        spec=value_format(metric),
    )


def smooth_trace(
    points: pd.DataFrame, model: ModelInfo, look: Look, theme: Theme, label: str | None = None
) -> go.Scatter:
    """Smoothed line, drawn over the points that it is computed from; `label` as in `curve_trace`."""
    return go.Scatter(
        x=positions(points),
        y=points["value"],
        mode="lines",
        line={"color": theme.line[look.hue], "dash": look.dash, "width": look.width + 0.6},
        name=model.short_name,
        meta=label,
        hoverinfo="skip",
    )


def band_trace(
    points: pd.DataFrame,
    model: ModelInfo,
    look: Look,
    theme: Theme,
    opacity: float = BAND_OPACITY,
    label: str | None = None,
) -> go.Scatter:
    """Area of the interval of every point of a line, from its columns `low` and `high`; `label` as in `curve_trace`."""
    colour = theme.line[look.hue]
    name = f"{model.short_name}, 95%"
    label = label or model.short_name
    return area_trace(positions(points), points["low"], points["high"], colour, opacity, name, label)


def area_trace(
    x: pd.Series,
    low: pd.Series,
    high: pd.Series,
    colour: str,
    opacity: float = BAND_OPACITY,
    name: str | None = None,
    label: str | None = None,
) -> go.Scatter:
    """Filled area between `low` and `high`; `label` as in `curve_trace`."""
    return go.Scatter(
        x=[*x, *x[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=translucent(colour, opacity),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        name=name,
        meta=label,
        mode="lines",
    )


def segment_trace(x: Sequence, y: Sequence, colour: str, thickness: float, **more: Any) -> go.Scatter:
    """Straight line without a hover; `more` are properties of plotly's trace."""
    fixed = {"mode": "lines", "line": {"color": colour, "width": thickness}, "showlegend": False}
    return go.Scatter(x=x, y=y, **({"hoverinfo": "skip"} | fixed | more))


# --- levels and the window ------------------------------------------------------------------------------


def reference_line(theme: Theme, dash: str = "dash", thickness: float = 1) -> dict[str, Any]:
    """Line style of a reference level."""
    return {"color": theme.muted, "dash": dash, "width": thickness}


def plot_note(text: str, theme: Theme, **place: Any) -> dict[str, Any]:
    """Annotation in small grey text on the page's background, at `place` in plotly's terms."""
    fixed = {"text": text, "showarrow": False, "font": {"color": theme.muted, "size": 12}}
    return fixed | {"bgcolor": theme.background} | place


def chance_line(figure: go.Figure, chance: float | None, theme: Theme, below: bool = False) -> None:
    """Draw the chance level, if there is one, with its name at the left, before the first checkpoint.

    Args:
        figure: Figure to change.
        chance: Chance level in the metric's unit; None without one.
        theme: Colours.
        below: Write the name below the line, for curves that begin at the left edge.
    """
    if chance is not None:
        named = f"{chance:.0%}" if chance >= 0.01 else f"{chance:.1%}"
        level_line(figure, chance, Sentence("chance {share}", share=named), theme, below)


def level_line(figure: go.Figure, level: float, name: str, theme: Theme, below: bool = False) -> None:
    """Draw a reference level with its name at the left.

    Args:
        figure: Figure to change.
        level: The level in the unit of the y axis.
        name: Its name.
        theme: Colours.
        below: Write the name below the line.
    """
    add_shape(figure, level_shape(level, theme))
    side = "top" if below else "bottom"
    place = {"x": 0, "xref": "paper", "xanchor": "left", "y": level, "yanchor": side, "borderpad": 1}
    annotate(figure, [plot_note(name, theme, **place)])


def level_shape(level: float, theme: Theme, axes: str = "") -> dict[str, Any]:
    """Shape of a reference level across a panel; `axes` is the suffix of x and y in the names of its axes."""
    return {
        "type": "line",
        "xref": f"x{axes} domain",
        "yref": f"y{axes}",
        "x0": 0,
        "x1": 1,
        "y0": level,
        "y1": level,
        "line": reference_line(theme),
    }


def early_window(figure: go.Figure, end: float | None, theme: Theme, log: bool = False) -> None:
    """Shade the early window, if there is one.

    Args:
        figure: Figure to change.
        end: Last x of the window in units of the axis; None without one.
        theme: Colours.
        log: The axis is logarithmic: it has no 0, and takes positions of annotations as logarithms.
    """
    if end is None:
        return
    start = end / 1e9 if log else 0
    place_of: dict[str, Any] = {"x0": start, "x1": end, "xref": "x", "y0": 0, "y1": 1, "yref": "y domain"}
    filled = {"type": "rect", "fillcolor": theme.window, "line": {"width": 0}, "layer": "below"}
    add_shape(figure, filled | place_of)
    at = math.log10(end) if log else end
    place = {"x": at, "xanchor": "right", "y": 1, "yref": "paper", "yanchor": "top", "borderpad": 1}
    annotate(figure, [plot_note(Sentence("early window"), theme, **place)])


def add_shape(figure: go.Figure, drawn: Mapping[str, object]) -> None:
    """Append a shape to the figure.

    Plotly's own `add_hline` and its kin look for subplots and check every earlier shape again.
    """
    figure.layout.shapes = (*figure.layout.shapes, drawn)


# --- names ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class End:
    """End of a line: its last value, and the name next to it with its colour."""

    value: float
    name: str
    colour: str


def model_end(value: float, model: ModelInfo, look: Look, theme: Theme) -> End:
    """End of a model's line, in the model's colour."""
    return End(value, model.short_name, theme.label[look.hue])


def label_ends(figure: go.Figure, ends: Sequence[End]) -> None:
    """Write names into the right margin, at least `LABEL_GAP_PX` apart.

    The figure must have its height and the range of its y axis.
    """
    height = plot_height(figure)
    low, high = figure.layout.yaxis.range
    wanted = [height * (high - end.value) / (high - low) for end in ends]
    placed = spread_labels(wanted, LABEL_GAP_PX, height)
    annotate(figure, [_beside(end, at - moved) for end, at, moved in zip(ends, wanted, placed, strict=True)])


def _beside(end: End, shift: float) -> dict[str, Any]:
    """Annotation with the name of a line's end at the plot's right edge, `shift` pixels above it."""
    return {
        "x": 1,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 8,
        "y": end.value,
        "yanchor": "middle",
        "yshift": shift,
        "text": end.name,
        "captureevents": True,  # a click leaves this line alone, see `ui/app/chart_tools.py`
        "showarrow": False,
        "font": {"color": end.colour, "size": 12},
    }


def legend_below(figure: go.Figure, names: int, columns: int, without: Collection[str] = ()) -> None:
    """Add a legend below the plot, and make the figure higher by its rows.

    It names fully drawn lines, without bands, older lines and the names in `without`.

    Args:
        figure: Figure to change.
        names: Number of names in the legend.
        columns: Number of columns of the legend.
        without: Names to leave out.
    """
    for drawn in figure.data:
        is_full = drawn.fill is None and drawn.opacity in (None, 1.0)
        drawn.showlegend = is_full and drawn.name not in without
    below = legend_height(math.ceil(names / columns))
    figure.update_layout(
        showlegend=True,
        legend=LEGEND
        | {"y": -(MARGIN["b"] + 4) / plot_height(figure), "font": {"size": 11}, "entrywidth": 1 / columns},
        height=figure.layout.height + below,
        margin={"b": MARGIN["b"] + below},
    )


def legend_height(rows: int) -> int:
    """Height of a legend in pixels: with less below its plot Plotly would make the plot smaller."""
    return LEGEND_ENTRY_PX * rows + LEGEND_AROUND_PX


def annotate(figure: go.Figure, annotations: Sequence[Mapping[str, object]]) -> None:
    """Append annotations all at once, since each `add_annotation` of plotly checks all earlier ones again."""
    figure.layout.annotations = (*figure.layout.annotations, *annotations)


def spread_labels(positions: Sequence[float], gap: float, length: float) -> list[float]:
    """Move positions as little as needed so that neighbours are `gap` apart, in [0, length] if they fit.

    Least squares by isotonic regression: with u the position less the gaps before it, "in order and a gap
    apart" is "u does not fall". Positions, gap and length are in pixels.
    """
    if not positions:
        return []
    order = np.argsort(positions, kind="stable")
    gaps = gap * np.arange(len(positions))
    rising = isotonic_regression(np.asarray(positions, float)[order] - gaps).x
    placed = np.empty(len(positions))
    placed[order] = np.clip(rising, 0.0, max(0.0, length - gaps[-1])) + gaps
    return placed.tolist()
