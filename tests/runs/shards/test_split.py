"""Shares of a fleet: every checkpoint in one of them, the same on every machine, about as much work in each."""

from __future__ import annotations

import random

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.runs.shards.split import Shard, parse_shard, select_shard


def fleet(sizes: dict[str, int | None], steps: int = 10) -> list[Checkpoint]:
    return [
        Checkpoint(model=ModelInfo(name=name, family="f", parameters=size), step=step)
        for name, size in sizes.items()
        for step in range(1, steps + 1)
    ]


@pytest.mark.parametrize("of", [1, 2, 3, 7, 30])
def test_every_checkpoint_is_in_one_share_whatever_their_order(of: int) -> None:
    checkpoints = fleet({"a": 100, "b": 900, "c": None})
    shares = [select_shard(checkpoints, Shard(number=n, of=of)) for n in range(1, of + 1)]
    assert sorted(c.name for share in shares for c in share) == sorted(c.name for c in checkpoints)
    shuffled = random.Random(of).sample(checkpoints, len(checkpoints))
    assert {c.name for c in select_shard(shuffled, Shard(number=1, of=of))} == {c.name for c in shares[0]}


def test_shares_are_about_as_much_work() -> None:
    checkpoints = fleet({"small": 100, "large": 900, "unknown": None}, steps=20)
    work = [
        sum(c.model.parameters or 900 for c in select_shard(checkpoints, Shard(number=n, of=4)))
        for n in range(1, 5)
    ]
    assert max(work) - min(work) <= 900


def test_the_largest_checkpoint_is_given_out_first() -> None:
    checkpoints = [*fleet({"a": 1}, steps=4), *fleet({"b": 4}, steps=1)]
    shares = [select_shard(checkpoints, Shard(number=n, of=2)) for n in (1, 2)]
    assert [[c.model.name for c in share] for share in shares] == [["b"], ["a"] * 4]


def test_more_shares_than_checkpoints_leave_some_empty() -> None:
    checkpoints = fleet({"a": 1}, steps=2)
    assert [len(select_shard(checkpoints, Shard(number=n, of=3))) for n in (1, 2, 3)] == [1, 1, 0]


def test_parse() -> None:
    assert parse_shard("2/4") == Shard(number=2, of=4)
    for wrong in ("0/4", "5/4", "2", "2/0", "a/b", "-1/3", "1/99999", " 1/2", "٢/٤"):
        with pytest.raises(StudioError, match="--shard is"):
            parse_shard(wrong)
