"""Widths at other sizes: a mean's falls with the root of the number, and what is found is where it crosses."""

import numpy as np
import pytest

from e2lm_core.scores.layout import Run
from e2lm_core.scores.uncertainty import coverage, set_sizes
from e2lm_core.scores.uncertainty.set_sizes import Target, Widths, required_questions, widths
from tests.support import simulation

SIZES = (50, 200, 800)


@pytest.fixture(scope="module")
def runs():
    fleet = simulation.fleet("fast", 6)
    return simulation.runs(fleet, simulation.draw(fleet, 120, 6))


def found(*width):
    return Widths((100, 200, 400)[: len(width)], np.array(width), np.ones(len(width)), None)


def test_needed_is_between_two_sizes_by_their_logarithms():
    assert required_questions(found(0.4, 0.2, 0.1), 0.2) == 200
    assert required_questions(found(0.4, 0.2, 0.1), 0.2 * 2**0.5) == 142  # half-way between, 100 x sqrt(2)
    assert required_questions(found(0.4, 0.2, 0.1), 0.05) is None
    assert required_questions(found(0.4, 0.2, 0.1), 1.0) == 100
    assert (
        required_questions(found(np.nan, 0.2, 0.1), 0.3) == 200
    )  # the smallest with a width is not extrapolated
    assert required_questions(found(np.nan, np.nan, np.nan), 0.3) is None
    assert required_questions(found(0.2, 0.2, 0.0), 0.1) == 400


@pytest.mark.parametrize("metric", ["acc", "norm_prob", "bpb"])
def test_a_means_width_is_its_normal_one(runs, metric):
    model = "size3"
    got = widths(runs, np.full(120, 4), metric, Target("mean", (model, 15)), coverage.load(), sizes=SIZES)
    spread = runs[model].per_question[metric][15].std()
    np.testing.assert_allclose(got.width, 2 * 1.96 * spread / np.sqrt(SIZES), rtol=0.15)
    np.testing.assert_allclose(got.expected, runs[model].per_question[metric][15].mean(), rtol=1e-6)


def test_a_difference_is_paired(runs):
    same = Target("difference", ("size3", 15), ("size3", 15))
    got = widths(runs, np.full(120, 4), "margin", same, coverage.load(), sizes=SIZES)
    np.testing.assert_array_equal(got.expected, 0)
    assert np.isnan(got.width).all()  # no spread is no certainty
    assert got.why == set_sizes.ALIKE


def test_a_difference_has_a_width_from_where_models_differ_on_enough_questions():
    """Two models differ on a twentieth of the questions: on two or three of 50, on ten of 200."""
    right = np.ones((16, 120))
    wrong = np.where(np.arange(120) < 6, 0.0, right)
    steps = np.arange(1, 17)
    two = {n: Run({"acc": v}, steps, steps <= 12) for n, v in {"a": right, "b": wrong}.items()}
    target = Target("difference", ("a", 15), ("b", 15))
    got = widths(two, np.full(120, 4), "acc", target, coverage.load(), sizes=SIZES)
    assert np.isfinite(got.width).tolist() == [False, True, True]
    np.testing.assert_allclose(got.expected, 0.05)
    assert "typically differ on 2 questions" in got.why


@pytest.mark.parametrize("metric", ["acc", "norm_prob"])
@pytest.mark.parametrize("score", ["sq", "rc", "cs", "score", "decision_accuracy"])
def test_scores_get_narrower_and_start_where_the_study_does(runs, metric, score):
    got = widths(
        runs, np.full(120, 4), metric, Target(score), coverage.load(), sizes=(20, 100, 3_200), resamples=120
    )
    assert np.isnan(got.width[0])
    assert "30 questions" in got.why
    assert got.width[1] >= got.width[2] > 0
    assert (got.expected[1:] >= 0).all()


def test_noise_lowers_the_signal_quality_that_is_expected(runs):
    got = widths(
        runs, np.full(120, 4), "acc", Target("sq"), coverage.load(), sizes=(50, 3_200), resamples=120
    )
    assert got.expected[0] < got.expected[1]


def test_groups_count_once(runs):
    groups = [f"g{i // 4}" for i in range(120)]
    target = Target("mean", ("size3", 15))
    alone = widths(runs, np.full(120, 4), "acc", target, coverage.load(), sizes=(200,))
    grouped = widths(runs, np.full(120, 4), "acc", target, coverage.load(), groups, sizes=(200,))
    assert grouped.width[0] != pytest.approx(alone.width[0])


def test_one_question_has_no_width(runs):
    one = {
        n: Run({"acc": r.per_question["acc"][:, :1]}, r.steps, r.early, r.counts, r.twin_of)
        for n, r in runs.items()
    }
    got = widths(one, [4], "acc", Target("sq"), coverage.load(), sizes=(100,), resamples=50)
    assert np.isnan(got.width).all() or got.width[0] >= 0
