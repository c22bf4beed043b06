"""Packed rows as the tensors of a batch, by hand."""

from __future__ import annotations

import numpy as np
import torch

from e2lm_core.engine.batches.plan import Row
from e2lm_core.engine.forward.tensors import as_tensor, padded, prepare

CPU = torch.device("cpu")


def tokens(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def test_two_rows_as_a_batch() -> None:
    #  7 ─ 8 (request 0 is scored at 8 on 9 and request 1 at 7 on 5), and a row of one token
    first = Row(
        tokens(7, 8),
        tokens(3, 4),
        at=tokens(1, 0),
        targets=tokens(9, 5),
        requests=tokens(0, 1),
        parents=tokens(-1, 0),
    )
    second = Row(
        tokens(6), tokens(3), at=tokens(0), targets=tokens(4), requests=tokens(2), parents=tokens(-1)
    )
    batch = prepare([first, second], CPU, torch.float32)
    assert batch.ids.tolist() == [[7, 8], [6, 0]]
    assert batch.positions.tolist() == [[3, 4], [3, 0]]
    assert (batch.bias[:, 0] == 0).int().tolist() == [[[1, 0], [1, 1]], [[1, 0], [0, 1]]]
    assert batch.at.tolist() == [0, 1, 2]  # places of the flattened batch that are scored
    assert batch.grid.tolist() == [[0, 1], [2, 2]]  # by row; the second has one, which is there twice
    assert batch.slots.tolist() == [0, 1, 2]
    assert batch.places.tolist() == [0, 1, 2]
    assert batch.targets.tolist() == [5, 9, 4]
    assert batch.targets[batch.order].tolist() == [9, 5, 4]  # in the order of the rows again
    assert batch.depth == 5
    flat = batch.bias.flatten(0, 2)[batch.at]
    assert torch.equal(batch.scored_bias.flatten(0, 2)[batch.slots], flat)


def test_padding_is_on_the_right() -> None:
    assert padded([tokens(1, 2), tokens(3)], 3).tolist() == [[1, 2, 0], [3, 0, 0]]
    moved = as_tensor(np.array([1, 2], dtype=np.int32)[::-1], CPU)
    assert (moved.dtype, moved.tolist()) == (torch.int64, [2, 1])
