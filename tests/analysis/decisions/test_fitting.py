"""Fit of the coefficients: known coefficients come back, families weigh the same, models are resampled whole."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.analysis.decisions import fitting


def made(number: int, coefficients: tuple[float, float], seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    terms = rng.normal(0, 1.5, (number, 2))
    return terms, (rng.random(number) < 1 / (1 + np.exp(-terms @ np.array(coefficients)))).astype(float)


def test_known_coefficients_come_back() -> None:
    terms, outcomes = made(40_000, (1.1, 0.6), 1)
    assert fitting.fit(terms, outcomes, np.ones(len(terms))) == pytest.approx([1.1, 0.6], abs=0.06)


def test_the_fit_is_the_minimum() -> None:
    terms, outcomes = made(500, (1.0, 0.5), 2)
    weights = np.random.default_rng(3).random(500)
    share = weights / weights.sum()
    scale = np.sqrt((share[:, None] * terms**2).sum(axis=0))

    def loss(b: np.ndarray) -> float:
        u = terms @ b
        ridge = fitting.RIDGE * ((b * scale) ** 2).sum() / 2
        return float((share * (np.logaddexp(0, u) - outcomes * u)).sum() + ridge)

    best = fitting.fit(terms, outcomes, weights)
    for step in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert loss(best) < loss(best + np.array(step))


def test_separable_outcomes_stay_finite() -> None:
    terms = np.array([[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0], [-2.0, 0.0]])
    found = fitting.fit(terms, np.array([1.0, 0.0, 1.0, 0.0]), np.ones(4))
    assert np.isfinite(found).all()
    assert found[0] > 1
    assert found[1] == 0


def test_every_family_weighs_the_same() -> None:
    families = np.array(["a"] * 3 + ["b"], dtype=object)
    assert fitting.equal_weights(families) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
    assert fitting.equal_weights(families, np.array([1.0, 0, 3, 0])) == pytest.approx([0.25, 0, 0.75, 0])


def test_models_are_resampled_whole_within_their_family() -> None:
    first = np.array(["x", "x", "y", "p"], dtype=object)
    second = np.array(["y", "z", "z", "q"], dtype=object)
    families = np.array(["one", "one", "one", "two"], dtype=object)
    weights = fitting.resampled_weights(first, second, families, 400, 5)
    assert weights.shape == (400, 4)
    assert set(np.unique(weights[:, 3])) == {0.0, 1.0}  # of two models both are drawn, or one twice
    x_y, x_z, y_z = weights[:, :3].T
    assert ((x_y == 0) | (x_z == 0) | (y_z > 0)).all()  # all three are there if two pairs are
    assert weights[:, 0].mean() == pytest.approx(2 / 3, abs=0.1)  # 3 draws: E[xy] = 3 · 2 / 9
    assert (weights == fitting.resampled_weights(first, second, families, 400, 5)).all()
