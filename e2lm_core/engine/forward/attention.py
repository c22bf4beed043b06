"""Attention over packed rows of a prefix tree.

    softmax over [trunk | row] = w · softmax over row + (1 − w) · softmax over trunk,
    w = sigmoid(logsumexp of row − logsumexp of trunk)

so that a long trunk's keys and values are read in place, once for all rows, and not copied for each of them
(as Cascade Inference and Hydragen do; the merge by logsumexp is FlashAttention's). transformers' own modules
call `tree_attention` in place of their attention; the keyword `tree` carries all it needs beside its tensors.
Tested in tests/engine/forward/test_attention.py and, in whole models, in
tests/engine/forward/test_recipes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional

NAME = "e2lm_tree"
KeyValues = tuple[torch.Tensor, torch.Tensor]  # each [1, heads of keys, P, size]


class UnsupportedError(Exception):
    """The model needs something of its attention that a packed row cannot give."""


class WindowError(UnsupportedError):
    """A layer sees fewer tokens than the longest text has.

    Attributes:
        window: Number of tokens that the layer sees.
    """

    def __init__(self, window: int) -> None:
        super().__init__(f"its attention slides over {window} tokens")
        self.window = window


@dataclass
class TreeState:
    """Inputs of attention in one forward pass beside its tensors.

    Attributes:
        bias: Bias [B, 1, Q, T] of B rows of T tokens, Q of them with queries: 0 if a token sees another, else
            −inf; None for causal order.
        depth: Number of tokens of the longest text.
        trunk: Keys and values before the rows, by layer; None for none.
        keep: Whether the layers' keys and values, after the trunk's, are put into `kept`.
        kept: Keys and values by layer.
        apart: Whether rows follow trunks of their own, equally many rows each, all computed in one way
            whatever their number.
    """

    bias: torch.Tensor | None
    depth: int
    trunk: dict[int, KeyValues] | None = None
    keep: bool = False
    kept: dict[int, KeyValues] = field(default_factory=dict)
    apart: bool = False
    _joined: torch.Tensor | None = None

    def joined_bias(self, query: torch.Tensor, before: int) -> torch.Tensor:
        """The bias after `before` columns of zeros for the trunk, the same for all layers.

        Args:
            query: Queries [B, H, Q, D], for shape, dtype and device.
            before: Number P of the trunk's tokens.

        Returns:
            Bias [B, 1, Q, P + T]; B is 1 for causal order.
        """
        if self._joined is None:
            bias, tokens = self.bias, query.shape[2]
            if bias is None:
                shape = (1, 1, tokens, tokens)
                bias = torch.full(shape, -torch.inf, dtype=query.dtype, device=query.device).triu(1)
            self._joined = torch.cat([bias.new_zeros((*bias.shape[:-1], before)), bias], -1)
        return self._joined


def register() -> None:
    """Register `tree_attention` with transformers under `NAME`; repeated calls do no harm."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, tree_attention)


def tree_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    tree: TreeState | None = None,
    sliding_window: int | None = None,
    **other: Any,
) -> tuple[torch.Tensor, None]:
    """Attention over packed rows, in the form of transformers' `AttentionInterface`.

    B rows of T tokens have H heads of queries and G heads of keys, of size D.

    Args:
        module: The layer, with its `layer_idx`.
        query: Queries [B, H, T, D].
        key: Keys [B, G, T, D].
        value: Values [B, G, T, D].
        attention_mask: Unused, because `tree` has the bias.
        scaling: Factor of the products; 1 / √D if None.
        dropout: Unused.
        tree: Bias and trunk of the forward pass.
        sliding_window: The layer's window in tokens; None for none.
        other: Further keywords of the layer.

    Returns:
        Results [B, T, H, D], and None in place of weights.

    Raises:
        UnsupportedError: The layer passes on no keywords, asks for soft caps, sinks or a position bias, or
            attends more than once.
        WindowError: The layer's window is shorter than the longest text.
    """
    if tree is None:
        raise UnsupportedError("its layers do not pass keywords on to their attention")
    if sliding_window and sliding_window < tree.depth:
        raise WindowError(sliding_window)
    for name in ("softcap", "s_aux", "position_bias"):
        if other.get(name) is not None:
            raise UnsupportedError(f"its attention has a {name}")
    before = tree.trunk[module.layer_idx] if tree.trunk is not None else None
    if tree.keep:
        if module.layer_idx in tree.kept:
            raise UnsupportedError("a layer of theirs attends more than once")
        tree.kept[module.layer_idx] = below(before, (key, value))
    return attend(query, key, value, tree, before, scaling).transpose(1, 2).contiguous(), None


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    tree: TreeState,
    before: KeyValues | None,
    scaling: float | None = None,
) -> torch.Tensor:
    """softmax(scaling · query keyᵀ + bias) value over the trunk and the row.

    Args:
        query: Queries [B, H, Q, D] of Q tokens in each of B rows.
        key: Keys [B, G, T, D] of T tokens; each head of keys serves H / G heads of queries in turn.
        value: Values [B, G, T, D].
        tree: Bias of the forward pass.
        before: Keys and values [1, G, P, D] of the trunk, or [K, G, P, D] of K trunks; None for none.
        scaling: Factor of the products; 1 / √D if None.

    Returns:
        Results [B, H, Q, D].
    """
    heads = query.shape[1]
    key, value = _for_all(key, heads), _for_all(value, heads)
    if before is None:
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=tree.bias, is_causal=tree.bias is None, scale=scaling
        )
    short = before[0].shape[2] <= key.shape[2]
    # The kernel of `merged` takes no keys and values of different sizes, as in DeepSeek's latent attention.
    uneven = key.shape[3] != value.shape[3]
    way = joined if short or uneven or tree.apart or query.device.type != "cpu" else merged
    return way(query, key, value, (_for_all(before[0], heads), _for_all(before[1], heads)), tree, scaling)


def below(before: KeyValues | None, trunk: KeyValues) -> KeyValues:
    """Keys and values of a trunk, after those of the trunks above it.

    Args:
        before: Keys and values [1, G, P, D] of the trunks above; None for none.
        trunk: Keys and values [1, G, T, D].

    Returns:
        Keys and values [1, G, P + T, D].
    """
    if before is None:
        return trunk
    return torch.cat([before[0], trunk[0]], 2), torch.cat([before[1], trunk[1]], 2)


def joined(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    before: KeyValues,
    tree: TreeState,
    scaling: float | None,
) -> torch.Tensor:
    """One attention over the trunk and the row, with the trunk copied for every row.

    It is used for short trunks, and if a kernel does not return its logsumexp.

    Args:
        query: Queries [B, H, Q, D].
        key: Keys [B, H, T, D].
        value: Values [B, H, T, D].
        before: Keys and values [1, H, P, D] of a trunk, or [K, H, P, D] of K trunks, each followed by B / K
            consecutive rows.
        tree: Bias of the forward pass.
        scaling: Factor of the products; 1 / √D if None.

    Returns:
        Results [B, H, Q, D].
    """
    rows = query.shape[0]
    return functional.scaled_dot_product_attention(
        query,
        torch.cat([_for_each(before[0], rows), key], 2),
        torch.cat([_for_each(before[1], rows), value], 2),
        attn_mask=tree.joined_bias(query, before[0].shape[2]),
        scale=scaling,
    )


def merged(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    before: KeyValues,
    tree: TreeState,
    scaling: float | None,
) -> torch.Tensor:
    """Two attentions merged by their logsumexps, with all rows' queries at once over the trunk.

    Args:
        query: Queries [B, H, Q, D].
        key: Keys [B, H, T, D].
        value: Values [B, H, T, D].
        before: Keys and values [1, H, P, D] of the trunk.
        tree: Bias of the forward pass.
        scaling: Factor of the products; 1 / √D if None.

    Returns:
        Results [B, H, Q, D], equal to those of `joined` up to rounding.
    """
    rows, heads, tokens, size = query.shape
    flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    inside, inside_log = flash(query, key, value, 0.0, tree.bias is None, attn_mask=tree.bias, scale=scaling)
    flat = query.transpose(0, 1).reshape(1, heads, rows * tokens, size)
    outside, outside_log = flash(flat, *before, 0.0, False, scale=scaling)
    outside = outside.view(heads, rows, tokens, size).transpose(0, 1)
    outside_log = outside_log.view(heads, rows, tokens).transpose(0, 1)
    weight = torch.sigmoid(inside_log - outside_log).unsqueeze(-1).to(query.dtype)
    return torch.lerp(outside, inside, weight)


def subtree_ends(parents: Sequence[np.ndarray], width: int) -> torch.Tensor:
    """End of the subtree of each token: the token at place j is seen from places j to end − 1.

    These are its own and its descendants' places. Padding is seen by itself only.

    Args:
        parents: Parents [T] of each of B rows' tokens, int32, in depth-first order (see `Row`).
        width: Length W of a line, at least that of the longest row.

    Returns:
        Ends [B, W], int64.
    """
    ends = np.tile(np.arange(1, width + 1), (len(parents), 1))
    for line, above in enumerate(parents):
        row = ends[line, : len(above)]
        row[:] = len(above)
        for start in np.flatnonzero(above != np.arange(-1, len(above) - 1)).tolist():
            closed = row[above[start] + 1 : start]
            np.minimum(closed, start, out=closed)
    return torch.from_numpy(ends)


def tree_bias(ends: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Attention bias: 0 if a place is the token's own or a descendant's, else −inf.

    Args:
        ends: Ends [B, T] of `subtree_ends`.
        places: Places [B, Q] of the tokens that look at them.

    Returns:
        Bias [B, 1, Q, T], float32.
    """
    tokens = torch.arange(ends.shape[1])
    sees = (tokens <= places[:, :, None]) & (places[:, :, None] < ends[:, None])
    return torch.zeros(sees.shape).masked_fill_(~sees, -torch.inf)[:, None]


def _for_each(part: torch.Tensor, rows: int) -> torch.Tensor:
    """A trunk's keys or values, for each of its rows."""
    trunks = part.shape[0]
    return part.expand(rows, -1, -1, -1) if trunks == 1 else part.repeat_interleave(rows // trunks, dim=0)


def _for_all(part: torch.Tensor, heads: int) -> torch.Tensor:
    """Heads of keys, repeated for the heads of queries that share them."""
    there = part.shape[1]
    return part if there == heads else part.repeat_interleave(heads // there, dim=1)
