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
    """B packed rows of T tokens, U distinct places that are scored, at most Q of them in a row.

    `at` are those places in the flattened batch; scored token s, in the order of `places`, is read at
    `at[places[s]]`, and `order` undoes that order. The places by row: `grid[b, i]` is an index into `at`
    (the rest of a row repeats one), `slots[u]` is where place u stands in the flattened grid.
    """

    ids: torch.Tensor  # [B, T]
    positions: torch.Tensor  # [B, T]
    bias: torch.Tensor  # [B, 1, T, T]
    at: torch.Tensor  # [U], ascending
    grid: torch.Tensor  # [B, Q]
    slots: torch.Tensor  # [U], ascending
    scored_bias: torch.Tensor  # [B, 1, Q, T]: the rows of `bias` that belong to `grid`
    places: torch.Tensor  # [S], ascending
    targets: torch.Tensor  # [S]
    order: NDArray[np.int64]  # [S]
    depth: int


def prepare(rows: Sequence[Row], device: torch.device, dtype: torch.dtype) -> PackedBatch:
    """The rows (with `parents`), padded on the right to the longest, on `device`; biases in `dtype`."""
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
    """[B, width] with B parts of at most `width` numbers, zeros to their right."""
    lines = np.zeros((len(parts), width), dtype=np.int64)
    for line, part in enumerate(parts):
        lines[line, : len(part)] = part
    return lines


def as_tensor(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """The array as int64 on `device`, in the same shape."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64)).to(device)


def _grid(lines: NDArray[np.int64], rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row of each of U ascending places → (grid [B, Q], slots [U]); every row has a place."""
    counts = np.bincount(lines, minlength=rows)
    starts = np.cumsum(counts) - counts
    columns = np.arange(counts.max())
    grid = starts[:, None] + np.minimum(columns, counts[:, None] - 1)
    slots = lines * len(columns) + np.arange(len(lines)) - starts[lines]
    return grid, slots
