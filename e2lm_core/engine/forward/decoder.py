"""Decoder forward pass over packed rows.

- In the last layer only what is scored has queries, an attention and an MLP; keys and values all have.
- What the first layer projects depends on the token alone, so it is computed once for each distinct token
  of a plan and looked up from then on.
- Residuals, norms and activations are written over tensors that nobody reads again.

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
_REPEATED = 2  # times that a token occurs, for its projections to be worth a look-up
_PACKED_BYTES = 600 * 10**6  # of weights, SmolLM2-135M's among them: a copy of it is there while it computes
_PACKED_FROM_TOKENS = 4_096  # copying weights into another layout costs as much as it saves on so many tokens


@dataclass(frozen=True)
class Rotary:
    """angle = position · frequency; cosine and sine times `scaling` (RoFormer; `scaling` is YaRN's).

    `frequencies` [r / 2], in radians a token.
    """

    frequencies: Tensor
    scaling: float

    @classmethod
    def of(cls, module: object) -> Rotary | None:
        """Those of a transformers module, whatever rule made them; None where it has not one for all layers."""
        inner = getattr(getattr(module, "base_model", None), "rotary_emb", None)
        if (
            inner is None or getattr(inner, "inv_freq", None) is None
        ):  # several rules at once, or another way of turning
            return None
        return cls(inner.inv_freq.float(), float(inner.attention_scaling))

    def at(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """(cos, sin) at N positions (in tokens, of any shape), each [N, 1, r / 2]."""
        angles = positions.reshape(-1, 1, 1).float() * self.frequencies
        return (angles.cos() * self.scaling).to(dtype), (angles.sin() * self.scaling).to(dtype)


class Decoder:
    """One checkpoint's weights as blocks, a `Body`. Raises `NoRecipeError` for a family without a recipe."""

    def __init__(self, model: LoadedModel, rotary: Rotary | None, plan: Plan) -> None:
        """For batches of that plan only."""
        worth = plan.computed_tokens >= _PACKED_FROM_TOKENS and model.bytes <= _PACKED_BYTES
        weights = Weights(model.weights, worth and _packs(model))
        self._parts: Parts = parts_of(model.config.get_text_config(), weights)
        self._rotary = rotary
        repeats = plan.computed_tokens >= _REPEATED * len(plan.vocabulary)
        self._first = self._table(plan.vocabulary) if repeats else None

    @property
    def head_rows(self) -> int:
        """Logits of a token."""
        return self._parts.head_rows

    def logits(self, hidden: Tensor) -> Tensor:
        """[u, hidden] → [u, `head_rows`]"""
        return self._parts.head(hidden)

    def scored(self, batch: PackedBatch, trunk: dict[int, KeyValues] | None) -> Tensor:
        """[U, hidden] after the last norm, at the batch's scored places; `trunk` is what its rows follow."""
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
        """Layer → keys and values of a trunk, those of the trunks above it (`parent`) in front."""
        end = trunk.start + len(trunk.tokens)
        state = self._state(None, end)
        ids = as_tensor(trunk.tokens, device)
        x = self._embedded(ids)
        turns = self._turns(torch.arange(trunk.start, end, device=device), x.dtype)
        kept: dict[int, KeyValues] = {}
        for layer, block in enumerate(self._parts.blocks):
            q, k, v = (part[None].transpose(1, 2) for part in self._heads(layer, block, x, ids, turns, None))
            above = None if parent is None else parent[layer]
            kept[layer] = attention.below(above, (k, v))
            if layer + 1 < len(self._parts.blocks):
                attended = attention.attend(q, k, v, state, above).transpose(1, 2)
                x = block.finish(x, attended.reshape(len(ids), -1))
        return kept

    def _state(self, bias: Tensor | None, depth: int) -> TreeState:
        return TreeState(bias=bias, depth=depth)

    def _embedded(self, ids: Tensor) -> Tensor:
        return self._parts.embedding[ids.reshape(-1)]

    def _turns(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor] | None:
        return None if self._rotary is None else self._rotary.at(positions, dtype)

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
        """The first layer's projections by token: (place of each token id, heads); None where too large."""
        embedding = self._parts.embedding
        if not len(vocabulary) or 3 * len(vocabulary) * embedding[0].nbytes > _TABLE_BYTES:
            return None
        with torch.inference_mode():
            ids = as_tensor(vocabulary, embedding.device)
            places = torch.zeros(len(embedding), dtype=torch.int64, device=embedding.device)
            places[ids] = torch.arange(len(ids), device=embedding.device)
            return places, self._parts.blocks[0].heads(embedding[ids])


def _packs(model: LoadedModel) -> bool:
    """Whether oneDNN's own layout is there for these weights."""
    weight = next(iter(model.weights.values()))
    return (
        weight.device.type == "cpu"
        and all(tensor.dtype == torch.float32 for tensor in model.weights.values())
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    )
