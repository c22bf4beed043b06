"""The short form of the study on sets of another making: what is shown holds, in groups, at a ceiling, with few questions."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from benchmarks.coverage import elsewhere


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["plain, 20 questions", "ceiling, 50 questions", "groups of 5, 100 questions"]
)
def test_means_and_differences_hold(name: str) -> None:
    told = defaultdict(list)
    for what, metric, width, holds, _ in elsewhere.held(name, 40):
        if metric == "acc" and np.isfinite(width):
            told[what].append((holds, width))
    for what in ("mean", "difference"):
        assert np.mean([holds for holds, _ in told[what]]) >= 0.88, (
            what
        )  # of 120, two standard errors below .93
        assert min(width for _, width in told[what]) > 0
