"""Batches: where rows are cut, and what a plan counts."""

from __future__ import annotations

import numpy as np

from e2lm_core.engine.batches.plan import Chunk, Plan, Row, Trunk, batches, plan_plain
from e2lm_core.engine.batches.tokenise import Encoded


def row(size: int) -> Row:
    place = np.arange(size, dtype=np.int32)
    none = np.empty(0, dtype=np.int32)
    return Row(tokens=place, positions=place, at=none, targets=none, requests=none)


def cut(lengths: list[int], budget: int) -> list[list[int]]:
    return [[len(r) for r in chunk.rows] for chunk in batches([row(n) for n in lengths], budget)]


def test_rows_are_cut_where_it_is_cheapest() -> None:
    # Together 3 · 200 + 96 = 696, apart 200 + 96 and 2 · 10 + 96: 412.
    assert cut([200, 10, 10], budget=1_000) == [[200], [10, 10]]
    # Together 3 · 20 + 96 = 156, apart 20 + 96 and 2 · 10 + 96: 232.
    assert cut([20, 10, 10], budget=1_000) == [[20, 10, 10]]
    # Padded, three rows are 60 tokens, two are 40 or 20.
    assert cut([20, 10, 10], budget=59) == [[20], [10, 10]]
    # A row alone may be longer than the budget.
    assert cut([100, 100], budget=50) == [[100], [100]]


def test_a_plan_counts_tokens() -> None:
    trunks = (Trunk(np.arange(4, dtype=np.int32), 0, None), Trunk(np.arange(6, 9, dtype=np.int32), 4, 0))
    plan = Plan((Chunk((row(5), row(2)), trunk=1), Chunk((row(1),))), trunks)
    assert plan.computed_tokens == 2 * 5 + 1 + 4 + 3
    assert plan.depth == 5
    assert plan.vocabulary.tolist() == [0, 1, 2, 3, 4, 6, 7, 8]
    counted: set[int] = set()
    assert plan.trunk_tokens(1, counted) == 7
    assert counted == {0, 1}
    assert plan.trunk_tokens(0, counted) == plan.trunk_tokens(None, counted) == 0


def test_equal_inputs_are_one_plain_row() -> None:
    inputs = np.array([1, 2, 3], dtype=np.int32)
    encoded = [Encoded(inputs, np.array(targets, dtype=np.int32)) for targets in ([3, 4], [5])]
    ((only,),) = (chunk.rows for chunk in plan_plain(encoded, 100).chunks)
    assert only.tokens.tolist() == [1, 2, 3]
    assert only.at.tolist() == [1, 2, 2]  # the second token predicts 3; the third 4, and 5 of the other
    assert only.targets.tolist() == [3, 4, 5]
    assert only.requests.tolist() == [0, 0, 1]
