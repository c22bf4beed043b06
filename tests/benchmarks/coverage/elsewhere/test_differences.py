"""Differences of two sets on the other generator: what is shared and what is true in every way, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage.elsewhere import differences
from benchmarks.coverage.elsewhere.differences import WAYS, Two
from benchmarks.coverage.elsewhere.generator import Cell


@pytest.mark.parametrize(
    ("way", "second", "shared"), zip(WAYS, (60, 60, 60, 90), (0, 0, 60, 60), strict=True)
)
def test_what_two_sets_share(way: str, second: int, shared: int) -> None:
    of = Two(Cell(60), 0)
    rows = of.draw(np.random.default_rng(1), way)
    assert [len(own) for own in rows] == [60, second]
    assert differences.pairing(way, 60, second).shared == shared
    assert (rows[0][20:60] == rows[1][20:60]).all() == bool(shared)
    assert (rows[0][:20] == rows[1][:20]).all() == (way == "grown")


def test_groups_are_named_alike_where_questions_are_the_same() -> None:
    of = Two(Cell(60, group=5), 0)
    for way, same in zip(WAYS, (False, False, True, True), strict=True):
        first, second = differences.sides(of, way, of.draw(np.random.default_rng(1), way))
        assert (first.groups[:3] == second.groups[:3]) == same
        assert len(set(first.groups)) == 12
    assert of.part == 20


def test_the_truth_moves_with_the_questions_alone() -> None:
    of = Two(Cell(60), 0)
    assert not of.moved("same").any()
    np.testing.assert_allclose(of.moved("edited"), of.moved("easier") / 3)
    assert differences.true_differences(of, "grown", [1])["norm_prob", "sq"] == pytest.approx(0, abs=0.1)


@pytest.mark.slow
def test_what_is_counted_makes_tables() -> None:
    found = differences.counted(Cell(100), range(1), pairs=2)
    assert set(found) == set(WAYS)
    assert found["same"]["acc|mean"][1:] == [2, 2]
    made = differences.tables({"100 questions": found}, 2)
    assert made["elsewhere"].splitlines()[2].startswith("| 100 questions | acc | ")
    assert [line.split(" | ")[0] for line in made["ways"].splitlines()[2::2]] == [f"| {way}" for way in WAYS]
