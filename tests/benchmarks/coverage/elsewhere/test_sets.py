"""Intervals of single sets on the other generator: groups as the check proposes them, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage.elsewhere import sets
from benchmarks.coverage.elsewhere.generator import POINTS, Cell
from e2lm_core.scores.layout import Run
from e2lm_core.scores.uncertainty import intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.means import pointwise
from tests.support import simulation


def test_the_check_proposes_the_groups_that_are_there():
    proposed = sets.labels(Cell(100, group=5, labels="proposed"))
    known = sets.labels(Cell(100, group=5, labels="known"))
    assert sets.labels(Cell(100)) is None
    assert len(set(zip(proposed, known, strict=True))) == len(set(proposed)) == 20


def test_what_is_counted_makes_a_row():
    found = sets.counted(Cell(40), range(1), sets=2)
    assert found["acc|mean"][2] == 2 * 6 * POINTS
    assert found["norm_prob|difference"][2] == 2 * len(sets.PAIRS)
    assert all(held <= shown <= every for held, shown, every in found.values())
    assert sets.table({"40 questions": found}, 2).splitlines()[2].startswith("| 40 questions | acc | ")


def test_sets_whose_groups_nobody_told_are_drawn_in_blocks_of_neighbours():
    cell = "300, groups of 10 not told"
    found = sets.counted(sets.CELLS[cell], range(1), sets=2)
    assert sets.blocks_table({cell: found}).splitlines()[2] == f"| {cell} | 2 of 2 |"
    assert [found[f"acc|{score}"][1] for score in ("sq", "cs", "score")] == [0, 0, 0]


@pytest.fixture(scope="module")
def given() -> Resampled:
    fleet = simulation.fleet("slow", 2)
    runs = simulation.runs(fleet, simulation.draw(fleet, 120, 2))
    return intervals.resample(runs, np.full(120, 4), resamples=300, seed=1)


def degenerate(values):
    return Run({"acc": np.asarray(values, float)}, np.arange(1, 17), np.arange(16) < 12)


def test_paired_differences_are_narrower_than_the_bands_they_compare(given):
    found = sets.model_difference(given, "norm_prob", ("size3", 15), ("size3-web", 15))
    assert found.value > 0
    assert found.bounds[0] > 0
    assert found.share == 1
    turned = sets.model_difference(given, "norm_prob", ("size3-web", 15), ("size3", 15))
    assert (turned.value, turned.share) == (-found.value, 0)
    paired = sets.model_difference(given, "norm_prob", ("size5", 8), ("size5", 9)).bounds
    bands = intervals.point_band(given, "norm_prob", "size5")
    assert paired[1] - paired[0] < 0.8 * np.hypot(*(bands[8:10, 1] - bands[8:10, 0]))


def test_a_model_against_itself_is_a_tie_in_every_resample_and_not_a_certain_one(given):
    found = sets.model_difference(given, "acc", ("size1", 3), ("size1", 3))
    assert (found.value, found.share, found.changed, found.why) == (0, 0.5, 0, None)
    assert found.bounds[1] == -found.bounds[0] > 0
    unbounded = sets.model_difference(given, "margin", ("size1", 3), ("size1", 3))
    assert (unbounded.bounds, unbounded.why) == (None, pointwise.ALIKE)


def test_a_difference_of_two_models_is_told_where_models_typically_differ_on_enough_questions():
    """Two of three models differ on four questions, the third from one on 60 and from the other on 56."""
    few, many = (np.where(np.arange(200) < n, 0.0, 1.0) for n in (4, 60))
    three = {
        "a": degenerate(np.ones((16, 200))),
        "b": degenerate(np.tile(few, (16, 1))),
        "c": degenerate(np.tile(many, (16, 1))),
    }
    every = intervals.resample(three, np.full(200, 4), ("acc",), resamples=20)
    assert every.differing_questions("acc") == pytest.approx(56)  # of 4, 56 and 60
    assert sets.model_difference(every, "acc", ("a", 15), ("b", 15)).bounds is not None
    two = intervals.resample({n: three[n] for n in "ab"}, np.full(200, 4), ("acc",), resamples=20)
    found = sets.model_difference(two, "acc", ("a", 15), ("b", 15))
    assert (found.value, found.bounds, found.changed) == (pytest.approx(0.02), None, 4)
    assert found.share == 1
    assert "typically differ on 4 questions" in found.why


def test_a_missing_result_leaves_no_difference_and_one_question_no_interval():
    holed = np.ones((16, 40))
    holed[4, 7] = np.nan
    two = {"a": degenerate(holed), "b": degenerate(np.zeros((16, 40)))}
    given = intervals.resample(two, np.full(40, 4), ("acc",), resamples=50)
    assert sets.model_difference(given, "acc", ("a", 4), ("b", 4)).value is None
    single = intervals.resample({"a": degenerate(np.ones((16, 1)))}, np.array([4]), ("acc",), resamples=20)
    assert sets.model_difference(single, "acc", ("a", 0), ("a", 1)).bounds is None


def test_a_figure_is_bold_where_its_own_interval_does_not_meet_what_is_promised():
    assert sets.figure([9, 10, 20], 20) == "0.90 (50%)"
    assert sets.figure([0, 0, 20], 20) == "–"
    assert sets.figure([170, 200, 200], 200) == "**0.85**"  # .793 to .896
    assert sets.figure([177, 200, 200], 200) == "0.89"  # .832 to .926
    assert sets.figure([199, 200, 200], 200) == "**0.99**"  # .972 to 1
    assert sets.figure([10, 10, 100], 100) == "1.00 (10%)"
    # 96 points of each of ten sets are no more sure than ten sets are.
    assert sets.figure([816, 960, 960], 10) == "0.85"
