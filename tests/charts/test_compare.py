"""The chart of differences: a row a model, in points where the metric is a share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from e2lm_core.analysis.compare.comparison import ALL, END
from e2lm_core.base.records import METRICS
from e2lm_core.charts import compare as comparison_charts
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from tests.support.measured import LARGE, SMALL

COLUMNS = ["model", "point", "difference", "low", "high", "share"]


def means(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame([(name, END, *row) for name, *row in rows], columns=COLUMNS)


THREE = means(
    (ALL, 0.0, -0.05, 0.05, 0.5), (SMALL.name, 0.1, None, None, None), (LARGE.name, -0.1, -0.2, -0.05, 0.01)
)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_chart_has_a_row_a_model(theme: Theme) -> None:
    figure = comparison_charts.differences(THREE, [SMALL, LARGE], "acc", END, theme)
    assert list(figure.layout.yaxis.ticktext) == [f"<b>{ALL}</b>", SMALL.short_name, LARGE.short_name]
    assert list(figure.layout.yaxis.tickvals) == [2, 1, 0]
    values = [t.x[0] for t in figure.data if t.mode == "markers"]
    np.testing.assert_allclose(values, [0.0, 10.0, -10.0], atol=1e-9)  # in points
    spans = [list(t.x) for t in figure.data if t.mode == "lines"]
    np.testing.assert_allclose(spans, [[-5, 5], [-20, -5]])


def test_other_metrics_keep_their_unit() -> None:
    figure = comparison_charts.differences(THREE, [SMALL, LARGE], "bpb", END, LIGHT)
    assert [t.x[0] for t in figure.data if t.mode == "markers"] == [0.0, 0.1, -0.1]
    assert figure.layout.xaxis.title.text.count("(lower is better)") == 1


@pytest.mark.parametrize("metric", METRICS)
def test_undefined_differences_have_no_row(metric: str) -> None:
    nothing = means((ALL, np.nan, None, None, None))
    figure = comparison_charts.differences(nothing, [SMALL], metric, END, LIGHT)
    assert not figure.data
    assert not figure.layout.yaxis.ticktext
