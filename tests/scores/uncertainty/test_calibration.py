"""The scale that a set's own simulated sets ask for: by hand where it is known, and by what learners are like."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.scores.set_scores import RANGES
from e2lm_core.scores.uncertainty import calibration, intervals
from e2lm_core.scores.uncertainty.methods import LEVEL
from e2lm_core.scores.uncertainty.rules import IntervalRule
from tests.support import simulation


def square(curves):
    return {"snr": curves["a"][..., 0] ** 2}


def scale(clean, quiet, deviation=1.0, scored=square):
    noise = deviation * np.random.default_rng(3).standard_normal((1000, 1))
    clean, noise = {"a": np.array([clean])}, {"a": noise}
    return calibration.calibration_scales(clean, noise, quiet, scored, {"snr": "parametric_normal"}, LEVEL)[
        "snr"
    ]


def test_an_interval_that_holds_as_often_as_it_says_is_left_as_it_is():
    """Far from 0 a square is as good as straight: its spread is the same in every set."""
    assert scale(100.0, lambda curves: curves) == pytest.approx(1.0, abs=0.2)


def test_one_whose_sets_judge_their_spread_otherwise_is_scaled_by_as_much():
    """A square's spread goes with the curve: where sets see three quarters of it, they are widened by four thirds."""
    assert scale(100.0, lambda curves: {"a": 0.75 * curves["a"]}) == pytest.approx(4 / 3, abs=0.15)
    assert scale(100.0, lambda curves: {"a": 2 * curves["a"]}) == pytest.approx(1 / 2, abs=0.1)


def test_a_scale_has_bounds():
    """Where no question moves the score, and where its sets see none of what moves it."""
    assert scale(100.0, lambda curves: curves, 0.0) == calibration.BOUNDS[0]
    assert scale(100.0, lambda curves: {"a": 1e-6 * curves["a"]}) == calibration.BOUNDS[1]


def test_a_score_that_half_of_the_sets_lack_has_no_scale():
    def seldom(curves):
        return {"snr": np.where(curves["a"][..., 0] > 100.0, curves["a"][..., 0], np.nan)}

    assert np.isnan(scale(99.0, lambda curves: curves, scored=seldom))
    assert scale(101.0, lambda curves: curves, scored=seldom) > 0


@pytest.mark.filterwarnings("error")
def test_a_score_that_no_set_has_has_no_scale_and_nothing_to_warn_of():
    def never(curves):
        return {"snr": np.full_like(curves["a"][..., 0], np.nan)}

    assert np.isnan(scale(99.0, lambda curves: curves, scored=never))


def test_what_an_interval_needs_is_its_distance_in_reaches_less_the_grain():
    ends = ([0.4, 0.4], [0.5, 0.5], [0.7, 0.7])
    np.testing.assert_allclose(
        calibration.required_scale(ends, [0.605, 0.295], RANGES["sq"]), [0.1 / 0.2, 0.2 / 0.1]
    )
    np.testing.assert_allclose(
        calibration.required_scale(ends, [0.6, 0.3], RANGES["snr"]), [0.1 / 0.2, 0.2 / 0.1]
    )
    assert calibration.required_scale((0.5, 0.5, 0.5), 0.503, RANGES["sq"]) == 0


@pytest.fixture(scope="module")
def of_learners():
    """SQ's and RC's scales of one set of each learner, rules and all."""
    asked = {
        "sq": IntervalRule("parametric_normal", calibrated=True, scale=2.0),
        "rc": IntervalRule("regressed", calibrated=True),
        "cs": IntervalRule("wider", scale=1.3),
    }
    found = {}
    for learner in ("fast", "steps", "lingering"):
        fleet = simulation.fleet(learner, 20, True, window=8)
        runs = simulation.runs(fleet, simulation.draw(fleet, 100, 1))
        given = intervals.resample(runs, np.full(100, 4), ("acc",), resamples=200)
        found[learner] = intervals.calibrated(given, "acc", asked, LEVEL)
    return found


def test_learners_that_are_nearly_done_need_less_of_sq_than_those_whose_answers_linger(of_learners):
    assert of_learners["fast"]["sq"].scale < 0.7 * of_learners["lingering"]["sq"].scale
    assert 1.4 < of_learners["lingering"]["sq"].scale < 3.0  # twice what the set asks for


def test_the_middle_of_a_score_that_falls_back_is_moved_most_of_the_way(of_learners):
    assert all(0.4 < of["rc"].scale < 1.0 for of in of_learners.values())


def test_rules_that_are_not_calibrated_stay(of_learners):
    assert all(of["cs"] == IntervalRule("wider", scale=1.3) for of in of_learners.values())
