"""Measurements as tables, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.analysis import tables
from e2lm_core.base.sentences import Sentence
from tests.support import studios
from tests.support.measured import FASTER, FLAT, LARGE, RISING, SEED2, SMALL, WEB, curve, full, measurements


def test_curves_as_rows() -> None:
    measured = measurements(curve(SMALL, RISING), curve(WEB, FLAT))
    frame = tables.curve_frame(measured, ("acc", "bpb"))
    assert tuple(frame.columns) == ("model", "step", "tokens_seen", "early", "metric", "value", "n")
    own = frame[(frame["model"] == SMALL.name) & (frame["metric"] == "acc")]
    assert own["value"].tolist() == pytest.approx(RISING)
    assert own["early"].tolist() == [True] * 8 + [False] * 2
    assert own["n"].tolist() == [10] * 10


def test_one_questions_own_curve() -> None:
    frame = tables.question_frame(measurements(curve(SMALL, RISING)), "q2", "acc")
    assert frame["value"].tolist() == [0.0, 0.0, *[1.0] * 8]  # right from an accuracy of 0.3 on


def test_the_table_of_questions_is_a_mean_over_the_models_that_count() -> None:
    measured = measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT), curve(SEED2, FLAT))
    task = studios.task(count=10)
    frame = tables.question_table(measured, task)
    assert frame["acc_first"].tolist() == [1.0, 0.5, *[0.0] * 8]
    assert frame["acc_last"].tolist() == [*[1.0] * 9, 0.5]
    assert frame["acc_curve"][1].tolist() == pytest.approx([0.5, *[1.0] * 9])


def test_ranks_leave_twins_and_seeds_out() -> None:
    measured = measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT), curve(SEED2, FLAT))
    frame = tables.rank_frame(measured, "acc")
    assert set(frame["model"]) == {SMALL.name, LARGE.name}
    assert frame[frame["model"] == LARGE.name]["rank"].tolist() == [1.0] * 10
    lower = tables.rank_frame(measured, "bpb")
    assert lower[lower["model"] == LARGE.name]["rank"].tolist() == [1.0] * 10  # fewer bits are better


def test_quality_by_model() -> None:
    frame = tables.quality_frame(full(), "acc")
    assert frame["model"].tolist() == [SMALL.name, LARGE.name, WEB.name, SEED2.name]
    assert frame["counts"].tolist() == [True, True, False, False]
    assert frame["points"].tolist() == [8] * 4


def test_partial_curves_are_means_over_the_questions_that_are_there() -> None:
    whole = curve(SMALL, [0.1, 0.2, 0.3])
    whole.ll[:, -1] = np.nan  # the edited question
    whole.ll[1, 3:] = np.nan  # three of ten: too few to say anything
    frame = tables.partial_frame(measurements(whole), "acc")
    assert frame["step"].tolist() == [100, 300]
    assert frame["value"].tolist() == pytest.approx([1 / 9, 3 / 9])
    assert frame["n"].tolist() == [9, 9]


def test_cells_keep_their_templates() -> None:
    rows = [{"of": Sentence("{some} of {all}", some=1, all=2), "n": 1}, {"of": None, "n": 2}]
    frame = tables.sentence_table(rows)
    assert frame.columns.tolist() == ["of", "n"]
    assert frame["of"].tolist() == ["1 of 2", None]
    assert frame["of"][0].values == {"some": 1, "all": 2}
    assert frame["n"].dtype == int
    assert tables.sentence_table([], ["of"]).columns.tolist() == ["of"]
