"""Fit of the two coefficients on decided cases: logistic regression without an intercept, with a small ridge.

    minimise  sum_n w_n (log(1 + exp(u_n)) - y_n u_n) / sum w  +  RIDGE sum_k (b_k s_k)^2 / 2,   u = x b

with s_k the weighted root mean square of term k. Each family has the same weight, however many models and benchmarks
it has. Axes: N cases, B resamples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from e2lm_core.scores.arrays import Floats

RIDGE = 2e-3
_STEPS = 50
_CLOSE = 1e-10


def fit(terms: Floats, outcomes: Floats, weights: Floats) -> Floats:
    """Coefficients [2] by Newton's method.

    Args:
        terms: Terms x1 and x2 [N, 2].
        outcomes: 1 where the second model ended above the first, 0 where below, 0.5 where equal [N].
        weights: Weights [N].
    """
    share = weights / weights.sum()
    scale = np.sqrt((share[:, None] * terms**2).sum(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    x, found = terms / scale, np.zeros(terms.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(x @ found)))
        slope = x.T @ (share * (p - outcomes)) + RIDGE * found
        curvature = (x * (share * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(found))
        step = np.linalg.solve(curvature, slope)
        found = found - step
        if np.abs(step).max() < _CLOSE:
            break
    return np.asarray(found / scale)


def equal_weights(families: NDArray[np.object_], weights: Floats | None = None) -> Floats:
    """Weights [N] with the same sum for every family, in proportion to `weights` [N] within each."""
    own = np.ones(len(families)) if weights is None else weights
    out = np.zeros(len(families))
    for name in np.unique(families.astype(str)):
        of = families == name
        if (total := own[of].sum()) > 0:
            out[of] = own[of] / total
    return out


def resampled_weights(
    first: NDArray[np.object_],
    second: NDArray[np.object_],
    families: NDArray[np.object_],
    draws: int,
    seed: int,
) -> Floats:
    """Weights [B, N] of a bootstrap over models: how often both models of a case were drawn, within their family.

    Args:
        first: Names of the first models [N].
        second: Names of the second models [N].
        families: Families of the cases [N]; models are drawn within each.
        draws: Number of resamples.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    out = np.zeros((draws, len(families)))
    for name in np.unique(families.astype(str)):
        of = families == name
        names, places = np.unique(np.concatenate([first[of], second[of]]).astype(str), return_inverse=True)
        one, other = places[: of.sum()], places[of.sum() :]
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
        out[:, of] = counts[:, one] * counts[:, other]
    return out
