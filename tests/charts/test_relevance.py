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
