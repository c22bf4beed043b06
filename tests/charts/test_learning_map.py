"""The charts of the tab Map: a line and a dot for each question, in both themes, narrow and empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from e2lm_core.analysis.questions import learning_map as maps
from e2lm_core.charts import learning_map as charts
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from tests.support.simulation import answered


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("narrow", [False, True])
def test_a_line_and_a_dot_for_each_question(theme: Theme, narrow: bool) -> None:
    found = maps.learning_map(answered(12))
    ids = [f"q{row}" for row in found.rows]
    figure = charts.learning_map(found, ids, maps.chart_lines(12, charts.MAX_LINES), theme, narrow)
    cells, dots = figure.data
    assert list(cells.y) == list(dots.y) == ids
    assert np.asarray(cells.z) == pytest.approx(found.probability.T, abs=1e-3)
    steps = [str(step) for step in found.steps]
    assert list(dots.x) == [[*steps, charts.NEVER][at] for at in found.learnt]
    assert cells.colorscale[1] == (pytest.approx(found.chance.mean()), theme.background)
    assert list(figure.layout.xaxis.tickvals)[-1] == charts.NEVER
    assert len(figure.layout.xaxis.tickvals) <= (4 if narrow else 7)
    assert figure.layout.selectdirection == "v"
    # A drag on a phone scrolls the page.
    assert figure.layout.dragmode is (False if narrow else figure.layout.dragmode)
    assert narrow or figure.layout.dragmode == "select"


def test_neighbours_share_a_line_of_a_large_set() -> None:
    found = maps.learning_map(answered(12))
    ids = [f"q{row}" for row in found.rows]
    figure = charts.learning_map(found, ids, maps.chart_lines(12, 5), LIGHT)
    assert len(figure.data[0].z) == len(figure.data[1].y) == 5
    assert figure.data[0].y[0] == f"{ids[0]} and 2 more"
    assert figure.data[0].z[0][0] == pytest.approx(found.probability[0, :3].mean(), abs=1e-3)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("narrow", [False, True])
def test_the_scatter_marks_what_lies_below_zero_by_shape_and_colour(theme: Theme, narrow: bool) -> None:
    frame = pd.DataFrame(
        {"id": ["a", "b", "c"], "norm_prob": [0.1, 0.5, 0.9], "discrimination": [-0.2, 0.0, 0.7]}
    )
    (points,) = charts.difficulty_scatter(frame, 0.25, theme, narrow).data
    assert list(points.x) == [0.1, 0.5, 0.9]
    assert list(points.y) == [-0.2, 0.0, 0.7]
    assert list(points.marker.symbol) == ["diamond", "circle", "circle"]
    assert list(points.customdata) == ["a", "b", "c"]
    empty = charts.difficulty_scatter(frame.iloc[:0], 0.25, theme, narrow)
    assert len(empty.data[0].x) == 0
