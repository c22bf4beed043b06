"""The figure of one question before and after an edit: the mean over models, old behind new."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from e2lm_core.charts.canvas import (
    blank,
    chance_line,
    early_window,
    place_words,
    positions,
    span,
    token_axis,
    y_title,
)
from e2lm_core.charts.palette import Theme

_LABEL_GAP = 0.09  # of the axis: closer than that, the label of the old line is left out


def before_and_after(
    now: pd.DataFrame,
    metric: str,
    theme: Theme,
    before: pd.DataFrame | None = None,
    chance: float | None = None,
    early_end: float | None = None,
    height: int = 250,
) -> go.Figure:
    """`now` and `before` as `edits.mean_frame` gives them; points that are not computed are left out.

    `early_end` is the early window's last tokens_seen.
    """
    figure = blank(theme, height, narrow=False)
    now = now.dropna(subset=["value"])
    before = None if before is None else before.dropna(subset=["value"])
    if before is not None and len(before):
        figure.add_trace(_line(before, theme, "before the edit", opacity=0.35, dash="dot"))
    if len(now):
        figure.add_trace(_line(now, theme, "now"))
    values = [
        *now["value"],
        *([] if before is None else before["value"]),
        *([] if chance is None else [chance]),
    ]
    low, high = span(values)
    figure.update_yaxes(range=[low, high], title_text=y_title(metric).split(" (")[0])
    token_axis(figure, now if len(now) or before is None else before)
    if chance is not None:
        chance_line(figure, chance, theme)
    if early_end is not None:
        early_window(figure, early_end / 1e6, theme)
    ends = {"now": now, "before": before if before is not None else now.iloc[:0]}
    for name, own in ends.items():
        if len(own) and (name == "now" or not _close(now, own, high - low)):
            figure.add_annotation(
                x=float(positions(own).iloc[-1]),
                y=float(own["value"].iloc[-1]),
                text=name,
                showarrow=False,
                xanchor="left",
                xshift=8,
                font={"color": theme.accent, "size": 12},
                opacity=1 if name == "now" else 0.7,
            )
    figure.update_layout(margin={"r": 62})
    return figure


def _line(
    own: pd.DataFrame, theme: Theme, name: str, opacity: float = 1.0, dash: str = "solid"
) -> go.Scatter:
    return go.Scatter(
        x=positions(own),
        y=own["value"],
        mode="lines+markers",
        name=name,
        opacity=opacity,
        showlegend=False,
        line={"color": theme.accent, "width": 2.4, "dash": dash},
        marker={"size": 5, "color": theme.accent},
        customdata=list(zip(own["models"], place_words(own), strict=True)),
        hovertemplate=f"<b>{name}</b><br>%{{y:.3f}}<br>%{{customdata[1]}}<br>"
        "mean of %{customdata[0]} models<extra></extra>",
    )


def _close(now: pd.DataFrame, before: pd.DataFrame, height: float) -> bool:
    return bool(len(now)) and abs(now["value"].iloc[-1] - before["value"].iloc[-1]) < _LABEL_GAP * height
