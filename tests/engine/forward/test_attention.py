"""Attention over packed rows: what a token sees, and a trunk read once for all rows."""

from __future__ import annotations

from math import log
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.engine.forward.attention import (
    TreeState,
    UnsupportedError,
    attend,
    below,
    joined,
    merged,
    subtree_ends,
    tree_attention,
    tree_bias,
)


def column(*values: float) -> torch.Tensor:
    """One head of size 1 in one row: [1, 1, T, 1]."""
    return torch.tensor(values)[None, None, :, None]


def test_a_bias_shows_ancestors_alone() -> None:
    #  0 ─ 1 ─ 2
    #      └─── 3
    ends = subtree_ends([np.array([-1, 0, 1, 1]), np.array([-1, 0])], 4)
    assert ends.tolist() == [[4, 4, 3, 4], [2, 2, 3, 4]]
    bias = tree_bias(ends, torch.arange(4).expand(2, -1))
    see = (bias[:, 0] == 0).int().tolist()
    assert see[0] == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 0, 1]]
    assert see[1] == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert bias.dtype == torch.float32
    some = tree_bias(ends, torch.tensor([[3, 1], [1, 0]]))
    assert torch.equal(some, torch.stack([bias[0, :, [3, 1]], bias[1, :, [1, 0]]]))


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=8).map(tuple), min_size=1, max_size=8),
    more=st.integers(0, 3),
)
def test_what_a_bias_shows_are_the_parents_parents(texts: list[tuple[int, ...]], more: int) -> None:
    nodes = sorted({text[: i + 1] for text in texts for i in range(len(text))})  # depth first
    parents = np.array([nodes.index(node[:-1]) if len(node) > 1 else -1 for node in nodes])
    width = len(nodes) + more
    bias = tree_bias(subtree_ends([parents], width), torch.arange(width)[None])
    for place, node in enumerate(nodes):
        seen = [nodes[i] for i in (bias[0, 0, place] == 0).nonzero()[:, 0].tolist()]
        assert seen == [node[: i + 1] for i in range(len(node))]


def test_attention_by_hand() -> None:
    # The second token weighs 1 and 3 of 4, below the trunk's 4 it is 1, 3 and 4 of 8.
    query, key, value = column(1.0, 1.0), column(0.0, log(3)), column(0.0, 4.0)
    state = TreeState(bias=None, depth=2)
    alone = attend(query, key, value, state, None, scaling=1.0)
    assert alone.flatten().tolist() == pytest.approx([0.0, 3.0])
    trunk = (column(log(4)), column(8.0))
    under = attend(query, key, value, state, trunk, scaling=1.0)
    assert under.flatten().tolist() == pytest.approx([8 * 4 / 5, (4 * 3 + 8 * 4) / 8])


def test_a_trunk_joined_or_merged_is_the_same() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(3, 2, 4, 8) for _ in range(3))
    trunk = (torch.randn(1, 2, 5, 8), torch.randn(1, 2, 5, 8))
    ends = subtree_ends([np.array([-1, 0, 0, 2]), np.array([-1, 0, 1]), np.array([-1, -1])], 4)
    bias = tree_bias(ends, torch.arange(4).expand(3, -1))
    for state in (TreeState(bias, depth=9), TreeState(None, depth=9)):
        one = joined(query, key, value, trunk, state, None)
        two = merged(query, key, value, trunk, state, None)
        torch.testing.assert_close(one, two)


def test_a_trunk_stands_after_those_above_it() -> None:
    above, trunk = (column(1.0), column(2.0)), (column(3.0, 4.0), column(5.0, 6.0))
    assert below(None, trunk) is trunk
    keys, values = below(above, trunk)
    assert (keys.flatten().tolist(), values.flatten().tolist()) == ([1.0, 3.0, 4.0], [2.0, 5.0, 6.0])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tree": None}, "do not pass keywords"),
        ({"sliding_window": 3}, "slides over 3 tokens"),
        ({"softcap": 30.0}, "has a softcap"),
        ({"s_aux": torch.ones(1)}, "has a s_aux"),
    ],
)
def test_what_a_packed_row_cannot_give_is_refused(options: dict[str, object], reason: str) -> None:
    parts = [column(1.0, 2.0)] * 3
    state = TreeState(bias=None, depth=4, keep=True)
    layer = SimpleNamespace(layer_idx=7)
    out, weights = tree_attention(layer, *parts, None, tree=state, sliding_window=4)
    assert (tuple(out.shape), weights) == ((1, 2, 1, 1), None)
    assert list(state.kept) == [7]
    with pytest.raises(UnsupportedError, match=reason):
        tree_attention(layer, *parts, None, **{"tree": state, **options})
