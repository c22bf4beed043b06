"""The other generator: chances by hand, groups that hang together, and the short form of its study."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage import elsewhere
from benchmarks.coverage.elsewhere import Cell


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "SOURCE", 1000)
    monkeypatch.setattr(elsewhere, "FRESH", 20)
    monkeypatch.setattr(elsewhere, "RESAMPLES", 60)


def test_models_start_at_chance_and_the_largest_ends_highest():
    acc = elsewhere.Source(Cell(50), 0).truth[0]
    assert np.abs(acc[:, 0] - 0.25).max() < 0.12
    assert acc[4:6, -1].mean() > acc[:2, -1].mean()
    ceiling = elsewhere.Source(Cell(50, ends=5.0), 0).truth[0]
    assert ceiling[:6, -1].min() > 0.95


def test_questions_of_a_group_succeed_and_fail_together():
    def alike(group: int) -> float:
        rows = elsewhere.Source(Cell(50, group=group), 1).values[:, 0, 0, -1].reshape(-1, 5)
        return rows.mean(axis=1).var() * 5 / rows.var()

    assert alike(5) > 1.5 > 1.2 > alike(1)


def test_the_check_proposes_the_groups_that_are_there():
    proposed = elsewhere.labels(Cell(100, group=5, labels="proposed"))
    known = elsewhere.labels(Cell(100, group=5, labels="known"))
    assert elsewhere.labels(Cell(100)) is None
    assert len(set(zip(proposed, known, strict=True))) == len(set(proposed)) == 20


def test_a_set_has_whole_groups():
    source = elsewhere.Source(Cell(20, group=5), 0)
    drawn = source.draw(np.random.default_rng(0)).reshape(-1, 5)
    assert (drawn - drawn[:, :1] == np.arange(5)).all()
    assert (drawn[:, 0] % 5 == 0).all()


def test_what_is_counted_makes_a_row():
    found = elsewhere.counted(Cell(40), range(1), sets=2)
    assert found["acc|mean"][2] == 2 * 6 * elsewhere.POINTS
    assert found["norm_prob|difference"][2] == 2 * len(elsewhere.PAIRS)
    assert all(held <= shown <= every for held, shown, every in found.values())
    assert elsewhere.table({"40 questions": found}).splitlines()[2].startswith("| 40 questions | acc | ")
    assert elsewhere._figure([9, 10, 20]) == "0.90 (50%)"
    assert elsewhere._figure([0, 0, 20]) == "–"
