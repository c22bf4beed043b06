"""Decoder forward pass over packed rows.

- In the last layer only scored places have queries, an attention and an MLP; all have keys and values. - The
first layer's projections depend only on the token, so they are computed once for each distinct token
  of a plan and looked up from then on.
- Residuals, norms and activations are written over tensors that are not read again.

Tested in tests/engine/forward/test_recipes.py, against transformers' forward of each family.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from e2lm_core.engine.batches.plan import Plan, Trunk
from e2lm_core.engine.forward import attention
from e2lm_core.engine.forward.attention import KeyValues, TreeState
from e2lm_core.engine.forward.blocks import Block, Heads, rotate
from e2lm_core.engine.forward.recipes import Parts, Weights, parts_of
from e2lm_core.engine.forward.tensors import PackedBatch, as_tensor
from e2lm_core.engine.models import LoadedModel

_TABLE_BYTES = 64 * 2**20  # of the first layer's projections of a plan's tokens
_REPEATED = 2  # mean occurrences of a token from which a look-up of its projections pays
_PACKED_BYTES = 600 * 10**6  # of weights, enough for SmolLM2-135M: their copy takes as much memory again
_PACKED_FROM_TOKENS = 4_096  # copying weights into another layout costs as much as it saves on so many tokens


@dataclass(frozen=True)
class Rotary:
    """Rotary frequencies (RoFormer): angle = position · frequency; cosine and sine times `scaling`.

    Attributes:
        frequencies: Frequencies [F] in radians per token, F = half the rotated numbers of a head.
        scaling: Factor of cosine and sine, of YaRN.
    """

    frequencies: Tensor
    scaling: float

    @classmethod
    def from_module(cls, module: object) -> Rotary | None:
        """The frequencies of a transformers module, by any rule; None without one set for all layers."""
        inner = getattr(getattr(module, "base_model", None), "rotary_emb", None)
        if (
            inner is None or getattr(inner, "inv_freq", None) is None
        ):  # the module has several rules, or positions of another kind
            return None
        return cls(inner.inv_freq.float(), float(inner.attention_scaling))

    def angles_at(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """(cos, sin) at positions, each [N, 1, F].

        Args:
            positions: N positions [...] in tokens.
            dtype: Type of the results.
        """
        angles = positions.reshape(-1, 1, 1).float() * self.frequencies
        return (angles.cos() * self.scaling).to(dtype), (angles.sin() * self.scaling).to(dtype)


class Decoder:
    """Decoder blocks of one checkpoint or of several, a `Body`.

    Attributes:
        count: Number of checkpoints that are computed at once, see `stack.StackedDecoder`.
    """

    def __init__(
        self,
        parts: Parts,
        rotary: Rotary | None,
        count: int = 1,
        apart: bool = False,
        vocabulary: np.ndarray | None = None,
    ) -> None:
        """Take the blocks.

        Args:
            parts: The blocks; of several checkpoints the embedding has V rows for each, one after the other.
            rotary: Rotary frequencies; None for none.
            count: Number of checkpoints, each with as many tokens of a batch.
            apart: Whether attention is computed as for several checkpoints, see `TreeState`.
            vocabulary: Token ids [V] whose projections in the first layer are looked up; None for none.
        """
        self._parts, self._rotary, self.count, self._apart = parts, rotary, count, apart
        self._first = None if vocabulary is None else self._table(vocabulary)

    @classmethod
    def for_plan(cls, model: LoadedModel, rotary: Rotary | None, plan: Plan) -> Decoder:
        """The decoder of a checkpoint for batches of `plan` only.

        Raises:
            NoRecipeError: The family has no recipe.
        """
        worth = plan.computed_tokens >= _PACKED_FROM_TOKENS and model.bytes <= _PACKED_BYTES
        weights = Weights(model.weights, worth and _packs(model))
        parts = parts_of(model.config.get_text_config(), weights)
        repeats = plan.computed_tokens >= _REPEATED * len(plan.vocabulary)
        return cls(parts, rotary, vocabulary=plan.vocabulary if repeats else None)

    @property
    def head_rows(self) -> int:
        """Number of logits of a token."""
        return self._parts.head_rows

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of hidden states: [U, H] → [U, V], with H hidden numbers and V = `head_rows`."""
        return self._parts.head(hidden)

    def scored(self, batch: PackedBatch, trunk: dict[int, KeyValues] | None) -> Tensor:
        """Hidden states after the last norm at a batch's scored places.

        Args:
            batch: The batch.
            trunk: Keys and values by layer of the trunk that the rows follow; None for none.

        Returns:
            Tensor [U, H] for U places and H hidden numbers, in the weights' dtype.
        """
        state = self._state(batch.bias, batch.depth)
        ids, x = batch.ids.reshape(-1), self._embedded(batch.ids)
        turns = self._turns(batch.positions, x.dtype)
        last = len(self._parts.blocks) - 1
        for layer, block in enumerate(self._parts.blocks):
            at = batch.at if layer == last else None
            q, k, v = self._heads(layer, block, x, ids, turns, at)
            rows = len(batch.ids)
            if at is None:
                grid = q.view(rows, -1, *q.shape[1:])
            else:
                grid = q[batch.grid]
                state = self._state(batch.scored_bias, batch.depth)
                x = x[at]
            attended = attention.attend(
                grid.transpose(1, 2),
                k.view(rows, -1, *k.shape[1:]).transpose(1, 2),
                v.view(rows, -1, *v.shape[1:]).transpose(1, 2),
                state,
                None if trunk is None else trunk[layer],
            ).transpose(1, 2)
            attended = attended.reshape(-1, attended.shape[2] * attended.shape[3])
            x = block.finish(x, attended if at is None else attended[batch.slots])
        return self._parts.norm(x)

    def trunk_states(
        self, trunk: Trunk, parent: dict[int, KeyValues] | None, device: torch.device
    ) -> dict[int, KeyValues]:
        """Keys and values of a trunk by layer, after those of the trunks above it.

        Args:
            trunk: The trunk.
            parent: Keys and values of the trunks above it; None for none.
            device: Device to compute on.

        Returns:
            By layer, keys and values [K, G, P, D] for K checkpoints (`count`), G heads of keys, P tokens and
            heads of size D.
        """
        end = trunk.start + len(trunk.tokens)
        state = self._state(None, end)
        ids = as_tensor(trunk.tokens, device).repeat(self.count)
        x = self._embedded(ids)
        turns = self._turns(torch.arange(trunk.start, end, device=device).repeat(self.count), x.dtype)
        kept: dict[int, KeyValues] = {}
        for layer, block in enumerate(self._parts.blocks):
            heads = self._heads(layer, block, x, ids, turns, None)
            q, k, v = (part.view(self.count, -1, *part.shape[1:]).transpose(1, 2) for part in heads)
            above = None if parent is None else parent[layer]
            kept[layer] = attention.below(above, (k, v))
            if layer + 1 < len(self._parts.blocks):
                attended = attention.attend(q, k, v, state, above).transpose(1, 2)
                x = block.finish(x, attended.reshape(len(ids), -1))
        return kept

    def _state(self, bias: Tensor | None, depth: int) -> TreeState:
        return TreeState(bias=bias, depth=depth, apart=self._apart)

    def _embedded(self, ids: Tensor) -> Tensor:
        ids = ids.reshape(-1)
        if self.count > 1:
            rows = len(self._parts.embedding) // self.count
            first = torch.arange(self.count, device=ids.device)[:, None] * rows
            ids = (ids.view(self.count, -1) + first).flatten()
        return self._parts.embedding[ids]

    def _turns(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor] | None:
        return None if self._rotary is None else self._rotary.angles_at(positions, dtype)

    def _heads(
        self,
        layer: int,
        block: Block,
        x: Tensor,
        ids: Tensor,
        turns: tuple[Tensor, Tensor] | None,
        at: Tensor | None,
    ) -> Heads:
        if layer == 0 and self._first is not None:
            places, table = self._first
            rows = places[ids]
            q, k, v = (part[rows] for part in table)
            q = q if at is None else q[at]
        else:
            q, k, v = block.heads(x, at)
        if turns is not None and block.rotates:
            q = rotate(q, *(turns if at is None else (part[at] for part in turns)))
            k = rotate(k, *turns)
        return q, k, v

    def _table(self, vocabulary: np.ndarray) -> tuple[Tensor, Heads] | None:
        """(row of each token id, first layer's heads by row) for tokens [V] of a plan; None if too large."""
        embedding = self._parts.embedding
        if not len(vocabulary) or 3 * len(vocabulary) * embedding[0].nbytes > _TABLE_BYTES:
            return None
        with torch.inference_mode():
            ids = as_tensor(vocabulary, embedding.device)
            places = torch.zeros(len(embedding), dtype=torch.int64, device=embedding.device)
            places[ids] = torch.arange(len(ids), device=embedding.device)
            return places, self._parts.blocks[0].heads(embedding[ids])


def _packs(model: LoadedModel) -> bool:
    """Whether oneDNN's own layout is available for these weights."""
    weight = next(iter(model.weights.values()))
    return (
        weight.device.type == "cpu"
        and all(tensor.dtype == torch.float32 for tensor in model.weights.values())
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    )
