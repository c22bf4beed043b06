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
    """ll_nats = Σ log p(target) over a request's targets, summed in float64.

    `log_probabilities` [S] are those of the rows' targets, rows one after the other. (index, sum and number
    of targets) for each request, ascending.
    """
    return collect_all(rows, log_probabilities[None])[0]


def collect_all(rows: Sequence[Row], log_probabilities: NDArray[np.float32]) -> list[Results]:
    """The same of several checkpoints, [C, S]."""
    requests = np.concatenate([row.requests for row in rows])
    distinct, slot = np.unique(requests, return_inverse=True)
    indexes, counts = distinct.tolist(), np.bincount(slot).tolist()
    sums = (np.bincount(slot, weights=one).tolist() for one in log_probabilities.astype(np.float64))
    return [
        [(i, Loglikelihood(total, n)) for i, total, n in zip(indexes, totals, counts, strict=True)]
        for totals in sums
    ]
