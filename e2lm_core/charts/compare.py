"""What differs between two sets: the difference of every model's mean with its interval, about a line at nil."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.compare.comparison import ALL
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import LOWER_IS_BETTER, ModelInfo
from e2lm_core.charts.canvas import blank, span, symbol
from e2lm_core.charts.palette import Theme, hue

ROW_PX = 30


def differences(
    means: pd.DataFrame,
    models: Sequence[ModelInfo],
    metric: str,
    point: str,
    theme: Theme,
    narrow: bool = False,
) -> go.Figure:
    """One row a model, the mean of all that count on top: second - first at one point, with its 95% interval.

    `means` as `comparison.mean_frame` gives them. Accuracies are in percentage points.
    """
    own = means[(means["point"] == point) & means["difference"].notna()]
    by_name = {model.name: model for model in models}
    figure = blank(theme, ROW_PX * max(len(own), 1) + 84, narrow)
    scale, unit = (100.0, "points") if metric in ("acc", "acc_norm") else (1.0, "")
    names, shown = [], [0.0]
    for place, (_, row) in enumerate(own.iterrows()):
        model = by_name.get(str(row["model"]))
        colour = theme.line[hue(model)] if model else theme.text
        label = model.short_name if model else f"<b>{ALL}</b>"
        y = len(own) - 1 - place
        names.append((y, label))
        value, low, high = (
            scale * float(row[c] if pd.notna(row[c]) else np.nan) for c in ("difference", "low", "high")
        )
        shown += [v for v in (value, low, high) if np.isfinite(v)]
        if np.isfinite(low):
            figure.add_trace(
                go.Scatter(
                    x=[low, high],
                    y=[y, y],
                    mode="lines",
                    line={"color": colour, "width": 2.4 if model else 3.2},
                    hoverinfo="skip",
                    showlegend=False,
                )
            )
        share = "" if pd.isna(row["share"]) else f"<br>higher in {row['share']:.0%} of resamples"
        bounds = f" [{low:+.3g}, {high:+.3g}]" if np.isfinite(low) else ""
        figure.add_trace(
            go.Scatter(
                x=[value],
                y=[y],
                mode="markers",
                showlegend=False,
                marker={
                    "size": 9 if model else 11,
                    "color": colour,
                    "symbol": symbol(model) if model else "diamond",
                },
                hovertemplate=f"<b>{label}</b><br>{value:+.3g} {unit}{bounds}{share}<extra></extra>",
            )
        )
    low, high = span(shown)
    figure.add_vline(x=0, line={"color": theme.muted, "dash": "dash", "width": 1})
    better = " (lower is better)" if metric in LOWER_IS_BETTER else ""
    title = "difference, percentage points" if unit else f"difference in {METRIC_LABEL[metric]}{better}"
    figure.update_xaxes(range=[low, high], title_text=title)
    figure.update_yaxes(
        tickmode="array",
        tickvals=[y for y, _ in names],
        ticktext=[n for _, n in names],
        showgrid=False,
        range=[-0.6, len(own) - 0.4],
    )
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 50})
    return figure
