"""Plotly figures from frames, all on one template; nothing here computes a score.

x is tokens seen in millions (steps where a family records no tokens); the chance line and the early window
are always drawn; models are labelled at the line's end in its own colour, nudged so that none overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.curves.axes import Axis
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
    """One metric's curves. `frame` as `tables.curve_frame` gives it; `before` is drawn faint behind.

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
