"""Small multiples of learning curves by subject."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.analysis.curves.subjects import SubjectCurves
from e2lm_core.base.formatting import count
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import BOUNDED_METRICS, SHARES, ModelInfo
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.charts.canvas import axis_range, blank_figure, log_ticks, plain
from e2lm_core.charts.marks import (
    LEGEND,
    Curves,
    band_trace,
    curve_trace,
    legend_height,
    level_shape,
    lines,
    model_lines,
)
from e2lm_core.charts.palette import Look, Looks, Theme, assign_looks

COLUMNS = 3
ROW_PX = {False: 190, True: 170}
GAP_PX, TOP_PX, BOTTOM_PX = 78, 46, 52
NAMES_A_ROW = {False: 4, True: 2}
# Share of the legend's width for one name.
NAME_WIDTH = {False: 0.95 / 4, True: 0.47}
# Opacity of bands, lower than elsewhere, since bands of small charts overlap more.
PALE = 0.09
HEAD_CHARS = 34


def subject_curves(
    subjects: Sequence[SubjectCurves],
    models: Sequence[ModelInfo],
    metric: str,
    theme: Theme,
    axis: Axis,
    narrow: bool = False,
    looks: Looks | None = None,
) -> go.Figure:
    """Small multiples of learning curves, one panel per subject; all share both axes.

    Each panel's head names the subject, its number of questions and its chance level.

    Args:
        subjects: Curves by subject, with tables of `axes.with_x_column`: model, step, metric, value, n, x in
            the axis' unit; with `low` and `high` for bands.
        models: Models to draw.
        metric: Metric of the curves.
        theme: Colours.
        axis: X axis of all panels.
        narrow: Draw for a narrow screen.
        looks: Looks of all models of the set, of which `models` are some; None where they are all.
    """
    named = _named(models)
    grid = _grid(len(subjects), len(named), narrow)
    curves = [model_lines(lines(subject.frame, metric), models) for subject in subjects]
    values = [v for panel in curves for _, points in panel for v in points["value"]]
    chances = [subject.chance for subject in subjects] if metric in BOUNDED_METRICS else []
    figure = blank_figure(theme, grid.height, narrow=True)
    style = figure.layout.xaxis.to_plotly_json()
    figure = _panels(figure, grid, [_head(subject, metric) for subject in subjects], theme)
    figure.add_traces(_traces(curves, assign_looks(models) if looks is None else looks, metric, theme, named))
    figure.update_xaxes(**style, **_across(subjects, axis))
    figure.update_yaxes(**style, range=list(axis_range([*values, *chances])), showticklabels=False)
    figure.update_yaxes(showticklabels=True, col=1)
    if metric in SHARES:
        figure.update_yaxes(tickformat=".0%")
    _titles(figure, grid, len(subjects), axis.title, METRIC_LABEL[metric])
    shapes = [level_shape(chance, theme, _number(place)) for place, chance in enumerate(chances)]
    figure.update_layout(height=grid.height, shapes=shapes)
    _legend(figure, grid, narrow)
    return figure


# --- layout ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Grid:
    """Rows and columns of panels: `plot` pixels high in all, with a legend of `below` pixels under them."""

    rows: int
    columns: int
    plot: int
    below: int

    @property
    def height(self) -> int:
        return self.plot + TOP_PX + BOTTOM_PX + self.below


def _grid(panels: int, models: int, narrow: bool) -> _Grid:
    columns = 1 if narrow else min(COLUMNS, max(1, panels))
    rows = max(1, math.ceil(panels / columns))
    return _Grid(
        rows=rows,
        columns=columns,
        plot=rows * ROW_PX[narrow] + (rows - 1) * GAP_PX,
        below=legend_height(math.ceil(models / NAMES_A_ROW[narrow])),
    )


def _panels(figure: go.Figure, grid: _Grid, heads: list[str], theme: Theme) -> go.Figure:
    figure = make_subplots(
        rows=grid.rows,
        cols=grid.columns,
        figure=figure,
        vertical_spacing=GAP_PX / grid.plot,
        horizontal_spacing=0.035,
        subplot_titles=heads,
    )
    figure.update_annotations(font={"color": theme.text, "size": 12.5})
    return figure


def _number(place: int) -> str:
    """Suffix of x and y in the names of a panel's axes: make_subplots counts "", 2, 3, … row by row."""
    return "" if place == 0 else str(place + 1)


def _head(subject: SubjectCurves, metric: str) -> str:
    """Head of a panel in two lines: Chemistry, and below it 96 questions · chance 25%."""
    name = subject.subject
    name = name if len(name) <= HEAD_CHARS else f"{name[: HEAD_CHARS - 1]}…"
    questions = count(subject.questions, "question")
    head = joined(("<b>", plain(name), "</b><br>", questions), "")
    if metric not in BOUNDED_METRICS:
        return head
    return Sentence("{head} · chance {chance}", head=head, chance=f"{subject.chance:.0%}")


def _across(subjects: Sequence[SubjectCurves], axis: Axis) -> dict:
    """Properties of the x axis that all panels share."""
    places = [x for subject in subjects for x in subject.frame["x"]]
    if not places:
        return {"range": [0.0, 1.0]}
    if not axis.log:
        return {"range": [0.0, max(places) * 1.03]}
    low, high = math.log10(min(places)), math.log10(max(places))
    room = 0.03 * (high - low) or 0.1
    ticks = {"type": "log", "tickmode": "array", **log_ticks(min(places), max(places))}
    return ticks | {"range": [low - room, high + room]}


def _titles(figure: go.Figure, grid: _Grid, panels: int, x_title: str, y_title: str) -> None:
    """Name x below the lowest panel of each column, as the last row may be short, and y at the middle row."""
    for column in range(1, grid.columns + 1):
        lowest = (panels - column) // grid.columns + 1
        if lowest:
            figure.update_xaxes(title_text=x_title, row=lowest, col=column)
    figure.update_yaxes(title_text=y_title, row=(grid.rows + 1) // 2, col=1)


def _legend(figure: go.Figure, grid: _Grid, narrow: bool) -> None:
    figure.update_layout(
        showlegend=True,
        legend=LEGEND
        | {
            "y": -(BOTTOM_PX - 4) / grid.plot,
            "font": {"size": 10 if narrow else 11},
            "tracegroupgap": 0,
            "entrywidth": NAME_WIDTH[narrow],
        },
        margin={"l": 56, "r": 12, "t": TOP_PX, "b": BOTTOM_PX + grid.below},
    )


# --- what a panel draws ---------------------------------------------------------------------------------


def _named(models: Sequence[ModelInfo]) -> set[str]:
    """Models with a name: a replicate from another seed shares colour and dash with its first model."""
    drawn = {model.name for model in models}
    return {model.name for model in models if model.seed_of not in drawn}


def _traces(
    panels: Iterable[Curves], looks: Looks, metric: str, theme: Theme, named: set[str]
) -> list[go.Scatter]:
    """Bands and, over them, curves of every panel; the legend names each of `named` once."""
    traces, open_names = [], set(named)
    for place, curves in enumerate(panels):
        bands = [
            band_trace(points.dropna(subset=["low", "high"]), model, looks[model.name], theme, PALE)
            for model, points in curves
            if "low" in points
        ]
        thin = [_thin_curve(points, model, looks[model.name], metric, theme) for model, points in curves]
        for trace in thin:
            trace.showlegend = trace.legendgroup in open_names
            open_names.discard(trace.legendgroup)
        for trace in (*bands, *thin):
            trace.xaxis, trace.yaxis = f"x{_number(place)}", f"y{_number(place)}"
        traces += [*bands, *thin]
    return traces


def _thin_curve(points: pd.DataFrame, model: ModelInfo, look: Look, metric: str, theme: Theme) -> go.Scatter:
    trace = curve_trace(points, model, look, metric, theme)
    trace.marker.size, trace.line.width = 3.5, min(trace.line.width, 1.6)
    trace.legendgroup = model.name
    return trace
