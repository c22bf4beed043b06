"""Decoder blocks over flat tokens: [N, hidden] to [N, hidden].

They compute the same as transformers' modules, without parts that scoring does not need: no dropout, caches
or casts, results written over tensors that are not read again, and matrix products by the fastest library.
Tested in tests/engine/forward/test_blocks.py and, in whole models, in tests/engine/forward/test_recipes.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

Heads = tuple[Tensor, Tensor, Tensor]  # queries [n, H, size], keys and values [N, heads of keys, size]
# A packed product is 5% to 10% faster, but a kernel has to be made for every number of rows.
_PACKED_FROM_ELEMENTS = 2**15


class Linear:
    """x Wᵀ + b, with W [O, I] and b [O] or None.

    `packed` copies W into the layout that oneDNN multiplies fastest (float32 on the CPU).
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, packed: bool = False) -> None:
        self._weight, self._bias = weight, bias
        self._packed: Tensor | None = None
        if packed and weight.numel() >= _PACKED_FROM_ELEMENTS:
            self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, None)

    def __call__(self, x: Tensor) -> Tensor:
        """The products: [N, I] → [N, O]."""
        if self._packed is None:
            return functional.linear(x, self._weight, self._bias)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], "")
        return product

    def add_to(self, total: Tensor, x: Tensor) -> Tensor:
        """total + x Wᵀ + b, written over `total` [N, O]; x is [N, I]."""
        if self._packed is not None:
            return total.add_(self(x))
        total.addmm_(x, self._weight.t())
        return total if self._bias is None else total.add_(self._bias)


class StackedLinear(Linear):
    """x[k] W[k]ᵀ + b[k] for K checkpoints, with W [K, O, I] and b [K, 1, O] or None.

    It is a `Linear` over K · N tokens, the N tokens of each checkpoint one after the other.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__(weight, bias)
        self._turned = weight.transpose(1, 2)

    def __call__(self, x: Tensor) -> Tensor:
        """The products: [K · N, I] → [K · N, O]."""
        product = torch.bmm(self._apart(x), self._turned)
        if self._bias is not None:
            product.add_(self._bias)
        return product.flatten(0, 1)

    def add_to(self, total: Tensor, x: Tensor) -> Tensor:
        """total + x Wᵀ + b, written over `total` [N, O]; x is [N, I].

        N counts the tokens of all checkpoints.
        """
        sums = self._apart(total)
        sums.baddbmm_(self._apart(x), self._turned)
        if self._bias is not None:
            sums.add_(self._bias)
        return total

    def _apart(self, x: Tensor) -> Tensor:
        return x.view(len(self._turned), -1, x.shape[-1])


class Norm(Protocol):
    """A normalisation over the last dimension."""

    def __call__(self, x: Tensor) -> Tensor:
        """The normed tokens: [N, H] → [N, H]; `x` is unchanged."""


@dataclass(frozen=True)
class RmsNorm:
    """x / √(mean x² + eps) · weight over the last dimension, in float32.

    Source: Zhang and Sennrich 2019; Llama.
    """

    weight: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """The normed tokens: [N, H] → [N, H], in the dtype of x."""
        wide = x.float()
        squares = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_()
        scale = squares.div_(x.shape[-1]).add_(self.eps).rsqrt_()
        return (wide * scale).to(x.dtype).mul_(self.weight)


class StackedRmsNorm:
    """`RmsNorm` with weights [K, 1, H] for K checkpoints."""

    def __init__(self, weight: Tensor, eps: float) -> None:
        self._each = RmsNorm(weight, eps)

    def __call__(self, x: Tensor) -> Tensor:
        """The normed tokens: [K · N, H] → [K · N, H]."""
        return self._each(x.reshape(len(self._each.weight), -1, x.shape[-1])).flatten(0, 1)


@dataclass(frozen=True)
class LayerNorm:
    """(x − mean) / √(variance + eps) · weight + bias; OLMo has neither weight nor bias.

    Source: Ba et al. 2016.
    """

    weight: Tensor | None
    bias: Tensor | None
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """The normed tokens: [N, H] → [N, H]."""
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


class Mlp(Protocol):
    """A block's feed-forward part: down(inner(x))."""

    def inner(self, x: Tensor) -> Tensor:
        """Input of the last product: [N, H] → [N, I], for H hidden and I inner numbers."""

    @property
    def down(self) -> Linear:
        """The last product, [N, I] → [N, H]."""


@dataclass(frozen=True)
class GatedMlp:
    """down(act(gate(x)) · up(x)), of Llama and most later families (Shazeer 2020)."""

    gate: Linear
    up: Linear
    down: Linear
    act: Callable[[Tensor], Tensor]

    def inner(self, x: Tensor) -> Tensor:
        """act(gate(x)) · up(x), [N, H] → [N, I]."""
        return self.act(self.gate(x)).mul_(self.up(x))


@dataclass(frozen=True)
class PlainMlp:
    """down(act(up(x))), of GPT-2 and GPT-NeoX."""

    up: Linear
    down: Linear
    act: Callable[[Tensor], Tensor]

    def inner(self, x: Tensor) -> Tensor:
        """act(up(x)), [N, H] → [N, I]."""
        return self.act(self.up(x))


class Projection(Protocol):
    """Projection of hidden states to the heads of an attention."""

    def __call__(self, x: Tensor, at: Tensor | None = None) -> Heads:
        """(queries, keys, values) of hidden states.

        Args:
            x: Hidden states [N, H].
            at: Indexes [P] of the tokens that have queries, ascending; None for all.

        Returns:
            Queries [P, A, D] for A heads of size D, keys and values [N, G, D] for G heads.
        """


@dataclass(frozen=True)
class SeparateProjection:
    """Three products, then for some families norms over all heads (OLMo 2) or a clip (OLMo).

    `size` is that of a head; keys may have fewer heads than queries (grouped-query attention).
    """

    queries: Linear
    keys: Linear
    values: Linear
    size: int
    query_norm: Norm | None = None
    key_norm: Norm | None = None
    clip: float | None = None

    def __call__(self, x: Tensor, at: Tensor | None = None) -> Heads:
        """(queries, keys, values) of hidden states, see `Projection`.

        Only the tokens `at` are projected to queries.

        Args:
            x: Hidden states [N, H].
            at: Indexes [P] of the tokens that have queries, ascending; None for all.
        """
        q, k, v = self.queries(x if at is None else x[at]), self.keys(x), self.values(x)
        if self.query_norm is not None and self.key_norm is not None:
            q, k = self.query_norm(q), self.key_norm(k)
        if self.clip is not None:
            q, k, v = (part.clamp_(-self.clip, self.clip) for part in (q, k, v))
        q, k, v = (part.view(len(part), -1, self.size) for part in (q, k, v))
        return q, k, v


@dataclass(frozen=True)
class JointProjection:
    """One product with the columns query, key, value for each head in turn (GPT-NeoX)."""

    all: Linear
    size: int

    def __call__(self, x: Tensor, at: Tensor | None = None) -> Heads:
        """(queries, keys, values) of hidden states, see `Projection`.

        Args:
            x: Hidden states [N, H].
            at: Indexes [P] of the tokens that have queries, ascending; None for all.
        """
        parts = self.all(x).view(len(x), -1, 3, self.size)
        q, k, v = parts.unbind(2)
        return q if at is None else q[at], k, v


@dataclass(frozen=True)
class Block:
    """Attention and MLP of a decoder, each added to its input.

    Attributes:
        before_attention: Norm of attention's input; None in families without one there, as for all norms.
        project: Projection to heads.
        out: Product of attention's result.
        after_attention: Norm of that product.
        before_mlp: Norm of the MLP's input.
        mlp: The MLP.
        after_mlp: Norm of the MLP's result.
        parallel: Whether attention and MLP read the same input (GPT-J, GPT-NeoX).
        rotates: Whether queries and keys carry positions.
    """

    before_attention: Norm | None
    project: Projection
    out: Linear
    after_attention: Norm | None
    before_mlp: Norm | None
    mlp: Mlp
    after_mlp: Norm | None
    parallel: bool = False
    rotates: bool = True

    def heads(self, x: Tensor, at: Tensor | None = None) -> Heads:
        """(queries, keys, values) of the normed hidden states, without positions (see `rotate`).

        Args:
            x: Hidden states [N, H].
            at: Indexes [P] of the tokens that have queries, ascending; None for all.
        """
        return self.project(_normed(self.before_attention, x), at)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Hidden states with the results of attention and MLP added, written over `x`.

        Args:
            x: Hidden states [N, H].
            attended: Result [N, A · D] of attention with A heads of size D.
        """
        inner = self.mlp.inner(_normed(self.before_mlp, x)) if self.parallel else None
        x = _added(x, self.out, attended, self.after_attention)
        if inner is None:
            inner = self.mlp.inner(_normed(self.before_mlp, x))
        return _added(x, self.mlp.down, inner, self.after_mlp)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions: (a, b) → (a cos − b sin, b cos + a sin).

    a and b are the halves of a head's first R numbers; its other numbers are unchanged.

    Args:
        x: Queries or keys [N, A, D] for A heads of size D.
        cos: Cosines [N, 1, F] with F = R / 2.
        sin: Sines [N, 1, F].

    Returns:
        Tensor [N, A, D].

    Source: RoFormer, Su et al. 2021, in the halves of GPT-NeoX and Llama.
    """
    half = cos.shape[-1]
    turned = torch.empty_like(x, memory_format=torch.contiguous_format)
    a, b = x[..., :half], x[..., half : 2 * half]
    torch.mul(a, cos, out=turned[..., :half]).addcmul_(b, sin, value=-1)
    torch.mul(b, cos, out=turned[..., half : 2 * half]).addcmul_(a, sin)
    if 2 * half < x.shape[-1]:
        turned[..., 2 * half :] = x[..., 2 * half :]
    return turned


def _normed(norm: Norm | None, x: Tensor) -> Tensor:
    return x if norm is None else norm(x)


def _added(total: Tensor, linear: Linear, x: Tensor, norm: Norm | None) -> Tensor:
    return linear.add_to(total, x) if norm is None else total.add_(norm(linear(x)))
