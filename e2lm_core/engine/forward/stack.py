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
from weakref import ref

import numpy as np
import torch
from numpy.typing import NDArray

from e2lm_core.base.memory.memo import Memo
from e2lm_core.engine.batches.plan import Plan
from e2lm_core.engine.forward.attention import KeyValues
from e2lm_core.engine.forward.decoder import Decoder, Rotary
from e2lm_core.engine.forward.recipes import StackedWeights, parts_of
from e2lm_core.engine.forward.tensors import PackedBatch
from e2lm_core.engine.forward.trunks import Trunks
from e2lm_core.engine.models import LoadedModel

KEPT_BYTES = 512 * 2**20
_TRUNK_BYTES = 256 * 2**20  # 400 tokens of few-shot examples take 90 MB for the embedded ladder
_numbers = itertools.count()


class StackedDecoder(Decoder):
    """Checkpoints of one configuration, a `Body` over batches that have the rows once for each.

    Raises:
        NoRecipeError: The family has no recipe, or a part that is not stacked.
    """

    def __init__(self, models: Sequence[LoadedModel], rotary: Rotary | None) -> None:
        config = models[0].config.get_text_config()
        weights = StackedWeights([model.weights for model in models])
        super().__init__(parts_of(config, weights), rotary, len(models), apart=True)
        self.bytes = sum(model.bytes for model in models)
        self.number = next(_numbers)


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
