"""Which checkpoints enter which score, where models were measured at different ones."""

import numpy as np
import pytest

from e2lm_core.scores import metrics
from e2lm_core.scores.layout import Layout, Run
from tests.support import simulation

QUESTIONS = 60


@pytest.fixture(scope="module")
def runs():
    fleet = simulation.fleet("slow", 5)
    return simulation.runs(fleet, simulation.draw(fleet, QUESTIONS, 5))


def layout(runs, metric):
    return Layout.from_runs(
        runs, {name: metrics.curve(run.per_question[metric]) for name, run in runs.items()}
    )


def cut(run, keep, holes=()):
    values = {metric: array[keep].astype(float).copy() for metric, array in run.per_question.items()}
    for array in values.values():
        array[list(holes), 0] = np.nan
    return Run(values, run.steps[keep], run.early[keep], run.counts, run.twin_of)


def test_points_are_shared_by_step_and_incomplete_ones_left_out(runs):
    some = {
        "size1": cut(runs["size1"], np.arange(16), holes=[3, 14]),
        "size2": cut(runs["size2"], np.arange(1, 16)),
        "size3": cut(runs["size3"], np.arange(16)),
        "size3-web": cut(runs["size3-web"], np.arange(0, 16, 2)),
    }
    found = layout(some, "acc")
    assert found.early["size1"].tolist() == [0, 1, 2, *range(4, 12)]
    assert found.common["size1"].tolist() == [1, 2, *range(4, 14), 15]
    assert found.common["size2"].tolist() == [0, 1, *range(3, 13), 14]
    assert found.end == 9
    assert found.missing == {"size1": 1, "size2": 0, "size3": 0, "size3-web": 0}
    assert found.missing_common == 2  # of the 15 that all three have
    (pair,) = found.twins
    assert pair.science_at.tolist() == [0, 2, 4, 6, 8, 10]
    assert pair.twin_at.tolist() == [0, 1, 2, 3, 4, 5]
    assert pair.missing == 0  # what the twin never had is no gap
    (pair,) = layout(some | {"size3-web": cut(runs["size3-web"], np.arange(16), holes=[2])}, "acc").twins
    assert (pair.missing, len(pair.twin_at)) == (1, 11)


def test_a_twin_of_a_model_that_was_not_run_is_no_contrast(runs):
    assert layout({"size1": runs["size1"], "size3-web": runs["size3-web"]}, "acc").twins == ()


def test_one_model_alone_is_not_comparable(runs):
    assert layout({"size1": runs["size1"], "size2": runs["size2"]}, "acc").comparable
    assert not layout({"size3": runs["size3"], "size3-web": runs["size3-web"]}, "acc").comparable
    assert not layout({}, "acc").comparable


def test_a_checkpoint_is_complete_by_the_metric_itself():
    values = {"acc": np.ones((3, 2)), "bpb": np.array([[1.0, 2.0], [np.inf, 1.0], [1.0, 1.0]])}
    one = {"a": Run(values, np.arange(3), np.ones(3, bool))}
    assert layout(one, "acc").early["a"].tolist() == [0, 1, 2]
    assert layout(one, "bpb").early["a"].tolist() == [0, 2]


def test_curves_are_stacked_at_what_is_shared():
    steps, early = np.array([1, 2, 3]), np.array([True, True, False])
    runs = {
        "a": Run({"acc": np.array([[0.0], [1.0], [2.0]])}, steps, early),
        "b": Run({"acc": np.array([[5.0], [6.0], [7.0]])}, steps + 1, early),
    }
    curves = {name: metrics.curve(run.per_question["acc"]) for name, run in runs.items()}
    found = layout(runs, "acc")
    np.testing.assert_array_equal(found.stack_curves(curves), [[1, 2], [5, 6]])
    twice = found.stack_curves({name: np.stack([v, v + 1]) for name, v in curves.items()})
    np.testing.assert_array_equal(twice, [[[1, 2], [5, 6]], [[2, 3], [6, 7]]])
