"""Curves as an SVG: every line in its colour, names apart, chance and the window, for a card and within a page."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.palette import DARK, LIGHT
from e2lm_core.export.picture import curves
from e2lm_core.export.picture.curves import CARD, NARROW, WIDE, Layout, Line, Plot, draw_svg

SVG = "{http://www.w3.org/2000/svg}"


def model(name: str, **more: object) -> ModelInfo:
    return ModelInfo.model_validate({"name": name, "family": "f"} | more)


LINES = (
    Line(model("small", size="small", arch="arch1"), [(3e5, 0.3), (2e6, 0.5)], "small", said=["a", "b"]),
    Line(model("large", size="large", arch="arch2"), [(3e5, 0.4), (2e6, 0.505)], "large", said=["c", "d"]),
    Line(model("seed", size="large", arch="arch2", seed_of="large"), [(3e5, 0.4), (2e6, 0.9)], ""),
)
PLOT = Plot(LINES, "Accuracy", 0.25, 1e6, True, about="It rises.")


def texts(drawing: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


@pytest.mark.parametrize("layout", [CARD, WIDE, NARROW])
def test_every_line_lies_in_the_plot_and_all_is_named(layout: Layout) -> None:
    drawing = draw_svg(PLOT, layout, LIGHT, "p")
    assert {"small", "large", "chance 25%", "early window", "tokens seen", "accuracy"} <= set(texts(drawing))
    assert "seed" not in texts(drawing)
    root = ElementTree.fromstring(drawing)
    for line in root.iter(f"{SVG}polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert layout.left <= x <= layout.right
            assert layout.top <= y <= layout.bottom
    strokes = [line.attrib["stroke"] for line in root.iter(f"{SVG}polyline")]
    assert strokes == [LIGHT.line["orange"], LIGHT.line["blue"], LIGHT.line["blue"]]
    dashed = [line.attrib.get("stroke-dasharray") for line in root.iter(f"{SVG}polyline")]
    assert dashed == [None, "7 4", "7 4"]
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    for one in root.iter(f"{SVG}text"):
        assert 0 <= float(one.attrib.get("x", 0)) <= wide
        assert 0 <= float(one.attrib.get("y", 0)) <= high


@pytest.mark.parametrize(
    ("layout", "first", "last"),
    [
        (CARD, "148.3,335.5", "660,235.5"),
        (WIDE, "172.1,280.8", "796,197.3"),
        (NARROW, "82.8,224.1", "348,161.5"),
    ],
)
def test_points_by_hand(layout: Layout, first: str, last: str) -> None:
    # x from 0 to the last, 2 M tokens: 0.3 M is 15% of the plot's width. y beyond 25% and 90% by 6% of what is between
    # them: 30% is (0.3 - 0.211) / 0.728 of its height.
    (line, *_) = ElementTree.fromstring(draw_svg(PLOT, layout, LIGHT)).iter(f"{SVG}polyline")
    assert line.attrib["points"].split() == [first, last]


def test_within_a_page_it_is_an_image_with_a_name_and_a_description_and_points_say_what_they_are() -> None:
    root = ElementTree.fromstring(draw_svg(PLOT, WIDE, DARK, "p"))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "Accuracy"
    described = root.attrib["aria-describedby"]
    assert [one.text for one in root.iter(f"{SVG}desc") if one.attrib["id"] == described] == ["It rises."]
    assert [one.text for one in root.iter(f"{SVG}title")] == ["a", "b", "c", "d"]
    assert not [one for one in root.iter(f"{SVG}rect") if one.attrib.get("width") == str(WIDE.width)]


def test_a_page_has_one_of_each_name_where_both_layouts_stand_in_it() -> None:
    both = draw_svg(PLOT, WIDE, LIGHT, "a") + draw_svg(PLOT, NARROW, LIGHT, "b")
    ids = [e.attrib["id"] for e in ElementTree.fromstring(f"<p>{both}</p>").iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids)) == 4


def test_steps_stand_in_where_tokens_are_not_known_and_a_line_may_have_one_point() -> None:
    drawing = draw_svg(Plot([Line(model("a"), [(0, 0.4)], "a")], "t", None, None, False), CARD, LIGHT)
    assert {"training step", "a"} <= set(texts(drawing))
    assert not [said for said in texts(drawing) if "chance" in said or "window" in said]


def test_a_name_is_text() -> None:
    line = Line(model("a"), [(0, 0.4)], "</svg><script>", said=["<b>"])
    drawing = draw_svg(Plot([line], "<i>", None, None, False, about="<u>"), NARROW, LIGHT, "p")
    assert not [mark for mark in ("<script>", "<b>", "<i>", "<u>") if mark in drawing]
    assert "</svg><script>" in texts(drawing)


def test_names_do_not_overlap_and_stay_in_the_plot() -> None:
    moved = curves.separate_labels([100.0, 101.0, None, 379.0, 380.0], CARD.bottom)
    kept = sorted(y for y in moved if y is not None)
    assert moved[2] is None
    assert kept[-1] <= CARD.bottom
    assert all(b - a >= curves.APART for a, b in pairwise(kept))
    assert moved[0] == 100.0


def test_ticks_are_round() -> None:
    assert curves.ticks(0.18, 0.52) == [0.2, 0.3, 0.4, 0.5]
    assert curves.ticks(0, 2_048_000) == [0, 500_000, 1_000_000, 1_500_000, 2_000_000]
    assert curves.ticks(0, 2_048_000, 3) == [0, 1_000_000, 2_000_000]
    assert curves.ticks(1, 1) == [1]
