"""Tensors of a packed batch, shared by all checkpoints.

Tested in tests/engine/forward/test_tensors.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from e2lm_core.engine.batches.plan import Row
from e2lm_core.engine.forward.attention import subtree_ends, tree_bias


@dataclass(frozen=True)
class PackedBatch:
    """Tensors of B packed rows of T tokens, with S targets at U distinct places.

    A place is an index in the flattened batch [B · T]; a row has at most Q of them. Scored tokens are sorted
    by place. Integers are int64.

    Attributes:
        ids: Token ids [B, T].
        positions: Positions [B, T] of the tokens in their own text.
        bias: Attention bias [B, 1, T, T], see `tree_bias`, in the model's dtype.
        at: The distinct places [U], ascending.
        grid: Indexes [B, Q] into `at`, the places of each row; the rest of a row repeats one.
        slots: Indexes [U] of the places in the flattened grid, ascending.
        scored_bias: The rows [B, 1, Q, T] of `bias` that belong to `grid`.
        places: Indexes [S] into `at`, ascending: scored token s is read at `at[places[s]]`.
        targets: Token ids [S] of the scored tokens.
        order: Indexes [S] that restore the order of the rows' targets.
        depth: Number of tokens of the longest text.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    bias: torch.Tensor
    at: torch.Tensor
    grid: torch.Tensor
    slots: torch.Tensor
    scored_bias: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor
    order: NDArray[np.int64]
    depth: int


def prepare(rows: Sequence[Row], device: torch.device, dtype: torch.dtype) -> PackedBatch:
    """Tensors of rows with `parents`, padded on the right to the longest.

    Args:
        rows: The rows.
        device: Device of the tensors.
        dtype: Type of the biases.
    """
    width = max(map(len, rows))
    flat = np.concatenate([line * width + row.at.astype(np.int64) for line, row in enumerate(rows)])
    at, places = np.unique(flat, return_inverse=True)
    by_place = np.argsort(places, kind="stable")
    grid, slots = _grid(at // width, len(rows))
    ends = subtree_ends([row.parents for row in rows if row.parents is not None], width)
    everywhere = torch.arange(width).expand(len(rows), -1)
    return PackedBatch(
        ids=as_tensor(padded([row.tokens for row in rows], width), device),
        positions=as_tensor(padded([row.positions for row in rows], width), device),
        bias=tree_bias(ends, everywhere).to(device, dtype),
        at=as_tensor(at, device),
        grid=as_tensor(grid, device),
        slots=as_tensor(slots, device),
        scored_bias=tree_bias(ends, torch.from_numpy(at[grid] % width)).to(device, dtype),
        places=as_tensor(places[by_place], device),
        targets=as_tensor(np.concatenate([row.targets for row in rows])[by_place], device),
        order=np.argsort(by_place, kind="stable"),
        depth=int(max(row.positions.max() for row in rows)) + 1,
    )


def padded(parts: Sequence[NDArray[np.int32]], width: int) -> NDArray[np.int64]:
    """Arrays in the lines of one array, with zeros to their right.

    Args:
        parts: B arrays [N] of int32, each of at most `width` numbers.
        width: Length of a line.

    Returns:
        Array [B, N] of int64 with N = `width`.
    """
    lines = np.zeros((len(parts), width), dtype=np.int64)
    for line, part in enumerate(parts):
        lines[line, : len(part)] = part
    return lines


def as_tensor(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """The array [...] as an int64 tensor on `device`, in the same shape."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64)).to(device)


def _grid(lines: NDArray[np.int64], rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(grid [B, Q], slots [U]) of U ascending places from their rows `lines` [U]; every row has a place."""
    counts = np.bincount(lines, minlength=rows)
    starts = np.cumsum(counts) - counts
    columns = np.arange(counts.max())
    grid = starts[:, None] + np.minimum(columns, counts[:, None] - 1)
    slots = lines * len(columns) + np.arange(len(lines)) - starts[lines]
    return grid, slots
