"""Stacked bars of the Score's components."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis import tables
from e2lm_core.analysis.score.published import PublishedFigures
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import blank_figure, plain
from e2lm_core.charts.marks import segment_trace
from e2lm_core.charts.palette import Theme, text_on_bar, translucent

PART_OPACITY = {"SQ": 1.0, "RC": 0.5, "CS": 0.25}
ROW_PX, AROUND_PX = 74, 76
# In rows: height of a bar, and offsets of the intervals of its components and of the Score.
_BAR, _PART_Y, _WHOLE_Y = 0.5, -0.34, 0.36
# Share of the axis below which a segment has no room for its label.
_MIN_SHARE = {False: 0.075, True: 0.2}


def score_bars(bars: pd.DataFrame, theme: Theme, narrow: bool = False) -> go.Figure:
    """Stacked bars of the Score's components, one row per set in the order of the table.

    A component is grey if it is within the null distribution of random answer keys. Thin lines below a bar
    are the intervals of its components, each about the end of its segment; the thick line above it is the
    interval of the Score. A set with an undefined Score has its defined components, and no end mark.

    Args:
        bars: Tables of `parts.bar_frame`, joined: set, part, value (of the component, from 0 to 1), random,
            and on the scale of the Score start, contribution, low, high, total, total_low, total_high.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    names = list(dict.fromkeys(bars["set"]))
    height = ROW_PX * max(len(names), 1) + AROUND_PX
    figure = blank_figure(theme, height, narrow)
    rows = {name: len(names) - 1 - i for i, name in enumerate(names)}
    for part, segments in bars.groupby("part", sort=False):
        segments = segments.dropna(subset=["contribution"])
        _segments(figure, str(part), segments, [rows[n] for n in segments["set"]], theme, narrow)
        _part_intervals(figure, segments.dropna(subset=["low"]), rows, theme)
    _wholes(figure, bars.drop_duplicates("set"), rows, theme)
    _row_names(figure, rows, theme)
    _axes(figure, "Score = 0.5 SQ + 0.1 RC + 0.4 CS", len(names), narrow)
    return figure


def published_frame(figures: PublishedFigures) -> pd.DataFrame:
    """Published scores as a table, one row per benchmark.

    Columns: benchmark, total, SQ, from SQ (half of it), from RC and CS, source.
    """
    rows = [
        {
            "benchmark": total.name,
            "total": total.total,
            "SQ": total.sq_mean,
            "from SQ": 0.5 * total.sq_mean if total.sq_mean is not None else None,
            "from RC and CS": None if total.sq_mean is None else total.total - 0.5 * total.sq_mean,
            "source": total.source,
        }
        for total in figures.totals
    ]
    rows += [
        {
            "benchmark": mean.benchmark,
            "total": None,
            "SQ": mean.sq_mean,
            "from SQ": 0.5 * mean.sq_mean,
            "from RC and CS": None,
            "source": figures.curve_means_source,
        }
        for mean in figures.curve_means
    ]
    numeric = ["total", "SQ", "from SQ", "from RC and CS"]
    return tables.sentence_table(rows).astype(dict.fromkeys(numeric, float))


def published_bars(published: pd.DataFrame, theme: Theme, narrow: bool = False) -> go.Figure:
    """Bars of the published scores, hatched and grey: their models and hidden checkpoints differ.

    `published` is a table of `published_frame`, one bar per row.
    """
    figure = blank_figure(theme, 27 * len(published) + 64, narrow)
    rows = {name: len(published) - 1 - i for i, name in enumerate(published["benchmark"])}
    y, from_sq = list(rows.values()), published["from SQ"]
    nil = pd.Series(0.0, index=published.index)
    figure.add_trace(_published_segments(published, "from SQ", nil, y, theme.line["grey"], "/"))
    figure.add_trace(_published_segments(published, "from RC and CS", from_sq, y, theme.muted, "."))
    _published_totals(figure, published, y, theme, narrow)
    _row_names(figure, rows, theme, above=False)
    _axes(figure, Sentence("contribution, as published"), len(rows), narrow)
    return figure


def _published_segments(
    published: pd.DataFrame, column: str, start: pd.Series, y: list[int], colour: str, hatching: str
) -> go.Bar:
    return go.Bar(
        x=published[column],
        y=y,
        base=start,
        orientation="h",
        width=0.62,
        name=Sentence(column),
        marker={
            "color": translucent(colour, 0.18),
            "line": {"color": colour, "width": 1},
            "pattern": {"shape": hatching, "fgcolor": colour, "size": 6, "solidity": 0.25},
        },
        customdata=np.stack([published["benchmark"], published["SQ"].round(3)], axis=-1),
        hovertemplate=Sentence(
            "<b>%{{customdata[0]}}</b>, published<br>{column} %{{x:.3f}}<br>SQ "
            "%{{customdata[1]:.3f}}<extra></extra>",
            column=Sentence(column),
        ),
    )


def _published_totals(
    figure: go.Figure, published: pd.DataFrame, y: list[int], theme: Theme, narrow: bool
) -> None:
    """Write the published total behind each bar; its SQ without a published total."""
    for (_, row), place in zip(published.iterrows(), y, strict=True):
        known = np.isfinite(row["total"])
        text = (
            f"{row['total']:.3f}"
            if narrow
            else Sentence("{total} in all, SQ {sq}", total=f"{row['total']:.3f}", sq=f"{row['SQ']:.3f}")
        )
        figure.add_annotation(
            x=row["total"] if known else row["from SQ"],
            y=place,
            xanchor="left",
            xshift=6,
            text=text if known else f"SQ {row['SQ']:.3f}",
            showarrow=False,
            font={"color": theme.muted, "size": 12},
        )


def _segments(
    figure: go.Figure, part: str, bars: pd.DataFrame, y: list[int], theme: Theme, narrow: bool
) -> None:
    opacity = PART_OPACITY[part]
    colours = [theme.line["grey"] if random else theme.accent for random in bars["random"]]
    fill = [translucent(colour, opacity) for colour in colours]
    wide = bars["contribution"] >= _MIN_SHARE[narrow]
    shown = np.where(wide, [f"{part} {c:.3f}" for c in bars["contribution"]], "")
    figure.add_trace(
        go.Bar(
            x=bars["contribution"],
            y=y,
            base=bars["start"],
            orientation="h",
            width=_BAR,
            name=part,
            marker={"color": fill, "line": {"color": theme.background, "width": 1.5}},
            text=shown,
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={"size": 12.5, "color": [text_on_bar(colour, opacity, theme) for colour in colours]},
            customdata=np.stack(
                [
                    bars["set"].map(plain),
                    bars["value"],
                    np.array(
                        [Sentence("<br>like random answers") if random else "" for random in bars["random"]],
                        dtype=object,
                    ),
                ],
                axis=-1,
            ),
            hovertemplate=Sentence(
                "<b>%{{customdata[0]}}</b><br>{part} %{{customdata[1]:.3f}}, of the Score "
                "%{{x:.3f}}%{{customdata[2]}}<extra></extra>",
                part=part,
            ),
        )
    )


def _part_intervals(figure: go.Figure, bars: pd.DataFrame, rows: dict[str, int], theme: Theme) -> None:
    for _, row in bars.iterrows():
        low, high = row["start"] + row["low"], row["start"] + row["high"]
        y = rows[row["set"]] + _PART_Y
        figure.add_trace(
            go.Scatter(
                x=[low, high],
                y=[y, y],
                mode="lines+markers",
                line={"color": theme.muted, "width": 1.6},
                marker={"symbol": "line-ns", "size": 7, "line": {"color": theme.muted, "width": 1.6}},
                hovertemplate=Sentence(
                    "{part} 95%: contributes {low} to {high}<extra></extra>",
                    part=row["part"],
                    low=f"{row['low']:.3f}",
                    high=f"{row['high']:.3f}",
                ),
            )
        )


def _wholes(figure: go.Figure, sets: pd.DataFrame, rows: dict[str, int], theme: Theme) -> None:
    for _, row in sets.iterrows():
        if not np.isfinite(row["total"]):
            continue
        y = rows[row["set"]] + _WHOLE_Y
        if np.isfinite(row["total_low"]):
            ends = [row["total_low"], row["total_high"]]
            hover = Sentence(
                "Score 95%: {low} to {high}<extra></extra>", low=f"{ends[0]:.3f}", high=f"{ends[1]:.3f}"
            )
            figure.add_trace(segment_trace(ends, [y, y], theme.text, 3, hoverinfo=None, hovertemplate=hover))
        figure.add_trace(
            go.Scatter(
                x=[row["total"]],
                y=[y],
                mode="markers",
                marker={"symbol": "diamond", "size": 10, "color": theme.text},
                hovertemplate=f"<b>{plain(row['set'])}</b><br>Score {row['total']:.3f}<extra></extra>",
            )
        )


def _row_names(figure: go.Figure, rows: dict[str, int], theme: Theme, above: bool = True) -> None:
    """Write set names above the start of their bars, where long names need no width, or beside thin bars."""
    if not above:
        figure.update_yaxes(tickmode="array", tickvals=list(rows.values()), ticktext=[*map(plain, rows)])
        return
    figure.update_yaxes(showticklabels=False, ticks="")
    for name, y in rows.items():
        figure.add_annotation(
            x=0,
            y=y + _WHOLE_Y,
            xanchor="left",
            yanchor="middle",
            text=f"<b>{plain(name)}</b>",
            showarrow=False,
            font={"color": theme.text, "size": 13},
        )


def _axes(figure: go.Figure, title: str, rows: int, narrow: bool) -> None:
    figure.update_xaxes(range=[0, 1.02], title_text=title, tickformat=".1f", dtick=0.2 if narrow else 0.1)
    figure.update_yaxes(range=[-0.6, rows - 0.4], showgrid=False)
    figure.update_layout(barmode="overlay", margin={"l": 12, "r": 16, "t": 8, "b": 48})
