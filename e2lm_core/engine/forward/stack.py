"""Several checkpoints of one configuration stacked into one forward pass.

    y[k] = x[k] W[k]ᵀ + b[k]        for each checkpoint k, in one product

A batch of few tokens takes as long as starting its operations: here each is started once for all checkpoints.
No result of a checkpoint depends on which others are in the stack or on their number, to the last bit, so
that an interrupted run, a cluster and this machine agree. Tested in tests/engine/forward/test_stack.py.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from weakref import ref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from e2lm_core.base.memory.memo import Memo
from e2lm_core.engine.batches.plan import Plan
from e2lm_core.engine.forward.attention import KeyValues, TreeState
from e2lm_core.engine.forward.blocks import Linear, Norm, RmsNorm
from e2lm_core.engine.forward.decoder import Decoder, Rotary
from e2lm_core.engine.forward.recipes import NoRecipeError, Weights, parts_of
from e2lm_core.engine.forward.tensors import PackedBatch
from e2lm_core.engine.forward.trunks import Trunks
from e2lm_core.engine.models import LoadedModel

KEPT_BYTES = 512 * 2**20
_TRUNK_BYTES = 256 * 2**20  # 400 tokens of few-shot examples take 90 MB for the embedded ladder
_numbers = itertools.count()


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


class StackedRmsNorm:
    """`RmsNorm` with weights [K, 1, H] for K checkpoints."""

    def __init__(self, weight: Tensor, eps: float) -> None:
        self._each = RmsNorm(weight, eps)

    def __call__(self, x: Tensor) -> Tensor:
        """The normed tokens: [K · N, H] → [K · N, H]."""
        return self._each(x.reshape(len(self._each.weight), -1, x.shape[-1])).flatten(0, 1)


class StackedWeights(Weights):
    """The weights of K checkpoints by name, [K, ...]; an embedding's are [K · V, H]."""

    def __init__(self, of: Sequence[dict[str, Tensor]]) -> None:
        super().__init__({name: torch.stack([one[name] for one in of]) for name in of[0]}, packed=False)

    def __getitem__(self, name: str) -> Tensor:
        return super().__getitem__(name).flatten(0, 1)

    def _product(self, weight: Tensor, bias: Tensor | None) -> StackedLinear:
        return StackedLinear(weight, None if bias is None else bias[:, None])

    def rms(self, name: str, eps: float) -> Norm:
        return StackedRmsNorm(self._found(f"{name}.weight")[:, None], eps)

    def layer(self, name: str, eps: float) -> Norm:
        raise NoRecipeError(f"{name} is a norm that is not stacked")


class StackedDecoder(Decoder):
    """Checkpoints of one configuration, a `Body` over batches that have the rows once for each.

    Raises:
        NoRecipeError: The family has no recipe, or a part that is not stacked.
    """

    def __init__(self, models: Sequence[LoadedModel], rotary: Rotary | None) -> None:
        self.count, self.bytes = len(models), sum(model.bytes for model in models)
        self.number = next(_numbers)
        config = models[0].config.get_text_config()
        self._parts = parts_of(config, StackedWeights([model.weights for model in models]))
        self._rotary, self._first = rotary, None

    def _embedded(self, ids: Tensor) -> Tensor:
        rows = len(self._parts.embedding) // self.count
        first = torch.arange(self.count, device=ids.device)[:, None] * rows
        return self._parts.embedding[(ids.reshape(self.count, -1) + first).flatten()]

    def _state(self, bias: Tensor | None, depth: int) -> TreeState:
        return replace(super()._state(bias, depth), apart=True)


class Stacks:
    """Cache of stacked decoders, with those used last kept.

    Making one copies its checkpoints' weights and keeps no checkpoint alive. States of their trunks are
    cached too, because the few-shot examples of an edit are those of the edit before it.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most, self._lock = most_bytes, threading.Lock()
        self._trunks: Memo[tuple[object, bytes], dict[int, KeyValues]] = Memo(_TRUNK_BYTES, _bytes_of)
        self._kept: OrderedDict[tuple[ref[LoadedModel], ...], StackedDecoder] = OrderedDict()

    def stack_models(self, models: tuple[LoadedModel, ...], rotary: Rotary | None) -> StackedDecoder:
        """The decoder of these models, in this order."""
        key = tuple(map(ref, models))
        with self._lock:
            for gone in [kept for kept in self._kept if any(model() is None for model in kept)]:
                del self._kept[gone]
            if key not in self._kept:
                self._kept[key] = StackedDecoder(models, rotary)
            self._kept.move_to_end(key)
            while sum(decoder.bytes for decoder in self._kept.values()) > self._most and len(self._kept) > 1:
                self._kept.popitem(last=False)
            return self._kept[key]

    def trunks(self, body: StackedDecoder, plan: Plan, device: torch.device) -> Trunks:
        """A plan's trunks under one of these decoders."""
        return Trunks(body, plan, device, self._trunks, body.number)


def _bytes_of(_: tuple[object, bytes], states: dict[int, KeyValues]) -> int:
    return sum(part.nbytes for keys_values in states.values() for part in keys_values)


def packed(
    body: StackedDecoder, batch: PackedBatch, trunk: dict[int, KeyValues] | None = None
) -> NDArray[np.float32]:
    """Log-probabilities of targets for K checkpoints, as `forward.packed` gives them for one.

    Args:
        body: The K checkpoints.
        batch: Batch of the rows, once for each checkpoint in turn.
        trunk: Keys and values by layer of the trunk that the rows follow; None for none.

    Returns:
        Natural logarithms [K, S], float32, for S targets.
    """
    with torch.inference_mode():
        logs = body.logits(body.scored(batch, trunk)).float().log_softmax(1)
        scored: NDArray[np.float32] = logs[batch.places, batch.targets].cpu().numpy()[batch.order]
        return scored.reshape(body.count, -1)
