"""Attention over a packed row: a token sees its ancestors in the row, and the trunk below which it stands.

    softmax over [trunk | row] = w · softmax over row + (1 − w) · softmax over trunk,
    w = sigmoid(logsumexp of row − logsumexp of trunk)

so the trunk's keys and values are read as they are, once for all rows, and never copied for each of them.
The function is called by transformers' own modules in the place of their attention; what it needs beside
its tensors comes through the keyword `tree`.
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


@dataclass
class TreeState:
    """What one forward needs: `bias` [B, 1, T, T] is 0 where a token sees another and −inf elsewhere (None
    for causal order), `trunk` the keys and values before the rows, by layer, `depth` the longest text.
    With `keep`, the layers' keys and values, the trunk's before them, are put into `kept`."""

    bias: torch.Tensor | None
    depth: int
    trunk: dict[int, KeyValues] | None = None
    keep: bool = False
    kept: dict[int, KeyValues] = field(default_factory=dict)


def register() -> None:
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
    """query [B, H, T, size], key and value [B, heads of keys, T, size] → [B, T, H, size]."""
    if tree is None:
        raise UnsupportedError("its layers do not pass keywords on to their attention")
    if sliding_window is not None and sliding_window < tree.depth:
        raise UnsupportedError(f"its attention slides over {sliding_window} tokens")
    for name in ("softcap", "s_aux", "position_bias"):
        if other.get(name) is not None:
            raise UnsupportedError(f"its attention has a {name}")
    trunk = tree.trunk[module.layer_idx] if tree.trunk is not None else None
    if tree.keep:
        own = (key, value)
        tree.kept[module.layer_idx] = (
            own if trunk is None else (torch.cat([trunk[0], key], 2), torch.cat([trunk[1], value], 2))
        )
    heads = query.shape[1]
    out = attend(query, _for_all(key, heads), _for_all(value, heads), tree.bias, trunk, scaling)
    return out.transpose(1, 2).contiguous(), None


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor | None,
    trunk: KeyValues | None,
    scaling: float | None,
) -> torch.Tensor:
    """All [B, H, T, size]; the trunk's [1, heads of keys, P, size]."""
    causal = bias is None
    if trunk is None:
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=bias, is_causal=causal, scale=scaling
        )
    rows, heads, tokens, size = query.shape
    before_key, before_value = (_for_all(part, heads) for part in trunk)
    if query.device.type != "cpu":
        return _over_both(query, key, value, bias, before_key, before_value, scaling)
    flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    inside, inside_log = flash(query, key, value, 0.0, causal, attn_mask=bias, scale=scaling)
    flat = query.transpose(0, 1).reshape(1, heads, rows * tokens, size)
    before, before_log = flash(flat, before_key, before_value, 0.0, False, scale=scaling)
    before = before.view(heads, rows, tokens, size).transpose(0, 1)
    before_log = before_log.view(heads, rows, tokens).transpose(0, 1)
    weight = torch.sigmoid(inside_log - before_log).unsqueeze(-1).to(query.dtype)
    return torch.lerp(before, inside, weight)


def _over_both(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor | None,
    before_key: torch.Tensor,
    before_value: torch.Tensor,
    scaling: float | None,
) -> torch.Tensor:
    """The same by joining the trunk and the row, where the kernel does not give its logsumexp."""
    rows, _, tokens, _ = query.shape
    if bias is None:
        bias = torch.full((tokens, tokens), -torch.inf, dtype=query.dtype, device=query.device)
        bias = bias.triu(1)[None, None]
    open_to_all = bias.new_zeros((*bias.shape[:-1], before_key.shape[2]))
    return functional.scaled_dot_product_attention(
        query,
        torch.cat([before_key.expand(rows, -1, -1, -1), key], 2),
        torch.cat([before_value.expand(rows, -1, -1, -1), value], 2),
        attn_mask=torch.cat([open_to_all, bias], -1),
        scale=scaling,
    )


def tree_bias(parents: Sequence[np.ndarray], width: int) -> torch.Tensor:
    """Parents of B rows' tokens → [B, 1, width, width] float32, 0 for a token and its ancestors, else −inf."""
    rows = len(parents)
    above = np.full((rows, width), width, dtype=np.int64)  # −1 and padding: a token that sees nothing
    for line, places in enumerate(parents):
        above[line, : len(places)] = np.where(places < 0, width, places)
    sees = np.zeros((rows, width + 1, width), dtype=bool)
    lines = np.arange(rows)
    for place in range(width):
        sees[:, place] = sees[lines, above[:, place]]
        sees[:, place, place] = True
    bias = np.where(sees[:, :width], np.float32(0), np.float32(-np.inf))
    return torch.from_numpy(bias)[:, None]


def _for_all(part: torch.Tensor, heads: int) -> torch.Tensor:
    """Heads of keys repeated for the heads of queries that share them."""
    own = part.shape[1]
    return part if own == heads else part.repeat_interleave(heads // own, dim=1)
