"""Halves of models: one chooses, the other judges."""

from __future__ import annotations

from e2lm_core.analysis.alternatives.halves import grown_models, split_models
from tests.support.measured import LARGE, SEED2, SMALL, WEB


def test_seeds_go_with_their_model_and_twins_take_no_part() -> None:
    halves = split_models([SMALL, LARGE, WEB, SEED2])
    assert halves.choosing == (SMALL.name, SEED2.name)
    assert halves.judging == (LARGE.name,)


def test_architectures_first() -> None:
    other = LARGE.model_copy(update={"name": "other", "arch": "arch2"})
    again = LARGE.model_copy(update={"name": "again", "arch": None, "seed_of": "other"})
    assert split_models([SMALL, LARGE, other, again]) == ((SMALL.name, LARGE.name), ("other", "again"))


def test_one_kind_has_no_judge() -> None:
    assert split_models([SMALL, SEED2]).judging == ()
    assert split_models([]) == ((), ())


def test_the_better_half_is_grown() -> None:
    assert grown_models({"a": 0.2, "b": 0.9, "c": 0.5}) == ("b", "c")
    assert grown_models({"a": 0.2}) == ("a",)
