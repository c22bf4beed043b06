"""Intervals of a set: one resample for curves, differences and scores; the table decides what is shown."""

import os
import time

import numpy as np
import pytest

from e2lm_core.base.records import METRICS, Value
from e2lm_core.scores.layout import Run
from e2lm_core.scores.set_scores import RANGES, SCORES
from e2lm_core.scores.uncertainty import intervals
from e2lm_core.scores.uncertainty.methods import small_sample_level
from e2lm_core.scores.uncertainty.rules import CoverageTable
from tests.support import simulation

QUESTIONS = 120
METRIC_ROWS = ("acc", "margin", "norm_prob", "bpb")


def table(lowest=0.93, method="wider"):
    scores = (*SCORES, "sq_model")
    return CoverageTable(
        methods=dict.fromkeys(scores, method),
        lowest={
            (s, method, m, k, n): lowest for s in scores for m in METRIC_ROWS for k in (3, 6) for n in (100,)
        },
        questions=(100,),
        models=(3, 6),
    )


def degenerate(values):
    return Run({"acc": np.asarray(values, float)}, np.arange(1, 17), np.arange(16) < 12)


@pytest.fixture(scope="module")
def runs():
    fleet = simulation.fleet("slow", 2)
    return simulation.runs(fleet, simulation.draw(fleet, QUESTIONS, 2))


@pytest.fixture(scope="module")
def given(runs):
    return intervals.resample(runs, np.full(QUESTIONS, 4), resamples=300, seed=1)


def test_the_resample_is_of_everything_at_once(given, runs):
    assert set(given.curves) == set(METRICS)
    assert given.curves["acc"]["size1"].shape == (300, 16)
    assert (given.questions, given.clusters, given.chance) == (QUESTIONS, QUESTIONS, 0.25)
    np.testing.assert_allclose(given.chances, 0.25)
    np.testing.assert_array_equal(
        given.observed["margin"]["size2"], runs["size2"].per_question["margin"].mean(axis=-1, dtype=float)
    )


def test_the_same_seed_gives_the_same_intervals(given, runs):
    again = intervals.resample(runs, np.full(QUESTIONS, 4), resamples=300, seed=1)
    assert (
        intervals.score_intervals(again, "acc", table()).scores
        == intervals.score_intervals(given, "acc", table()).scores
    )


@pytest.mark.parametrize("metric", METRICS)
def test_every_defined_score_has_an_interval_about_it(given, metric):
    found = intervals.score_intervals(given, metric, table())
    assert set(found.scores) == set(SCORES)
    assert set(found.sq_models) == set(found.bands) == set(given.runs)
    whole, models = intervals.replicates(given, metric)
    for name, interval in found.scores.items():
        estimate = float(whole[name].estimate)
        if np.isnan(estimate):
            assert (interval.bounds, interval.why) == (None, "The score is undefined.")
            continue
        low, high = interval.bounds
        assert low <= estimate <= high, name
        assert interval.coverage == 0.93
        allowed = RANGES[name]
        assert allowed[0] <= low <= high <= allowed[1]
    for name, interval in found.sq_models.items():
        assert interval.bounds[0] <= float(models[name].estimate) <= interval.bounds[1]


def test_bands_hold_their_curves_and_narrow_with_questions(given):
    band = intervals.point_band(given, "norm_prob", "size4")
    assert band.shape == (16, 2)
    curve = given.observed["norm_prob"]["size4"]
    assert ((band[:, 0] < curve) & (curve < band[:, 1])).all()
    values = given.runs["size4"].per_question["norm_prob"]
    expected = 2 * 1.98 * values.std(axis=1, ddof=1) / QUESTIONS**0.5
    np.testing.assert_allclose(band[:, 1] - band[:, 0], expected, rtol=0.2)


def test_the_noise_of_questions_falls_with_their_number_and_that_of_checkpoints_does_not():
    fleet = simulation.fleet("slow", 2)
    few, many = (
        intervals.resample(
            simulation.runs(fleet, simulation.draw(fleet, n, 2)), np.full(n, 4), ("norm_prob",), resamples=200
        )
        for n in (100, 1600)
    )
    of_few, of_many = (
        np.mean([intervals.noise(given, "norm_prob", name) for name in given.counted], axis=0)
        for given in (few, many)
    )
    assert of_many[0] == pytest.approx(of_few[0] / 4, rel=0.15)
    assert of_many[1] == pytest.approx(of_few[1], rel=0.5)


def test_groups_widen_what_they_tie_together(runs):
    """Each question twice under one group is no more evidence than once."""
    doubled = {
        name: Run(
            {m: np.repeat(v, 2, axis=1) for m, v in run.per_question.items()},
            *(run.steps, run.early, run.counts, run.twin_of),
        )
        for name, run in runs.items()
    }
    groups = np.repeat([f"g{i}" for i in range(QUESTIONS)], 2).tolist()
    choices = np.full(2 * QUESTIONS, 4)
    plain = intervals.point_band(intervals.resample(doubled, choices, ("acc",)), "acc", "size6")
    tied = intervals.resample(doubled, choices, ("acc",), groups=groups)
    assert tied.clusters == QUESTIONS
    ratio = np.ptp(intervals.point_band(tied, "acc", "size6"), axis=1) / np.ptp(plain, axis=1)
    assert ratio.mean() == pytest.approx(2**0.5, rel=0.05)


def test_models_measured_at_different_checkpoints_are_taken_as_they_are(runs):
    some = dict(runs)
    web = runs["size3-web"]
    some["size3-web"] = Run(
        {m: v[::2] for m, v in web.per_question.items()}, web.steps[::2], web.early[::2], False, web.twin_of
    )
    holed = {m: v.astype(float).copy() for m, v in runs["size2"].per_question.items()}
    for values in holed.values():
        values[4, 7] = np.nan
    some["size2"] = Run(holed, runs["size2"].steps, runs["size2"].early)
    found = intervals.score_intervals(
        intervals.resample(some, np.full(QUESTIONS, 4), resamples=100), "acc", table()
    )
    # size2 lacks a question at a checkpoint that all have: nothing is said of it, or between models.
    assert {name for name, own in found.scores.items() if own.bounds} == {"cs"}
    assert {name for name, own in found.sq_models.items() if not own.bounds} == {"size2", "size3-web"}
    assert np.isnan(found.bands["size2"][4]).all()
    assert np.isfinite(np.delete(found.bands["size2"], 4, axis=0)).all()


def test_choices_of_different_number_move_the_chance_with_the_resample(runs):
    choices = np.where(np.arange(QUESTIONS) % 2, 2, 4)
    given = intervals.resample(runs, choices, ("acc",), resamples=50)
    assert given.chance == 0.375
    assert given.chances.std() > 0
    assert np.isfinite(intervals.replicates(given, "acc")[0]["cs"].forward).all()


def test_one_question_has_no_interval_anywhere():
    given = intervals.resample({"a": degenerate(np.ones((16, 1)))}, np.array([4]), ("acc",), resamples=20)
    found = intervals.score_intervals(given, "acc", table())
    assert all(own.bounds is None and own.why for own in (*found.scores.values(), *found.sq_models.values()))
    assert np.isnan(found.bands["a"]).all()


def test_models_that_are_all_alike_have_curves_and_no_scores():
    flat = degenerate(np.ones((16, 200)))
    given = intervals.resample({"a": flat, "b": flat}, np.full(200, 4), ("acc",), resamples=20)
    found = intervals.score_intervals(given, "acc", table())
    assert found.scores["sq"].why == "The score is undefined."
    np.testing.assert_allclose(found.bands["a"], [[0.9812, 1]] * 16, atol=1e-4)  # 200 of 200, Wilson's


def test_no_runs_and_no_questions_are_no_obstacle():
    nothing = intervals.resample({}, np.full(5, 4), ("acc",), resamples=10)
    assert intervals.score_intervals(nothing, "acc", table()).scores["sq"].bounds is None
    empty = intervals.resample({"a": degenerate(np.empty((16, 0)))}, np.empty(0), ("acc",), resamples=10)
    assert intervals.score_intervals(empty, "acc", table()).scores["sq"].bounds is None


def test_a_value_is_kept_with_its_interval_or_the_reason_and_an_undefined_one_as_it_is():
    interval = intervals.Interval((0.1, 0.3), 0.93, "wider")
    assert interval.attach(Value(value=0.2)) == Value(value=0.2, interval=(0.1, 0.3), coverage=0.93)
    undefined = Value(value=None, why="no twin")
    assert interval.attach(undefined) is undefined
    assert intervals.Interval(None, why="uncovered").attach(Value(value=0.2)) == Value(
        value=0.2, why="uncovered"
    )


def test_at_the_small_sample_level_a_mean_has_students_interval():
    assert small_sample_level(10**6) == pytest.approx(0.95, abs=1e-5)
    assert 0.95 < small_sample_level(100) < small_sample_level(20) < 1
    assert np.isnan(small_sample_level(1))


@pytest.mark.slow
def test_a_thousand_resamples_of_the_largest_set_take_seconds():
    """1,000 resamples x 9 models x 16 checkpoints x 15,000 questions, every score of every metric."""
    fleet = simulation.fleet("fast", 0)
    drawn = simulation.draw(fleet, 1500, 0)
    runs = simulation.runs(fleet, {m: np.tile(v.astype(np.float64), 10) for m, v in drawn.items()})
    clock = time.process_time if os.environ.get("OMP_NUM_THREADS") == "1" else time.perf_counter
    started = clock()
    given = intervals.resample(runs, np.full(15_000, 4), resamples=1000)
    for metric in METRICS:
        intervals.score_intervals(given, metric, table())
    assert clock() - started < 5
