from __future__ import annotations

import random

import numpy as np
import pytest

from e2lm_core.engine.batches.contexts import MIN_TOKENS, plan_contexts
from e2lm_core.engine.batches.plan import LAUNCH_TOKENS, Chunk, Plan, Row
from e2lm_core.engine.batches.tokenise import Encoded, Tokens


def item(context: list[int], targets: list[int]) -> Encoded:
    """As the encoder cuts: the last target is no input."""
    return Encoded(np.array([*context, *targets][:-1], dtype=np.int32), np.array(targets, dtype=np.int32))


def drawn(seed: int, shared: int, questions: int = 9) -> list[Encoded]:
    rng = random.Random(seed)
    shots = [rng.randrange(50) for _ in range(shared)]
    items = []
    for _ in range(questions):
        context = shots + [rng.randrange(50) for _ in range(rng.randint(1, 12))]
        items += [item(context, [rng.randrange(50) for _ in range(rng.randint(1, 5))]) for _ in range(4)]
        items.append(item(context, items[-1].targets.tolist()))  # the same choice twice
        items.append(item(context, [7]))
        items.append(item(context, [8]))  # another one with the same input
    return items


def texts(plan: Plan) -> dict[int, list[tuple[list[int], int]]]:
    """By request what its targets were predicted from, with each target."""
    trunks: list[list[int]] = []
    for trunk in plan.trunks:
        above = trunks[trunk.parent] if trunk.parent is not None else []
        assert len(above) == trunk.start
        trunks.append([*above, *trunk.tokens.tolist()])
    found: dict[int, list[tuple[list[int], int]]] = {}
    for chunk in plan.chunks:
        before = trunks[chunk.trunk] if chunk.trunk is not None else []
        assert len({len(row.context) for row in chunk.rows if row.context is not None}) == 1
        for row in chunk.rows:
            assert row.context is not None
            whole = [*before, *row.context.tolist(), *row.tokens.tolist()]
            start = len(whole) - len(row)
            assert row.positions.tolist() == list(range(start, len(whole)))
            for at, target, request in zip(row.at, row.targets, row.requests, strict=True):
                found.setdefault(int(request), []).append((whole[: start + int(at) + 1], int(target)))
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("shared", "least"), [(0, 256), (60, 64), (60, 10**9)])
@pytest.mark.parametrize("budget", [1, 40, 10_000])
def test_every_target_is_predicted_from_its_own_text(seed: int, shared: int, least: int, budget: int) -> None:
    encoded = drawn(seed, shared)
    plan = plan_contexts(encoded, budget, least)
    assert bool(plan.trunks) == (shared > 0 and least < 10**9)
    found = texts(plan)
    for index, (inputs, targets) in enumerate(encoded):
        first = len(inputs) - len(targets)
        expected = [(inputs[: first + i + 1].tolist(), int(t)) for i, t in enumerate(targets)]
        assert found[index] == expected
    assert sorted(i for c in plan.chunks for i in c.requests) == list(range(len(encoded)))


def test_a_context_is_computed_once_and_batches_keep_to_the_budget() -> None:
    encoded = drawn(3, 80, questions=40)
    plan = plan_contexts(encoded, 120)
    distinct = {e.inputs[: e.first_scored].tobytes() for e in encoded}
    computed = 0
    for chunk in plan.chunks:
        contexts = {row.context.tobytes(): row.context for row in chunk.rows if row.context is not None}
        computed += len(contexts)
        tokens = sum(map(len, contexts.values()))
        assert tokens == 0 or all(len(c) >= MIN_TOKENS for c in contexts.values())
        assert chunk.tokens == sum(map(len, chunk.rows)) + tokens
        padded = len(chunk.rows) * max(map(len, chunk.rows))
        assert len(contexts) == 1 or (tokens <= 120 and padded <= 120)
    assert len(plan.trunks) == 1
    assert computed <= len(distinct)
    assert plan.computed_tokens < 0.35 * sum(len(e.inputs) for e in encoded)


def test_the_same_requests_give_the_same_plan() -> None:
    plans = [plan_contexts(drawn(5, 70), 60) for _ in range(2)]
    assert texts(plans[0]) == texts(plans[1])
    assert [c.requests for c in plans[0].chunks] == [c.requests for c in plans[1].chunks]


def test_prefixes_that_some_share_are_trunks_below_trunks() -> None:
    rng = random.Random(0)
    outer = [rng.randrange(50) for _ in range(100)]
    inner = [[rng.randrange(50) for _ in range(100)] for _ in range(2)]
    encoded = [
        item(outer + inner[n % 2] + [n, n + 1, n + 2], [n, choice]) for n in range(12) for choice in range(3)
    ]
    plan = plan_contexts(encoded, 500)
    assert [(len(t.tokens), t.start, t.parent) for t in plan.trunks] == [
        (100, 0, None),
        (100, 100, 0),
        (100, 100, 0),
    ]
    assert len(texts(plan)) == len(encoded)


def context_of(row: Row) -> Tokens:
    assert row.context is not None
    return row.context


def cost(chunk: Chunk) -> int:
    contexts = {context_of(row).tobytes(): len(context_of(row)) for row in chunk.rows}
    return sum(contexts.values()) + len(chunk.rows) * max(map(len, chunk.rows))


def of_one_length(contexts: int) -> list[Encoded]:
    rng = random.Random(contexts)
    return [
        item(context, [rng.randrange(50) for _ in range(15)])
        for context in ([rng.randrange(50) for _ in range(60)] for _ in range(contexts))
        for _ in range(4)
    ]


@pytest.mark.parametrize(("contexts", "batches"), [(2, 2), (8, 2), (20, 2), (42, 4)])
def test_few_batches_are_shared_evenly_among_workers(contexts: int, batches: int) -> None:
    """Three of one size took two workers as long as four."""
    encoded = of_one_length(contexts)
    alone, shared = plan_contexts(encoded, 1_024), plan_contexts(encoded, 1_024, workers=2)
    costs = [cost(chunk) for chunk in shared.chunks]
    assert len(costs) == batches
    assert len(alone.chunks) < batches or contexts == 20
    assert sum(costs) == sum(map(cost, alone.chunks))
    assert max(costs) <= 1.3 * min(costs)
    assert texts(shared) == texts(alone)


@pytest.mark.parametrize("workers", [1, 2])
def test_costly_batches_come_first(workers: int) -> None:
    plan = plan_contexts(drawn(7, 60, questions=200), 80, workers=workers)
    assert len(plan.trunks) == 1
    launches = [2 if len(context_of(chunk.rows[0])) else 1 for chunk in plan.chunks]
    costs = [cost(chunk) + LAUNCH_TOKENS * n for chunk, n in zip(plan.chunks, launches, strict=True)]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


def test_a_single_context_goes_to_one_worker() -> None:
    assert len(plan_contexts(of_one_length(1), 1_024, workers=2).chunks) == 1
    assert plan_contexts([], 1_024, workers=2).chunks == ()
