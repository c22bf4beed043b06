"""Plotly figures from frames, all on one template; nothing here computes a score.

x is tokens seen in millions (steps where a family records no tokens); the chance line and the early window
are always drawn; models are labelled at the line's end in its own colour, nudged so that none overlaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from .palette import Theme, dash, hue, short_name, width
from .records import ModelInfo
from .phrasing import METRIC_LABEL, tokens

FONT = "Inter, -apple-system, 'Segoe UI', sans-serif"
LABEL_GAP_PX = 15
MARGIN = {"l": 58, "r": 132, "t": 16, "b": 48}
CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["toImage", "resetScale2d"]],
    "toImageButtonOptions": {"scale": 2},
}


def learning_curves(
    frame: pd.DataFrame,
    models: Sequence[ModelInfo],
    metric: str,
    theme: Theme,
    chance: float | None = None,
    early_end: float | None = None,
    before: pd.DataFrame | None = None,
    height: int = 420,
    narrow: bool = False,
) -> go.Figure:
    """One metric's curves. `frame` as `analysis.curve_frame` gives it; `before` is drawn faint behind.

    `early_end` is the early window's last tokens_seen. An incomplete checkpoint has no marker.
    """
    by_name = {model.name: model for model in models}
    figure = _figure(theme, height, narrow)
    if before is not None:
        for name, own in _lines(before, metric):
            if name in by_name:
                figure.add_trace(_line(own, by_name[name], metric, theme, faint=True))
    ends: dict[str, float] = {}
    values = []
    for name, own in _lines(frame, metric):
        if name in by_name and len(own):
            figure.add_trace(_line(own, by_name[name], metric, theme))
            ends[name] = float(own["value"].iloc[-1])
            values.extend(own["value"])
    shown = [*values, *([chance] if chance is not None else [])]
    low, high = _range(shown)
    figure.update_yaxes(range=[low, high], title_text=_y_title(metric))
    if metric in ("acc", "acc_norm"):
        figure.update_yaxes(tickformat=".0%")
    _x_axis(figure, frame)
    if chance is not None:
        _chance(figure, chance, theme, narrow)
    if early_end is not None:
        _window(figure, early_end / 1e6, theme)
    _end_labels(figure, ends, by_name, (low, high), height, theme, narrow)
    return figure


def bump(
    ranks: pd.DataFrame,
    models: Sequence[ModelInfo],
    theme: Theme,
    early_end: float | None = None,
    height: int = 380,
    narrow: bool = False,
) -> go.Figure:
    """Ranks over tokens, 1 on top; `ranks` as `analysis.rank_frame` gives it."""
    by_name = {model.name: model for model in models}
    figure = _figure(theme, height, narrow)
    ends: dict[str, float] = {}
    for name, own in ranks.groupby("model", sort=False):
        model = by_name[str(name)]
        own = own.sort_values("step")
        figure.add_trace(
            go.Scatter(
                x=_x(own),
                y=own["rank"],
                mode="lines+markers",
                line={"color": theme.line[hue(model)], "dash": dash(model), "width": 3},
                marker={"size": 10, "color": theme.line[hue(model)], "symbol": _symbol(model)},
                customdata=np.stack([own["step"], own["value"]], axis=-1),
                hovertemplate=f"<b>{short_name(model)}</b><br>rank %{{y}}<br>%{{x:.2f}} M tokens, step "
                "%{customdata[0]:.0f}<br>value %{customdata[1]:.3f}<extra></extra>",
                showlegend=False,
            )
        )
        ends[str(name)] = float(own["rank"].iloc[-1])
    top = max(len(ends), 1)
    figure.update_yaxes(
        range=[top + 0.5, 0.5],
        tickmode="array",
        tickvals=list(range(1, top + 1)),
        title_text="rank (1 is best)",
    )
    _x_axis(figure, ranks)
    if early_end is not None:
        _window(figure, early_end / 1e6, theme)
    _end_labels(figure, ends, by_name, (top + 0.5, 0.5), height, theme, narrow)
    return figure


def tau_heatmap(tau: np.ndarray, tokens_seen: Sequence[float], theme: Theme, height: int = 420) -> go.Figure:
    """Kendall's τ_b between the model orders at every two checkpoints, [K, K]; undefined stays empty."""
    labels = [tokens(t) for t in tokens_seen]
    figure = _figure(theme, height, narrow=True)
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
    figure.update_layout(margin={"l": 70, "r": 10, "t": 10, "b": 72})
    return figure


def probability_histogram(
    probability: np.ndarray, theme: Theme, accepted_from: float = 0.5, height: int = 280
) -> go.Figure:
    """How many questions the relevance model gives which probability, in twentieths."""
    counts, edges = np.histogram(probability, bins=20, range=(0, 1))
    centres = (edges[:-1] + edges[1:]) / 2
    colours = [theme.line["blue"] if c >= accepted_from else theme.line["orange"] for c in centres]
    figure = _figure(theme, height, narrow=True)
    figure.add_trace(
        go.Bar(
            x=centres,
            y=counts,
            width=0.046,
            marker={"color": colours, "line": {"width": 0}},
            customdata=np.stack([edges[:-1], edges[1:]], axis=-1),
            hovertemplate="%{y} questions at %{customdata[0]:.2f}–%{customdata[1]:.2f}<extra></extra>",
        )
    )
    figure.add_vline(x=accepted_from, line={"color": theme.muted, "dash": "dash", "width": 1})
    figure.add_annotation(
        x=accepted_from, y=1, yref="paper", yanchor="bottom", text="accepted from here →", xanchor="left",
        showarrow=False, font={"color": theme.muted, "size": 12},
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1], title_text="probability that the rubric accepts the question")
    figure.update_yaxes(title_text="questions", rangemode="tozero")
    figure.update_layout(bargap=0, margin={"l": 58, "r": 16, "t": 26, "b": 48})
    return figure


def relevance_map(
    questions: pd.DataFrame, exemplars: pd.DataFrame, theme: Theme, height: int = 460
) -> go.Figure:
    """The set among the exemplars, in the plane.

    `questions`: x, y, probability, label. `exemplars`: x, y, accepted, label.
    """
    figure = _figure(theme, height, narrow=True)
    for accepted, name in ((True, "exemplar, accepted"), (False, "exemplar, rejected")):
        own = exemplars[exemplars["accepted"] == accepted]
        figure.add_trace(
            go.Scatter(
                x=own["x"], y=own["y"], mode="markers", name=name, text=own["label"],
                marker={
                    "size": 6, "color": theme.line["blue" if accepted else "orange"], "opacity": 0.35,
                    "symbol": "circle" if accepted else "x-thin-open",
                },
                hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=questions["x"], y=questions["y"], mode="markers", name="this set", text=questions["label"],
            customdata=questions["probability"],
            marker={"size": 8, "color": theme.text, "line": {"width": 1, "color": theme.background}},
            hovertemplate="%{text}<br>probability %{customdata:.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 40}, showlegend=True,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0},
    )  # fmt: skip
    return figure


# --- parts --------------------------------------------------------------------------------------------


def _figure(theme: Theme, height: int, narrow: bool) -> go.Figure:
    margin = MARGIN | ({"r": 16, "l": 50} if narrow else {})
    axis = {
        "gridcolor": theme.grid, "zeroline": False, "linecolor": theme.grid, "ticks": "outside",
        "tickcolor": theme.grid, "tickfont": {"color": theme.muted, "size": 12},
        "title": {"font": {"color": theme.muted, "size": 12.5}, "standoff": 10}, "automargin": True,
    }  # fmt: skip
    figure = go.Figure()
    figure.update_layout(
        height=height, margin=margin, xaxis=axis, yaxis=axis, showlegend=False, hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", dragmode=False,
        font={"family": FONT, "color": theme.text, "size": 13},
        hoverlabel={
            "bgcolor": theme.background, "bordercolor": theme.muted, "align": "left",
            "font": {"family": FONT, "color": theme.text, "size": 12.5},
        },
        legend={"font": {"color": theme.muted, "size": 12}},
    )  # fmt: skip
    return figure


def _lines(frame: pd.DataFrame, metric: str):
    own = frame[(frame["metric"] == metric) & frame["value"].notna()]
    for name, line in own.groupby("model", sort=False):
        yield str(name), line.sort_values("step")


def _x(frame: pd.DataFrame) -> pd.Series:
    return frame["tokens_seen"] / 1e6 if frame["tokens_seen"].notna().all() else frame["step"]


def _x_axis(figure: go.Figure, frame: pd.DataFrame) -> None:
    known = frame["tokens_seen"].notna().all() if len(frame) else True
    values = _x(frame)
    top = float(values.max()) if len(frame) else 1.0
    figure.update_xaxes(
        title_text="tokens seen (millions)" if known else "training step", range=[0, top * 1.02]
    )


def _line(own: pd.DataFrame, model: ModelInfo, metric: str, theme: Theme, faint: bool = False) -> go.Scatter:
    colour = theme.line[hue(model)]
    value = "%{y:.1%}" if metric in ("acc", "acc_norm") else "%{y:.3f}"
    return go.Scatter(
        x=_x(own),
        y=own["value"],
        mode="lines" if faint else "lines+markers",
        line={"color": colour, "dash": dash(model), "width": width(model)},
        marker={"size": 5.5, "color": colour, "symbol": _symbol(model)},
        opacity=0.28 if faint else 1.0,
        name=short_name(model),
        customdata=np.stack([own["step"], own["n"]], axis=-1),
        hovertemplate=None
        if faint
        else f"<b>{short_name(model)}</b><br>{value}<br>%{{x:.2f}} M tokens, step %{{customdata[0]:.0f}}<br>"
        "n = %{customdata[1]:.0f} questions<extra></extra>",
        hoverinfo="skip" if faint else None,
        showlegend=False,
    )


def _symbol(model: ModelInfo) -> str:
    if model.role == "web":
        return "diamond"
    return "square" if model.arch == "arch2" else "circle"


def _range(values: Sequence[float]) -> tuple[float, float]:
    finite = [v for v in values if np.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * 0.06 or 0.05
    return low - room, high + room


def _y_title(metric: str) -> str:
    label = METRIC_LABEL[metric]
    return f"{label} (lower is better)" if metric == "bpb" else label


def _chance(figure: go.Figure, chance: float, theme: Theme, narrow: bool) -> None:
    figure.add_hline(y=chance, line={"color": theme.muted, "dash": "dash", "width": 1})
    figure.add_annotation(
        # At the left, before the first checkpoint, where no curve can lie under it.
        x=0, xref="paper", xanchor="left", y=chance, yanchor="bottom", text=f"chance {chance:.0%}",
        showarrow=False, font={"color": theme.muted, "size": 12},
    )  # fmt: skip


def _window(figure: go.Figure, end: float, theme: Theme) -> None:
    figure.add_vrect(x0=0, x1=end, fillcolor=theme.window, line_width=0, layer="below")
    figure.add_annotation(
        x=end, xanchor="right", y=1, yref="paper", yanchor="top", text="early window", showarrow=False,
        font={"color": theme.muted, "size": 12},
    )  # fmt: skip


def _end_labels(
    figure: go.Figure,
    ends: Mapping[str, float],
    models: Mapping[str, ModelInfo],
    y_range: tuple[float, float],
    height: int,
    theme: Theme,
    narrow: bool,
) -> None:
    """Labels in the right margin, moved apart until LABEL_GAP_PX lies between neighbours.

    On a narrow screen the margin is gone, so a legend below takes over.
    """
    if narrow:
        for trace in figure.data:
            trace.showlegend = bool(trace.opacity is None or trace.opacity == 1.0)
        figure.update_layout(
            showlegend=True,
            legend={"orientation": "h", "y": -0.22, "yanchor": "top", "x": 0, "font": {"size": 11}},
            margin={"b": 150},
        )
        return
    plot_px = height - MARGIN["t"] - MARGIN["b"]
    low, high = y_range
    wanted = {name: plot_px * (high - end) / (high - low) for name, end in ends.items()}
    placed = spread(list(wanted.values()), LABEL_GAP_PX, plot_px)
    for (name, at), moved in zip(wanted.items(), placed, strict=True):
        model = models[name]
        figure.add_annotation(
            x=1, xref="paper", xanchor="left", xshift=8, y=ends[name], yanchor="middle", yshift=at - moved,
            text=short_name(model), showarrow=False, font={"color": theme.label[hue(model)], "size": 12},
        )  # fmt: skip


def spread(positions: Sequence[float], gap: float, length: float) -> list[float]:
    """Positions moved as little as needed so that neighbours are `gap` apart, in [0, length] if they fit.

    Neighbours that are too near are merged into a block around their mean, as in isotonic regression.
    """
    order = np.argsort(positions, kind="stable")
    blocks: list[list[float]] = []  # [sum of (position − offset in the block), count]
    for index in order:
        blocks.append([positions[index], 1])
        while len(blocks) > 1 and _top(blocks[-2], gap) + blocks[-2][1] * gap > _top(blocks[-1], gap):
            total, count = blocks.pop()
            before_total, before_count = blocks[-1]
            blocks[-1] = [before_total + total - before_count * count * gap, before_count + count]
    placed = [0.0] * len(positions)
    at = 0
    for block in blocks:
        for k in range(int(block[1])):
            placed[order[at]] = _top(block, gap) + k * gap
            at += 1
    overflow = max(placed, default=0.0) - length
    shift = -overflow if overflow > 0 else 0.0
    shift = max(shift, -min(placed, default=0.0)) if overflow > 0 else max(0.0, -min(placed, default=0.0))
    return [p + shift for p in placed]


def _top(block: Sequence[float], gap: float) -> float:
    """Where a block's first label stands: the mean of what its members wish for."""
    return block[0] / block[1]
