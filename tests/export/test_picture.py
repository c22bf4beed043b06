"""Curves as an SVG: every line in its colour, names apart, chance and the window, for a card and within a page."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

from e2lm_core.base.records import ModelInfo
from e2lm_core.charts.marks import LABEL_GAP_PX
from e2lm_core.charts.palette import DARK, LIGHT, assign_looks
from e2lm_core.export.card.picture import LAYOUT as CARD
from e2lm_core.export.picture import drawing
from e2lm_core.export.picture.drawing import Chart, Layout, Line, draw, model_line
from e2lm_core.ui.app.svg_chart import NARROW, WIDE

SVG = "{http://www.w3.org/2000/svg}"


def line(name: str, ys: list[float], said: str = "", **more: object) -> Line:
    model = ModelInfo.model_validate({"name": name, "family": "f"} | more)
    return model_line(
        model, assign_looks([model])[model.name], LIGHT, [3e5, 2e6][-len(ys) :], ys, said=list(said)
    )


LINES = (
    line("small", [0.3, 0.5], "ab", size="small", arch="arch1"),
    line("large", [0.4, 0.505], "cd", size="large", arch="arch2"),
    line("seed", [0.4, 0.9], size="large", arch="arch2", seed_of="large"),
)
CHART = Chart("Accuracy", LINES, True, 0.25, 1e6, about="It rises.")


def texts(drawn: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


@pytest.mark.parametrize("layout", [CARD, WIDE, NARROW])
def test_every_line_lies_in_the_plot_and_all_is_named(layout: Layout) -> None:
    drawn = draw(CHART, layout, LIGHT, "p")
    assert {"small", "large", "chance 25%", "early window", "tokens seen", "accuracy"} <= set(texts(drawn))
    assert "seed" not in texts(drawn)
    root = ElementTree.fromstring(drawn)
    for one in root.iter(f"{SVG}polyline"):
        for point in one.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= layout.plot_width
            assert 0 <= y <= layout.height
    strokes = [one.attrib["stroke"] for one in root.iter(f"{SVG}polyline")]
    assert strokes == [LIGHT.line["orange"], LIGHT.line["blue"], LIGHT.line["blue"]]
    dashed = [one.attrib.get("stroke-dasharray") for one in root.iter(f"{SVG}polyline")]
    assert dashed == [None, "7 4", "7 4"]
    # The plot lies where the layout says, and nothing stands outside the picture.
    plot = root.find(f"{SVG}svg")
    assert plot is not None
    sizes = [int(plot.attrib[name]) for name in ("x", "y", "width", "height")]
    assert sizes == [layout.left, layout.top, layout.plot_width, layout.height]
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    assert wide == layout.width
    for one in (*root.iter(f"{SVG}text"), *root.iter(f"{SVG}svg")):
        x, y = one.attrib.get("x", "0"), float(one.attrib.get("y", 0))
        across = float(x.rstrip("%")) * layout.plot_width / 100 if "%" in x else float(x)
        assert 0 <= layout.left + across <= wide
        assert 0 <= layout.top + y <= high


@pytest.mark.parametrize(
    ("layout", "first", "last"),
    [
        (CARD, "90.3,319.5", "602.0,219.5"),
        (WIDE, "110.1,266.8", "734.0,183.3"),
        (NARROW, "46.8,200.1", "312.0,137.5"),
    ],
)
def test_points_by_hand(layout: Layout, first: str, last: str) -> None:
    # x from 0 to the last, 2 M tokens: 0.3 M is 15% of the plot's width. y beyond 25% and 90% by 6% of what is between
    # them: 30% is (0.3 - 0.211) / 0.728 of its height.
    (one, *_) = ElementTree.fromstring(draw(CHART, layout, LIGHT)).iter(f"{SVG}polyline")
    assert one.attrib["points"].split() == [first, last]


def test_within_a_page_it_is_an_image_with_a_name_and_a_description_and_points_say_what_they_are() -> None:
    root = ElementTree.fromstring(draw(CHART, WIDE, DARK, "p"))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "Accuracy"
    described = root.attrib["aria-describedby"]
    assert [one.text for one in root.iter(f"{SVG}desc") if one.attrib["id"] == described] == ["It rises."]
    assert [one.text for one in root.iter(f"{SVG}title")] == ["a", "b", "c", "d"]
    assert not [one for one in root.iter(f"{SVG}rect") if one.attrib.get("width") == str(WIDE.width)]


def test_a_file_has_a_title_a_size_and_a_background() -> None:
    root = ElementTree.fromstring(draw(CHART, CARD, LIGHT))
    assert [one.text for one in root.findall(f"{SVG}title")] == ["Accuracy"]
    (ground,) = root.findall(f"{SVG}rect")
    assert ground.attrib["fill"] == LIGHT.background
    assert all(ground.attrib[name] == root.attrib[name] for name in ("width", "height"))
    assert "id" not in root.attrib


def test_a_page_has_one_of_each_name_where_both_layouts_stand_in_it() -> None:
    both = draw(CHART, WIDE, LIGHT, "a") + draw(CHART, NARROW, LIGHT, "b")
    ids = [e.attrib["id"] for e in ElementTree.fromstring(f"<p>{both}</p>").iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids)) == 4


def test_steps_stand_in_where_tokens_are_not_known_and_a_line_may_have_one_point() -> None:
    drawn = draw(Chart("t", [line("a", [0.4])._replace(xs=[0])], False), CARD, LIGHT)
    assert {"training step", "a"} <= set(texts(drawn))
    assert not [said for said in texts(drawn) if "chance" in said or "window" in said]


def test_chance_is_named_before_the_first_points_or_at_the_right_without_room() -> None:
    for layout, first, anchor in ((WIDE, 3e5, None), (WIDE, 1e5, "end"), (NARROW, 3e5, "end")):
        early = LINES[0]._replace(xs=[first, 2e6])
        root = ElementTree.fromstring(draw(Chart("t", [early], True, 0.25), layout, LIGHT))
        (named,) = [one for one in root.iter(f"{SVG}text") if one.text == "chance 25%"]
        assert named.get("text-anchor") == anchor


def test_a_name_is_text() -> None:
    one = line("</svg><script>", [0.4])._replace(said=["<b>"])
    drawn = draw(Chart("<i>", [one], False, about="<u>"), NARROW, LIGHT, "p")
    assert not [mark for mark in ("<script>", "<b>", "<i>", "<u>") if mark in drawn]
    assert "</svg><script>" in texts(drawn)


def test_names_do_not_overlap_and_stay_in_the_plot() -> None:
    drawn = [line(f"n{k}", [0.4, y]) for k, y in enumerate((0.8, 0.79, 0.11, 0.1, 0.1))]
    root = ElementTree.fromstring(draw(Chart("t", drawn, True), CARD, LIGHT))
    kept = sorted(float(one.attrib["y"]) for one in root.iter(f"{SVG}text") if one.get("dx") == "8")
    assert len(kept) == len(drawn)
    assert kept[-1] <= CARD.height + 4
    assert all(b - a >= LABEL_GAP_PX - 0.11 for a, b in pairwise(kept))


def test_ticks_are_round() -> None:
    assert drawing.ticks(0.18, 0.52, 6) == [0.2, 0.3, 0.4, 0.5]
    assert drawing.ticks(0, 2_048_000, 6) == [0, 500_000, 1_000_000, 1_500_000, 2_000_000]
    assert drawing.ticks(0, 2_048_000, 3) == [0, 1_000_000, 2_000_000]
