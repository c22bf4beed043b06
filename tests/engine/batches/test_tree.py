from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.engine.batches.plan import Plan, plan_plain
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.batches.tree import PREFIX_TOKENS, plan_prefixes, plan_tree


def encoded(context: list[int], continuation: list[int]) -> Encoded:
    whole = np.array(context + continuation, dtype=np.int32)
    return Encoded(whole[:-1], np.array(continuation, dtype=np.int32))


def texts(plan: Plan) -> dict[int, tuple[list[int], list[int]]]:
    """What each request is scored on by a plan: the tokens that its last input token sees, and its targets."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    for chunk in plan.chunks:
        above: list[int] = []
        trunk = chunk.trunk
        while trunk is not None:
            assert plan.trunks[trunk].start == sum(len(plan.trunks[t].tokens) for t in ancestors(plan, trunk))
            above = plan.trunks[trunk].tokens.tolist() + above
            trunk = plan.trunks[trunk].parent
        for row in chunk.rows:
            parents = np.arange(-1, len(row) - 1) if row.parents is None else row.parents
            for request in set(row.requests.tolist()):
                mine = row.requests == request
                place, seen = int(row.at[mine][-1]), []
                while place >= 0:
                    seen.insert(0, int(row.tokens[place]))
                    assert row.positions[place] >= len(above)
                    place = int(parents[place])
                assert request not in found
                found[request] = (above + seen, row.targets[mine].tolist())
    return found


def ancestors(plan: Plan, trunk: int) -> list[int]:
    chain = []
    parent = plan.trunks[trunk].parent
    while parent is not None:
        chain.append(parent)
        parent = plan.trunks[parent].parent
    return chain


def test_a_question_is_one_row_and_its_context_is_there_once() -> None:
    requests = [encoded([1, 2, 3], c) for c in ([4, 5], [4, 6, 7], [8])]
    plan = plan_tree(requests, budget=1_000, hidden=64)
    (chunk,) = plan.chunks
    (row,) = chunk.rows
    assert row.tokens.tolist() == [1, 2, 3, 4, 6]  # the last token of a choice predicts nothing
    assert row.positions.tolist() == [0, 1, 2, 3, 4]
    assert row.parents is not None
    assert row.parents.tolist() == [-1, 0, 1, 2, 3]
    assert texts(plan) == {0: ([1, 2, 3, 4], [4, 5]), 1: ([1, 2, 3, 4, 6], [4, 6, 7]), 2: ([1, 2, 3], [8])}


def test_at_equal_cost_what_is_shared_is_computed_once() -> None:
    """With hidden size 1 a row of 6 tokens costs as much as two of 4, and one of 8 more than three of 4."""
    requests = [encoded([1, 2, first, 9], [4]) for first in (5, 6, 7)]
    assert plan_tree(requests[:2], budget=100, hidden=1).computed_tokens == 6
    plan = plan_tree(requests, budget=100, hidden=1)
    assert [len(row) for chunk in plan.chunks for row in chunk.rows] == [6, 4]
    assert texts(plan) == texts(plan_plain(requests, 100))


def test_a_prefix_that_many_share_is_a_trunk() -> None:
    shots = list(range(100, 200))
    requests = [encoded([*shots, q, 1], [c, 2]) for q in range(40) for c in (3, 4, 5, 6)]
    plan = plan_tree(requests, budget=256, hidden=64)
    assert [t.tokens.tolist() for t in plan.trunks] == [shots]
    unique = 100 + 40 * 6
    assert plan.computed_tokens == unique
    assert texts(plan) == texts(plan_plain(requests, 256))


def test_trunks_below_trunks() -> None:
    shots, subjects = list(range(1_000, 1_200)), [[s] * 200 for s in (7, 8, 9)]
    requests = [
        encoded([*shots, *subject, q], [c, 2]) for subject in subjects for q in range(80) for c in (3, 4)
    ]
    plan = plan_tree(requests, budget=256, hidden=64)
    assert [(len(t.tokens), t.start, t.parent) for t in plan.trunks] == [
        (200, 0, None),
        (200, 200, 0),
        (200, 200, 0),
        (200, 200, 0),
    ]
    assert texts(plan) == texts(plan_plain(requests, 256))


def test_a_choice_that_is_a_prefix_of_another_and_equal_requests() -> None:
    requests = [encoded([1, 2], c) for c in ([3], [3, 4], [3, 4, 5], [3, 4])]
    plan = plan_tree(requests, budget=100, hidden=64)
    assert texts(plan) == texts(plan_plain(requests, 100))
    assert plan.computed_tokens == 4


def test_batches_keep_to_the_budget_and_a_plan_is_always_the_same() -> None:
    rng = np.random.default_rng(0)
    requests = [
        encoded(rng.integers(9, size=rng.integers(1, 60)).tolist(), rng.integers(9, size=3).tolist())
        for _ in range(200)
    ]
    for make in (lambda: plan_tree(requests, 256, 32), lambda: plan_plain(requests, 256)):
        plan, again = make(), make()
        assert all(len(c.rows) * max(map(len, c.rows)) <= 256 for c in plan.chunks)
        assert [[r.tokens.tolist() for r in c.rows] for c in plan.chunks] == [
            [r.tokens.tolist() for r in c.rows] for c in again.chunks
        ]
        assert sorted(i for c in plan.chunks for i in c.requests) == list(range(200))


TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    shared=st.lists(st.integers(0, 2), max_size=400),
    pairs=st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=40),
    hidden=st.sampled_from([1, 8, 64]),
)
def test_every_request_sees_its_own_text_and_nothing_else(
    shared: list[int], pairs: list[tuple[list[int], list[int]]], hidden: int
) -> None:
    requests = [encoded(shared + context, continuation) for context, continuation in pairs]
    plan = plan_tree(requests, budget=300, hidden=hidden)
    expected = {i: (r.inputs.tolist(), r.targets.tolist()) for i, r in enumerate(requests)}
    assert texts(plan) == expected
    assert texts(plan_plain(requests, 300)) == expected


def test_what_few_requests_share_is_cut_where_another_edit_would_cut_it() -> None:
    shots = list(range(1, 301))
    one, other = ([encoded([*shots, 900 + n, 7], c) for c in ([4, 5], [4, 6, 7])] for n in range(2))
    first, second = plan_prefixes(one), plan_prefixes(other)
    assert first is not None
    assert second is not None
    assert [t.tokens.tolist() for t in first.trunks] == [shots[:128], shots[128:256]]
    assert [(t.start, t.parent) for t in first.trunks] == [(0, None), (128, 0)]
    assert [t.tokens.tolist() for t in second.trunks] == [t.tokens.tolist() for t in first.trunks]
    assert texts(first) == {
        0: ([*shots, 900, 7, 4], [4, 5]),
        1: ([*shots, 900, 7, 4, 6], [4, 6, 7]),
    }


def test_nothing_that_is_scored_is_in_a_prefix() -> None:
    context = list(range(1, PREFIX_TOKENS + 1))
    # The last token of the context predicts the first of a choice: it has to be in a row.
    assert plan_prefixes([encoded(context, [4]), encoded(context, [5])]) is None
    assert plan_prefixes([encoded([*context, 900], [4])]) is not None
    assert plan_prefixes([encoded([1, 2], [4]), encoded([1, 3], [4])]) is None
