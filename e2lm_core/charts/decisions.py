"""Charts of who is ahead at the end: probability over tokens, certainty of a set, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.decisions.outlook import LEVELS, Certainty
from e2lm_core.analysis.decisions.probability import Reliability
from e2lm_core.base import formatting
from e2lm_core.base.records import ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import blank_figure, checkpoint_labels, positions, token_axis
from e2lm_core.charts.marks import area_trace, legend_below, level_line, reference_line
from e2lm_core.charts.palette import Look, Theme

COIN = 0.5
REACHED = Sentence("level reached")
# Colours of the families that were left out, in the order of the study.
HUES = ("blue", "green", "purple", "orange")
DASHES = ("solid", "dash", "dot")
MAX_BESIDE = len(HUES) * len(DASHES)


def outlook_curve(
    frame: pd.DataFrame, model: ModelInfo, look: Look, theme: Theme, narrow: bool = False
) -> go.Figure:
    """Chart of the probability that a model is ahead at the end, over tokens, with what public curves allow.

    Args:
        frame: Table of `messages.outlook_frame`: step, tokens_seen, share, probability, low, high; NaN where not known.
        model: The model whose probability it is.
        look: Its look.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    colour = theme.line[look.hue]
    figure = blank_figure(theme, 380, narrow)
    known = frame[frame["probability"].notna()]
    figure.add_trace(area_trace(positions(known), known["low"], known["high"], colour))
    figure.add_trace(
        go.Scatter(
            x=positions(frame),
            y=frame["probability"],
            mode="lines+markers",
            line={"color": colour, "dash": look.dash, "width": 2.5},
            marker={"color": colour, "size": 6, "symbol": look.symbol},
            customdata=list(zip(checkpoint_labels(frame), frame["share"], strict=True)),
            hovertemplate=Sentence(
                "<b>{model}</b><br>ahead at the end with %{{y:.1%}}"
                "<br>%{{customdata[0]}}, %{{customdata[1]:.0%}} of training<extra></extra>",
                model=model.short_name,
            ),
        )
    )
    _levels(figure, (COIN, *LEVELS), theme)
    token_axis(figure, frame)
    figure.update_yaxes(
        range=[-0.02, 1.04],
        tickformat=".0%",
        title_text=Sentence("{model} ahead at the end", model=model.short_name),
    )
    figure.update_layout(margin={"r": 16})
    return figure


def certainty_curve(
    certainty: Certainty, theme: Theme, narrow: bool = False, beside: Mapping[str, Certainty] | None = None
) -> go.Figure:
    """Chart of a set's mean probability of the likelier model over shares of training; a diamond at each level.

    Args:
        certainty: Certainty over the pairs.
        theme: Colours.
        narrow: Draw for a narrow screen.
        beside: Certainty of public benchmarks by name, a thin line each, over shares of their own training.
    """
    figure = blank_figure(theme, 380, narrow)
    for number, (name, of) in enumerate((beside or {}).items()):
        figure.add_trace(
            go.Scatter(
                x=of.shares,
                y=of.means,
                mode="lines",
                name=name,
                line={
                    "color": theme.line[HUES[number % len(HUES)]],
                    "width": 1.5,
                    "dash": DASHES[number // len(HUES)],
                },
                customdata=[formatting.tokens(tokens) for tokens in of.tokens_seen],
                hovertemplate=Sentence(
                    "<b>{name}</b><br>%{{y:.1%}} in the mean<br>%{{customdata}} tokens, %{{x:.0%}} of training"
                    "<extra></extra>",
                    name=name,
                ),
            )
        )
    figure.add_trace(
        go.Scatter(
            x=certainty.shares,
            y=certainty.means,
            mode="lines+markers",
            name=Sentence("this set"),
            line={"color": theme.accent, "width": 2.5},
            marker={"color": theme.accent, "size": 6},
            customdata=certainty.known,
            hovertemplate=Sentence(
                "%{{y:.1%}} in the mean<br>%{{customdata}} of {pairs} pairs known<br>%{{x:.0%}} of training<extra></extra>",
                pairs=certainty.pairs,
            ),
        )
    )
    reached = [stop for stop in certainty.stops if stop.share is not None]
    heights = [
        certainty.means[certainty.shares.index(stop.share)] for stop in reached if stop.share is not None
    ]
    figure.add_trace(
        go.Scatter(
            x=[stop.share for stop in reached],
            y=heights,
            mode="markers",
            marker={"symbol": "diamond", "size": 13, "color": theme.text},
            hoverinfo="skip",
            name=REACHED,
        )
    )
    _levels(figure, LEVELS, theme)
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", title_text=Sentence("share of training"))
    figure.update_yaxes(
        range=[0.48, 1.02],
        tickformat=".0%",
        title_text=Sentence("mean probability of the likelier model"),
    )
    figure.update_layout(margin={"r": 16})
    if beside:
        legend_below(figure, len(beside) + 1, columns=1 if narrow else 3, without=(REACHED,))
    return figure


def reliability(bands: Sequence[Reliability], theme: Theme, narrow: bool = False) -> go.Figure:
    """Chart of what was right against what was stated, a line for each family that was left out.

    Bars are two standard errors over resampled models, within 0 and 1; the dashed line is right as stated.

    Args:
        bands: Bands of the study, by family.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    figure = blank_figure(theme, 400, narrow)
    figure.add_trace(
        go.Scatter(
            x=[COIN, 1],
            y=[COIN, 1],
            mode="lines",
            line=reference_line(theme),
            hoverinfo="skip",
            name=Sentence("right as stated"),
        )
    )
    families = list(dict.fromkeys(of.left_out for of in bands))
    for number, family in enumerate(families):
        own = [of for of in bands if of.left_out == family]
        colour = theme.line[HUES[number % len(HUES)]]
        figure.add_trace(
            go.Scatter(
                x=[of.stated for of in own],
                y=[of.right for of in own],
                error_y={
                    "array": [min(2 * of.error, 1 - of.right) for of in own],
                    "arrayminus": [min(2 * of.error, of.right) for of in own],
                    "color": colour,
                    "thickness": 1,
                    "width": 3,
                },
                mode="lines+markers",
                name=family,
                line={"color": colour, "width": 2},
                marker={"color": colour, "size": 7},
                customdata=[(of.decisions, of.models) for of in own],
                hovertemplate=Sentence(
                    "<b>{family}</b><br>stated %{{x:.1%}}, right %{{y:.1%}}"
                    "<br>%{{customdata[0]:,}} decisions of %{{customdata[1]}} models<extra></extra>",
                    family=family,
                ),
            )
        )
    figure.update_xaxes(range=[0.48, 1.02], tickformat=".0%", title_text=Sentence("stated"))
    figure.update_yaxes(range=[-0.02, 1.04], tickformat=".0%", title_text=Sentence("right"))
    figure.update_layout(margin={"r": 16})
    legend_below(figure, len(families) + 1, columns=1 if narrow else 3)
    return figure


def _levels(figure: go.Figure, levels: Sequence[float], theme: Theme) -> None:
    for level in levels:
        level_line(figure, level, f"{level:.0%}", theme)
