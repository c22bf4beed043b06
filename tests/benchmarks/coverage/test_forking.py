"""The short form of the forking study: twenty rules on noise, and hardly ever a find."""

from __future__ import annotations

import pytest

from benchmarks.coverage.selection import forking


@pytest.mark.slow
def test_the_best_of_twenty_rules_on_noise_is_no_find() -> None:
    found = forking.tried(400, seed=1)  # of 60, one in ten such studies would show .05 and more by chance
    (usual, usual_above), (shown, above) = forking.shares(found)
    assert len(forking.RULES) == 20
    assert usual_above >= 0.1  # each at 95%: what many tries find in nothing
    assert usual >= usual_above
    assert shown <= 0.05
    assert above <= 0.05
