"""Figures as SVG texts: places by hand, and nothing of others' texts that is not text."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest

from e2lm_core.charts import canvas, marks
from e2lm_core.charts.palette import DARK, LIGHT
from e2lm_core.charts.svg.figure import draw_figure, fix_sizes, text_width
from e2lm_core.charts.svg.trace_marks import SYMBOLS, hover_texts, mark_style, scale_colours, symbol_mark

SVG = "{http://www.w3.org/2000/svg}"


def drawn(figure: go.Figure, label: str = "a chart") -> ElementTree.Element:
    fix_sizes(figure)
    return ElementTree.fromstring(draw_figure(canvas.without_links(figure), label))


def test_a_line_has_its_points_its_marks_and_the_names_of_the_axes() -> None:
    figure = canvas.blank_figure(LIGHT, 270, narrow=False)
    figure.add_trace(
        go.Scatter(
            x=[0, 5, 10],
            y=[0.0, np.nan, 1.0],
            mode="lines+markers",
            line={"color": "#123456", "dash": "dash", "width": 2},
            marker={"size": 6, "color": "#123456", "symbol": "diamond"},
            customdata=[("first", 1), ("second", 2), ("third", 3)],
            hovertemplate="<b>A & B</b><br>%{y:.1%} of %{x}<br>%{customdata[0]}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 10], title_text="across")
    figure.update_yaxes(range=[0, 1], title_text="up", tickformat=".0%")
    root = drawn(figure)
    (box,) = [one for one in root.findall(f"{SVG}svg") if one.get("viewBox")]
    assert box.get("viewBox") == "0 0 1000 200"  # 270 less 16 above, and 54 for ticks, labels and title
    lines = [one.get("points") for one in box.iter(f"{SVG}polyline")]
    assert lines == ["0.0,200.0", "1000.0,0.0"], "a gap parts the line"
    marked = root.find(f".//{SVG}g[@data-marks]")
    assert marked is not None
    assert [(one.get("x"), one.get("y")) for one in marked] == [("0.00%", "200.0"), ("100.00%", "0.0")]
    assert [title.text for title in marked.iter(f"{SVG}title")] == [
        "A & B, 0.0% of 0, first",
        "A & B, 100.0% of 10, third",
    ]
    said = ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]
    assert {"across", "up", "0%", "100%"} <= set(said)


def test_margins_grow_for_long_names_and_stay_where_there_is_room() -> None:
    figure = canvas.blank_figure(LIGHT, 300, narrow=False)
    long = "a name of thirty-three characters"
    figure.update_yaxes(range=[0, 1], tickvals=[0.5], ticktext=[long])
    figure.update_xaxes(range=[0, 1])
    fix_sizes(figure)
    assert figure.layout.margin.l >= text_width(long, 12) + 8
    assert figure.layout.margin.r == canvas.MARGIN["r"]
    assert figure.layout.yaxis.automargin is False
    before = figure.layout.margin.to_plotly_json()
    fix_sizes(figure)
    assert figure.layout.margin.to_plotly_json() == before


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a & b", '"><img src=x onerror=alert(1)>', "**b**"]
)
def test_names_are_text_wherever_they_stand(name: str) -> None:
    figure = canvas.blank_figure(DARK, 300, narrow=True)
    figure.add_trace(
        go.Scatter(x=[1], y=[1], name=name, line={"color": "#123456"}, text=[name], hovertemplate="%{text}")
    )
    figure.update_xaxes(range=[0, 2], title_text=name, tickvals=[1], ticktext=[name])
    figure.update_yaxes(range=[0, 2])
    marks.legend_below(figure, 1, columns=2)
    marks.annotate(figure, [marks.plot_note(name, DARK, x=1, y=1)])
    root = drawn(figure, name)
    tags = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert tags <= {"svg", "g", "text", "tspan", "line", "polyline", "rect", "circle", "path", "title"}
    assert [one for one in root.iter() if any(key.startswith("on") for key in one.attrib)] == []
    name = "".join(letter for letter in name if letter >= " " and letter != "\ud800")
    assert sum("".join(one.itertext()) == name for one in root.iter(f"{SVG}text")) == 4
    assert root.get("aria-label") == name


@pytest.mark.parametrize(
    "name", ["a</b>", "<b>a", "<i>a</b></i>", "</sub></sup>", "<b><i>a</b>", "a<br>b</i><br/>"]
)
def test_tags_that_do_not_match_leave_a_picture(name: str) -> None:
    figure = canvas.blank_figure(LIGHT, 200, narrow=True)
    figure.update_xaxes(range=[0, 2], title_text=name, tickvals=[1], ticktext=[name])
    figure.update_yaxes(range=[0, 2], tickvals=[1], ticktext=[name])
    assert drawn(figure, name).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    "values", [[], [np.nan], [None], [1.0], [1.0, 1.0], [-1e300, 1e300], [1e-300, 2e-300]]
)
def test_a_figure_is_drawn_of_whatever_values(values: list[float | None]) -> None:
    for settings in ({}, {"type": "log"}, {"range": [1.0, 1.0]}, {"range": [0.0, 1.0], "tickformat": ".1%"}):
        figure = canvas.blank_figure(LIGHT, 200, narrow=True)
        figure.add_trace(
            go.Scatter(
                x=values,
                y=values,
                mode="lines+markers+text",
                text=["text"] * len(values),
                line={"color": "#123456"},
            )
        )
        figure.update_xaxes(**settings)
        figure.update_yaxes(**settings)
        text = ElementTree.tostring(drawn(figure), encoding="unicode")
        assert "nan" not in text
        assert "inf" not in text


def test_a_colour_of_a_scale_lies_between_its_stops() -> None:
    scale = [[0.0, "#000000"], [0.5, "#ffffff"], [1.0, "#ff0000"]]
    assert scale_colours(scale, np.array([-1, 0, 0.25, 0.5, 1, 2])) == [
        "#000000",
        "#000000",
        "#808080",
        "#ffffff",
        "#ff0000",
        "#ff0000",
    ]
    with pytest.raises(ValueError, match="it must be #rrggbb"):
        scale_colours([[0, "red"], [1, "#ffffff"]], np.array([0.5]))


def test_each_symbol_is_drawn_full_and_open() -> None:
    paths = {
        symbol: symbol_mark(symbol, 3, ("0%", "0"), mark_style(symbol, "#123456", {})) for symbol in SYMBOLS
    }
    assert len(set(paths.values())) == len(SYMBOLS)
    assert symbol_mark(3, 3, ("0%", "0"), mark_style(3, "#123456", {})) == paths["cross"]
    assert 'fill="none"' in symbol_mark(
        "circle-open", 3, ("0%", "0"), mark_style("circle-open", "#123456", {})
    )
    with pytest.raises(ValueError, match="no mark is drawn for the symbol star"):
        symbol_mark("star", 3, ("0%", "0"), "")


def test_hover_texts_have_the_formats_of_their_template() -> None:
    trace = {
        "x": np.array([1.5]),
        "y": np.array([0.25]),
        "customdata": np.array([[3, 0.5]]),
        "hovertemplate": "%{y:.0%} at %{x}<br>n = %{customdata[0]:.0f}, %{customdata[1]:.2f}<extra></extra>",
    }
    assert hover_texts(trace) == ["25% at 1.5, n = 3, 0.50"]
    assert hover_texts({"x": [1], "y": [1]}) == []
