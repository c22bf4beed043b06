"""Figures of single questions and of choices among them, on the template of all figures."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.questions import words as choice_words
from e2lm_core.analysis.questions.choice import Choice
from e2lm_core.charts.canvas import (
    LABEL_GAP_PX,
    MARGIN,
    blank,
    chance_line,
    early_window,
    positions,
    span,
    spread,
    token_axis,
    y_title,
)
from e2lm_core.charts.palette import Theme

ROW_PX = 34
MEAN = "mean"


def compared(
    frame: pd.DataFrame,
    metric: str,
    counts: tuple[int, int],
    theme: Theme,
    chance: float | None = None,
    early_end: float | None = None,
    height: int = 360,
    narrow: bool = False,
) -> go.Figure:
    """The selection's mean curve against that of the rest; `frame` as `pool.compared_frame` gives it.

    `counts` are how many questions either side has; a side without any is not drawn.
    """
    figure = blank(theme, height, narrow)
    sides = [
        (name, count, line, label)
        for name, count, line, label in (
            ("selection", counts[0], theme.accent, theme.accent),
            ("rest", counts[1], theme.line["grey"], theme.label["grey"]),
        )
        if count
    ]
    values = [v for name, *_ in sides for v in frame[name]]
    low, high = span([*values, *([chance] if chance is not None else [])])
    spec = ".1%" if metric in ("acc", "acc_norm") else ".3f"
    for name, count, colour, _ in sides:
        figure.add_trace(
            go.Scatter(
                x=positions(frame),
                y=frame[name],
                mode="lines+markers",
                name=f"{name} ({count:,})",
                line={"color": colour, "width": 2.4, "dash": "solid" if name == "selection" else "dash"},
                marker={"size": 5.5, "color": colour},
                customdata=frame["step"],
                hovertemplate=f"<b>{name}</b><br>%{{y:{spec}}}<br>%{{x:.2f}} M tokens, step %{{customdata:.0f}}<br>"
                f"n = {count:,} questions<extra></extra>",
                showlegend=narrow,
            )
        )
    figure.update_yaxes(range=[low, high], title_text=y_title(metric))
    if metric in ("acc", "acc_norm"):
        figure.update_yaxes(tickformat=".0%" if high - low > 0.08 else ".1%")
    token_axis(figure, frame)
    if chance is not None:
        chance_line(figure, chance, theme)
    if early_end is not None:
        early_window(figure, early_end / 1e6, theme)
    if narrow:
        figure.update_layout(
            showlegend=True,
            legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
            margin={"b": 74},
        )
        return figure
    plot = height - MARGIN["t"] - MARGIN["b"]
    ends = [float(frame[name].iloc[-1]) for name, *_ in sides]
    wanted = [plot * (high - end) / (high - low) for end in ends]
    for (name, count, _, colour), end, at, moved in zip(
        sides, ends, wanted, spread(wanted, LABEL_GAP_PX, plot), strict=True
    ):
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="left",
            xshift=8,
            y=end,
            yanchor="middle",
            yshift=at - moved,
            text=f"{name} ({count:,})",
            showarrow=False,
            font={"color": colour, "size": 12},
        )
    return figure


def gains(choice: Choice, score: str, theme: Theme, narrow: bool = False) -> go.Figure:
    """Every fold's gain in-sample (hollow) and held out (full), and their mean with its bar below."""
    rows = [(f.label, f.in_sample[score], f.held_out[score]) for f in choice.folds]
    whole = choice.scores[score]
    rows.append((MEAN, whole.in_sample, whole.held_out))
    labels = [label for label, *_ in rows]
    figure = blank(theme, 96 + ROW_PX * len(rows), narrow=True)
    for label, seen, held in rows:
        if seen is not None and held is not None:
            figure.add_trace(
                go.Scatter(
                    x=[seen, held],
                    y=[label, label],
                    mode="lines",
                    hoverinfo="skip",
                    showlegend=False,
                    line={"color": theme.grid, "width": 3 if label == MEAN else 2},
                )
            )
    if whole.interval is not None:
        figure.add_trace(
            go.Scatter(
                x=list(whole.interval),
                y=[MEAN, MEAN],
                mode="lines",
                hoverinfo="skip",
                showlegend=False,
                line={"color": theme.accent, "width": 2},
                opacity=0.6,
            )
        )
    for side, name, marker in (
        (1, "in-sample", {"symbol": "circle-open", "color": theme.muted, "line": {"width": 2}}),
        (2, "held out", {"symbol": "circle", "color": theme.accent}),
    ):
        figure.add_trace(
            go.Scatter(
                x=[row[side] for row in rows],
                y=labels,
                mode="markers",
                name=name,
                marker={"size": [11 if label == MEAN else 9 for label in labels], "opacity": 1, **marker},
                hovertemplate=f"<b>%{{y}}</b>, {name}<br>gain %{{x:+.3f}}<extra></extra>",
                showlegend=True,
            )
        )
    figure.add_vline(x=0, line={"color": theme.muted, "dash": "dash", "width": 1})
    values = [v for _, *own in rows for v in own if v is not None] + list(whole.interval or ())
    low, high = span([0.0, *values])
    figure.update_xaxes(
        range=[low, high],
        title_text=f"gain in {choice_words.score_label(score, choice.metric)}",
        tickformat="+~g",
    )
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=labels[::-1],
        showgrid=False,
        ticktext=[f"{label} out" if label != MEAN else f"<b>{MEAN}</b>" for label in labels],
        tickvals=labels,
    )
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        margin={"l": 90 if narrow else 140, "r": 16, "t": 34, "b": 52},
    )
    return figure
