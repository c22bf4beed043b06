"""What measurements say of themselves: the common grid, last values, steps without tokens."""

from __future__ import annotations

import gc
import math
import pickle
import weakref
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.scores import measurements as score_measurements
from e2lm_core.scores import metrics, set_scores
from e2lm_core.scores.measurements import ModelCurve, final_values
from e2lm_core.scores.uncertainty import set_intervals
from tests.support import german
from tests.support.measured import FASTER, FLAT, LARGE, RISING, SEED2, SMALL, WEB, curve, measurements


def test_models_are_compared_only_where_all_of_them_are_complete() -> None:
    holes = [math.nan, *RISING[1:5], math.nan, *RISING[6:]]
    grid = score_measurements.common_grid(measurements(curve(SMALL, holes), curve(LARGE, FASTER)), "acc")
    assert grid is not None
    assert grid.steps.tolist() == [200, 300, 400, 500, 700, 800, 900, 1000]
    assert grid.values[1].tolist() == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.8, 0.9, 0.9, 1.0])
    assert grid.end == 5
    assert score_measurements.common_grid(measurements(curve(SMALL, RISING)), "acc") is None
    assert score_measurements.common_grid(measurements(curve(SMALL, RISING), curve(WEB, FLAT)), "acc") is None


def test_last_values_are_means_over_the_models_that_count() -> None:
    measured = measurements(curve(SMALL, [0.1, 0.2]), curve(LARGE, [0.1, 0.4]), curve(WEB, [0.1, 1.0]))
    assert final_values(measured, "acc").tolist() == [1.0, 1.0, 0.5, 0.5, *[0.0] * 6]
    twin = measurements(curve(WEB, [0.1, 0.2]), curve(SEED2, [0.1, 0.2]))
    assert final_values(twin, "acc").tolist() == [1.0, 1.0, *[0.0] * 8]
    assert np.isnan(final_values(twin, "acc", fall_back_to_all=False)).all()
    assert np.isnan(final_values(measurements(), "acc")).all()


def test_a_question_that_one_model_lacks_at_its_last_checkpoint_has_no_last_value() -> None:
    holed = curve(SMALL, [0.1, 0.2])
    holed.ll[1, 3] = np.nan
    got = final_values(measurements(holed, curve(LARGE, [0.3])), "acc")
    assert np.flatnonzero(np.isnan(got)).tolist() == [3]


def test_a_family_without_tokens_or_window_is_measured_by_step() -> None:
    model = ModelInfo(name="mine", family="local")
    plain = tuple(Checkpoint(model=model, step=k) for k in range(10))
    own = ModelCurve(model=model, checkpoints=plain, ll=curve(SMALL, RISING).ll)
    assert own.early.all()
    assert np.isnan(own.tokens_seen).all()
    assert set_scores.early_end(measurements(own)) is None


def test_measurements_that_nobody_holds_any_more_are_gone_without_a_collection_and_can_be_sent() -> None:
    got = measurements(curve(SMALL, RISING))
    got.all_values("acc")  # what they remember of themselves
    assert pickle.loads(pickle.dumps(got)).all_values("acc")[SMALL.name].tolist() == pytest.approx(RISING)
    gone = weakref.ref(got.curves[0])
    gc.disable()  # of a large set, which takes gigabytes, none comes for long
    try:
        del got
        assert gone() is None
    finally:
        gc.enable()


def test_a_metric_is_there_once_it_is_asked_for_and_what_is_complete_needs_none() -> None:
    holed = curve(SMALL, [0.1, 0.2])
    holed.ll[1, 3] = np.nan
    got = measurements(holed, curve(LARGE, [0.3]))
    assert (got.complete_pairs, got.complete_checkpoints) == (29, 2)
    assert got.complete[SMALL.name].sum(axis=1).tolist() == [10, 9]
    assert not any(got.per_question.values())
    got.all_values("acc")[LARGE.name][:] = 7.0  # a copy: nobody changes what others see
    assert got.values(LARGE.name, "acc").tolist() == [0.3]
    assert [list(by) for by in got.per_question.values()] == [["acc"], ["acc"]]
    at_once = metrics.per_question(got.curves[0].ll, got.gold, got.chars, got.gold_bytes)
    for metric, values in at_once.items():
        np.testing.assert_array_equal(got.per_question[SMALL.name][metric], values)


def test_neighbours_that_are_answered_alike_are_drawn_together_until_groups_are_set() -> None:
    """Each block of ten questions is right or wrong as one, in an order that no line explains."""
    right = np.repeat(np.random.default_rng(0).random(20) < 0.5, 10)
    own = curve(SMALL, [0.5] * 4, questions=200)
    own.ll[:, right] = [-1.0, -2.0]
    own.ll[:, ~right] = [-2.0, -1.0]
    measured = measurements(own)
    length = measured.block_length
    assert length > 10
    assert measured.resampling_groups[:2] == ("from q0 on", "from q0 on")
    assert len(set(measured.resampling_groups)) == math.ceil(200 / length)
    assert measured.independence_note == (
        f"Neighbouring questions are answered alike. Intervals count {length} in a row as one until groups are set."
    )
    told = replace(measured, groups=tuple(f"passage {n // 10}" for n in range(200)))
    assert (told.block_length, told.resampling_groups, told.independence_note) == (1, told.groups, None)
    declared = replace(measured, independent=True)
    assert (declared.block_length, declared.resampling_groups, declared.independence_note) == (1, (), None)


def test_copies_of_a_question_are_drawn_together_whatever_the_author_says() -> None:
    own = measurements(curve(SMALL, [0.5] * 4, questions=6))
    texts = np.array([[0, 1], [2, 3], [1, 0], [4, 5], [6, 7], [0, 1]])
    measured = replace(own, question_texts=np.array([0, 1, 0, 2, 3, 1]), choice_texts=texts)
    assert measured.resampling_groups == ("copies of q0", None, "copies of q0", None, None, None)
    assert measured.independence_note == (
        "1 question repeats another one: intervals count the two as one. "
        + score_measurements.ASSUMED_OF_OTHERS
    )
    declared = replace(measured, independent=True)
    assert declared.resampling_groups == measured.resampling_groups
    assert declared.independence_note == "1 question repeats another one: intervals count the two as one."
    grouped = replace(measured, groups=("a", None, "b", "b", None, None))
    assert grouped.resampling_groups == ("a", None, "a", "a", None, None)
    german.translated(measured.independence_note)


def test_forty_copies_of_a_question_say_no_more_than_one() -> None:
    own = curve(SMALL, [0.5] * 4, questions=40)
    own.ll[:] = own.ll[:, :1]
    measured = replace(
        measurements(own), question_texts=np.zeros(40, int), choice_texts=np.tile([[0, 1]], (40, 1))
    )
    drawn = set_intervals.resample(measured, ("acc",))
    assert drawn.clusters == 1
    assert np.isnan(set_intervals.score_intervals(drawn, "acc").bands[SMALL.name]).all()


def test_intervals_are_wider_where_neighbours_are_answered_alike() -> None:
    rng = np.random.default_rng(1)
    right = np.repeat(rng.random(100) < 0.5, 5)
    own = curve(SMALL, [0.5] * 4, questions=500)
    own.ll[:, right] = [-1.0, -2.0]
    own.ll[:, ~right] = [-2.0, -1.0]
    bands = [
        np.diff(
            set_intervals.score_intervals(set_intervals.resample(one, ("acc",)), "acc").bands[SMALL.name]
        )[0]
        for one in (measurements(own), replace(measurements(own), independent=True))
    ]
    assert bands[0] > 1.8 * bands[1]
    shuffled = curve(SMALL, [0.5] * 4, questions=500)
    shuffled.ll[:] = own.ll[:, rng.permutation(500)]
    assert measurements(shuffled).independence_note == score_measurements.ASSUMED
