"""Imported curves as a figure: models of any name in colours that differ, beside the studio's own runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.canvas import (
    BAND_OPACITY,
    LABEL_GAP_PX,
    LEGEND_ROW_PX,
    MARGIN,
    blank,
    chance_line,
    lines,
    place_words,
    span,
    spread,
    translucent,
)
from e2lm_core.charts.palette import Theme, dash, hue
from e2lm_core.imported.records import SAME_METRIC, lower_is_better

HUES = ("blue", "orange", "green", "purple")  # in the order in which they are given out
DASHES = ("solid", "dash", "dot", "dashdot")
LABEL_CHARS = 26
LABEL_MARGIN_PX = 190
_UNITS = ((1e12, "trillions"), (1e9, "billions"), (1e6, "millions"), (1e3, "thousands"))


@dataclass(frozen=True)
class Look:
    """How a curve is drawn: a colour's name and a dash, no two alike before both are used up."""

    hue: str
    dash: str
    own: bool = False


def looks(imported: Sequence[ModelInfo], own: Sequence[tuple[str, ModelInfo]] = ()) -> dict[str, Look]:
    """By label: models of the studio's own palette keep their colours, all others share out what is left.

    `own` are (label, model) of the studio's runs: of a model that was imported too, in its colour.
    """
    found: dict[str, Look] = {}
    spare = [Look(colour, style) for style in DASHES for colour in HUES]
    for model in imported:
        if _of_palette(model):
            found[model.name] = Look(hue(model), dash(model))
    taken = set(found.values())
    free = [look for look in spare if look not in taken] or spare
    others = [model for model in imported if model.name not in found]
    found |= {model.name: free[place % len(free)] for place, model in enumerate(others)}
    for place, (label, model) in enumerate(own):
        like = found.get(model.name)
        if like is None:
            like = Look(hue(model), dash(model)) if _of_palette(model) else spare[place % len(spare)]
        found[label] = replace(like, own=True)
    return found


def _of_palette(model: ModelInfo) -> bool:
    """Whether size and shape, or being a web-only twin, tell a model's colour and dash on every page."""
    return model.arch in ("arch1", "arch2") or model.twin_of is not None


def imported_curves(
    frame: pd.DataFrame,
    looks_of: Mapping[str, Look],
    metric: str,
    theme: Theme,
    chance: float | None = None,
    height: int = 460,
    narrow: bool = False,
) -> go.Figure:
    """One metric's curves. `frame` in the columns of `imported.scores.curve_frame`, with `low` and `high` where there are
    samples. The studio's own runs have open markers and thin lines."""
    figure = blank(theme, height, narrow)
    known = bool(len(frame)) and bool(frame["tokens_seen"].notna().all())
    unit, name = _unit(float(frame["tokens_seen"].max())) if known else (1.0, "")
    frame = frame.assign(x=frame["tokens_seen"] / unit if known else frame["step"])
    ends: dict[str, float] = {}
    values: list[float] = [] if chance is None else [chance]
    shown = [(label, own) for label, own in lines(frame, metric) if label in looks_of]
    for label, own in shown:
        if "low" in own and own["low"].notna().any():
            figure.add_trace(_band(own.dropna(subset=["low", "high"]), theme, looks_of[label]))
            values += [*own["low"].dropna(), *own["high"].dropna()]
    for label, own in shown:
        figure.add_trace(_curve(own, label, metric, theme, looks_of[label]))
        ends[label] = float(own["value"].iloc[-1])
        values += [*own["value"]]
    low, high = span(values)
    figure.update_yaxes(range=[low, high], title_text=y_title(metric))
    if _share(metric, values):
        figure.update_yaxes(tickformat=".0%" if high - low > 0.08 else ".1%")
    top = float(frame["x"].max()) if len(frame) else 1.0
    first = float(frame["x"].min()) if len(frame) else 0.0
    figure.update_xaxes(
        title_text=f"tokens seen ({name})" if known else "training step",
        range=[0, top * 1.02] if top > first or top > 0 else [-1, 1],
    )
    if chance is not None:
        chance_line(figure, chance, theme)
    _label(figure, ends, (low, high), height, theme, narrow, looks_of)
    return figure


def y_title(metric: str) -> str:
    """The studio's own words for a metric that it knows, else the file's name for it."""
    known = SAME_METRIC.get(metric, metric)
    label = METRIC_LABEL.get(known, metric)
    return f"{label} (lower is better)" if lower_is_better(metric) else label


def _share(metric: str, values: Sequence[float]) -> bool:
    return metric.startswith("acc") and all(0 <= value <= 1 for value in values)


def _unit(largest: float) -> tuple[float, str]:
    return next(((size, name) for size, name in _UNITS if largest >= size), (1.0, "tokens"))


def _band(own: pd.DataFrame, theme: Theme, look: Look) -> go.Scatter:
    return go.Scatter(
        x=[*own["x"], *own["x"][::-1]],
        y=[*own["high"], *own["low"][::-1]],
        fill="toself",
        mode="lines",
        fillcolor=translucent(theme.line[look.hue], BAND_OPACITY),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )


def _curve(own: pd.DataFrame, label: str, metric: str, theme: Theme, look: Look) -> go.Scatter:
    colour = theme.line[look.hue]
    spec = ".1%" if _share(metric, list(own["value"])) else ".4f"
    many = len(own) > 40
    return go.Scatter(
        x=own["x"],
        y=own["value"],
        mode="lines+markers",
        line={"color": colour, "dash": look.dash, "width": 1.2 if look.own else 1.6 if many else 2.0},
        marker={
            "size": 3 if many else 5.5,
            "color": colour,
            "symbol": "circle-open" if look.own else "circle",
        },
        name=_short(label),
        customdata=list(
            zip(
                place_words(own),
                ["" if np.isnan(n) else f"<br>n = {n:.0f} questions" for n in own["n"]],
                strict=True,
            )
        ),
        hovertemplate=f"<b>{_short(label)}</b><br>%{{y:{spec}}}<br>%{{customdata[0]}}%{{customdata[1]}}<extra></extra>",
        showlegend=False,
    )


def _label(
    figure: go.Figure,
    ends: Mapping[str, float],
    y_range: tuple[float, float],
    height: int,
    theme: Theme,
    narrow: bool,
    looks_of: Mapping[str, Look],
) -> None:
    """Names at the lines' ends, moved apart; a legend below where there is no room beside the chart."""
    plot_px = height - MARGIN["t"] - MARGIN["b"]
    if narrow or len(ends) * LABEL_GAP_PX > plot_px:
        for trace in figure.data:
            trace.showlegend = trace.fill is None
        columns = 1 if narrow else 3
        below = LEGEND_ROW_PX * -(-len(ends) // columns)
        figure.update_layout(
            showlegend=True,
            legend={
                "orientation": "h",
                "y": -(MARGIN["b"] + 4) / plot_px,
                "yanchor": "top",
                "x": 0,
                "font": {"size": 11},
                "entrywidthmode": "fraction",
                "entrywidth": 1 / columns,
            },
            height=height + below,
            margin={"b": MARGIN["b"] + below, "r": 16},
        )
        return
    figure.update_layout(margin={"r": LABEL_MARGIN_PX})
    low, high = y_range
    wanted = {label: plot_px * (high - end) / (high - low) for label, end in ends.items()}
    placed = spread(list(wanted.values()), LABEL_GAP_PX, plot_px)
    for (label, at), moved in zip(wanted.items(), placed, strict=True):
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="left",
            xshift=8,
            y=ends[label],
            yanchor="middle",
            yshift=at - moved,
            text=_short(label),
            showarrow=False,
            font={"color": theme.label[looks_of[label].hue], "size": 12},
        )


def _short(label: str) -> str:
    return label if len(label) <= LABEL_CHARS else f"{label[: LABEL_CHARS - 1]}…"
