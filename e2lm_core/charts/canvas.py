"""What all figures are made of: the blank template, a curve, the chance line, the window, names at lines' ends."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.optimize import isotonic_regression

from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.phrasing import tokens
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.palette import Theme, dash, hue, width

FONT = "Inter, -apple-system, 'Segoe UI', sans-serif"
LABEL_GAP_PX = 15
LEGEND_ROW_PX = 21
BAND_OPACITY = 0.15
MARGIN = {"l": 58, "r": 132, "t": 16, "b": 48}


def blank(theme: Theme, height: int, narrow: bool) -> go.Figure:
    """An empty figure in the house's look."""
    layout = _layouts.get((theme.name, narrow))
    if layout is None:
        layout = _layouts[theme.name, narrow] = _checked_layout(theme, narrow)
    # Checked once: plotly's own check takes twenty milliseconds a figure, and a page has six.
    return go.Figure(layout=copy.deepcopy(layout) | {"height": height}, _validate=False)


_layouts: dict[tuple[str, bool], dict] = {}


def _checked_layout(theme: Theme, narrow: bool) -> dict:
    margin = MARGIN | ({"r": 16, "l": 50} if narrow else {})
    axis = {
        "gridcolor": theme.grid,
        "zeroline": False,
        "linecolor": theme.grid,
        "ticks": "outside",
        "tickcolor": theme.grid,
        "tickfont": {"color": theme.muted, "size": 12},
        "title": {"font": {"color": theme.muted, "size": 12.5}, "standoff": 10},
        "automargin": True,
    }
    figure = go.Figure()
    figure.update_layout(
        margin=margin,
        xaxis=axis,
        yaxis=axis,
        showlegend=False,
        hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode=False,
        font={"family": FONT, "color": theme.text, "size": 13},
        hoverlabel={
            "bgcolor": theme.background,
            "bordercolor": theme.muted,
            "align": "left",
            "font": {"family": FONT, "color": theme.text, "size": 12.5},
        },
        legend={"font": {"color": theme.muted, "size": 12}},
    )
    return figure.layout.to_plotly_json()


def lines(frame: pd.DataFrame, metric: str) -> Iterator[tuple[str, pd.DataFrame]]:
    own = frame[(frame["metric"] == metric) & frame["value"].notna()]
    for name, line in own.groupby("model", sort=False):
        yield str(name), line.sort_values("step")


def positions(frame: pd.DataFrame) -> pd.Series:
    """Where points stand: the column `x` of `axes.on_axis`, else tokens in millions, else steps."""
    if "x" in frame:
        return frame["x"]
    return frame["tokens_seen"] / 1e6 if frame["tokens_seen"].notna().all() else frame["step"]


def place_words(frame: pd.DataFrame) -> list[str]:
    """Each point's checkpoint, as a hover names it."""
    return [
        f"step {step:,}" if np.isnan(seen) else f"{tokens(seen)} tokens, step {step:,}"
        for step, seen in zip(frame["step"], frame["tokens_seen"].astype(float), strict=True)
    ]


def token_axis(figure: go.Figure, frame: pd.DataFrame, axis: Axis | None = None) -> None:
    """Names the x axis and holds it still: from 0, or over the data where it is logarithmic."""
    known = frame["tokens_seen"].notna().all() if len(frame) else True
    title = axis.title if axis else "tokens seen (millions)" if known else "training step"
    values = positions(frame)
    top = float(values.max()) if len(frame) else 1.0
    if axis and axis.log and len(frame):
        low, high = float(values.min()), top
        room = 0.02 * math.log10(high / low) or 0.1
        figure.update_xaxes(  # at the left, room for the name of the chance line
            title_text=title,
            type="log",
            range=[math.log10(low) - 6 * room, math.log10(high) + room],
            tickmode="array",
            **log_ticks(low, high),
        )
        return
    figure.update_xaxes(title_text=title, range=[0, top * 1.02])


def log_ticks(low: float, high: float) -> dict[str, list]:
    """Ticks of a logarithmic axis, written out: 1, 2, 5 of each decade, or powers of ten where there are many."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 1000 else (1,)
    values = [step * 10.0**decade for decade in decades for step in steps]
    return {"tickvals": values, "ticktext": [f"{value:,.10g}" for value in values]}


def band(own: pd.DataFrame, model: ModelInfo, theme: Theme) -> go.Scatter:
    """The interval of every point of a line, its columns `low` and `high`, as an area behind it."""
    x = positions(own)
    return go.Scatter(
        x=[*x, *x[::-1]],
        y=[*own["high"], *own["low"][::-1]],
        fill="toself",
        fillcolor=translucent(theme.line[hue(model)], BAND_OPACITY),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        name=f"{model.short_name}, 95%",
        mode="lines",
    )


def translucent(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def curve(
    own: pd.DataFrame, model: ModelInfo, metric: str, theme: Theme, faint: bool = False, under: bool = False
) -> go.Scatter:
    """A model's points, joined. `faint`: an older version of the set; `under`: a smoothed line lies over them."""
    colour = theme.line[hue(model)]
    spec = ".1%" if metric in ("acc", "acc_norm") else ".3f"
    value = f"%{{y:{spec}}}"
    known = [own["n"], place_words(own)]
    if "low" in own:
        known += [own["low"], own["high"]]
        value += f" [%{{customdata[2]:{spec}}}, %{{customdata[3]:{spec}}}]"
    return go.Scatter(
        x=positions(own),
        y=own["value"],
        mode="lines" if faint else "lines+markers",
        line={"color": colour, "dash": dash(model), "width": 0.8 if under else width(model)},
        marker={"size": 5.5, "color": colour, "symbol": symbol(model)},
        opacity=0.28 if faint else 0.6 if under else 1.0,
        name=model.short_name,
        customdata=list(zip(*known, strict=True)),
        hovertemplate=None
        if faint
        else f"<b>{model.short_name}</b><br>{value}<br>%{{customdata[1]}}<br>"
        "n = %{customdata[0]:.0f} questions<extra></extra>",
        hoverinfo="skip" if faint else None,
        showlegend=False,
    )


def smooth_line(own: pd.DataFrame, model: ModelInfo, theme: Theme) -> go.Scatter:
    """A smoothed line over the points that it was made of."""
    return go.Scatter(
        x=positions(own),
        y=own["value"],
        mode="lines",
        line={"color": theme.line[hue(model)], "dash": dash(model), "width": width(model) + 0.6},
        name=model.short_name,
        hoverinfo="skip",
        showlegend=False,
    )


def symbol(model: ModelInfo) -> str:
    if model.role == "web":
        return "diamond"
    return "square" if model.arch == "arch2" else "circle"


def span(values: Sequence[float]) -> tuple[float, float]:
    finite = [v for v in values if np.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * 0.06 or 0.05
    return low - room, high + room


def y_title(metric: str) -> str:
    label = METRIC_LABEL[metric]
    return f"{label} (lower is better)" if metric == "bpb" else label


def chance_line(figure: go.Figure, chance: float, theme: Theme, below: bool = False) -> None:
    """The name stands at the left, before the first checkpoint; `below` the line where curves begin at once."""
    figure.add_hline(y=chance, line={"color": theme.muted, "dash": "dash", "width": 1})
    figure.add_annotation(
        x=0,
        xref="paper",
        xanchor="left",
        y=chance,
        yanchor="top" if below else "bottom",
        text=f"chance {chance:.0%}",
        showarrow=False,
        font={"color": theme.muted, "size": 12},
        bgcolor=theme.background,
        opacity=0.85,
        borderpad=1,
    )


def early_window(figure: go.Figure, end: float, theme: Theme, log: bool = False) -> None:
    """Shades x up to `end`. On a logarithmic axis, 0 is nowhere, and annotations stand at the logarithm."""
    start = end / 1e9 if log else 0
    figure.add_vrect(x0=start, x1=end, fillcolor=theme.window, line_width=0, layer="below")
    figure.add_annotation(
        x=math.log10(end) if log else end,
        xanchor="right",
        y=1,
        yref="paper",
        yanchor="top",
        text="early window",
        showarrow=False,
        font={"color": theme.muted, "size": 12},
        bgcolor=theme.background,
        opacity=0.85,
        borderpad=1,
    )


def name_lines(
    figure: go.Figure,
    ends: Mapping[str, float],
    models: Mapping[str, ModelInfo],
    y_range: tuple[float, float],
    height: int,
    theme: Theme,
    narrow: bool,
    columns: int = 2,
) -> None:
    """Labels in the right margin, moved apart until LABEL_GAP_PX lies between neighbours.

    On a narrow screen the margin is gone, so a legend below takes over, of two `columns` on a phone.
    """
    if narrow:
        for trace in figure.data:
            trace.showlegend = trace.fill is None and trace.opacity in (
                None,
                1.0,
            )  # neither bands nor old lines
        below = LEGEND_ROW_PX * math.ceil(len(ends) / columns)
        plot = height - MARGIN["t"] - MARGIN["b"]
        figure.update_layout(
            showlegend=True,
            legend={
                "orientation": "h",
                "y": -(MARGIN["b"] + 4) / plot,
                "yanchor": "top",
                "x": 0,
                "font": {"size": 11},
                "entrywidthmode": "fraction",
                "entrywidth": 1 / columns,
            },
            height=height + below,
            margin={"b": MARGIN["b"] + below},
        )
        return
    plot_px = height - MARGIN["t"] - MARGIN["b"]
    low, high = y_range
    wanted = {name: plot_px * (high - end) / (high - low) for name, end in ends.items()}
    placed = spread(list(wanted.values()), LABEL_GAP_PX, plot_px)
    labels = [
        {
            "x": 1,
            "xref": "paper",
            "xanchor": "left",
            "xshift": 8,
            "y": ends[name],
            "yanchor": "middle",
            "yshift": at - moved,
            "text": models[name].short_name,
            "showarrow": False,
            "font": {"color": theme.label[hue(models[name])], "size": 12},
        }
        for (name, at), moved in zip(wanted.items(), placed, strict=True)
    ]
    annotate(figure, labels)


def annotate(figure: go.Figure, annotations: Sequence[Mapping[str, object]]) -> None:
    """All at once: each `add_annotation` has plotly look at every earlier one again."""
    figure.layout.annotations = (*figure.layout.annotations, *annotations)


def spread(positions: Sequence[float], gap: float, length: float) -> list[float]:
    """Positions moved as little as needed so that neighbours are `gap` apart, in [0, length] if they fit.

    With u the position less the gaps of those before it, "in order and a gap apart" is "u does not fall".
    """
    if not positions:
        return []
    order = np.argsort(positions, kind="stable")
    gaps = gap * np.arange(len(positions))
    rising = isotonic_regression(np.asarray(positions, float)[order] - gaps).x
    placed = np.empty(len(positions))
    placed[order] = np.clip(rising, 0.0, max(0.0, length - gaps[-1])) + gaps
    return placed.tolist()


CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["toImage", "resetScale2d"]],
    "toImageButtonOptions": {"scale": 2},
}
