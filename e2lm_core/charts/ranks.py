"""Figures of the models' order: ranks over tokens, who beats whom, and how early the order can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.ranks.stability import SEEN
from e2lm_core.base.phrasing import tokens
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.canvas import (
    annotate,
    blank,
    early_window,
    name_lines,
    place_words,
    positions,
    symbol,
    token_axis,
    translucent,
)
from e2lm_core.charts.palette import Theme, dash, hue

AGAINST = "#b35806"  # the end of a diverging scale that is not blue
LARGEST = 22  # pixels: a model that holds its rank in every resample
ROW_PX = 34
NAMES_PX, RANKS_PX = 110, 70  # the room that column heads take
Scale = Literal["rising", "diverging"]


def bump(
    ranks: pd.DataFrame,
    models: Sequence[ModelInfo],
    theme: Theme,
    early_end: float | None = None,
    height: int = 400,
    narrow: bool = False,
) -> go.Figure:
    """Ranks over tokens, 1 on top, from `stability.bump_frame`: the line joins the measured ranks, and the area of
    each dot is the share of the resamples in which the model stands at that rank."""
    by_name = {model.name: model for model in models}
    figure = blank(theme, height, narrow)
    largest = LARGEST * (0.6 if narrow else 1)
    ends: dict[str, float] = {}
    for name, own in ranks.groupby("model", sort=False):
        model = by_name[str(name)]
        colour = theme.line[hue(model)]
        own = own.sort_values("step")
        line = own.drop_duplicates("step")
        figure.add_trace(
            go.Scatter(
                x=positions(line),
                y=line["rank"],
                name=model.short_name,
                mode="lines",
                hoverinfo="skip",
                line={"color": colour, "dash": dash(model), "width": 2.5},
                showlegend=False,
            )
        )
        figure.add_trace(
            go.Scatter(
                x=positions(own),
                y=own["at rank"],
                mode="markers",
                marker={
                    "size": np.maximum(2.0, largest * np.sqrt(own["share"])),
                    "symbol": symbol(model),
                    "color": translucent(colour, 0.6),
                    "line": {"width": 0},
                },
                opacity=0.999,  # below 1: a legend names lines alone
                customdata=list(zip(place_words(own), own["rank"], own["share"], own["value"], strict=True)),
                hovertemplate=f"<b>{model.short_name}</b><br>rank %{{y}} in %{{customdata[2]:.1%}} of resamples"
                "<br>measured: rank %{customdata[1]}, value %{customdata[3]:.3f}"
                "<br>%{customdata[0]}<extra></extra>",
                showlegend=False,
            )
        )
        ends[str(name)] = float(line["rank"].iloc[-1])
    top = max(len(ends), 1)
    figure.update_yaxes(
        range=[top + 0.5, 0.1],
        tickmode="array",
        tickvals=list(range(1, top + 1)),
        title_text="rank (1 is best)",
    )
    token_axis(figure, ranks)
    if early_end is not None:
        early_window(figure, early_end / 1e6, theme)
    name_lines(figure, ends, by_name, (top + 0.5, 0.1), height, theme, narrow)
    return figure


def ink(share: float, theme: Theme, scale: Scale) -> tuple[str, str]:
    """(text, background) of a cell of a heat map: whichever of the theme's text and page colours reads better."""
    if scale == "rising":
        background = _mix(theme.background, theme.line["blue"], share)
    elif share >= 0.5:
        background = _mix(theme.background, theme.line["blue"], 2 * share - 1)
    else:
        background = _mix(theme.background, AGAINST, 1 - 2 * share)
    dark, light = sorted((theme.text, theme.background), key=_luminance)
    black, white = "#000000", "#ffffff"
    best = max((dark, light, black, white), key=lambda colour: _contrast(colour, background))
    return best, background


def share_heatmap(
    table: pd.DataFrame,
    models: Sequence[ModelInfo],
    theme: Theme,
    scale: Scale,
    hover: str,
    x_title: str,
    narrow: bool = False,
) -> go.Figure:
    """Shares in percent as coloured cells with their numbers: one row for each of the column `model`, one column for
    each other (ranks, or models). `hover` may use %{y}, %{x} and %{z}."""
    by_name = {model.name: model.short_name for model in models}
    columns = [c for c in table.columns if c not in ("model", "rank")]
    shares = table[columns].to_numpy(float)
    rows = [by_name[str(name)] for name in table["model"]]
    names = [by_name.get(str(c), str(c)) for c in columns]
    colours = [
        [0.0, ink(0.0, theme, scale)[1]],
        [0.5, ink(0.5, theme, scale)[1]],
        [1.0, ink(1.0, theme, scale)[1]],
    ]
    of_models = set(names) <= set(by_name.values())
    height = ROW_PX * len(rows) + (NAMES_PX if of_models else RANKS_PX)
    figure = blank(theme, height, narrow=True)
    figure.add_trace(
        go.Heatmap(
            z=shares,
            x=names,
            y=rows,
            zmin=0,
            zmax=1,
            colorscale=colours,
            xgap=2,
            ygap=2,
            showscale=False,
            hovertemplate=f"{hover}<extra></extra>",
            hoverongaps=False,
        )
    )
    numbers = [
        {
            "x": column,
            "y": row,
            "text": f"{share:.0%}",
            "showarrow": False,
            "font": {"color": ink(float(share), theme, scale)[0], "size": 10 if narrow else 12.5},
        }
        for row, values in zip(rows, shares, strict=True)
        for column, share in zip(names, values, strict=True)
        if np.isfinite(share) and (of_models or share >= SEEN)
    ]
    annotate(figure, numbers)
    figure.update_xaxes(
        type="category",
        title_text=x_title,
        showgrid=False,
        ticks="",
        side="top",
        tickangle=-45 if of_models else 0,
    )
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, ticks="")
    figure.update_layout(margin={"l": 10, "r": 10, "t": 40, "b": 8})
    return figure


def over_tokens(
    table: pd.DataFrame,
    value: str,
    theme: Theme,
    y_title: str,
    y_range: tuple[float, float],
    line_at: tuple[float, str] | None = None,
    percent: bool = False,
    early_end: float | None = None,
    height: int = 300,
    narrow: bool = False,
) -> go.Figure:
    """One number of the whole fleet over tokens, with the middle 95% of the resamples as a band.

    `table`: step, tokens_seen, the column `value`, and `resamples from` and `to`. `line_at`: a level that means
    something, with its name.
    """
    figure = blank(theme, height, narrow=True)
    spec = ".0%" if percent else ".2f"
    known = table.dropna(subset=["resamples from", "to"])
    x = positions(known)
    colour = theme.line["blue"]
    figure.add_trace(
        go.Scatter(
            x=[*x, *x[::-1]],
            y=[*known["to"], *known["resamples from"][::-1]],
            fill="toself",
            mode="lines",
            fillcolor=translucent(colour, 0.18),
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=positions(table),
            y=table[value],
            mode="lines+markers",
            showlegend=False,
            line={"color": colour, "width": 2},
            marker={"size": 6, "color": colour},
            customdata=list(zip(place_words(table), table["resamples from"], table["to"], strict=True)),
            hovertemplate=f"<b>%{{y:{spec}}}</b><br>95% of resamples: %{{customdata[1]:{spec}}} to "
            f"%{{customdata[2]:{spec}}}<br>%{{customdata[0]}}<extra></extra>",
        )
    )
    if line_at is not None:
        figure.add_hline(y=line_at[0], line={"color": theme.muted, "dash": "dash", "width": 1})
        figure.add_annotation(
            x=0,
            xref="paper",
            xanchor="left",
            y=line_at[0],
            yanchor="bottom",
            text=line_at[1],
            showarrow=False,
            font={"color": theme.muted, "size": 12},
            bgcolor=theme.background,
            opacity=0.85,
        )
    token_axis(figure, table)
    if early_end is not None:
        early_window(figure, early_end / 1e6, theme)
    elif len(table):  # what begins late needs no room before it
        x = positions(table)
        room = 0.06 * float(x.max() - x.min()) or 0.05 * float(x.max()) or 1.0
        figure.update_xaxes(range=[float(x.min()) - room, float(x.max()) + room])
    top = y_range[0] + (y_range[1] - y_range[0]) * 1.12  # room for the window's name above the highest point
    figure.update_yaxes(
        range=[y_range[0], top],
        title_text=y_title,
        tickformat=spec if percent else ".1f",
        tickmode="array",
        tickvals=np.linspace(*y_range, 6 if percent else 5).tolist(),
    )
    return figure


def _mix(one: str, other: str, share: float) -> str:
    parts = [
        round(int(one[i : i + 2], 16) * (1 - share) + int(other[i : i + 2], 16) * share) for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def tau_heatmap(
    tau: np.ndarray, tokens_seen: Sequence[float], theme: Theme, height: int = 420, narrow: bool = False
) -> go.Figure:
    """Kendall's τ_b between the model orders at every two checkpoints, [K, K]; undefined stays empty."""
    labels = [tokens(t) for t in tokens_seen]
    figure = blank(theme, height, narrow=True)
    scale = [[0.0, "#b35806"], [0.5, theme.background], [1.0, theme.line["blue"]]]
    figure.add_trace(
        go.Heatmap(
            z=tau,
            x=labels,
            y=labels,
            zmin=-1,
            zmax=1,
            colorscale=scale,
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": "τ_b"}, "thickness": 10, "outlinewidth": 0, "len": 0.9},
            hovertemplate="%{x} against %{y}: τ_b %{z:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", title_text="tokens seen", showgrid=False, tickangle=-45)
    figure.update_yaxes(type="category", autorange="reversed", title_text="tokens seen", showgrid=False)
    if narrow:  # the caption says what the colours mean
        figure.update_traces(showscale=False)
    figure.update_layout(margin={"l": 50 if narrow else 70, "r": 10, "t": 10, "b": 72})
    return figure
