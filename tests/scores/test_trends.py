"""The small curves beside the scores, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.scores import measurements as score_measurements
from e2lm_core.scores import trends
from e2lm_core.scores.ranking import order
from tests.support.measured import FASTER, FLAT, RISING, full


def test_a_course_of_each_score() -> None:
    measured = full()
    courses = trends.score_courses(measured, "acc", "all_models")
    assert courses["SQ"] == pytest.approx(np.mean([RISING, FASTER], axis=0).tolist())
    grid = score_measurements.common_grid(measured, "acc")
    assert grid is not None
    assert courses["RC"] == [1.0, order.tau(grid.scores[:, 7], grid.scores[:, 9])]
    assert courses["CS"] == pytest.approx(np.subtract(RISING, FLAT).tolist())


def test_a_twin_with_fewer_checkpoints_is_set_against_those_that_both_have() -> None:
    measured = full()
    twin = next(c for c in measured.curves if c.model.twin_of)
    few = replace(twin, checkpoints=twin.checkpoints[1::3], ll=twin.ll[1::3])
    curves = tuple(few if c is twin else c for c in measured.curves)
    found = trends.score_courses(replace(measured, curves=curves), "acc", "all_models")["CS"]
    assert found == pytest.approx(np.subtract(RISING, FLAT)[1::3].tolist())


def test_several_pairs_give_their_mean() -> None:
    measured = full()
    twin = next(c for c in measured.curves if c.model.twin_of)
    other = replace(twin, model=twin.model.model_copy(update={"name": "another"}))
    found = trends.score_courses(replace(measured, curves=(*measured.curves, other)), "acc", "all_models")[
        "CS"
    ]
    assert found == pytest.approx(np.subtract(RISING, FLAT).tolist())
