"""Learning curves with chance level, early window and intervals.

The x axis shows tokens seen in millions (steps for a family without recorded tokens), or an `Axis`. Models
are named at the end of their line in its colour, moved apart so that no names overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.canvas import (
    CHANCE_ROOM,
    axis_range,
    blank_figure,
    fit_margins,
    metric_axis,
    token_axis,
    window_end,
)
from e2lm_core.charts.marks import (
    Curves,
    band_trace,
    chance_line,
    curve_trace,
    early_window,
    label_ends,
    legend_below,
    lines,
    model_end,
    model_lines,
    smooth_trace,
)
from e2lm_core.charts.palette import LIGHT, Look, Looks, Theme, assign_looks

LEGEND_COLUMNS = {False: 5, True: 2}


@dataclass(frozen=True, eq=False)
class CurvePlot:
    """Learning curves of one metric, with their options.

    Attributes:
        frame: Table of `tables.curve_frame`: model, step, tokens_seen, metric, value, n; with `low` and
            `high` for bands.
        models: Models to draw.
        metric: Metric of the curves.
        theme: Colours.
        chance: Chance level of the metric; None without one.
        early_end: Last tokens_seen of the early window, used without `axis`.
        before: Older curves in the same columns, drawn faint behind.
        height: Height in pixels.
        narrow: Draw for a narrow screen.
        axis: X axis of all tables, from `axes.with_x_column`, with the end of the early window.
        smooth: Smoothed curves, drawn over the points.
        looks: Looks of all models of the set, of which `models` are some; None where they are all.
        title: Title of the y axis; None for the metric's.
    """

    frame: pd.DataFrame
    models: Sequence[ModelInfo]
    metric: str
    theme: Theme = LIGHT
    chance: float | None = None
    early_end: float | None = None
    before: pd.DataFrame | None = None
    height: int = 420
    narrow: bool = False
    axis: Axis | None = None
    smooth: pd.DataFrame | None = None
    looks: Looks | None = None
    title: str | None = None

    @cached_property
    def _looks(self) -> Looks:
        return assign_looks(self.models) if self.looks is None else self.looks

    def look(self, model: ModelInfo) -> Look:
        """Look of a drawn model."""
        return self._looks[model.name]

    @property
    def named_below(self) -> bool:
        """Whether a legend names the lines: on a narrow screen, and over compute, where lines end apart."""
        return self.narrow or (self.axis is not None and self.axis.kind == "compute")

    def curves(self, frame: pd.DataFrame | None) -> Curves:
        """Drawn models with their points in a table; none without a table."""
        return [] if frame is None else model_lines(lines(frame, self.metric), self.models)

    @cached_property
    def behind(self) -> list[tuple[str, pd.DataFrame]]:
        """Lines of `before`, of all its models."""
        return [] if self.before is None else list(lines(self.before, self.metric))

    @property
    def faint(self) -> Curves:
        """Lines of `before` of the drawn models."""
        return model_lines(self.behind, self.models)


def learning_curves(plot: CurvePlot) -> go.Figure:
    """Chart of one metric's learning curves; an incomplete checkpoint has no marker."""
    theme, curves = plot.theme, plot.curves(plot.frame)
    banded = plot.curves(plot.frame.dropna(subset=["low", "high"])) if "low" in plot.frame else []
    figure = blank_figure(theme, plot.height, plot.named_below, _traces(plot, curves, banded))
    metric_axis(figure, plot.metric, *axis_range(_in_view(plot, curves, banded), plot.chance, CHANCE_ROOM))
    if plot.title is not None:
        figure.update_yaxes(title_text=plot.title)
    token_axis(figure, plot.frame, plot.axis)
    chance_line(figure, plot.chance, theme, below=plot.named_below)
    log = plot.axis is not None and plot.axis.log
    early_window(figure, window_end(plot.early_end, plot.axis), theme, log)
    named = _named(curves)
    if plot.named_below:
        unnamed = {model.short_name for model, _ in curves} - {model.short_name for model, _ in named}
        legend_below(figure, len(named), LEGEND_COLUMNS[plot.narrow], unnamed)
    else:
        fit_margins(figure)
        label_ends(
            figure,
            [model_end(points["value"].iloc[-1], model, plot.look(model), theme) for model, points in named],
        )
    return figure


def _named(curves: Curves) -> Curves:
    """Curves with a name: a replicate from another seed shares colour and dash with its first model."""
    drawn = {model.name for model, _ in curves}
    return [(model, points) for model, points in curves if model.seed_of not in drawn]


def _traces(plot: CurvePlot, curves: Curves, banded: Curves) -> list[go.Scatter]:
    """Traces from back to front: older curves, bands, curves, smoothed lines."""
    metric, theme, under = plot.metric, plot.theme, plot.smooth is not None
    drawn = {model.name: model.short_name for model, _ in curves}

    def label(model: ModelInfo) -> str:
        return drawn.get(model.seed_of or "", model.short_name)

    return [
        *(
            curve_trace(points, model, plot.look(model), metric, theme, is_previous=True, label=label(model))
            for model, points in plot.faint
        ),
        *(band_trace(points, model, plot.look(model), theme, label=label(model)) for model, points in banded),
        *(
            curve_trace(points, model, plot.look(model), metric, theme, is_smoothed=under, label=label(model))
            for model, points in curves
        ),
        *(
            smooth_trace(points, model, plot.look(model), theme, label(model))
            for model, points in plot.curves(plot.smooth)
        ),
    ]


def _in_view(plot: CurvePlot, curves: Curves, banded: Curves) -> list[float]:
    """All values in the range of the y axis, with those of older curves, so that it does not jump."""
    return [
        *(value for _, points in plot.behind for value in points["value"]),
        *(value for _, points in banded for value in (*points["low"], *points["high"])),
        *(value for _, points in curves for value in points["value"]),
    ]
