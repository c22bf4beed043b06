"""Attention over packed rows of a prefix tree.

    softmax over [trunk | row] = w · softmax over row + (1 − w) · softmax over trunk,
    w = sigmoid(logsumexp of row − logsumexp of trunk)

so a long trunk's keys and values are read as they are, once for all rows, and not copied for each of them
(as Cascade Inference and Hydragen do; the merge by logsumexp is FlashAttention's). `tree_attention` is called
by transformers' own modules in the place of their attention; what it needs beside its tensors comes through
the keyword `tree`. Tested in tests/engine/forward/test_attention.py and, in whole models, in
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
    """The model asks for something of its attention that a packed row cannot give."""


class WindowError(UnsupportedError):
    """A layer sees fewer tokens than the longest text has; `window` are those that it sees."""

    def __init__(self, window: int) -> None:
        super().__init__(f"its attention slides over {window} tokens")
        self.window = window


@dataclass
class TreeState:
    """What one forward's attention needs beside its tensors.

    `bias` [B, 1, T, T] is 0 where a token sees another and −inf elsewhere, None for causal order. `trunk` has
    the keys and values before the rows, by layer; `depth` are the tokens of the longest text. With `keep`,
    the layers' keys and values, the trunk's before them, are put into `kept`. `apart`: rows follow trunks of their
    own, as many rows each, all of them computed in one way whatever their number.
    """

    bias: torch.Tensor | None
    depth: int
    trunk: dict[int, KeyValues] | None = None
    keep: bool = False
    kept: dict[int, KeyValues] = field(default_factory=dict)
    apart: bool = False
    _joined: torch.Tensor | None = None

    def joined_bias(self, query: torch.Tensor, before: int) -> torch.Tensor:
        """[B, 1, T, P + T]: the bias after P = `before` columns for the trunk, the same for all layers."""
        if self._joined is None:
            bias, tokens = self.bias, query.shape[2]
            if bias is None:
                shape = (1, 1, tokens, tokens)
                bias = torch.full(shape, -torch.inf, dtype=query.dtype, device=query.device).triu(1)
            self._joined = torch.cat([bias.new_zeros((*bias.shape[:-1], before)), bias], -1)
        return self._joined


def register() -> None:
    """Make `tree_attention` known to transformers under `NAME`; again does no harm."""
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
    """query [B, H, T, size], key and value [B, heads of keys, T, size] → [B, T, H, size].

    In the form of transformers' `AttentionInterface`; `attention_mask` is not looked at, since `tree` has the
    bias. Raises `UnsupportedError` for layers that ask for a window, soft caps, sinks or a position bias.
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
    """softmax(scaling · query keyᵀ + bias) value over the trunk and the row → [B, H, Q, size].

    query [B, H, Q, size], key and value [B, heads of keys, T, size], `before` [1, heads of keys, P, size] or
    None; heads of queries share those of keys in turn. `scaling` is 1 / √size where it is None.
    """
    heads = query.shape[1]
    key, value = _for_all(key, heads), _for_all(value, heads)
    if before is None:
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=tree.bias, is_causal=tree.bias is None, scale=scaling
        )
    short = before[0].shape[2] <= key.shape[2]
    uneven = key.shape[3] != value.shape[3]  # DeepSeek's latent attention: the kernel of `merged` takes none
    way = joined if short or uneven or tree.apart or query.device.type != "cpu" else merged
    return way(query, key, value, (_for_all(before[0], heads), _for_all(before[1], heads)), tree, scaling)


def below(before: KeyValues | None, trunk: KeyValues) -> KeyValues:
    """[1, heads of keys, P + T, size]: a trunk's keys and values after those of the trunks above it."""
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
    """One attention over the trunk and the row, the trunk copied for every row: all [B, H, T, size], `before`
    [1, H, P, size], or of C trunks [C, H, P, size] where B / C rows after the other follow each.

    For short trunks, and where a kernel does not tell its logsumexp.
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
    """As `joined`, by two attentions and their logsumexps, all rows' queries at once over the trunk."""
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
    """[B, width] where the token at place j is seen from places j to end − 1, its own and its descendants'.

    `parents` are those of B rows' tokens (see `Row`), in depth-first order. Padding is seen by itself alone.
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
    """[B, 1, Q, T] float32: 0 where a place is the token's own or a descendant's, else −inf.

    `ends` [B, T] are those of `subtree_ends`, `places` [B, Q] the tokens that look at them.
    """
    tokens = torch.arange(ends.shape[1])
    sees = (tokens <= places[:, :, None]) & (places[:, :, None] < ends[:, None])
    return torch.zeros(sees.shape).masked_fill_(~sees, -torch.inf)[:, None]


def _for_each(part: torch.Tensor, rows: int) -> torch.Tensor:
    """A trunk's part for each of its rows."""
    trunks = part.shape[0]
    return part.expand(rows, -1, -1, -1) if trunks == 1 else part.repeat_interleave(rows // trunks, dim=0)


def _for_all(part: torch.Tensor, heads: int) -> torch.Tensor:
    """Heads of keys repeated for the heads of queries that share them."""
    there = part.shape[1]
    return part if there == heads else part.repeat_interleave(heads // there, dim=1)
