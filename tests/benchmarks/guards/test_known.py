"""The guards' study, in short: noise is seldom advised from, moved keys are named, mixtures are as made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.guards import known
from tests.support.simulation import answered


@pytest.mark.parametrize("questions", known.NOISE)
def test_noise_is_seldom_advised_from(questions: int) -> None:
    made = [answered(questions, seed=seed) for seed in range(25)]
    assert sum(known.is_advised(one, "acc") for one in made) <= 5  # what a true 5% stays below in 99.9%


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("right", 0, 0), ("keys + 1", 5, 5), ("swapped", 5, 5), ("30% + 1", 4, 5)]
)
def test_moved_keys_are_named(kind: str, least: int, most: int) -> None:
    assert least <= known.named(answered(160, taught=1.0), kind, 5) <= most


def test_a_mixture_has_as_many_known_questions_as_asked() -> None:
    taught = replace(answered(40, taught=1.0), taught=(True,) * 40)
    untaught = replace(answered(40, seed=1), taught=(False,) * 40)
    for number in known.KNOWN:
        [one] = known.mixtures(taught, untaught, number, 1)
        assert (len(one.gold), np.sum(one.taught)) == (known.QUESTIONS, number)
        if number < 20:
            assert not known.is_advised(one, "norm_prob")
