"""What figures are drawn of: names that never overlap, levels, bands and the early window."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import canvas, marks
from e2lm_core.charts import curves as curve_charts
from e2lm_core.charts.marks import LABEL_GAP_PX, spread_labels
from e2lm_core.charts.palette import DARK, LIGHT, assign_looks
from e2lm_core.charts.svg.trace_marks import hover_texts


def label_pixels(figure: go.Figure, names: list[str]) -> list[float]:
    """Where the names stand, in pixels from the plot's top."""
    low, high = figure.layout.yaxis.range
    height = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    return [
        height * (high - a.y) / (high - low) - (a.yshift or 0)
        for a in figure.layout.annotations
        if a.text in names
    ]


@pytest.mark.parametrize("spacing", [0.0, 1e-9, 0.001, 0.05])
def test_names_never_overlap_however_close_the_curves_end(spacing: float) -> None:
    fleet = [
        ModelInfo(name=f"ladder-{size}-arch{a}-seed{s}", family="ladder", size=size, arch=f"arch{a}")
        for size in ("small", "medium", "large")
        for a in (1, 2)
        for s in (1, 2)
    ]
    rows = [
        {
            "model": model.name,
            "step": step,
            "tokens_seen": step * 1e4,
            "early": True,
            "metric": "acc",
            "value": 0.25 + 0.01 * step / 100 + spacing * place,
            "n": 10,
        }
        for place, model in enumerate(fleet)
        for step in (100, 200)
    ]
    figure = curve_charts.learning_curves(
        curve_charts.CurvePlot(pd.DataFrame(rows), fleet, "acc", LIGHT, chance=0.25)
    )
    names = [model.name.removeprefix("ladder-") for model in fleet]
    pixels = label_pixels(figure, names)
    assert len(pixels) == 12
    assert all(b - a >= LABEL_GAP_PX - 1e-6 for a, b in pairwise(sorted(pixels)))
    assert min(pixels) >= -1e-6
    assert max(pixels) <= figure.layout.height


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-50, 450), max_size=20), st.floats(1, 20))
def test_spread_keeps_order_gap_and_bounds(wanted: list[float], gap: float) -> None:
    length = 400.0
    placed = spread_labels(wanted, gap, length)
    assert len(placed) == len(wanted)
    order = np.argsort(wanted, kind="stable")
    in_order = [placed[i] for i in order]
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(in_order))
    if (len(wanted) - 1) * gap <= length:
        assert not placed or (min(placed) >= -1e-6 and max(placed) <= length + 1e-6)


@given(st.lists(st.integers(0, 20), unique=True, max_size=12))
def test_spread_moves_nothing_that_has_room(places: list[int]) -> None:
    wanted = [20.0 * place for place in places]
    assert spread_labels(wanted, 15, 400) == pytest.approx(wanted)


def test_spread_moves_a_pair_apart_evenly() -> None:
    assert spread_labels([100, 100], 15, 400) == pytest.approx([92.5, 107.5])
    assert spread_labels([5, 5], 15, 400) == pytest.approx([0, 15])
    assert spread_labels([400, 395], 15, 400) == pytest.approx([400, 385])
    assert spread_labels([], 15, 400) == []


def test_names_stand_at_their_lines_or_in_a_legend_for_which_the_figure_grows() -> None:
    figure = canvas.blank_figure(LIGHT, 300, narrow=False)
    figure.update_yaxes(range=[0.0, 1.0])
    marks.label_ends(figure, [marks.End(0.2, "low", "#111111"), marks.End(0.8, "high", "#222222")])
    assert [(a.text, a.y, a.yshift, a.font.color) for a in figure.layout.annotations] == [
        ("low", 0.2, 0, "#111111"),
        ("high", 0.8, 0, "#222222"),
    ]
    figure = canvas.blank_figure(DARK, 300, narrow=True)
    figure.add_traces(
        [go.Scatter(x=[1], y=[1]), go.Scatter(x=[1], y=[1], fill="toself"), go.Scatter(opacity=0.3)]
    )
    marks.legend_below(figure, 5, columns=2)
    assert figure.layout.height == 300 + marks.legend_height(3)
    assert [trace.showlegend for trace in figure.data] == [True, False, False]


def test_what_is_not_there_is_not_drawn() -> None:
    figure = canvas.blank_figure(LIGHT, 300, narrow=False)
    marks.chance_line(figure, None, LIGHT)
    marks.early_window(figure, None, LIGHT)
    assert not figure.layout.shapes
    assert not figure.layout.annotations
    marks.chance_line(figure, 0.25, LIGHT, below=True)
    marks.early_window(figure, 100.0, LIGHT, log=True)
    assert [(a.text, a.yanchor) for a in figure.layout.annotations] == [
        ("chance 25%", "top"),
        ("early window", "top"),
    ]
    assert figure.layout.annotations[1].x == 2


def test_a_line_has_the_points_that_are_measured_in_step_order() -> None:
    frame = pd.DataFrame({"model": "m", "step": [3, 1, 2], "metric": "acc", "value": [0.3, 0.1, np.nan]})
    ((name, points),) = marks.lines(frame, "acc")
    assert (name, list(points["value"])) == ("m", [0.1, 0.3])
    assert not list(marks.lines(frame, "bpb"))


def test_an_area_lies_between_its_bounds() -> None:
    drawn = marks.area_trace(pd.Series([1, 2]), pd.Series([0.1, 0.2]), pd.Series([0.3, 0.4]), "#000000")
    assert list(zip(drawn.x, drawn.y, strict=True)) == [(1, 0.3), (2, 0.4), (2, 0.2), (1, 0.1)]


def test_a_point_without_an_interval_tells_none() -> None:
    model = ModelInfo(name="ladder-small-arch1", family="ladder", size="small", arch="arch1")
    points = pd.DataFrame(
        {
            "step": [300, 600],
            "tokens_seen": [3e5, 6e5],
            "value": [1.0, 0.5],
            "n": [1234, 1234],
            "low": [np.nan, 0.4],
            "high": [np.nan, 0.6],
        }
    )
    look = assign_looks([model])[model.name]
    drawn = canvas.without_links(go.Figure(marks.curve_trace(points, model, look, "acc", LIGHT))).data[0]
    assert hover_texts(drawn.to_plotly_json()) == [
        "small-arch1, 100.0%, 300 k tokens, step 300, n = 1,234 questions",
        "small-arch1, 50.0% [40.0%, 60.0%], 600 k tokens, step 600, n = 1,234 questions",
    ]
    one = marks.curve_trace(points.assign(n=1), model, look, "acc", LIGHT)
    assert hover_texts(one.to_plotly_json())[1].endswith("n = 1 question")
    bare = marks.curve_trace(points.drop(columns=["low", "high"]), model, look, "acc", LIGHT)
    assert hover_texts(bare.to_plotly_json())[1] == (
        "small-arch1, 50.0%, 600 k tokens, step 600, n = 1,234 questions"
    )
