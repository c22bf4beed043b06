"""Packed weights: small, exact to half a step of their row, and never silently wrong."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.ladder.packing import pack, unpack


def test_values_on_the_grid_come_back_exactly() -> None:
    # max|row| = 3 with 3 levels: the scale is 1, so whole numbers are exact; a row of zeros stays zero.
    weights = {"a": torch.tensor([[3.0, -1.0, 0.0], [0.0, 0.0, 0.0]]), "b": torch.tensor([0.1, 2.5])}
    back = unpack(pack(weights, levels=3))
    assert sorted(back) == ["a", "b"]
    assert torch.equal(back["a"], weights["a"])
    assert torch.equal(back["b"], weights["b"])


def test_the_same_weights_give_the_same_bytes_whatever_their_order() -> None:
    one, two = torch.randn(4, 5), torch.randn(3)
    assert pack({"x": one, "y": two}) == pack({"y": two.clone(), "x": one.clone()})


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 6), st.integers(1, 6), st.integers(1, 127), st.integers(0, 10_000), st.floats(1e-6, 1e4)
)
def test_the_error_is_at_most_half_a_step(
    rows: int, columns: int, levels: int, seed: int, size: float
) -> None:
    weights = size * torch.randn(2, rows, columns, generator=torch.Generator().manual_seed(seed))
    back = unpack(pack({"w": weights}, levels))["w"]
    step = weights.abs().amax(dim=-1, keepdim=True) / levels
    assert back.shape == weights.shape
    assert torch.all((back - weights).abs() <= step * 0.5 * (1 + 1 / 128 + 1e-4))


def test_the_result_is_writable_and_contiguous() -> None:
    back = unpack(pack({"w": torch.ones(2, 2)}))["w"]
    back += 1
    assert back.is_contiguous()
    assert back.dtype == torch.float32


@pytest.mark.parametrize("cut", [0, 7, 20, 60, -1])
def test_a_truncated_blob_is_one_sentence(cut: int) -> None:
    blob = pack({"w": torch.randn(8, 8)})
    with pytest.raises(CheckpointError, match="cut short"):
        unpack(blob[:cut])


def test_an_altered_blob_is_noticed() -> None:
    blob = bytearray(pack({"w": torch.randn(8, 8)}))
    blob[-3] ^= 1
    with pytest.raises(CheckpointError, match="altered"):
        unpack(bytes(blob))


def test_a_newer_format_says_what_to_do() -> None:
    blob = bytearray(pack({"w": torch.randn(2, 2)}))
    blob[8] = 9
    with pytest.raises(CheckpointError, match="format 9"):
        unpack(bytes(blob))


@pytest.mark.parametrize(
    ("tensor", "levels", "says"),
    [
        (torch.tensor([[float("nan")]]), 63, "not finite"),
        (torch.tensor([[1]]), 63, "only floats"),
        (torch.tensor([[1.0]]), 0, "1 to 127"),
    ],
)
def test_what_cannot_be_packed_is_refused(tensor: torch.Tensor, levels: int, says: str) -> None:
    with pytest.raises(CheckpointError, match=says):
        pack({"w": tensor}, levels)
