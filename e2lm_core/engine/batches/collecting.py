"""Sums target log-probabilities into request log-likelihoods.

Tested in tests/engine/test_scorer.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.records import Loglikelihood
from e2lm_core.engine.batches.plan import Row

Results = list[tuple[int, Loglikelihood]]


def collect(rows: Sequence[Row], log_probabilities: NDArray[np.float32]) -> Results:
    """Sum target log-probabilities into the log-likelihood of each request.

    ll_nats = Σ log p(target) over a request's targets, summed in float64.

    Args:
        rows: The rows, with S targets in total.
        log_probabilities: Natural logarithms [S], float32, of the rows' targets, one row after the other.

    Returns:
        (index, sum and number of targets) of each request, ascending.
    """
    return collect_all(rows, log_probabilities[None])[0]


def collect_all(rows: Sequence[Row], log_probabilities: NDArray[np.float32]) -> list[Results]:
    """Sum target log-probabilities into log-likelihoods for several checkpoints.

    Args:
        rows: The rows, with S targets in total.
        log_probabilities: Natural logarithms [K, S], float32, for K checkpoints.

    Returns:
        For each checkpoint the results of `collect`.
    """
    requests = np.concatenate([row.requests for row in rows])
    distinct, slot = np.unique(requests, return_inverse=True)
    indexes, counts = distinct.tolist(), np.bincount(slot).tolist()
    sums = (np.bincount(slot, weights=one).tolist() for one in log_probabilities.astype(np.float64))
    return [
        [(i, Loglikelihood(total, n)) for i, total, n in zip(indexes, totals, counts, strict=True)]
        for totals in sums
    ]
