"""What an edit changed, as pictures: every point at its place and named, old behind new, in both themes and any width."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.analysis.questions import edits
from e2lm_core.charts.palette import DARK, LIGHT, Theme, css_theme, css_variables
from e2lm_core.export.picture import edited
from e2lm_core.export.picture.drawing import Chart, Layout, Line
from e2lm_core.export.picture.drawing import draw as draw_in
from e2lm_core.runs import evaluate, results
from e2lm_core.scores.measurements import Measurements
from tests.support import studios

SVG = "{http://www.w3.org/2000/svg}"
BESIDE = edited.BESIDE
METRICS = pytest.mark.parametrize("metric", ["norm_prob", "margin", "acc"])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measurements, Measurements]:
    """A set before an edit of its first question, and after it."""
    here = studios.studio(Path(tmp_path_factory.mktemp("edited")))
    was = studios.task()
    first, *rest = was.questions
    now = was.model_copy(
        update={"questions": (first.model_copy(update={"question": "How much is one and one?"}), *rest)}
    )
    for task in (was, now):
        evaluate.evaluate(here, task, here.catalogue.checkpoints)
    before, after = (results.load_measurements(here, task, here.catalogue.checkpoints) for task in (was, now))
    return before, after


def draw(drawn: Chart, theme: Theme, layout: Layout = BESIDE) -> str:
    return draw_in(drawn, layout, theme)


def lines(drawing: str) -> list[tuple[str, list[tuple[float, float]], str | None]]:
    """(name, points in shares of the plot's width and height from its lower left, opacity) of each line."""
    box = ElementTree.fromstring(drawing).find(f"{SVG}svg")
    assert box is not None
    _, _, wide, high = map(float, box.attrib["viewBox"].split())
    return [
        (
            line.attrib["data-name"],
            [
                (float(x) / wide, 1 - float(y) / high)
                for x, y in (point.split(",") for point in line.attrib["points"].split())
            ],
            line.get("opacity"),
        )
        for line in box.iter(f"{SVG}polyline")
    ]


def said(drawing: str) -> list[str]:
    return [title.text or "" for title in ElementTree.fromstring(drawing).iter(f"{SVG}title")]


def texts(drawing: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


@METRICS
def test_a_questions_old_line_stands_faint_behind_its_new_one(both, metric: str) -> None:
    was, now = both
    name = now.question_ids[0]
    drawing = edited.question_chart(was, now, name, metric, "light")
    assert [(of, len(points), faint) for of, points, faint in lines(drawing)] == [
        ("before", 10, "0.45"),
        ("now", 10, None),
    ]
    small = edited.lines_of_chart(drawing)
    assert [(of, len(points.split())) for of, points in small] == [("before", 10), ("now", 10)]
    (wide, high), xs = edited.QUESTION_BOX, [float(p.split(",")[0]) for p in small[1][1].split()]
    assert max(xs) == pytest.approx(wide, abs=0.1)
    assert all(0 <= float(p.split(",")[1]) <= high for _, points in small for p in points.split())
    values = edits.mean_frame(now, name, metric)["value"]
    written = f"{values.iloc[-1]:.1%}" if metric == "acc" else f"{values.iloc[-1]:.3f}"
    last = said(drawing)[-1]
    assert last.startswith(f"now: {written}, ")
    assert last.endswith("mean of 2 models")
    chance = edited.question_chance(now, name, metric)
    levels = [] if chance is None else [f"chance {chance:.0%}"]
    assert [text for text in texts(drawing) if text.startswith("chance")] == levels
    assert (chance is None) == (metric == "margin")
    assert {"now", "before", "early window", "tokens seen"} <= set(texts(drawing))
    # Heights are the values', from the axis' lower end to its upper one.
    heights = [y for _, y in lines(drawing)[1][1]]
    assert np.corrcoef(heights, values)[0, 1] == pytest.approx(1, abs=1e-3) or np.ptp(values) == 0


@METRICS
@pytest.mark.parametrize("narrow", [False, True])
def test_the_whole_set_is_drawn_by_model_without_further_seeds(both, metric: str, narrow: bool) -> None:
    was, now = both
    drawing = edited.chart_of_set(was, now, metric, narrow, "dark")
    own = [curve.model.short_name for curve in now.curves if curve.model.seed_of is None]
    assert [(of, faint) for of, _, faint in lines(drawing)] == [
        *((name, "0.28") for name in own),
        *((name, None) for name in own),
    ]
    assert len(said(drawing)) == sum(len(c.checkpoints) for c in now.curves if c.model.seed_of is None)
    assert all(one.endswith("n = 6 questions") for one in said(drawing))
    assert [text for text in texts(drawing) if text in own] == own  # each once, at its line or in the legend


def test_a_new_question_has_no_line_of_before_and_what_is_not_computed_none_at_all(both) -> None:
    was, now = both
    name = now.question_ids[0]
    older = replace(was, question_ids=("another", *was.question_ids[1:]))
    assert [of for of, *_ in lines(edited.question_chart(older, now, name, "margin", "light"))] == ["now"]
    curves = tuple(replace(curve, ll=np.full_like(curve.ll, np.nan)) for curve in now.curves)
    empty = replace(now, curves=curves)
    drawing = edited.question_chart(was, empty, name, "norm_prob", "light")
    assert [(of, len(points)) for of, points, _ in lines(drawing)] == [("before", 10)]
    assert "now" not in texts(drawing)
    assert not said(edited.chart_of_set(was, empty, "norm_prob", False, "light"))
    assert said(edited.question_chart(empty, empty, name, "norm_prob", "light")) == []


def test_steps_stand_in_where_tokens_are_not_known(both) -> None:
    unknown = [
        replace(
            measured,
            curves=tuple(
                replace(
                    c, checkpoints=tuple(k.model_copy(update={"tokens_seen": None}) for k in c.checkpoints)
                )
                for c in measured.curves
            ),
        )
        for measured in both
    ]
    for drawing in (
        edited.chart_of_set(*unknown, "margin", False, "light"),
        edited.question_chart(*unknown, unknown[0].question_ids[0], "margin", "light"),
    ):
        assert "training step" in texts(drawing)
        assert "early window" not in texts(drawing)
        assert all("tokens" not in one for one in said(drawing))


# --- the drawing itself -----------------------------------------------------------------------------------


def line(name: str, ys: list[float], **more: object) -> Line:
    look = {"colour": "#111", "ink": "#222", "said": [f"{name} {y}" for y in ys]} | more
    return Line(name, np.arange(1, len(ys) + 1) * 1e6, np.array(ys), **look)  # type: ignore[arg-type]


def chart(*drawn: Line, **more: object) -> Chart:
    return Chart("A chart", drawn, by_tokens=True, **more)  # type: ignore[arg-type]


def test_marks_stand_on_their_lines_whatever_the_width() -> None:
    drawing = draw(chart(line("a", [0.2, 0.6, 0.4])), LIGHT)
    ((_, points, _),) = lines(drawing)
    circles = list(ElementTree.fromstring(drawing).iter(f"{SVG}circle"))
    for circle, (x, y) in zip(circles, points, strict=True):
        assert float(circle.attrib["cx"].rstrip("%")) == pytest.approx(100 * x, abs=0.06)
        assert float(circle.attrib["cy"]) == pytest.approx(BESIDE.height * (1 - y), abs=0.06)
    root = ElementTree.fromstring(drawing)
    assert "viewBox" not in root.attrib  # texts keep their size
    assert root.find(f"{SVG}svg").attrib["preserveAspectRatio"] == "none"
    assert all(one.attrib["vector-effect"] == "non-scaling-stroke" for one in root.iter(f"{SVG}polyline"))


@pytest.mark.parametrize("symbol", ["circle", "square", "diamond"])
def test_every_symbol_says_what_it_is(symbol: str) -> None:
    assert said(draw(chart(line("a", [0.2, 0.6], symbol=symbol)), LIGHT)) == ["a 0.2", "a 0.6"]


def test_names_do_not_stand_on_each_other_and_a_legend_makes_room_for_itself() -> None:
    drawn = [line(name, [0.2, 0.5 + n / 1000]) for n, name in enumerate("abcdef")]
    root = ElementTree.fromstring(draw(chart(*drawn), LIGHT))
    places = sorted(float(t.attrib["y"]) for t in root.iter(f"{SVG}text") if t.text in set("abcdef"))
    assert np.diff(places).min() >= 14.9

    def below(drawing: str) -> int:
        found = re.search(r"margin:\d+px \d+px (\d+)px", drawing)
        return int(found[1]) if found else 0

    beside = draw(chart(*drawn), LIGHT)
    under = draw(chart(*drawn), LIGHT, BESIDE._replace(legend=2))
    assert below(beside) == 54
    assert below(under) == below(beside) + 3 * 21


def test_numbers_on_the_axis_are_told_apart_and_chance_is_in_view() -> None:
    assert {"20%", "40%"} <= set(texts(draw(chart(line("a", [0.2, 0.6])), LIGHT)))
    assert {"20.0%", "20.5%"} <= set(texts(draw(chart(line("a", [0.2, 0.21])), LIGHT)))
    assert {"-1.0", "-0.5"} <= set(texts(draw(chart(line("a", [-1.0, 0.6]), metric="margin"), LIGHT)))
    level = draw(chart(line("a", [0.5, 0.6]), chance=0.25), LIGHT)
    assert {"chance 25%", "30%"} <= set(texts(level))


def test_what_others_wrote_is_text() -> None:
    drawing = draw(chart(line("</svg><script>", [0.1], said=["<b>"]))._replace(title='"><i>'), LIGHT)
    assert not [mark for mark in ("<script>", "<b>", "<i>") if mark in drawing]
    assert ElementTree.fromstring(drawing).attrib["aria-label"] == '"><i>'


def test_colours_follow_the_theme_of_the_browser() -> None:
    drawing = draw(chart(line("a", [0.1], colour=css_theme(DARK).accent)), css_theme(DARK))
    used = set(re.findall(r"var\((--[\w-]+), ([^()]+|rgba\([^)]*\))\)", drawing))
    assert ("--picture-accent", DARK.accent) in used
    assert {name for name, _ in used} <= set(re.findall(r"(--[\w-]+): light-dark", css_variables()))
    assert f"--picture-accent: light-dark({LIGHT.accent}, {DARK.accent})" in css_variables()
