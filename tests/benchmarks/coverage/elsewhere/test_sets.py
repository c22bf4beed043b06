"""Intervals of single sets on the other generator: groups as the check proposes them, and what is counted."""

from __future__ import annotations

from benchmarks.coverage.elsewhere import sets
from benchmarks.coverage.elsewhere.generator import POINTS, Cell


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


def test_a_figure_is_bold_where_its_own_interval_does_not_meet_what_is_promised():
    assert sets.figure([9, 10, 20], 20) == "0.90 (50%)"
    assert sets.figure([0, 0, 20], 20) == "–"
    assert sets.figure([170, 200, 200], 200) == "**0.85**"  # .793 to .896
    assert sets.figure([177, 200, 200], 200) == "0.89"  # .832 to .926
    assert sets.figure([199, 200, 200], 200) == "**0.99**"  # .972 to 1
    assert sets.figure([10, 10, 100], 100) == "1.00 (10%)"
    # 96 points of each of ten sets are no more sure than ten sets are.
    assert sets.figure([816, 960, 960], 10) == "0.85"
