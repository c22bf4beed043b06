"""Figures of relevance: every question is counted, and nothing draws as well."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from e2lm_core.charts import relevance
from e2lm_core.charts.palette import DARK, LIGHT, Theme

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


def test_the_histogram_counts_every_question() -> None:
    figure = relevance.probability_histogram(np.array([0.0, 0.04, 0.5, 0.97, 1.0]), LIGHT)
    counts = figure.data[0].y
    assert (counts.sum(), counts[0], counts[10], counts[19]) == (5, 2, 1, 2)


@THEMES
def test_the_set_lies_over_the_exemplars(theme: Theme) -> None:
    questions = pd.DataFrame({"x": [0.0], "y": [1.0], "probability": [0.9], "label": ["mine"]})
    exemplars = pd.DataFrame(
        {"x": [1.0, 2.0, 3.0], "y": 0.0, "accepted": [True, False, True], "label": ["a", "b", "c"]}
    )
    accepted, rejected, mine = relevance.relevance_map(questions, exemplars, theme).data
    assert [list(trace.text) for trace in (accepted, rejected, mine)] == [["a", "c"], ["b"], ["mine"]]
    assert (accepted.marker.color, rejected.marker.color) == (theme.line["blue"], theme.line["orange"])


@THEMES
def test_reliability_has_a_point_a_bin_that_holds_rows(theme: Theme) -> None:
    table = pd.DataFrame(
        {
            "from": [0.0, 0.5],
            "to": [0.5, 1.0],
            "rows": [4, 0],
            "mean probability": [0.2, float("nan")],
            "accepted": [0.25, float("nan")],
        }
    )
    line, points = relevance.reliability(table, theme).data
    assert (list(line.x), list(line.y)) == ([0, 1], [0, 1])
    assert (list(points.x), list(points.y)) == ([0.2], [0.25])


@THEMES
def test_nothing_draws_as_well(theme: Theme) -> None:
    for figure in (
        relevance.probability_histogram(np.empty(0), theme),
        relevance.relevance_map(
            pd.DataFrame(columns=["x", "y", "probability", "label"]),
            pd.DataFrame(columns=["x", "y", "accepted", "label"]),
            theme,
        ),
    ):
        assert "NaN" not in figure.to_json()
