"""Charts of relevance: histogram, map, reliability diagram."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import axis_range, blank_figure
from e2lm_core.charts.marks import LEGEND, reference_line
from e2lm_core.charts.palette import Theme

# Probability from which the rubric is said to accept a question: bars from it on are blue, others orange.
ACCEPTED_FROM = 0.5


def probability_histogram(probability: np.ndarray, theme: Theme) -> go.Figure:
    """Histogram of the questions' scientific relevance, in steps of 0.05.

    Args:
        probability: Probability [Q] that the rubric accepts the question, from 0 to 1.
        theme: Colours.
    """
    counts, edges = np.histogram(probability, bins=20, range=(0, 1))
    centres = (edges[:-1] + edges[1:]) / 2
    colours = [theme.line["blue"] if c >= ACCEPTED_FROM else theme.line["orange"] for c in centres]
    figure = blank_figure(theme, 280, narrow=True)
    figure.add_trace(
        go.Bar(
            x=centres,
            y=counts,
            width=0.046,
            marker={"color": colours, "line": {"width": 0}},
            customdata=np.stack([edges[:-1], edges[1:]], axis=-1),
            hovertemplate=Sentence(
                "%{y} questions at %{customdata[0]:.2f}–%{customdata[1]:.2f}<extra></extra>"
            ),
        )
    )
    figure.add_vline(x=ACCEPTED_FROM, line=reference_line(theme))
    figure.add_annotation(
        x=ACCEPTED_FROM,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=Sentence("accepted from here →"),
        xanchor="left",
        showarrow=False,
        font={"color": theme.muted, "size": 12},
    )
    figure.update_xaxes(range=[0, 1], title_text=Sentence("probability that the rubric accepts the question"))
    figure.update_yaxes(title_text=Sentence("questions"), rangemode="tozero")
    figure.update_layout(bargap=0, margin={"l": 58, "r": 16, "t": 26, "b": 48})
    return figure


def relevance_map(
    questions: pd.DataFrame, exemplars: pd.DataFrame, theme: Theme, narrow: bool = False
) -> go.Figure:
    """Map of the set among the labelled examples, in the plane of their first principal components.

    Args:
        questions: Table of `relevance.tables.map_frames` with x, y, probability, label.
        exemplars: Table of `relevance.tables.map_frames` with x, y, accepted, label.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    figure = blank_figure(theme, 460, narrow=True)
    for accepted, name in ((True, Sentence("exemplar, accepted")), (False, Sentence("exemplar, rejected"))):
        figure.add_trace(_exemplars(exemplars[exemplars["accepted"] == accepted], name, accepted, theme))
    figure.add_trace(_questions(questions, theme))
    both = pd.concat([questions[["x", "y"]], exemplars[["x", "y"]]])
    figure.update_xaxes(visible=False, range=list(axis_range(both["x"])))
    figure.update_yaxes(visible=False, range=list(axis_range(both["y"])))
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 68 if narrow else 46},
        showlegend=True,
        legend=LEGEND | {"y": -0.02, "entrywidth": 0.5 if narrow else 0.33},
    )
    return figure


def reliability(table: pd.DataFrame, theme: Theme) -> go.Figure:
    """Reliability diagram: share of accepted rows against their mean predicted probability.

    Both are equal on the line. The area of a point grows with its rows.

    Args:
        table: Table of `relevance.tables.reliability_frame`.
        theme: Colours.
    """
    known = table[table["rows"] > 0]
    figure = blank_figure(theme, 280, narrow=True)
    figure.add_trace(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=reference_line(theme), hoverinfo="skip")
    )
    figure.add_trace(
        go.Scatter(
            x=known["mean probability"],
            y=known["accepted"],
            mode="markers",
            customdata=known[["rows", "from", "to"]],
            marker={
                "size": 5 + 1.2 * np.sqrt(known["rows"].to_numpy(float)),
                "color": theme.line["blue"],
                "opacity": 0.8,
            },
            hovertemplate=Sentence(
                "%{customdata[0]} exemplars at %{customdata[1]:.1f}–%{customdata[2]:.1f}: %{y:.2f} "
                "accepted, %{x:.2f} said<extra></extra>"
            ),
        )
    )
    # The ranges leave room for the largest points, which are centred near 0 and 1.
    figure.update_xaxes(range=[-0.09, 1.09], title_text=Sentence("probability that is said"))
    figure.update_yaxes(range=[-0.13, 1.13], title_text=Sentence("share accepted"))
    figure.update_layout(margin={"l": 58, "r": 16, "t": 12, "b": 48})
    return figure


def _exemplars(exemplars: pd.DataFrame, name: str, accepted: bool, theme: Theme) -> go.Scatter:
    return go.Scatter(
        x=exemplars["x"],
        y=exemplars["y"],
        mode="markers",
        name=name,
        text=exemplars["label"],
        marker={
            "size": 6,
            "color": theme.line["blue" if accepted else "orange"],
            "opacity": 0.45,
            "symbol": "circle" if accepted else "x",
        },
        hovertemplate="%{text}<extra></extra>",
    )


def _questions(questions: pd.DataFrame, theme: Theme) -> go.Scatter:
    return go.Scatter(
        x=questions["x"],
        y=questions["y"],
        mode="markers",
        name=Sentence("this set"),
        text=questions["label"],
        customdata=questions["probability"],
        marker={
            "size": 7,
            "color": theme.text,
            "opacity": 0.75,
            "symbol": "circle-open",
            "line": {"width": 1.2},
        },
        hovertemplate=Sentence("%{text}<br>probability %{customdata:.2f}<extra></extra>"),
    )
