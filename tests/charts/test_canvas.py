"""The canvas: ranges, ticks and titles of axes, and where points stand."""

from __future__ import annotations

import json
import re
import tomllib

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from e2lm_core.base.settings import FILES
from e2lm_core.charts import canvas
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from e2lm_core.charts.svg.trace_marks import hover_texts


def test_ticks_of_a_logarithmic_axis_are_written_out() -> None:
    ticks = canvas.log_ticks(0.4, 13.0)
    assert {"0.5", "1", "2", "5", "10"} <= set(ticks["ticktext"])
    assert canvas.log_ticks(1, 1e6)["ticktext"][-2:] == ["100,000", "1,000,000"]
    assert len(ticks["tickvals"]) == len(set(ticks["ticktext"]))


def test_what_is_not_checked_is_what_plotly_makes_of_it() -> None:
    drawn = {
        "x": np.arange(3.0),
        "y": np.arange(3),
        "mode": "lines",
        "line": {"width": 2},
        "customdata": [(1, "a")],
    }
    checked = canvas.blank_figure(LIGHT, 200, narrow=False)
    checked.add_trace(go.Scatter(**drawn, hovertemplate=None))
    unchecked = canvas.blank_figure(LIGHT, 200, False, [canvas.unchecked_trace(**drawn, hovertemplate=None)])
    assert json.loads(unchecked.to_json()) == json.loads(checked.to_json())


@pytest.mark.parametrize(
    ("metric", "high", "ticks"), [("acc", 0.5, ".0%"), ("acc_norm", 0.27, ".1%"), ("margin", 0.5, None)]
)
def test_only_shares_have_ticks_in_percent_and_no_label_twice(
    metric: str, high: float, ticks: str | None
) -> None:
    figure = canvas.blank_figure(LIGHT, 300, narrow=False)
    canvas.metric_axis(figure, metric, 0.2, high)
    assert figure.layout.yaxis.range == (0.2, high)
    assert figure.layout.yaxis.tickformat == ticks


def test_the_axis_says_once_where_less_is_better() -> None:
    figure = canvas.blank_figure(LIGHT, 300, narrow=False)
    canvas.metric_axis(figure, "bpb", 0.0, 1.0)
    assert figure.layout.yaxis.title.text == "bits per byte (lower is better)"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_picture_has_the_pages_ground_and_a_name(theme: Theme) -> None:
    page = tomllib.loads((FILES / ".streamlit/config.toml").read_text())["theme"][theme.name]
    assert canvas.blank_figure(theme, 300, narrow=False).layout.paper_bgcolor == page["backgroundColor"]
    camera = canvas.config("curves_main")["toImageButtonOptions"]
    assert camera == {"scale": 2, "filename": "curves-main"}


def test_only_charts_whose_points_are_selected_have_a_lasso() -> None:
    (plain,), (selecting,) = (canvas.config("a", on)["modeBarButtons"] for on in (False, True))
    assert set(selecting) - set(plain) == {"select2d", "lasso2d"}
    assert {"toImage", "resetScale2d"} == set(plain)


def test_a_range_has_room_and_the_level_in_view() -> None:
    assert canvas.axis_range([]) == (0, 1)
    assert canvas.axis_range([np.nan, 0.5]) == pytest.approx((0.45, 0.55))
    assert canvas.axis_range([0.5, 1.0], 0.0) == pytest.approx((-0.06, 1.06))


def test_noise_about_chance_does_not_fill_a_chart() -> None:
    assert canvas.axis_range([0.24, 0.27], 0.25, 0.25) == pytest.approx((-0.03, 0.53))
    assert canvas.axis_range([0.24, 0.27], 0.25) == pytest.approx((0.2382, 0.2718))
    assert canvas.axis_range([0.24, 0.90], 0.25, 0.25) == canvas.axis_range([0.24, 0.90], 0.25)
    assert canvas.axis_range([], 0.25, 0.25) == pytest.approx((-0.03, 0.53))
    assert canvas.axis_range([0.1, 0.15], 0.1, 0.25) == pytest.approx((-0.021, 0.371))


def test_points_stand_at_millions_of_tokens_where_all_are_known() -> None:
    frame = pd.DataFrame({"step": [1, 2], "tokens_seen": [1e6, 2e6]})
    assert list(canvas.positions(frame)) == [1, 2]
    assert canvas.checkpoint_labels(frame) == ["1.0 M tokens, step 1", "2.0 M tokens, step 2"]
    unknown = frame.assign(step=[10, 20], tokens_seen=[1e6, np.nan])
    assert list(canvas.positions(unknown)) == [10, 20]
    assert canvas.checkpoint_labels(unknown)[1] == "step 20"
    assert list(canvas.positions(frame.assign(x=[7, 8]))) == [7, 8]
    assert (canvas.window_end(2e6), canvas.window_end(None)) == (2, None)


def test_each_figure_has_a_layout_of_its_own() -> None:
    first = canvas.blank_figure(LIGHT, 300, narrow=False)
    first.update_layout(margin={"l": 1})
    assert canvas.blank_figure(LIGHT, 200, narrow=False).layout.margin.l == canvas.MARGIN["l"]


def test_a_name_in_a_figure_is_no_link_and_no_style() -> None:
    bad = '<a href="http://127.0.0.1/x">best</a><span style="fill:url(http://127.0.0.1/y)">a < b</span>'
    figure = go.Figure(
        go.Scatter(x=["b", bad], y=np.array([1.0, 2.0]), name=bad, customdata=[["c", bad]], text=[bad, "ok"])
    )
    figure.add_annotation(text=bad)
    figure.update_layout(title_text=f"<b>{bad}</b><br>two<extra></extra>", template=None)
    text = canvas.without_links(figure).to_json()
    assert "<a " not in json.loads(text)["layout"]["annotations"][0]["text"]
    assert not re.search(r"<(?!/?(b|br|extra)>)", json.dumps(json.loads(text)))
    assert json.loads(text)["layout"]["title"]["text"].startswith("<b>&lt;a href")
    assert json.loads(text) == json.loads(canvas.without_links(figure).to_json()), (
        "a second time changes nothing"
    )


def test_a_users_text_is_drawn_as_it_is() -> None:
    text = "<b>R&D</b><br>%{y}"
    trace = go.Scatter(
        x=[1], y=[2], name=canvas.plain(text), hovertemplate=f"{canvas.plain(text)}<extra></extra>"
    )
    drawn = canvas.without_links(go.Figure(trace))._data[0]
    assert hover_texts(drawn) == [text.replace("%{", "%\u2060{")]
    assert canvas.plain("ladder-small-arch1 (2)") == "ladder-small-arch1 (2)"


def test_numbers_of_a_figure_are_left_alone() -> None:
    values = np.arange(5.0)
    figure = go.Figure(go.Scatter(x=values, y=values))
    kept = figure._data[0]["x"]
    assert canvas.without_links(figure)._data[0]["x"] is kept
