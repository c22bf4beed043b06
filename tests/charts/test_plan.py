"""The chart of a plan: the widths, what is wanted and measured, and the number of questions needed."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from e2lm_core.analysis.plan import plan as planning
from e2lm_core.analysis.plan.fleet import FleetPart, Pace
from e2lm_core.charts import plan as plan_charts
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from tests.support.measured import RISING, SMALL, curve, measurements

FLEET = (FleetPart(model=SMALL.name, parameters=100, checkpoints=10),)
PACE = Pace(seconds={SMALL.name: 0.01}, source="here")


def planned(of: str = "mean", wanted: float = 0.1, pace: Pace | None = PACE) -> planning.Plan:
    return planning.plan_questions(
        measurements(curve(SMALL, RISING)), planning.Goal(of, "acc", wanted, ()), FLEET, pace
    )


def needed(figure: go.Figure) -> list[str]:
    return [trace.text[0] for trace in figure.data if trace.mode == "markers+text"]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("narrow", [False, True])
def test_the_number_needed_is_marked(theme: Theme, narrow: bool) -> None:
    figure = plan_charts.widths(planned(), theme, narrow)
    (text,) = needed(figure)
    assert text.endswith(" questions")
    assert len(figure.data[0].x) == len(planned().widths.sizes)
    assert "wanted: 0.1" in [a.text for a in figure.layout.annotations]


def test_what_is_out_of_reach_has_no_mark() -> None:
    assert not needed(plan_charts.widths(planned(wanted=1e-6), LIGHT))


def test_an_undefined_score_draws_with_no_point() -> None:
    figure = plan_charts.widths(planned("rc", pace=None), LIGHT)
    assert not len(figure.data[0].x)
    assert not needed(figure)
