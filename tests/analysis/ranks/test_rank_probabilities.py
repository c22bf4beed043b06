"""Rank and win shares, tau and decisions over resamples: by hand, and against loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.analysis.ranks.rank_probabilities import (
    pair_agreement_by_checkpoint,
    rank_probabilities,
    tau_with_later,
    win_probabilities,
)
from e2lm_core.scores.ranking.order import tau
from e2lm_core.scores.signal import pair_agreement


def test_rank_shares_by_hand() -> None:
    drawn = np.array([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [2.0, 2.0, 1.0], [1.0, 1.0, 1.0]])
    found = rank_probabilities(drawn)
    assert found[0] == pytest.approx([(1 + 1 + 1 / 2 + 1 / 3) / 4, (1 / 2 + 1 / 3) / 4, (1 / 3) / 4])
    assert found[1, 0] == pytest.approx((1 / 2 + 1 / 3) / 4)


def test_win_shares_by_hand() -> None:
    found = win_probabilities(np.array([[3.0, 2.0], [1.0, 2.0], [1.0, 1.0], [5.0, 0.0]]))
    assert found[0, 1] == (1 + 0 + 0.5 + 1) / 4
    assert found[1, 0] == 1 - found[0, 1]
    assert np.isnan(np.diag(found)).all()


def test_a_missing_score_has_no_shares() -> None:
    drawn = np.array([[1.0, np.nan], [2.0, 1.0]])
    assert np.isnan(rank_probabilities(drawn)).all()
    assert np.isnan(win_probabilities(drawn)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 4))
def test_shares_sum_to_one_both_ways(seed: int, models: int, points: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, 3, (20, models, points)).astype(float)
    found = rank_probabilities(drawn)
    assert found.shape == (models, models, points)
    np.testing.assert_allclose(found.sum(axis=0), 1.0)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    wins = win_probabilities(drawn[:, :, 0])
    np.testing.assert_allclose((wins + wins.T)[~np.eye(models, dtype=bool)], 1.0)


def test_tau_and_decisions_are_those_of_two_checkpoints() -> None:
    drawn = np.random.default_rng(3).random((7, 4, 6))
    late, decided = tau_with_later(drawn, 2), pair_agreement_by_checkpoint(drawn)
    assert (late.shape, decided.shape) == ((7, 3), (7, 6))
    for r in range(7):
        assert late[r, 1] == pytest.approx(tau(drawn[r, :, 2], drawn[r, :, 4]))
        assert decided[r, 3] == pytest.approx(pair_agreement(drawn[r, :, 3], drawn[r, :, -1]))
    assert (decided[:, -1] == 1.0).all()
    assert np.isnan(pair_agreement_by_checkpoint(drawn[:, :1])).all()  # one model makes no pair
