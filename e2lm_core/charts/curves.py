"""Learning curves with chance level, early window and intervals.

x is tokens seen in millions (steps where a family records no tokens), or what an `Axis` says. Models are
named at the line's end in its own colour, moved apart so that none overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.canvas import axis_range, blank_figure, fit_margins, metric_axis, token_axis, window_end
from e2lm_core.charts.marks import (
    band_trace,
    chance_line,
    curve_trace,
    early_window,
    label_ends,
    legend_below,
    lines,
    model_end,
    smooth_trace,
)
from e2lm_core.charts.palette import Theme

Curves = list[tuple[ModelInfo, pd.DataFrame]]
LEGEND_COLUMNS = {False: 5, True: 2}


@dataclass(frozen=True, eq=False)
class CurvePlot:
    """One metric's curves, and how they are drawn.

    `frame` as `tables.curve_frame` gives it: model, step, tokens_seen, metric, value, n. With the columns
    `low` and `high`, they are drawn as bands. `models` are those that are drawn. `before`, in the same
    columns, is drawn faint behind; `smooth` has smoothed values, which are drawn over the points. With an
    `axis`, the frames come from `axes.on_axis` and the window's end from it; `early_end` is the early
    window's last tokens_seen otherwise. `chance` is the metric's chance level, `height` in pixels.
    """

    frame: pd.DataFrame
    models: Sequence[ModelInfo]
    metric: str
    theme: Theme
    chance: float | None = None
    early_end: float | None = None
    before: pd.DataFrame | None = None
    height: int = 420
    narrow: bool = False
    axis: Axis | None = None
    smooth: pd.DataFrame | None = None

    @property
    def named_below(self) -> bool:
        """Whether a legend names the lines: on a narrow screen, and where each ends at another place."""
        return self.narrow or (self.axis is not None and self.axis.kind == "compute")

    def curves(self, frame: pd.DataFrame | None) -> Curves:
        """The models that are drawn, each with its points in a frame; none where there is no frame."""
        return [] if frame is None else self._drawn(lines(frame, self.metric))

    def _drawn(self, found: Iterable[tuple[str, pd.DataFrame]]) -> Curves:
        by_name = {model.name: model for model in self.models}
        return [(by_name[name], points) for name, points in found if name in by_name]

    @cached_property
    def behind(self) -> list[tuple[str, pd.DataFrame]]:
        """The lines of `before`, of whatever model."""
        return [] if self.before is None else list(lines(self.before, self.metric))

    @property
    def faint(self) -> Curves:
        """Those of them that are drawn."""
        return self._drawn(self.behind)


def learning_curves(plot: CurvePlot) -> go.Figure:
    """One metric's curves with chance and the early window. An incomplete checkpoint has no marker."""
    theme, curves = plot.theme, plot.curves(plot.frame)
    banded = plot.curves(plot.frame.dropna(subset=["low", "high"])) if "low" in plot.frame else []
    figure = blank_figure(theme, plot.height, plot.named_below, _traces(plot, curves, banded))
    metric_axis(figure, plot.metric, *axis_range(_in_view(plot, curves, banded), plot.chance))
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
        label_ends(figure, [model_end(points["value"].iloc[-1], model, theme) for model, points in named])
    return figure


def _named(curves: Curves) -> Curves:
    """Those with a name, at their end or in the legend: a further seed is thin beside its first, whose colour and dash it has."""
    drawn = {model.name for model, _ in curves}
    return [(model, points) for model, points in curves if model.seed_of not in drawn]


def _traces(plot: CurvePlot, curves: Curves, banded: Curves) -> list[go.Scatter]:
    """From behind to the front: what was before, bands, curves, smoothed lines."""
    metric, theme, under = plot.metric, plot.theme, plot.smooth is not None
    return [
        *(curve_trace(points, model, metric, theme, is_previous=True) for model, points in plot.faint),
        *(band_trace(points, model, theme) for model, points in banded),
        *(curve_trace(points, model, metric, theme, is_smoothed=under) for model, points in curves),
        *(smooth_trace(points, model, theme) for model, points in plot.curves(plot.smooth)),
    ]


def _in_view(plot: CurvePlot, curves: Curves, banded: Curves) -> list[float]:
    """Every value that the y axis is to show.

    What is drawn behind counts, so that nothing jumps while new values come in.
    """
    return [
        *(value for _, points in plot.behind for value in points["value"]),
        *(value for _, points in banded for value in (*points["low"], *points["high"])),
        *(value for _, points in curves for value in points["value"]),
    ]
