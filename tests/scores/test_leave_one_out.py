"""Scores without one question each, against scoring the smaller sets one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from e2lm_core.base.records import METRICS
from e2lm_core.scores import metrics, set_scores
from e2lm_core.scores.layout import Layout, Run
from e2lm_core.scores.leave_one_out import curves_without, scores_without
from tests.support import simulation

QUESTIONS = 24


@pytest.fixture(scope="module")
def runs():
    fleet = simulation.fleet("fast", 3)
    return simulation.runs(fleet, simulation.draw(fleet, QUESTIONS, 3))


def without(runs, gone):
    """The runs of the set without one question, as if it had been measured by itself."""
    return {
        name: Run(
            {m: np.delete(values.astype(float), gone, axis=1) for m, values in run.per_question.items()},
            run.steps,
            run.early,
            run.counts,
            run.twin_of,
        )
        for name, run in runs.items()
    }


def test_by_hand():
    got = curves_without([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    np.testing.assert_array_equal(got, [[0.0, 0.5], [0.5, 0.5], [0.5, 1.0]])


def test_nothing_is_left_of_one_question():
    assert np.isnan(curves_without([[1.0], [0.0]])).all()
    assert curves_without(np.empty((3, 0))).shape == (0, 3)


def test_a_missing_question_leaves_no_curve():
    got = curves_without([[np.nan, 1.0, 0.0], [1.0, 1.0, 0.0]])
    assert np.isnan(got[:, 0]).all()
    assert np.isfinite(got[:, 1]).all()


@pytest.mark.parametrize("metric", METRICS)
def test_equals_scoring_each_smaller_set_by_itself(runs, metric):
    got = scores_without(runs, metric, np.full(QUESTIONS, 4))
    for q in range(0, QUESTIONS, 5):
        left = without(runs, q)
        curves = {n: metrics.curve(r.per_question[metric]) for n, r in left.items()}
        layout = Layout.of(left, curves)
        against = set_scores.floor(left, layout, metric, 0.25, QUESTIONS - 1)
        one = set_scores.curve_scores(layout, curves, metric, against)
        for score, value in one.whole.items():
            np.testing.assert_allclose(got.whole[score][q], value, atol=1e-9, err_msg=score)
        for model, value in one.models.items():
            np.testing.assert_allclose(got.models[model][q], value, atol=1e-9)


def test_chance_is_that_of_the_questions_left():
    steps, early = np.arange(1, 3), np.ones(2, bool)
    science = Run({"acc": np.ones((2, 3))}, steps, early)
    web = Run({"acc": np.array([[0.0, 1.0, 0.0]] * 2)}, steps, early, counts=False, twin_of="science")
    got = scores_without({"science": science, "web": web}, "acc", [2, 4, 4]).whole["cs"]
    # Chance without the question of two choices is 1/4, else (1/2 + 1/4) / 2 = 3/8; CS = (1 - web) / (1 - chance).
    np.testing.assert_allclose(got, [0.5 / 0.75, 1.0, 0.5 / 0.625])


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, (4, 6), elements=st.floats(-3, 3)))
def test_the_mean_of_the_smaller_sets_is_the_mean_of_the_set(values):
    np.testing.assert_allclose(curves_without(values).mean(axis=0), values.mean(axis=1), atol=1e-9)
