"""Plotly figures from frames, all on one template; nothing here computes a score.

x is tokens seen in millions (steps where a family records no tokens); the chance line and the early window
are always drawn; models are labelled at the line's end in its own colour, nudged so that none overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.base.phrasing import tokens
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.canvas import (
    band,
    blank,
    chance_line,
    curve,
    early_window,
    lines,
    name_lines,
    smooth_line,
    span,
    token_axis,
    y_title,
)
from e2lm_core.charts.palette import Theme

CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["toImage", "resetScale2d"]],
    "toImageButtonOptions": {"scale": 2},
}


def learning_curves(
    frame: pd.DataFrame,
    models: Sequence[ModelInfo],
    metric: str,
    theme: Theme,
    chance: float | None = None,
    early_end: float | None = None,
    before: pd.DataFrame | None = None,
    height: int = 420,
    narrow: bool = False,
    axis: Axis | None = None,
    smooth: pd.DataFrame | None = None,
) -> go.Figure:
    """One metric's curves. `frame` as `frames.curve_frame` gives it; `before` is drawn faint behind.

    `early_end` is the early window's last tokens_seen. An incomplete checkpoint has no marker. Where the frame
    has the columns `low` and `high`, they are drawn as bands. With an `axis`, the frames come from `axes.on_axis`
    and the window's end from it. `smooth` has smoothed values, which are drawn over the points.
    """
    by_name = {model.name: model for model in models}
    scattered = (
        axis is not None and axis.kind == "compute"
    )  # lines end at places of their own: no names beside them
    figure = blank(theme, height, narrow or scattered)
    if before is not None:
        for name, own in lines(before, metric):
            if name in by_name:
                figure.add_trace(curve(own, by_name[name], metric, theme, faint=True))
    ends: dict[str, float] = {}
    # What is drawn behind counts for the range, so that nothing jumps while new values come in.
    values = [] if before is None else [v for _, own in lines(before, metric) for v in own["value"]]
    if "low" in frame:
        for name, own in lines(frame.dropna(subset=["low", "high"]), metric):
            if name in by_name:
                figure.add_trace(band(own, by_name[name], theme))
                values.extend([*own["low"], *own["high"]])
    for name, own in lines(frame, metric):
        if name in by_name and len(own):
            figure.add_trace(curve(own, by_name[name], metric, theme, under=smooth is not None))
            ends[name] = float(own["value"].iloc[-1])
            values.extend(own["value"])
    for name, own in lines(smooth, metric) if smooth is not None else ():
        if name in by_name:
            figure.add_trace(smooth_line(own, by_name[name], theme))
    shown = [*values, *([chance] if chance is not None else [])]
    low, high = span(shown)
    figure.update_yaxes(range=[low, high], title_text=y_title(metric))
    if metric in ("acc", "acc_norm"):
        figure.update_yaxes(tickformat=".0%" if high - low > 0.08 else ".1%")  # no tick's label twice
    token_axis(figure, frame, axis)
    if chance is not None:
        chance_line(figure, chance, theme, below=narrow or scattered)
    end = axis.window_end if axis else None if early_end is None else early_end / 1e6
    if end is not None:
        early_window(figure, end, theme, log=axis is not None and axis.log)
    columns = 2 if narrow else 5
    name_lines(figure, ends, by_name, (low, high), height, theme, narrow or scattered, columns)
    return figure


def tau_heatmap(
    tau: np.ndarray, tokens_seen: Sequence[float], theme: Theme, height: int = 420, narrow: bool = False
) -> go.Figure:
    """Kendall's τ_b between the model orders at every two checkpoints, [K, K]; undefined stays empty."""
    labels = [tokens(t) for t in tokens_seen]
    figure = blank(theme, height, narrow=True)
    scale = [[0.0, "#b35806"], [0.5, theme.background], [1.0, theme.line["blue"]]]
    figure.add_trace(
        go.Heatmap(
            z=tau,
            x=labels,
            y=labels,
            zmin=-1,
            zmax=1,
            colorscale=scale,
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": "τ_b"}, "thickness": 10, "outlinewidth": 0, "len": 0.9},
            hovertemplate="%{x} against %{y}: τ_b %{z:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", title_text="tokens seen", showgrid=False, tickangle=-45)
    figure.update_yaxes(type="category", autorange="reversed", title_text="tokens seen", showgrid=False)
    if narrow:  # the caption says what the colours mean
        figure.update_traces(showscale=False)
    figure.update_layout(margin={"l": 50 if narrow else 70, "r": 10, "t": 10, "b": 72})
    return figure


def probability_histogram(
    probability: np.ndarray, theme: Theme, accepted_from: float = 0.5, height: int = 280
) -> go.Figure:
    """How many questions the relevance model gives which probability, in twentieths."""
    counts, edges = np.histogram(probability, bins=20, range=(0, 1))
    centres = (edges[:-1] + edges[1:]) / 2
    colours = [theme.line["blue"] if c >= accepted_from else theme.line["orange"] for c in centres]
    figure = blank(theme, height, narrow=True)
    figure.add_trace(
        go.Bar(
            x=centres,
            y=counts,
            width=0.046,
            marker={"color": colours, "line": {"width": 0}},
            customdata=np.stack([edges[:-1], edges[1:]], axis=-1),
            hovertemplate="%{y} questions at %{customdata[0]:.2f}–%{customdata[1]:.2f}<extra></extra>",
        )
    )
    figure.add_vline(x=accepted_from, line={"color": theme.muted, "dash": "dash", "width": 1})
    figure.add_annotation(
        x=accepted_from, y=1, yref="paper", yanchor="bottom", text="accepted from here →", xanchor="left",
        showarrow=False, font={"color": theme.muted, "size": 12},
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1], title_text="probability that the rubric accepts the question")
    figure.update_yaxes(title_text="questions", rangemode="tozero")
    figure.update_layout(bargap=0, margin={"l": 58, "r": 16, "t": 26, "b": 48})
    return figure


def relevance_map(
    questions: pd.DataFrame, exemplars: pd.DataFrame, theme: Theme, height: int = 460
) -> go.Figure:
    """The set among the exemplars, in the plane.

    `questions`: x, y, probability, label. `exemplars`: x, y, accepted, label.
    """
    figure = blank(theme, height, narrow=True)
    for accepted, name in ((True, "exemplar, accepted"), (False, "exemplar, rejected")):
        own = exemplars[exemplars["accepted"] == accepted]
        figure.add_trace(
            go.Scatter(
                x=own["x"], y=own["y"], mode="markers", name=name, text=own["label"],
                marker={
                    "size": 6, "color": theme.line["blue" if accepted else "orange"], "opacity": 0.45,
                    "symbol": "circle" if accepted else "x",
                },
                hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=questions["x"], y=questions["y"], mode="markers", name="this set", text=questions["label"],
            customdata=questions["probability"],
            marker={
                "size": 7, "color": theme.text, "opacity": 0.75, "symbol": "circle-open", "line": {"width": 1.2},
            },
            hovertemplate="%{text}<br>probability %{customdata:.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 40}, showlegend=True,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0},
    )  # fmt: skip
    return figure
