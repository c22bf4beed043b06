"""Whether a figure repeats: by hand, in noise, and where there is something."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.analysis.questions.repeatability import Repeatability, correlate_halves, split_models
from e2lm_core.base.records import ModelInfo
from e2lm_core.base.sentences import Sentence


def model(name: str, arch: str | None, parameters: int) -> ModelInfo:
    return ModelInfo(name=name, family="f", size=name, arch=arch, parameters=parameters)


FLEET = [model(f"{size}-{arch}", arch, size) for size in (1, 2, 3) for arch in ("a", "b")]
SPLIT = ((0, 2, 4), (1, 3, 5))


def test_halves_are_shapes_where_there_are_two_and_sizes_in_turn_otherwise() -> None:
    assert split_models(FLEET, 3) == SPLIT
    one_shape = [model(str(n), "a", n) for n in (3, 1, 2, 4)]
    assert split_models(one_shape, 2) == ((1, 0), (2, 3))
    assert split_models(one_shape, 3) is None
    assert split_models(FLEET[:3], 2) is None


def test_by_hand() -> None:
    a = np.arange(12.0)
    found = correlate_halves(FLEET, SPLIT, a, a + np.tile([1, -1], 6))
    r = np.corrcoef(a, a + np.tile([1, -1], 6))[0, 1]
    assert found.correlation == pytest.approx(r)
    assert found.low == pytest.approx(math.tanh(math.atanh(r) - 1.959964 / 3))
    assert found.reach == pytest.approx(1.959964 / 2)
    assert found.halves == (("1-a", "2-a", "3-a"), ("1-b", "2-b", "3-b"))
    assert found.is_significant
    assert "agrees somewhat" in found.sentence


def test_what_cannot_be_told_says_why() -> None:
    few = correlate_halves(FLEET, SPLIT, np.arange(9.0), np.arange(9.0))
    assert (few.is_significant, few.correlation) == (False, None)
    assert "from 10 questions on" in few.sentence
    assert "all questions are alike" in correlate_halves(FLEET, SPLIT, np.ones(20), np.arange(20.0)).sentence


def test_noise_does_not_hold_in_39_sets_of_40() -> None:
    random = np.random.default_rng(1)
    found = [correlate_halves(FLEET, SPLIT, *random.normal(size=(2, 100))).is_significant for _ in range(400)]
    assert np.mean(found) <= 0.05
    shared = random.normal(size=200)
    both = correlate_halves(FLEET, SPLIT, shared + random.normal(size=200), shared + random.normal(size=200))
    assert both.is_significant
    said = Repeatability(correlation=-0.01, low=-0.1, high=0.09).sentence
    assert said.endswith("otherwise than on the other half (correlation −0.01 [−0.10, 0.09]).")
    assert isinstance(said.values["size"], Sentence)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(10, 60))
def test_the_interval_holds_its_value_and_turns_with_the_halves(seed: int, questions: int) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, questions))
    found, turned = correlate_halves(FLEET, SPLIT, a, b), correlate_halves(FLEET, SPLIT, b, a)
    assert -1 <= found.low <= found.correlation <= found.high <= 1
    assert found.correlation == pytest.approx(turned.correlation)
    assert found.reach == pytest.approx(turned.reach)
