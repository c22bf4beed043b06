"""A fleet and its pace, by hand: what is measured, what is scaled, and what is not known."""

from __future__ import annotations

import math

import pytest

from e2lm_core.analysis.plan import fleet as fleets
from e2lm_core.analysis.plan.fleet import FleetPart, Pace
from e2lm_core.base.errors import StudioError
from tests.support import studios
from tests.support.measured import FLEET_PARTS, LARGE, RISING, SMALL, curve


def test_a_fleet_counts_the_checkpoints_of_each_model() -> None:
    every = [*curve(SMALL, RISING).checkpoints, *curve(LARGE, RISING[:1]).checkpoints]
    assert fleets.count_checkpoints_by_model(every) == (
        FleetPart(model=SMALL.name, parameters=100, checkpoints=10),
        FleetPart(model=LARGE.name, parameters=900, checkpoints=1),
    )
    assert fleets.count_checkpoints_by_model([]) == ()


def test_time_is_questions_by_checkpoints_by_pace() -> None:
    pace = Pace(seconds={"a": 0.1, "b": 0.4}, source="here")
    assert fleets.fleet_seconds(100, FLEET_PARTS, pace) == pytest.approx(100 * (10 * 0.1 + 5 * 0.4))
    assert fleets.fleet_seconds(0, FLEET_PARTS, pace) == 0.0
    assert fleets.fleet_seconds(100, FLEET_PARTS, None) is None


def test_an_unmeasured_model_is_scaled_from_the_largest_measured_one() -> None:
    measured = Pace(seconds={"s": 0.01, "a": 0.02}, source="here")
    scaled = fleets.fleet_pace(FLEET_PARTS, measured, {"s": 10, "a": 100})
    assert scaled is not None
    assert scaled.seconds == {"a": 0.02, "b": pytest.approx(0.06)}
    assert scaled.estimated
    assert scaled.source == "here, scaled by parameters from a: an estimate"


def test_a_smaller_model_is_taken_to_be_no_faster() -> None:
    scaled = fleets.fleet_pace(FLEET_PARTS[:1], Pace(seconds={"big": 0.5}, source="here"), {"big": 1_000})
    assert scaled is not None
    assert scaled.seconds == {"a": 0.5}


def test_models_of_no_known_size_have_the_mean_pace() -> None:
    measured = Pace(seconds={"s": 0.01, "t": 0.03}, source="here")
    pace = fleets.fleet_pace(FLEET_PARTS, measured, {"s": None})
    assert pace is not None
    assert pace.seconds == {"a": pytest.approx(0.02), "b": pytest.approx(0.02)}
    assert (pace.source, pace.estimated) == ("here", False)


def test_a_given_pace_holds_for_all() -> None:
    pace = fleets.fleet_pace(FLEET_PARTS, Pace(seconds={"a": 9.0}, source="here"), {}, 0.5)
    assert pace == Pace(seconds={"a": 0.5, "b": 0.5}, source="the pace that was given")
    assert fleets.fleet_pace(FLEET_PARTS, None, {}, 0.5) == pace
    assert fleets.fleet_pace(FLEET_PARTS, None, {}) is None


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf, math.nan])
def test_a_pace_is_above_nothing(wrong: float) -> None:
    with pytest.raises(StudioError, match=r"above 0, such as 0\.02") as refused:
        fleets.fleet_pace(FLEET_PARTS, None, {}, wrong)
    assert studios.sentence(refused).startswith(f"The pace {wrong} cannot be used")
