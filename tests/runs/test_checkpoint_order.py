"""The order of a run, and fewer checkpoints on request."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.runs import checkpoint_order as run_order


def checkpoints(model: str, steps: int, seed_of: str | None = None) -> list[Checkpoint]:
    info = ModelInfo(name=model, family="test", seed_of=seed_of)
    return [Checkpoint(model=info, step=step, early=step <= 3) for step in range(1, steps + 1)]


@pytest.mark.parametrize(
    ("count", "order"),
    [
        (0, []),
        (1, [0]),
        (2, [1, 0]),
        (3, [2, 0, 1]),
        (5, [4, 0, 2, 1, 3]),
        (6, [5, 0, 2, 3, 1, 4]),  # of the two gaps the wider one first
        (9, [8, 0, 4, 2, 6, 1, 3, 5, 7]),
    ],
)
def test_last_first_middle_then_halving(count: int, order: list[int]) -> None:
    assert run_order.coarse_to_fine(count) == order


@given(st.integers(1, 200))
def test_every_checkpoint_once_and_gaps_that_only_shrink(count: int) -> None:
    order = run_order.coarse_to_fine(count)
    assert sorted(order) == list(range(count))
    widest = [max((b - a for a, b in pairwise(sorted(order[:n]))), default=0) for n in range(2, count + 1)]
    assert widest == sorted(widest, reverse=True)
    assert not widest or widest[-1] == (1 if count > 1 else 0)


def test_every_model_has_its_ends_and_middle_before_any_has_more() -> None:
    planned = run_order.plan_order([*checkpoints("b", 5), *checkpoints("a", 5)[::-1]])
    assert [(c.model.name, c.step) for c in planned] == [
        *[("b", 5), ("a", 5), ("b", 1), ("a", 1), ("b", 3), ("a", 3)],
        *[("b", 2), ("a", 2), ("b", 4), ("a", 4)],
    ]


def test_further_seeds_follow() -> None:
    planned = run_order.plan_order([*checkpoints("a2", 3, seed_of="a"), *checkpoints("a", 2)])
    assert [(c.model.name, c.step) for c in planned] == [("a", 2), ("a", 1), ("a2", 3), ("a2", 1), ("a2", 2)]


def test_fewer_checkpoints_on_request() -> None:
    own = checkpoints("a", 6)
    steps = {density: [c.step for c in run_order.thin_out(own, density)] for density in run_order.DENSITIES}
    assert steps == {
        "all": [1, 2, 3, 4, 5, 6],
        "half": [2, 4, 6],
        "ends and middle": [1, 3, 6],
        "early window": [1, 2, 3],
    }
    with pytest.raises(CheckpointError, match="'some' does not exist: use one of all, half"):
        run_order.thin_out(own, "some")
