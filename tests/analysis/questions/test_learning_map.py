"""The learning map: the checkpoint from which a question stays right, by hand, and beside random answer keys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions import learning_map as maps
from e2lm_core.analysis.questions import messages
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, ModelInfo, NullDistribution
from e2lm_core.scores.measurements import Measurements, ModelCurve
from tests.support.measured import LARGE, SMALL, measurements, question_set
from tests.support.simulation import answered


def curve(model: ModelInfo, right: list[str], lead: float = 2.0) -> ModelCurve:
    """A curve whose questions are right (1) or wrong (0) at each checkpoint, a text for each question."""
    marks = np.array([[int(mark) for mark in text] for text in right])  # [Q, K]
    ll = np.full((marks.shape[1], marks.shape[0], 2), -5.0)
    ll[..., 0] += lead * (2 * marks.T - 1)
    checkpoints = tuple(
        Checkpoint(model=model, step=100 * (k + 1), tokens_seen=1000 * (k + 1)) for k in range(marks.shape[1])
    )
    return ModelCurve(model, checkpoints, ll)


def test_a_question_is_learnt_where_it_begins_to_stay_right() -> None:
    found = maps.learning_map(measurements(curve(SMALL, ["0101", "0011", "1111", "1110", "0000"])))
    assert found.models == (SMALL.short_name,)
    # By checkpoint; within one, and among those never learnt, by the mean probability.
    assert found.rows.tolist() == [2, 1, 0, 3, 4]
    assert found.learnt.tolist() == [0, 2, 3, 4, 4]
    assert found.is_learnt.tolist() == [True, True, True, False, False]
    likely = 1 / (1 + np.exp(-2.0))
    assert found.probability[:, 3] == pytest.approx([likely, likely, likely, 1 - likely])
    frame = maps.map_frame(found, question_set(5).questions)
    assert frame["learnt_step"].tolist()[:3] == [100, 300, 400]
    assert frame["learnt_tokens"].isna().tolist() == [False, False, False, True, True]
    assert frame["id"].tolist() == [question_set(5).questions[row].id for row in (2, 1, 0, 3, 4)]
    assert maps.probability_frame(found).loc[3].tolist() == pytest.approx(found.probability[:, 3].tolist())


def test_of_several_models_at_least_half_are_right_to_the_end() -> None:
    small, large = curve(SMALL, ["0011", "0001", "0000"]), curve(LARGE, ["0000", "0110", "0100"])
    both = measurements(small, large)
    assert maps.learning_map(both).learnt.tolist() == [1, 2, 4]  # the second question: 0111 by either model
    assert maps.learning_map(both, LARGE.name).is_learnt.tolist() == [False, False, False]
    assert maps.learning_map(both, SMALL.name).is_learnt.sum() == 2
    with pytest.raises(StudioError, match="The model none has no results here"):
        maps.learning_map(both, "none")


def test_a_question_without_all_results_is_left_out_and_a_checkpoint_less_than_half_done_too() -> None:
    one = curve(SMALL, ["0011", "1111", "1111"])
    ll = one.ll.copy()
    ll[1, 0] = np.nan
    ll[3, 1:] = np.nan
    found = maps.learning_map(measurements(replace(one, ll=ll)))
    assert found.steps.tolist() == [100, 200, 300]
    assert found.rows.tolist() == [1, 2]
    assert found.incomplete == 1
    with pytest.raises(StudioError, match="No checkpoint is at least half done"):
        maps.learning_map(measurements(replace(one, ll=np.full_like(one.ll, np.nan))))


def test_what_is_learnt_stands_beside_random_answer_keys() -> None:
    knowing, guessing = answered(60, taught=1.0), answered(60, taught=0.0)
    for measured, is_above in ((knowing, True), (guessing, False)):
        found = maps.learning_map(measured)
        assert found.null is not None
        assert (found.null.p <= 0.05) is is_above
        # One model prefers one choice at the end, and a random key is that one in one of so many.
        single = maps.learning_map(measured, measured.curves[0].model.name)
        assert single.null is not None
        assert single.null.mean == pytest.approx(60 * measured.chance, abs=1.5)


def test_headlines() -> None:
    found = replace(
        maps.learning_map(measurements(curve(SMALL, ["0011", "0000"]))),
        null=NullDistribution(mean=0.6, q95=1.0, p=0.01),
    )
    name = SMALL.short_name
    assert messages.map_headline(found) == (
        f"**1 of 2** questions are learnt by {name}; random answer keys give 1, up to 1 in 95% of draws."
    )
    assert messages.map_headline(replace(found, null=NullDistribution(mean=0.6, q95=1.0, p=0.4))) == (
        f"**1 of 2** questions are learnt by {name}, **no more than by guessing**: random answer keys give 1, up to 1 "
        "in 95% of draws. Their order means nothing."
    )
    assert messages.map_headline(replace(found, null=None, models=("a", "b"), incomplete=1)) == (
        "**1 of 2** questions are learnt by at least half of 2 models. 1 question without all results is left out."
    )


def test_lines_hold_neighbours() -> None:
    assert [line.tolist() for line in maps.chart_lines(5, 2)] == [[0, 1, 2], [3, 4]]
    assert [line.tolist() for line in maps.chart_lines(2, 300)] == [[0], [1]]
    assert maps.chart_lines(0, 300) == []


def test_measurements_are_unchanged() -> None:
    measured: Measurements = answered(10)
    digest = measured.digest
    maps.learning_map(measured)
    assert measured.digest == digest
