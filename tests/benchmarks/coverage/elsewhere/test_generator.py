"""The other generator: chances by hand, groups that hang together, and what is true of it."""

from __future__ import annotations

import numpy as np

from benchmarks.coverage.elsewhere import generator
from benchmarks.coverage.elsewhere.generator import Cell, Source


def test_models_start_at_chance_and_the_largest_ends_highest():
    acc = Source(Cell(50), 0).truth[0]
    assert np.abs(acc[:, 0] - 0.25).max() < 0.12
    assert acc[4:6, -1].mean() > acc[:2, -1].mean()
    ceiling = Source(Cell(50, ends=5.0), 0).truth[0]
    assert ceiling[:6, -1].min() > 0.95


def test_easier_questions_are_the_same_ones():
    plain, easier = Source(Cell(50), 0), Source(Cell(50, easier=0.6), 0)
    assert (easier.values >= plain.values).all()  # by both metrics, on the same luck
    assert (easier.truth - plain.truth)[0, :6, -1].min() > 0.02


def test_questions_of_a_group_succeed_and_fail_together():
    def alike(group: int) -> float:
        rows = Source(Cell(50, group=group), 1).values[:, 0, 0, -1].reshape(-1, 5)
        return rows.mean(axis=1).var() * 5 / rows.var()

    assert alike(5) > 1.5 > 1.2 > alike(1)


def test_a_set_has_whole_groups():
    source = Source(Cell(20, group=5), 0)
    drawn = source.draw(np.random.default_rng(0)).reshape(-1, 5)
    assert (drawn - drawn[:, :1] == np.arange(5)).all()
    assert (drawn[:, 0] % 5 == 0).all()


def test_the_true_scores_are_those_of_fresh_sets():
    found = generator.true_scores(Source(Cell(100), 0), 0)
    assert {key for key, value in found.items() if np.isnan(value)} <= {
        ("acc", "rc_organisers"),
        ("acc", "score_organisers"),
    }
    assert 0 < found["norm_prob", "rc"] < 1
    assert np.isnan(generator.mean_of_defined(np.array([1.0, np.nan])))
    assert generator.mean_of_defined(np.array([1.0, 3.0, np.nan])) == 2
