"""Interval width against the number of questions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.plan.messages import round_up_two_digits, size_frame
from e2lm_core.analysis.plan.plan import Plan
from e2lm_core.base.formatting import duration
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import blank_figure
from e2lm_core.charts.marks import reference_line
from e2lm_core.charts.palette import Theme

TICKS = {False: (25, 100, 400, 1_600, 6_400, 15_000), True: (25, 200, 1_600, 15_000)}
WIDTH_TICKS = tuple(m * 10.0**e for e in range(-5, 3) for m in (1, 2, 5))


def widths(planned: Plan, theme: Theme, narrow: bool = False) -> go.Figure:
    """Chart of the interval's full width, in the metric's unit, against the number of questions.

    Both axes are logarithmic: the width of a mean falls as a straight line of slope -1/2. A diamond marks the
    number of questions that the plan needs, a dotted line the number measured. A size without a width above 0
    has no point.

    Args:
        planned: Plan with its simulated widths.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    sizes = size_frame(planned)
    known = sizes[sizes["width"] > 0]
    figure = blank_figure(theme, 380, narrow)
    figure.add_trace(_width_line(known, theme))
    _wanted(figure, planned.wanted, theme)
    if len(known) and known["questions"].iloc[0] < planned.measured < known["questions"].iloc[-1]:
        _measured(figure, planned.measured, theme)
    if planned.questions is not None:
        figure.add_trace(_needed(planned.questions, planned.wanted, theme))
    _axes(figure, [*known["width"], planned.wanted], narrow)
    figure.update_layout(margin={"t": 28, "r": 16})
    return figure


def _width_line(sizes: pd.DataFrame, theme: Theme) -> go.Scatter:
    hours = [
        "" if pd.isna(s) else Sentence("<br>{duration} on this model group", duration=duration(s))
        for s in sizes["seconds"]
    ]
    return go.Scatter(
        x=sizes["questions"],
        y=sizes["width"],
        mode="lines+markers",
        line={"color": theme.accent, "width": 2},
        marker={"size": 7, "color": theme.accent},
        customdata=list(zip(map(str, sizes["expected"].round(3)), hours, strict=True)) or None,
        hovertemplate=Sentence(
            "<b>%{x:,} questions</b><br>95% interval %{y:.3f} wide<br>"
            "expected value %{customdata[0]}%{customdata[1]}<extra></extra>"
        ),
    )


def _wanted(figure: go.Figure, width: float, theme: Theme) -> None:
    figure.add_hline(y=width, line=reference_line(theme, thickness=1.2))
    figure.add_annotation(
        x=1,
        xref="paper",
        xanchor="right",
        y=np.log10(width),
        yanchor="bottom",
        text=Sentence("wanted: {width}", width=f"{width:g}"),
        showarrow=False,
        font={"color": theme.muted, "size": 12},
    )


def _measured(figure: go.Figure, questions: int, theme: Theme) -> None:
    figure.add_vline(x=questions, line=reference_line(theme, dash="dot"))
    figure.add_annotation(
        x=np.log10(questions),
        y=1,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        text=Sentence("measured: {questions}", questions=questions),
        font={"color": theme.muted, "size": 12},
    )


def _needed(questions: int, width: float, theme: Theme) -> go.Scatter:
    return go.Scatter(
        x=[questions],
        y=[width],
        mode="markers+text",
        marker={"symbol": "diamond", "size": 14, "color": theme.text},
        text=[Sentence("{questions} questions", questions=round_up_two_digits(questions))],
        textposition="bottom left",
        textfont={"color": theme.text, "size": 13},
        hoverinfo="skip",
        cliponaxis=False,
    )


def _axes(figure: go.Figure, shown: list[float], narrow: bool) -> None:
    """Set both axes to logarithmic, y over the widths shown."""
    figure.update_xaxes(
        type="log",
        title_text=Sentence("questions in the set"),
        tickmode="array",
        tickvals=list(TICKS[narrow]),
        ticktext=[f"{n:,}" for n in TICKS[narrow]],
        tickangle=0,
        range=[np.log10(20), np.log10(18_000)],
    )
    figure.update_yaxes(
        type="log",
        title_text=Sentence("width of the 95% interval"),
        range=[np.log10(min(shown)) - 0.15, np.log10(max(shown)) + 0.1],
        tickmode="array",
        tickvals=list(WIDTH_TICKS),
        ticktext=[f"{v:g}" for v in WIDTH_TICKS],
    )
