"""The parts of a decoder block, by hand."""

from __future__ import annotations

import torch

from e2lm_core.engine.forward import blocks
from e2lm_core.engine.forward.blocks import (
    Block,
    GatedMlp,
    JointProjection,
    Linear,
    PlainMlp,
    SeparateProjection,
)


def linear(*rows: list[float]) -> Linear:
    return Linear(torch.tensor(rows))


def test_rotation_turns_the_first_part_of_each_head() -> None:
    x = torch.tensor([[[3.0, 5.0, 4.0, 6.0, 9.0]]])
    cos, sin = torch.tensor([[[0.0, 1.0]]]), torch.tensor([[[1.0, 0.0]]])
    assert blocks.rotate(x, cos, sin).tolist() == [[[-4.0, 5.0, 3.0, 6.0, 9.0]]]


def test_norms_by_hand() -> None:
    x = torch.tensor([[3.0, 4.0, 0.0, 0.0]])  # mean of squares 6.25
    rms = blocks.RmsNorm(torch.tensor([1.0, 2.0, 1.0, 1.0]), 0.0)
    torch.testing.assert_close(rms(x), torch.tensor([[1.2, 3.2, 0.0, 0.0]]))
    layer = blocks.LayerNorm(None, None, 0.0)
    torch.testing.assert_close(layer(torch.tensor([[1.0, 3.0]])), torch.tensor([[-1.0, 1.0]]))


def test_a_product_and_its_sum_with_what_is_there() -> None:
    weight, bias = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([10.0, 20.0])
    x, total = torch.tensor([[3.0, 4.0]]), torch.tensor([[100.0, 200.0]])
    assert Linear(weight, bias)(x).tolist() == [[21.0, 16.0]]
    assert Linear(weight, bias).add_to(total, x) is total
    assert total.tolist() == [[121.0, 216.0]]


def test_a_packed_product_is_the_same() -> None:
    torch.manual_seed(0)
    weight, bias, x = torch.randn(256, 128), torch.randn(256), torch.randn(5, 128)
    torch.testing.assert_close(Linear(weight, bias, packed=True)(x), Linear(weight, bias)(x))


def test_mlps_by_hand() -> None:
    x = torch.tensor([[1.0, 2.0]])
    gate, up, down = linear([1.0, 0.0], [0.0, -1.0]), linear([2.0, 0.0], [0.0, 3.0]), linear([1.0, 1.0])
    gated = GatedMlp(gate, up, down, torch.relu)
    assert gated.inner(x).tolist() == [[2.0, 0.0]]  # relu(1, −2) · (2, 6)
    plain = PlainMlp(up, down, torch.relu)
    assert plain.inner(x).tolist() == [[2.0, 6.0]]


def test_projections_by_hand() -> None:
    # Two heads of queries and one of keys and values, each of size 1; queries of the second token alone.
    x = torch.tensor([[1.0], [2.0]])
    separate = SeparateProjection(linear([1.0], [10.0]), linear([3.0]), linear([4.0]), size=1, clip=6.0)
    q, k, v = separate(x, torch.tensor([1]))
    assert q.tolist() == [[[2.0], [6.0]]]  # 20 is clipped
    assert (k.flatten().tolist(), v.flatten().tolist()) == ([3.0, 6.0], [4.0, 6.0])
    # Joint columns are query, key and value of the first head, then of the second.
    joint = JointProjection(linear([1.0], [2.0], [3.0], [4.0], [5.0], [6.0]), size=1)
    q, k, v = joint(x, torch.tensor([1]))
    assert q.tolist() == [[[2.0], [8.0]]]
    assert k.tolist() == [[[2.0], [5.0]], [[4.0], [10.0]]]
    assert v.tolist() == [[[3.0], [6.0]], [[6.0], [12.0]]]


def test_a_block_adds_attention_and_mlp_one_after_the_other_or_side_by_side() -> None:
    one = linear([1.0])
    mlp = PlainMlp(linear([10.0]), one, torch.relu)
    for parallel, expected in ((False, 1 + 2 + 10 * 3), (True, 1 + 2 + 10 * 1)):
        block = Block(
            before_attention=None,
            project=JointProjection(linear([1.0], [1.0], [1.0]), size=1),
            out=one,
            after_attention=None,
            before_mlp=None,
            mlp=mlp,
            after_mlp=None,
            parallel=parallel,
        )
        assert block.finish(torch.tensor([[1.0]]), torch.tensor([[2.0]])).tolist() == [[expected]]
