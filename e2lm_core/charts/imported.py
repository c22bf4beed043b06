"""Learning curves of imported results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.base.formatting import count
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import ModelInfo
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.charts.canvas import (
    CHANCE_ROOM,
    axis_range,
    blank_figure,
    checkpoint_labels,
    percent_ticks,
    plain,
    plot_height,
)
from e2lm_core.charts.marks import LABEL_GAP_PX, End, area_trace, chance_line, label_ends, legend_below, lines
from e2lm_core.charts.palette import Theme, assign_looks
from e2lm_core.imported.records import SAME_METRIC, lower_is_better

LABEL_CHARS = 26
LABEL_MARGIN_PX = 190
LEGEND_COLUMNS = {False: 3, True: 1}
# Number of points of a curve above which they are drawn small.
MANY_POINTS = 40
_UNITS = (
    (1e12, Sentence("trillions")),
    (1e9, Sentence("billions")),
    (1e6, Sentence("millions")),
    (1e3, Sentence("thousands")),
)


# --- colours --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CurveStyle:
    """Style of a curve.

    Attributes:
        hue: Name of the colour.
        dash: Plotly's name of the dash.
        symbol: Plotly's name of the marker.
        studio: The curve is of a run of the studio itself, next to imported ones.
    """

    hue: str
    dash: str
    symbol: str = "circle"
    studio: bool = False


def curve_styles(
    imported: Sequence[ModelInfo], runs: Sequence[tuple[str, ModelInfo]] = ()
) -> dict[str, CurveStyle]:
    """Styles by label, as of `palette.assign_looks`.

    Args:
        imported: Models of imported results, also those that the chart leaves out.
        runs: Label and model of the studio's own runs; a model that is also imported has the same colour.
    """
    looks = assign_looks([*(model for _, model in runs), *imported])
    styles = {name: CurveStyle(look.hue, look.dash, look.symbol) for name, look in looks.items()}
    return {model.name: styles[model.name] for model in imported} | {
        label: replace(styles[model.name], studio=True) for label, model in runs
    }


# --- curves ---------------------------------------------------------------------------------------------


def imported_curves(
    frame: pd.DataFrame,
    styles: Mapping[str, CurveStyle],
    metric: str,
    theme: Theme,
    chance: float | None = None,
    narrow: bool = False,
) -> go.Figure:
    """Learning curves of imported results over tokens, or over steps if tokens are unknown.

    The unit of the axis fits the largest number of tokens. The studio's own runs have open markers and thin
    lines.

    Args:
        frame: Table of `imported.scores.curve_frame`: model (its label), step, tokens_seen, metric, value, n;
            with `low` and `high` where samples are known.
        styles: Style of each curve by label; others are not drawn.
        metric: Metric of the curves.
        theme: Colours.
        chance: Chance level of the metric; None without one.
        narrow: Draw for a narrow screen.
    """
    figure = blank_figure(theme, 460, narrow)
    frame, title = _placed(frame)
    curves = [(label, points) for label, points in lines(frame, metric) if label in styles]
    banded = [(label, p.dropna(subset=["low", "high"])) for label, p in curves if _has_band(p)]
    figure.add_traces([_band(points, label, theme, styles[label]) for label, points in banded])
    figure.add_traces([_curve(points, label, metric, theme, styles[label]) for label, points in curves])
    values = [v for _, points in curves for v in points["value"]]
    bounds = [v for _, points in banded for v in (*points["low"], *points["high"])]
    low, high = axis_range([*values, *bounds], chance, CHANCE_ROOM)
    figure.update_yaxes(range=[low, high], title_text=metric_axis_title(metric))
    in_view = [*values, *bounds, *(() if chance is None else (chance,))]
    if _share(metric, in_view):
        percent_ticks(figure, low, high)
    figure.update_xaxes(title_text=title, range=_x_range(frame))
    chance_line(figure, chance, theme)
    _name_curves(figure, curves, styles, theme, narrow)
    return figure


def metric_axis_title(metric: str) -> str:
    """Name of a metric: the studio's own if it has the metric, else that of the file."""
    known = SAME_METRIC.get(metric, metric)
    unknown = f"{metric} (lower is better)" if lower_is_better(metric) else metric
    return METRIC_LABEL.get(known, unknown)


def _placed(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Table with the position of every point in a column `x`, and the title of the axis."""
    if not len(frame) or not frame["tokens_seen"].notna().all():
        return frame.assign(x=frame["step"]), "training step"
    largest = float(frame["tokens_seen"].max())
    unit, name = next(((size, name) for size, name in _UNITS if largest >= size), (1.0, Sentence("tokens")))
    return frame.assign(x=frame["tokens_seen"] / unit), Sentence("tokens seen ({name})", name=name)


def _x_range(frame: pd.DataFrame) -> list[float]:
    if not len(frame):
        return [0, 1.02]
    first, last = float(frame["x"].min()), float(frame["x"].max())
    return [0, last * 1.02] if last > first or last > 0 else [-1, 1]


def _share(metric: str, values: Sequence[float]) -> bool:
    """Whether a metric of another tool is a share, by its name and its values."""
    return metric.startswith("acc") and all(0 <= value <= 1 for value in values)


def _has_band(points: pd.DataFrame) -> bool:
    return "low" in points and bool(points["low"].notna().any())


def _band(points: pd.DataFrame, label: str, theme: Theme, look: CurveStyle) -> go.Scatter:
    colour, name = theme.line[look.hue], _short(label)
    return area_trace(points["x"], points["low"], points["high"], colour, label=name)


def _curve(points: pd.DataFrame, label: str, metric: str, theme: Theme, look: CurveStyle) -> go.Scatter:
    colour = theme.line[look.hue]
    spec = ".1%" if _share(metric, list(points["value"])) else ".4f"
    many = len(points) > MANY_POINTS
    counts = ["" if np.isnan(n) else joined(("<br>n = ", count(int(n), "question")), "") for n in points["n"]]
    return go.Scatter(
        x=points["x"],
        y=points["value"],
        mode="lines+markers",
        line={"color": colour, "dash": look.dash, "width": 1.2 if look.studio else 1.6 if many else 2.0},
        marker={
            "size": 3 if many else 5.5,
            "color": colour,
            "symbol": f"{look.symbol}-open" if look.studio else look.symbol,
        },
        name=_short(label),
        customdata=list(zip(checkpoint_labels(points), counts, strict=True)),
        hovertemplate=f"<b>{_short(label)}</b><br>%{{y:{spec}}}<br>"
        "%{customdata[0]}%{customdata[1]}<extra></extra>",
    )


def _name_curves(
    figure: go.Figure,
    curves: Sequence[tuple[str, pd.DataFrame]],
    looks_of: Mapping[str, CurveStyle],
    theme: Theme,
    narrow: bool,
) -> None:
    """Name the curves at their ends, or in a legend below without room beside the chart."""
    if narrow or len(curves) * LABEL_GAP_PX > plot_height(figure):
        figure.update_layout(margin={"r": 16})
        legend_below(figure, len(curves), LEGEND_COLUMNS[narrow])
        return
    figure.update_layout(margin={"r": LABEL_MARGIN_PX})
    ends = [
        End(float(points["value"].iloc[-1]), _short(label), theme.label[looks_of[label].hue])
        for label, points in curves
    ]
    label_ends(figure, ends)


def _short(label: str) -> str:
    return plain(label if len(label) <= LABEL_CHARS else f"{label[: LABEL_CHARS - 1]}…")
