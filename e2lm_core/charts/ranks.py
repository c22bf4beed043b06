"""Charts of rankings: ranks over tokens, win matrix, tau matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.ranks.stability import SEEN
from e2lm_core.base.formatting import tokens
from e2lm_core.base.records import ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import blank_figure, checkpoint_labels, positions, token_axis, window_end
from e2lm_core.charts.marks import (
    area_trace,
    early_window,
    label_ends,
    legend_below,
    level_line,
    model_end,
)
from e2lm_core.charts.palette import AGAINST, Look, Scale, Theme, assign_looks, text_on_cell, translucent

# Size in pixels of the dot of probability 1, on a wide screen and on a narrow one.
LARGEST = {False: 22, True: 22 * 0.6}
ROW_PX = 34
# Largest number of dots: each is an element of its own in the browser, and more could not be distinguished.
MAX_DOTS = 3_000
# Height of the column heads in pixels; names of models are written at an angle.
NAMES_PX, RANKS_PX = 110, 70
# Largest number of columns with a number in each cell and full heads; hovers and tables have more numbers.
NUMBERED = 10
# Share of the y axis above the highest point, for the name of the early window.
HEADROOM = 0.12


# --- ranks over tokens ----------------------------------------------------------------------------------


def bump(
    ranks: pd.DataFrame,
    models: Sequence[ModelInfo],
    theme: Theme,
    early_end: float | None = None,
    narrow: bool = False,
) -> go.Figure:
    """Chart of ranks over tokens, 1 on top, with the probability of each rank over the resamples.

    The line joins the measured ranks, and the area of a dot is the probability of that rank; of more than
    `MAX_DOTS` dots the largest are drawn.

    Args:
        ranks: Table of `stability.bump_frame`: model, step, tokens_seen, rank, value, `at rank` and its
            share.
        models: All models of the set, those of the table among them.
        theme: Colours.
        early_end: Last tokens_seen of the early window; None without one.
        narrow: Draw for a narrow screen.
    """
    by_name, looks = {model.name: model for model in models}, assign_looks(models)
    figure = blank_figure(theme, 400, narrow)
    ends = []
    least = 0.0 if len(ranks) <= MAX_DOTS else float(np.sort(ranks["share"])[-MAX_DOTS])
    for name, points in ranks.groupby("model", sort=False):
        model, look, dots = by_name[str(name)], looks[str(name)], points.sort_values("step")
        line, dots = dots.drop_duplicates("step"), dots[dots["share"] >= least]
        drawn = _rank_line(line, model, look, theme), _rank_dots(dots, model, look, theme, LARGEST[narrow])
        figure.add_traces(list(drawn))
        ends.append(model_end(float(line["rank"].iloc[-1]), model, look, theme))
    lowest = max(len(ends), 1)
    figure.update_yaxes(
        range=[lowest + 0.5, 0.1],
        tickmode="array",
        tickvals=list(range(1, lowest + 1)),
        title_text=Sentence("rank (1 is best)"),
    )
    token_axis(figure, ranks)
    early_window(figure, window_end(early_end), theme)
    if narrow:
        legend_below(figure, len(ends), columns=2)
    else:
        label_ends(figure, ends)
    return figure


def _rank_line(points: pd.DataFrame, model: ModelInfo, look: Look, theme: Theme) -> go.Scatter:
    return go.Scatter(
        x=positions(points),
        y=points["rank"],
        name=model.short_name,
        mode="lines",
        hoverinfo="skip",
        line={"color": theme.line[look.hue], "dash": look.dash, "width": 2.5},
    )


def _rank_dots(
    points: pd.DataFrame, model: ModelInfo, look: Look, theme: Theme, largest: float
) -> go.Scatter:
    columns = (checkpoint_labels(points), points["rank"], points["share"], points["value"])
    return go.Scatter(
        x=positions(points),
        y=points["at rank"],
        mode="markers",
        marker={
            "size": np.maximum(2.0, largest * np.sqrt(points["share"])),
            "symbol": look.symbol,
            "color": translucent(theme.line[look.hue], 0.6),
            "line": {"width": 0},
        },
        meta=model.short_name,
        # The opacity is below 1, since a legend names fully drawn traces, and only lines belong there.
        opacity=0.999,
        customdata=list(zip(*columns, strict=True)),
        hovertemplate=Sentence(
            "<b>{model}</b><br>rank %{{y}} in %{{customdata[2]:.1%}} of resamples"
            "<br>measured: rank %{{customdata[1]}}, value %{{customdata[3]:.3f}}"
            "<br>%{{customdata[0]}}<extra></extra>",
            model=model.short_name,
        ),
    )


# --- shares of resamples --------------------------------------------------------------------------------


def share_heatmap(
    table: pd.DataFrame,
    models: Sequence[ModelInfo],
    theme: Theme,
    scale: Scale,
    hover: str,
    x_title: str,
    narrow: bool = False,
) -> go.Figure:
    """Heat map of shares of resamples, with their numbers in percent if there are few columns.

    One row per value of the column `model`, one column for each other (ranks or models).

    Args:
        table: Table of `stability.share_table` or `stability.win_table`.
        models: Models of the table.
        theme: Colours.
        scale: Colour scale.
        hover: Text of the hover, with %{y}, %{x} and %{z}.
        x_title: Title of the x axis.
        narrow: Draw for a narrow screen.
    """
    by_name = {model.name: model.short_name for model in models}
    shares = table.drop(columns=["model", "rank"], errors="ignore")
    shares = shares.set_axis([by_name.get(str(c), str(c)) for c in shares.columns], axis=1)
    shares = shares.astype(float).set_axis([by_name[str(name)] for name in table["model"]], axis=0)
    of_models = set(shares.columns) <= set(by_name.values())
    figure = blank_figure(theme, ROW_PX * len(shares) + (NAMES_PX if of_models else RANKS_PX), narrow=True)
    figure.add_trace(_cells(shares, theme, scale, hover))
    few = shares.shape[1] <= NUMBERED
    if few:
        figure.add_trace(_numbers(shares, theme, scale, 0.0 if of_models else SEEN, 10 if narrow else 12.5))
    figure.update_xaxes(
        type="category",
        title_text=x_title,
        showgrid=False,
        ticks="",
        side="top",
        tickangle=-45 if of_models else 0,
        tickvals=list(shares.columns),
        ticktext=[
            c
            if of_models
            else Sentence("rank {rank}", rank=c.removeprefix("rank "))
            if few
            else c.removeprefix("rank ")
            for c in shares.columns
        ],
    )
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, ticks="")
    figure.update_layout(margin={"l": 10, "r": 45 if of_models else 10, "t": 40, "b": 8})  # for slanted names
    return figure


def _cells(shares: pd.DataFrame, theme: Theme, scale: Scale, hover: str) -> go.Heatmap:
    return go.Heatmap(
        z=shares.to_numpy(),
        x=list(shares.columns),
        y=list(shares.index),
        zmin=0,
        zmax=1,
        colorscale=[[share, text_on_cell(share, theme, scale)[1]] for share in (0.0, 0.5, 1.0)],
        xgap=2,
        ygap=2,
        showscale=False,
        hovertemplate=hover,
        hoverongaps=False,
    )


def _numbers(shares: pd.DataFrame, theme: Theme, scale: Scale, least: float, size: float) -> go.Scatter:
    """Numbers of the cells with at least `least`, in a colour readable on each cell.

    They are one trace, since hundreds of annotations would each be measured and laid out by themselves.
    """
    told = [
        (column, row, float(share))
        for row, values in zip(shares.index, shares.to_numpy(), strict=True)
        for column, share in zip(shares.columns, values, strict=True)
        if np.isfinite(share) and share >= least
    ]
    return go.Scatter(
        x=[column for column, _, _ in told],
        y=[row for _, row, _ in told],
        text=[f"{share:.0%}" for _, _, share in told],
        mode="text",
        textfont={"color": [text_on_cell(share, theme, scale)[0] for _, _, share in told], "size": size},
        hoverinfo="skip",
    )


def tau_heatmap(
    tau: np.ndarray, tokens_seen: Sequence[float], theme: Theme, narrow: bool = False
) -> go.Figure:
    """Heat map of Kendall's τ_b between the model orders at every two checkpoints.

    Args:
        tau: τ_b [T, T] in [-1, 1]; NaN stays empty.
        tokens_seen: Tokens [T] of the checkpoints.
        theme: Colours.
        narrow: Draw for a narrow screen, without a colour bar.
    """
    labels = [tokens(t) for t in tokens_seen]
    figure = blank_figure(theme, 420, narrow=True)
    figure.add_trace(
        go.Heatmap(
            z=tau,
            x=labels,
            y=labels,
            zmin=-1,
            zmax=1,
            colorscale=[[0.0, AGAINST], [0.5, theme.background], [1.0, theme.line["blue"]]],
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": "τ_b"}, "thickness": 10, "outlinewidth": 0, "len": 0.9},
            hovertemplate=Sentence("%{x} against %{y}: τ_b %{z:.2f}<extra></extra>"),
        )
    )
    figure.update_xaxes(type="category", title_text=Sentence("tokens seen"), showgrid=False, tickangle=-45)
    figure.update_yaxes(
        type="category", autorange="reversed", title_text=Sentence("tokens seen"), showgrid=False
    )
    if narrow:
        # The caption explains the colours.
        figure.update_traces(showscale=False)
    figure.update_layout(margin={"l": 50 if narrow else 70, "r": 10 if narrow else 86, "t": 10, "b": 72})
    return figure


# --- one number over tokens -----------------------------------------------------------------------------


def over_tokens(
    table: pd.DataFrame,
    value: str,
    theme: Theme,
    y_range: tuple[float, float],
    level: tuple[float, str] | None = None,
    percent: bool = False,
    early_end: float | None = None,
) -> go.Figure:
    """Chart of one number of the whole fleet over tokens, with the middle 95% of the resamples as a band.

    Args:
        table: Table of `stability.tau_table` or `stability.decision_table`: step, tokens_seen, `value`,
            resamples from, to.
        value: Column of the number, also the title of the y axis.
        theme: Colours.
        y_range: Range of the y axis.
        level: Reference level and its name; None without one.
        percent: Show the number in percent.
        early_end: Last tokens_seen of the early window; None without one.
    """
    figure = blank_figure(theme, 300, narrow=True)
    spec = ".0%" if percent else ".2f"
    colour = theme.line["blue"]
    known = table.dropna(subset=["resamples from", "to"])
    figure.add_trace(area_trace(positions(known), known["resamples from"], known["to"], colour, 0.18))
    figure.add_trace(_number_line(table, value, colour, spec))
    if level is not None:
        level_line(figure, *level, theme)
    token_axis(figure, table)
    if early_end is None and len(table):
        _begin_late(figure, positions(table))
    early_window(figure, window_end(early_end), theme)
    low, high = y_range
    figure.update_yaxes(
        range=[low, low + (high - low) * (1 + HEADROOM)],
        title_text=Sentence(value),
        tickformat=spec if percent else ".1f",
        tickmode="array",
        tickvals=np.linspace(low, high, 6 if percent else 5).tolist(),
    )
    return figure


def _number_line(table: pd.DataFrame, value: str, colour: str, spec: str) -> go.Scatter:
    return go.Scatter(
        x=positions(table),
        y=table[value],
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 6, "color": colour},
        customdata=list(zip(checkpoint_labels(table), table["resamples from"], table["to"], strict=True)),
        hovertemplate=Sentence(
            "<b>%{{y:{spec}}}</b><br>95% of resamples: %{{customdata[1]:{spec}}} to "
            "%{{customdata[2]:{spec}}}<br>%{{customdata[0]}}<extra></extra>",
            spec=spec,
        ),
    )


def _begin_late(figure: go.Figure, x: pd.Series) -> None:
    """Begin the x axis near the first checkpoint instead of at 0."""
    first, last = float(x.min()), float(x.max())
    room = 0.06 * (last - first) or 0.05 * last or 1.0
    figure.update_xaxes(range=[first - room, last + room])
