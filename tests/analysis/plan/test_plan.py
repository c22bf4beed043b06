"""Plans: what is asked for, how many questions, how long, and what is said where that is not known."""

import math

import pytest

from e2lm_core.analysis.plan import fleet as fleets
from e2lm_core.analysis.plan import plan as planning
from e2lm_core.base.errors import StudioError
from e2lm_core.runs import state as run_state
from tests.support import studios
from tests.support.measured import FASTER, FLAT, LARGE, RISING, SMALL, WEB, curve, measurements, planned


@pytest.fixture
def measured():
    return measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT))


def test_the_mean_of_a_model_takes_about_what_a_normal_interval_does(measured):
    got = planned(measured, wanted=0.1, models=[SMALL.name])
    spread = math.sqrt(0.9 * 0.1)
    assert got.questions == pytest.approx((2 * 1.96 * spread / 0.1) ** 2, rel=0.3)
    assert got.subject == f"the accuracy of {SMALL.name} at its end"


def test_by_default_the_two_nearest_models_are_told_apart(measured):
    target, said = planning.interval_target(measured, "difference", "acc")
    assert {target.first[0], target.second[0]} == {SMALL.name, LARGE.name}
    assert "difference of" in said


@pytest.mark.parametrize(
    ("of", "metric", "models", "sentence"),
    [
        ("mode", "acc", [], "cannot be planned for"),
        ("sq", "f1", [], "does not exist"),
        ("mean", "acc", ["nobody"], "not among those of this run"),
        ("difference", "acc", [SMALL.name], "takes 2 models"),
        ("difference", "acc", [SMALL.name, SMALL.name], "takes 2 models"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(measured, of, metric, models, sentence):
    with pytest.raises(StudioError, match=sentence):
        planning.interval_target(measured, of, metric, models)


def test_a_width_is_above_nothing(measured):
    for wrong in (0.0, -0.1, math.nan):
        with pytest.raises(StudioError, match="above 0"):
            planned(measured, wanted=wrong)


def test_nothing_is_planned_from_nothing():
    with pytest.raises(StudioError, match="run the set first"):
        planned(measurements(curve(SMALL, RISING, questions=1)), "sq")
    with pytest.raises(StudioError, match="no complete checkpoint"):
        planned(measurements(curve(SMALL, [math.nan] * 10)), "mean")


def test_out_of_reach_says_what_is_left(measured):
    got = planned(measured, wanted=1e-6, models=[SMALL.name])
    assert got.questions is None
    assert "Even 15,000 questions leave" in (got.why or "")


def test_a_model_that_answers_everything_right_is_still_not_certain(measured):
    got = planned(measured, models=[LARGE.name])
    assert got.questions == 35  # 1 - 35 / (35 + 3.84) = .099


def test_an_undefined_score_says_why(measured):
    one = measurements(curve(SMALL, RISING))
    got = planned(one, "rc")
    assert got.questions is None
    assert "3 models" in (got.why or "")


def test_the_competitions_fleet_is_known_beforehand(tmp_path):
    here = studios.studio(tmp_path)
    assert [p.checkpoints for p in run_state.planned_fleet(here, "ladder")] == [10] * 4
    fleet = run_state.planned_fleet(here, "e2lm")
    assert {p.parameters for p in fleet} == {500_000_000, 1_000_000_000, 3_000_000_000}
    assert {p.checkpoints for p in fleet} == {27}
    with pytest.raises(StudioError, match="e2lm"):
        run_state.planned_fleet(here, "nobody")


def test_part_of_a_fleet_keeps_the_checkpoints_named(measured):
    kept = [measured.curves[0].checkpoints[k] for k in (0, 9)]
    part = planning.select_checkpoints(measured, kept)
    assert [c.model.name for c in part.curves] == [SMALL.name]
    assert part.values(SMALL.name, "acc").tolist() == [RISING[0], RISING[9]]
    assert fleets.count_checkpoints_by_model(kept)[0].checkpoints == 2
