"""Shifted keys: shifts, swaps and some shifted keys are named, right and random ones never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions.suspects import messages, shifted_keys
from e2lm_core.scores.measurements import Measurements
from tests.support.simulation import answered

KNOWN = answered(80, taught=1.0)


def with_keys(change: Callable[[np.ndarray], np.ndarray], measured: Measurements = KNOWN) -> Measurements:
    return replace(measured, gold=change(measured.gold.copy()))


def some(gold: np.ndarray) -> np.ndarray:
    gold[::3] = (gold[::3] + 1) % 4
    return gold


@pytest.mark.parametrize(
    ("change", "kind", "places", "says"),
    [
        (lambda gold: (gold + 1) % 4, "shift", -1, "agree with the choice before the key in 100% of 80"),
        (
            lambda gold: (gold - 1) % 4,
            "shift",
            1,
            "after the key in 100% of 80 questions: are keys counted one too low?",
        ),
        (lambda gold: np.array([2, 1, 0, 3])[gold], "swap", 0, "Where A or C is the key"),
        (some, "some", -1, "In 27 of 80 questions the models answer the choice before the key"),
    ],
)
def test_patterns_are_named(change: Callable, kind: str, places: int, says: str) -> None:
    measured = with_keys(change)
    found = shifted_keys.find_shifted_keys(measured)
    assert found is not None
    assert (found.kind, found.places) == (kind, places)
    assert says in found.sentence
    suspects, _ = messages.all_suspects(measured)
    assert messages.headline(suspects).startswith(found.sentence)


def test_right_and_random_keys_and_models_that_know_nothing_are_not_accused() -> None:
    rng = np.random.default_rng(0)
    for measured in (
        KNOWN,
        with_keys(lambda gold: rng.integers(0, 4, len(gold))),
        with_keys(lambda gold: np.where(rng.random(len(gold)) < 0.2, rng.integers(0, 4, len(gold)), gold)),
        answered(80),
        with_keys(lambda gold: (gold + 1) % 4, answered(80)),
        answered(80, choices=2),
        answered(5, taught=1.0),
    ):
        assert shifted_keys.find_shifted_keys(measured) is None


def test_a_taste_for_one_letter_is_no_shift() -> None:
    """A model that answers A throughout agrees with the choice before the key where every key is B."""
    ll = np.full_like(KNOWN.curves[0].ll, -5.0)
    ll[..., 0] = -1.0
    curves = tuple(replace(curve, ll=ll) for curve in KNOWN.curves)
    measured = replace(KNOWN, curves=curves, gold=np.ones(80, int), letters=True)
    assert shifted_keys.find_shifted_keys(measured) is None


def test_questions_that_the_models_were_never_told_of_take_no_part() -> None:
    told = (True,) * 5 + (False,) * 75
    shifted = with_keys(lambda gold: (gold + 1) % 4)
    assert shifted_keys.find_shifted_keys(replace(shifted, told=told)) is None
    assert shifted_keys.find_shifted_keys(replace(shifted, told=told, taught_of_all=False)) is not None
