"""Small multiples: panels share axes and one legend, in both themes, wide and narrow."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
import pytest

from e2lm_core.analysis.curves import axes, subjects
from e2lm_core.charts import canvas
from e2lm_core.charts import subjects as subject_charts
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from e2lm_core.charts.svg.figure import draw_figure
from e2lm_core.scores.measurements import Measurements
from tests.support.measured import with_subjects

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
NARROW = pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])


def texts(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return with_subjects()


@THEMES
@NARROW
def test_little_charts_share_axes_and_one_legend(
    measured: Measurements,
    theme: Theme,
    narrow: bool,
) -> None:
    found, _ = subjects.curves_by_subject(measured, "acc")
    placed = [own.with_x_column(axes.with_x_column(own.frame, measured, "tokens")[0]) for own in found]
    axis = axes.with_x_column(found[0].frame, measured, "tokens")[1]
    models = [c.model for c in measured.curves]
    figure = subject_charts.subject_curves(placed, models, "acc", theme, axis, narrow)
    assert [t for t in texts(figure) if "questions" in t] == [
        "<b>physics</b><br>30 questions · chance 25%",
        "<b>biology</b><br>20 questions · chance 25%",
        "<b>no subject</b><br>10 questions · chance 25%",
    ]
    drawn = {model.name for model in models}
    named = [
        model for model in models if model.seed_of not in drawn
    ]  # a further seed is its first's thin line
    assert len(named) < len(models)
    assert sum(bool(t.showlegend) for t in figure.data) == len(named)
    alone = subject_charts.subject_curves(placed, named, "acc", theme, axis, narrow)
    assert figure.layout.height == alone.layout.height
    ranges = {(axis.range[0], axis.range[1]) for axis in figure.select_yaxes()}
    assert len(ranges) == 1
    columns = {round(axis.domain[0], 3) for axis in figure.select_xaxes()}
    assert len(columns) == (1 if narrow else 3)
    one = subject_charts.subject_curves(placed[:1], models, "bpb", theme, axis, narrow)
    assert len(one.data) == 0  # its frame holds acc alone


@THEMES
def test_no_subject_draws_as_well(measured: Measurements, theme: Theme) -> None:
    (first, *_), _ = subjects.curves_by_subject(measured, "acc", bands=False)
    axis = axes.with_x_column(first.frame, measured, "tokens")[1]
    figure = subject_charts.subject_curves([], [], "acc", theme, axis)
    assert "NaN" not in figure.to_json()


def test_the_markup_of_a_subject_is_no_markup_of_the_head(measured: Measurements) -> None:
    found, _ = subjects.curves_by_subject(measured, "acc", bands=False)
    axis = axes.with_x_column(found[0].frame, measured, "tokens")[1]
    placed = found[0].with_x_column(axes.with_x_column(found[0].frame, measured, "tokens")[0])
    marked = replace(placed, subject="<b>b</b>%{x}<br>R&D")
    figure = subject_charts.subject_curves([marked], [c.model for c in measured.curves], "acc", LIGHT, axis)
    (head,) = [text for text in texts(canvas.without_links(figure)) if "questions" in text]
    assert head == "<b>&lt;b>b&lt;/b>%\u2060{x}&lt;br>R&amp;D</b><br>30 questions · chance 25%"
    assert ">&lt;b&gt;b&lt;/b&gt;%\u2060{x}&lt;br&gt;R&amp;D<" in draw_figure(figure, "by subject")
