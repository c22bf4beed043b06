"""A fleet's time on n workers, by hand and by properties."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.analysis.plan.fleet import FleetPart
from e2lm_core.analysis.plan.schedule import (
    CheckpointCost,
    checkpoint_sequence,
    estimate_cost,
    fleet_costs,
    simulate_schedule,
)
from e2lm_core.base.errors import StudioError

COSTS = {
    "a": CheckpointCost(fixed_s=1, question_s=0.1, first_s=5),
    "b": CheckpointCost(fixed_s=2, question_s=0.2),
}


def test_by_hand() -> None:
    # One worker: a's configuration 5, then 4 · (1 + 10 · .1) and 2 · (2 + 10 · .2).
    alone = simulate_schedule(["a", "b", "a", "b", "a", "a"], COSTS, 10, 1, start_s=3, price=2)
    assert alone.seconds == pytest.approx(3 + 5 + 8 + 8)
    assert alone.cost == pytest.approx(24 / 3_600 * 2)
    # Two: the first has a until 7 and b until 11; the second b until 4, then a at 4 with its configuration until 11,
    # when it is its turn again, as is the first's: who has b and who has a are both free at 11.
    both = simulate_schedule(["a", "b", "a", "b", "a", "a"], COSTS, 10, 2)
    assert both.seconds == pytest.approx(13)
    assert both.busy == pytest.approx((5 + 8 + 8 + 5) / 26)


def test_threads_of_a_process_load_a_configuration_once() -> None:
    costs = {"a": CheckpointCost(fixed_s=1, question_s=0, first_s=10)}
    assert simulate_schedule(["a"] * 4, costs, 1, 2).seconds == pytest.approx(12)
    assert simulate_schedule(["a"] * 12, costs, 1, 2, together=2).seconds == pytest.approx(11)


def test_a_free_worker_that_has_the_configuration_is_taken_first() -> None:
    costs = {
        "a": CheckpointCost(fixed_s=1, question_s=0, first_s=10),
        "b": CheckpointCost(fixed_s=1, question_s=0, first_s=10),
    }
    assert simulate_schedule(["a", "b", "b", "a", "a", "b"], costs, 1, 2).seconds == pytest.approx(13)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=30), st.integers(1, 40))
def test_no_worker_is_worse_than_alone_nor_better_than_the_work_shared(
    tasks: list[str], workers: int
) -> None:
    costs = {name: CheckpointCost(fixed_s=c.fixed_s, question_s=c.question_s) for name, c in COSTS.items()}
    work = sum(costs[name].seconds(10) for name in tasks)
    found = simulate_schedule(tasks, costs, 10, workers)
    assert work / workers - 1e-9 <= found.seconds <= work + 1e-9
    assert found.seconds <= work / workers + max(costs[name].seconds(10) for name in tasks) + 1e-9


def test_what_is_fixed_follows_from_runs_of_two_sizes() -> None:
    rows = [(1.0 + 0.1 * n + (4 if k == 0 else 0), n) for n in (10, 100) for k in range(5)]
    cost = estimate_cost(rows)
    assert (cost.fixed_s, cost.question_s, cost.first_s) == pytest.approx((1.0, 0.1, 4.0))
    one_size = estimate_cost([(11.0, 100)] * 2)
    assert (one_size.fixed_s, one_size.question_s, one_size.first_s) == pytest.approx((0, 0.11, 0))
    # Two side by side wait for the configuration; the third tells what a checkpoint takes.
    waited = [(1.0 + 0.1 * n + (4 if k < 2 else 0), n) for n in (10, 100) for k in range(3)]
    beside = estimate_cost(waited, side_by_side=2)
    assert (beside.fixed_s, beside.question_s, beside.first_s) == pytest.approx((1.0, 0.1, 4.0))
    backwards = estimate_cost([(5.0, 10), (4.0, 100)])  # noise: a larger run that took less
    assert (backwards.fixed_s, backwards.question_s) == pytest.approx((0, 0.04))


def test_a_fleets_sum_is_that_of_its_checkpoints_though_some_take_longer() -> None:
    rng = random.Random(0)
    seconds = [rng.lognormvariate(0, 0.5) for _ in range(200)]
    cost = estimate_cost([(one, 100) for one in seconds])
    assert 200 * cost.seconds(100) + cost.first_s == pytest.approx(sum(seconds), rel=0.02)
    asleep = estimate_cost([(one, 100) for one in [*seconds, 5_000.0, 4_000.0]])
    assert asleep.seconds(100) < 1.05 * cost.seconds(100)


def test_models_that_were_not_measured_are_scaled() -> None:
    fleet = (
        FleetPart(model="a", parameters=10, checkpoints=2),
        FleetPart(model="z", parameters=40, checkpoints=1),
    )
    costs = fleet_costs(fleet, {"a": COSTS["a"]}, {"a": 10})
    assert costs["a"] == COSTS["a"]
    assert costs["z"].question_s == pytest.approx(0.4)
    assert checkpoint_sequence(fleet) == ["a", "z", "a"]
    assert simulate_schedule(["a", "z"], costs, 1, 1).estimated
    assert not simulate_schedule(["a"], costs, 1, 1).estimated
    with pytest.raises(StudioError, match="earlier runs"):
        fleet_costs(fleet, {}, {})


def test_what_cannot_be_planned_for() -> None:
    for wrong in (0, 10_001):
        with pytest.raises(StudioError, match="workers cannot be planned"):
            simulate_schedule(["a"], COSTS, 1, wrong)
    with pytest.raises(StudioError, match="price"):
        simulate_schedule(["a"], COSTS, 1, 1, price=float("nan"))
