"""Forest plot of mean differences between two sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.compare.comparison import ALL
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import SHARES, ModelInfo
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.charts.canvas import axis_range, blank_figure
from e2lm_core.charts.marks import reference_line, segment_trace
from e2lm_core.charts.palette import Looks, Theme, assign_looks

ROW_PX = 30


def differences(
    means: pd.DataFrame,
    models: Sequence[ModelInfo],
    metric: str,
    point: str,
    theme: Theme,
    narrow: bool = False,
) -> go.Figure:
    """Forest plot of mean differences by model, the mean of all scored models on top.

    Second minus first at one point of the curves, with its 95% interval; shares in percentage points, other
    metrics in their own unit.

    Args:
        means: Table of `comparison.mean_frame`: model, point, difference, low, high, share (of the resamples
            in which the second is higher).
        models: All models of the set, those of the table among them.
        metric: Metric of the means.
        point: Point of the curves, as in the table.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    shown = means[(means["point"] == point) & means["difference"].notna()]
    by_name, looks = {model.name: model for model in models}, assign_looks(models)
    rows = [_row(row, by_name, looks, metric, theme) for _, row in shown.iterrows()]
    figure = blank_figure(theme, ROW_PX * max(len(rows), 1) + 84, narrow)
    for place, row in enumerate(rows):
        figure.add_traces(list(_marks(row, len(rows) - 1 - place)))
    figure.add_vline(x=0, line=reference_line(theme))
    _axes(figure, rows, metric)
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 50})
    return figure


@dataclass(frozen=True)
class _Row:
    """One difference with its interval, NaN without one, and its style."""

    label: str
    value: float
    low: float
    high: float
    hover: str
    colour: str
    symbol: str
    of_all: bool


def _row(row: pd.Series, by_name: Mapping[str, ModelInfo], looks: Looks, metric: str, theme: Theme) -> _Row:
    model = by_name.get(str(row["model"]))
    label = model.short_name if model else joined(("<b>", ALL, "</b>"), "")
    scale, unit = (100.0, Sentence("points")) if metric in SHARES else (1.0, "")
    value, low, high = (
        scale * float(row[c] if pd.notna(row[c]) else np.nan) for c in ("difference", "low", "high")
    )
    share = (
        ""
        if pd.isna(row["share"])
        else Sentence("<br>higher in {share} of resamples", share=f"{row['share']:.0%}")
    )
    bounds = f" [{low:+.3g}, {high:+.3g}]" if np.isfinite(low) else ""
    return _Row(
        label=label,
        value=value,
        low=low,
        high=high,
        hover=joined(("<b>", label, f"</b><br>{value:+.3g} ", unit, bounds, share, "<extra></extra>"), ""),
        colour=theme.line[looks[model.name].hue] if model else theme.text,
        symbol=looks[model.name].symbol if model else "diamond",
        of_all=model is None,
    )


def _marks(row: _Row, y: int) -> Iterator[go.Scatter]:
    """Traces of the interval and, over it, of the difference; that of all models is larger."""
    if np.isfinite(row.low):
        yield segment_trace([row.low, row.high], [y, y], row.colour, 3.2 if row.of_all else 2.4)
    yield go.Scatter(
        x=[row.value],
        y=[y],
        mode="markers",
        marker={"size": 11 if row.of_all else 9, "color": row.colour, "symbol": row.symbol},
        hovertemplate=row.hover,
    )


def _axes(figure: go.Figure, rows: Sequence[_Row], metric: str) -> None:
    own_unit = Sentence("difference in {metric}", metric=METRIC_LABEL[metric])
    figure.update_xaxes(
        range=list(axis_range([v for row in rows for v in (row.value, row.low, row.high)], 0.0)),
        title_text=Sentence("difference, percentage points") if metric in SHARES else own_unit,
    )
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(rows)))[::-1],
        ticktext=[row.label for row in rows],
        showgrid=False,
        range=[-0.6, len(rows) - 0.4],
    )
