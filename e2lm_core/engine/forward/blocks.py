"""The parts of a decoder block, over tokens laid out flat: [N, hidden] in, [N, hidden] out.

What transformers' modules compute, without what scoring does not need: no dropout, caches or casts, results
written over tensors that nobody reads again, and matrix products by the library that is fastest for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

Heads = tuple[Tensor, Tensor, Tensor]  # queries [n, H, size], keys and values [N, heads of keys, size]
# A packed product is a twentieth to a tenth faster, but a kernel is made once for every number of rows.
_PACKED_FROM_ELEMENTS = 2**15


class Linear:
    """x W.T + b. `packed` copies W into the layout that oneDNN multiplies fastest (float32 on the CPU)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None, packed: bool = False) -> None:
        self._weight, self._bias = weight, bias
        self._packed: Tensor | None = None
        if packed and weight.numel() >= _PACKED_FROM_ELEMENTS:
            self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, None)

    def __call__(self, x: Tensor) -> Tensor:
        if self._packed is None:
            return functional.linear(x, self._weight, self._bias)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], "")
        return product

    def add_to(self, total: Tensor, x: Tensor) -> Tensor:
        """total + x W.T + b, written over `total`."""
        if self._packed is not None:
            return total.add_(self(x))
        total.addmm_(x, self._weight.t())
        return total if self._bias is None else total.add_(self._bias)


class Norm(Protocol):
    def __call__(self, x: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class RmsNorm:
    """x / √(mean x² + eps) · weight over the last dimension, in float32."""

    weight: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        wide = x.float()
        squares = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_()
        scale = squares.div_(x.shape[-1]).add_(self.eps).rsqrt_()
        return (wide * scale).to(x.dtype).mul_(self.weight)


@dataclass(frozen=True)
class LayerNorm:
    """(x − mean) / √(variance + eps) · weight + bias; neither weight nor bias in some families."""

    weight: Tensor | None
    bias: Tensor | None
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


class Mlp(Protocol):
    def inner(self, x: Tensor) -> Tensor:
        """What the last product, `down`, is taken of."""

    @property
    def down(self) -> Linear: ...


@dataclass(frozen=True)
class GatedMlp:
    """down(act(gate(x)) · up(x))"""

    gate: Linear
    up: Linear
    down: Linear
    act: Callable[[Tensor], Tensor]

    def inner(self, x: Tensor) -> Tensor:
        return self.act(self.gate(x)).mul_(self.up(x))


@dataclass(frozen=True)
class PlainMlp:
    """down(act(up(x)))"""

    up: Linear
    down: Linear
    act: Callable[[Tensor], Tensor]

    def inner(self, x: Tensor) -> Tensor:
        return self.act(self.up(x))


class Projection(Protocol):
    def __call__(self, x: Tensor, at: Tensor | None = None) -> Heads:
        """Heads of queries at the places `at` (None: everywhere), of keys and values everywhere."""


@dataclass(frozen=True)
class SeparateProjection:
    """Three products, with what some families do to their results: norms over all heads, a clip."""

    queries: Linear
    keys: Linear
    values: Linear
    size: int
    query_norm: Norm | None = None
    key_norm: Norm | None = None
    clip: float | None = None

    def __call__(self, x: Tensor, at: Tensor | None = None) -> Heads:
        q, k, v = self.queries(x if at is None else x[at]), self.keys(x), self.values(x)
        if self.query_norm is not None and self.key_norm is not None:
            q, k = self.query_norm(q), self.key_norm(k)
        if self.clip is not None:
            q, k, v = (part.clamp_(-self.clip, self.clip) for part in (q, k, v))
        q, k, v = (part.view(len(part), -1, self.size) for part in (q, k, v))
        return q, k, v


@dataclass(frozen=True)
class JointProjection:
    """One product whose columns are, head by head: query, key, value."""

    all: Linear
    size: int

    def __call__(self, x: Tensor, at: Tensor | None = None) -> Heads:
        parts = self.all(x).view(len(x), -1, 3, self.size)
        q, k, v = parts.unbind(2)
        return q if at is None else q[at], k, v


@dataclass(frozen=True)
class Block:
    """Attention and MLP, each added to what came in; `parallel`: both read the same input.

    A norm that the family does not have at a place is None. `rotates`: queries and keys carry positions.
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
        return self.project(_normed(self.before_attention, x), at)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """x with attention's result [N, H · size] and the MLP's added to it; written over `x`."""
        inner = self.mlp.inner(_normed(self.before_mlp, x)) if self.parallel else None
        x = _added(x, self.out, attended, self.after_attention)
        if inner is None:
            inner = self.mlp.inner(_normed(self.before_mlp, x))
        return _added(x, self.mlp.down, inner, self.after_mlp)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions: x [N, heads, size], cos and sin [N, 1, r/2]; the first r of each head are turned.

    (a, b) → (a cos − b sin, b cos + a sin)        a the first half of r, b the second
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
