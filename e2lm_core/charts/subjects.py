"""Small multiples: one little chart of the curves for each subject, on common axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.analysis.curves.subjects import SubjectCurves
from e2lm_core.base.phrasing import count
from e2lm_core.base.records import BOUNDED_METRICS, ModelInfo
from e2lm_core.charts.canvas import (
    LEGEND_ROW_PX,
    band,
    blank,
    curve,
    lines,
    log_ticks,
    span,
    translucent,
    y_title,
)
from e2lm_core.charts.palette import Theme, hue

COLUMNS = 3
ROW_PX, NARROW_ROW_PX = 190, 170
GAP_PX, TOP_PX, BOTTOM_PX = 62, 30, 52
NAMES_A_ROW = 4
PALE = 0.09  # bands of small charts lie over each other more


def subject_curves(
    subjects: Sequence[SubjectCurves],
    models: Sequence[ModelInfo],
    metric: str,
    theme: Theme,
    axis: Axis,
    narrow: bool = False,
) -> go.Figure:
    """One panel a subject, whose frame comes from `axes.on_axis`; all share both axes, so that heights compare.

    Each panel's head names the subject, its number of questions and its chance level.
    """
    columns = 1 if narrow else min(COLUMNS, max(1, len(subjects)))
    rows = max(1, math.ceil(len(subjects) / columns))
    row_px = NARROW_ROW_PX if narrow else ROW_PX
    below = LEGEND_ROW_PX * math.ceil(len(models) / (2 if narrow else NAMES_A_ROW))
    plot = rows * row_px + (rows - 1) * GAP_PX
    height = plot + TOP_PX + BOTTOM_PX + below
    figure = blank(theme, height, narrow=True)
    style = figure.layout.xaxis.to_plotly_json()
    figure = make_subplots(
        rows=rows,
        cols=columns,
        figure=figure,
        vertical_spacing=GAP_PX / plot,
        horizontal_spacing=0.035,
        subplot_titles=[head(own, metric) for own in subjects],
    )
    figure.update_annotations(font={"color": theme.text, "size": 12.5})
    by_name: Mapping[str, ModelInfo] = {model.name: model for model in models}
    traces: list[go.Scatter] = []
    values: list[float] = []
    chances: list[dict] = []
    named: set[str] = set()
    for place, own in enumerate(subjects):
        number = "" if place == 0 else str(place + 1)  # make_subplots counts axes row by row
        own_lines = [(by_name[name], line) for name, line in lines(own.frame, metric) if name in by_name]
        drawn = [_pale_band(line, model, theme) for model, line in own_lines if "low" in line]
        for model, line in own_lines:
            trace = curve(line, model, metric, theme)
            trace.marker.size, trace.line.width = 3.5, min(trace.line.width, 1.6)
            trace.legendgroup, trace.showlegend = model.name, model.name not in named
            named.add(model.name)
            drawn.append(trace)
            values.extend(line["value"])
        for trace in drawn:
            trace.xaxis, trace.yaxis = f"x{number}", f"y{number}"
        traces.extend(drawn)
        if metric in BOUNDED_METRICS:
            values.append(own.chance)
            chances.append(
                {
                    "type": "line",
                    "xref": f"x{number} domain",
                    "yref": f"y{number}",
                    "x0": 0,
                    "x1": 1,
                    "y0": own.chance,
                    "y1": own.chance,
                    "line": {"color": theme.muted, "dash": "dash", "width": 1},
                }
            )
    figure.add_traces(traces)
    low, high = span(values)
    places = [x for own in subjects for x in own.frame["x"]]
    across = (
        {"type": "log", "tickmode": "array", **log_ticks(min(places), max(places))}
        if axis.log and places
        else {}
    )
    figure.update_xaxes(**style, **across, range=_shared_range(subjects, axis))
    figure.update_yaxes(**style, range=[low, high], showticklabels=False)
    figure.update_yaxes(showticklabels=True, col=1)
    if metric in ("acc", "acc_norm"):
        figure.update_yaxes(tickformat=".0%")
    for column in range(1, columns + 1):
        lowest = (len(subjects) - column) // columns + 1  # the last row may be short
        if lowest:
            figure.update_xaxes(title_text=axis.title, row=lowest, col=column)
    figure.update_yaxes(title_text=y_title(metric), row=(rows + 1) // 2, col=1)
    figure.update_layout(
        height=height,
        shapes=chances,
        showlegend=True,
        legend={
            "orientation": "h",
            "y": -(BOTTOM_PX - 4) / plot,
            "yanchor": "top",
            "x": 0,
            "font": {"size": 10 if narrow else 11},
            "tracegroupgap": 0,
            "entrywidthmode": "fraction",
            "entrywidth": 0.47 if narrow else 0.95 / NAMES_A_ROW,
        },
        margin={"l": 56, "r": 12, "t": TOP_PX, "b": BOTTOM_PX + below},
    )
    return figure


def head(own: SubjectCurves, metric: str) -> str:
    """Chemistry · 96 questions · chance 25%."""
    chance = f" · chance {own.chance:.0%}" if metric in BOUNDED_METRICS else ""
    name = own.subject if len(own.subject) <= 26 else f"{own.subject[:25]}…"
    return f"<b>{name}</b> · {count(own.questions, 'question')}{chance}"


def _pale_band(line: pd.DataFrame, model: ModelInfo, theme: Theme) -> go.Scatter:
    area = band(line.dropna(subset=["low", "high"]), model, theme)
    area.fillcolor = translucent(theme.line[hue(model)], PALE)
    return area


def _shared_range(subjects: Sequence[SubjectCurves], axis: Axis) -> list[float]:
    ends = [float(own.frame["x"].max()) for own in subjects if len(own.frame)]
    starts = [float(own.frame["x"].min()) for own in subjects if len(own.frame)]
    if not ends:
        return [0.0, 1.0]
    if not axis.log:
        return [0.0, max(ends) * 1.03]
    low, high = math.log10(min(starts)), math.log10(max(ends))
    room = 0.03 * (high - low) or 0.1
    return [low - room, high + room]
