"""The width of an interval against the number of questions, the wanted width a line, the number found a mark."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.plan.plan import Plan
from e2lm_core.analysis.plan.words import rounded, size_frame
from e2lm_core.base.phrasing import duration
from e2lm_core.charts.canvas import blank
from e2lm_core.charts.palette import Theme

TICKS = {False: (25, 100, 400, 1_600, 6_400, 15_000), True: (25, 200, 1_600, 15_000)}
WIDTH_TICKS = tuple(m * 10.0**e for e in range(-5, 3) for m in (1, 2, 5))


def widths(planned: Plan, theme: Theme, narrow: bool = False, height: int = 380) -> go.Figure:
    """Both axes logarithmic: the width of a mean falls as a straight line of slope -1/2."""
    sizes = size_frame(planned)
    known = sizes.dropna(subset=["width"])
    known = known[known["width"] > 0]
    figure = blank(theme, height, narrow)
    hours = ["" if pd.isna(s) else f"<br>{duration(s)} on this fleet" for s in known["seconds"]]
    figure.add_trace(
        go.Scatter(
            x=known["questions"],
            y=known["width"],
            mode="lines+markers",
            showlegend=False,
            line={"color": theme.accent, "width": 2},
            marker={"size": 7, "color": theme.accent},
            customdata=np.stack([known["expected"].round(3), hours], axis=-1) if len(known) else None,
            hovertemplate="<b>%{x:,} questions</b><br>95% interval %{y:.3f} wide<br>expected value %{customdata[0]}"
            "%{customdata[1]}<extra></extra>",
        )
    )
    figure.add_hline(y=planned.wanted, line={"color": theme.muted, "dash": "dash", "width": 1.2})
    figure.add_annotation(
        x=1,
        xref="paper",
        xanchor="right",
        y=np.log10(planned.wanted),
        yanchor="bottom",
        text=f"wanted: {planned.wanted:g}",
        showarrow=False,
        font={"color": theme.muted, "size": 12},
    )
    if len(known):
        low, high = known["questions"].iloc[0], known["questions"].iloc[-1]
        if low < planned.measured < high:
            figure.add_vline(x=planned.measured, line={"color": theme.muted, "dash": "dot", "width": 1})
            figure.add_annotation(
                x=np.log10(planned.measured),
                y=1,
                yref="paper",
                yanchor="bottom",
                showarrow=False,
                text=f"measured: {planned.measured:,}",
                font={"color": theme.muted, "size": 12},
            )
    if planned.questions is not None:
        figure.add_trace(
            go.Scatter(
                x=[planned.questions],
                y=[planned.wanted],
                mode="markers+text",
                showlegend=False,
                marker={"symbol": "diamond", "size": 14, "color": theme.text},
                text=[f"{rounded(planned.questions):,} questions"],
                textposition="bottom left",
                textfont={"color": theme.text, "size": 13},
                hoverinfo="skip",
                cliponaxis=False,
            )
        )
    figure.update_xaxes(
        type="log",
        title_text="questions in the set",
        tickmode="array",
        tickvals=list(TICKS[narrow]),
        ticktext=[f"{n:,}" for n in TICKS[narrow]],
        tickangle=0,
        range=[np.log10(20), np.log10(18_000)],
    )
    shown = [*known["width"], planned.wanted]
    figure.update_yaxes(
        type="log",
        title_text="width of the 95% interval",
        range=[np.log10(min(shown)) - 0.15, np.log10(max(shown)) + 0.1],
        tickmode="array",
        tickvals=list(WIDTH_TICKS),
        ticktext=[f"{v:g}" for v in WIDTH_TICKS],
    )
    figure.update_layout(margin={"t": 28, "r": 16})
    return figure
