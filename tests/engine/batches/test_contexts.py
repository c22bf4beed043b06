from __future__ import annotations

import random

import numpy as np
import pytest

from e2lm_core.engine.batches.contexts import LEAST, plan_contexts
from e2lm_core.engine.batches.plan import Plan
from e2lm_core.engine.batches.tokenise import Encoded


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
        assert tokens == 0 or all(len(c) >= LEAST for c in contexts.values())
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
