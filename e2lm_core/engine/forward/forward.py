"""Log-probabilities of targets on rows of tokens.

    log p(target) = log softmax(logits)[target]        in float32, natural log, at scored positions only

`plain` goes through the model's own `forward` with its own attention: whatever the architecture does, it
does. It is the reference. `packed` scores the rows of a prefix tree by a `Body` and applies the LM head to
scored positions alone; the scorer checks it against `plain` before it relies on it. A body is the engine's
own decoder, or transformers' modules with the tree's attention.

Tested in tests/engine/test_scorer.py and tests/engine/forward/test_recipes.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from e2lm_core.engine.batches.plan import Row, Trunk
from e2lm_core.engine.forward.attention import KeyValues, TreeState
from e2lm_core.engine.forward.tensors import PackedBatch, as_tensor, padded

_HEAD_ELEMENTS = 2**24  # logits at a time: 64 MB of float32
# On a CPU logits are a third cheaper while they are in its cache, and the product wants some rows.
_CPU_HEAD_ELEMENTS, _CPU_HEAD_ROWS = 2**19, 128


class Trunked(Protocol):
    """What computes a trunk once for all that follows it."""

    def trunk_states(self, trunk: Trunk, parent: Any, device: torch.device) -> Any:
        """What a trunk leaves, that of the trunks above it (`parent`) included."""


class Body(Trunked, Protocol):
    """A model without its log-softmax; a trunk leaves keys and values by layer."""

    @property
    def head_rows(self) -> int:
        """Logits of a token."""

    def scored(self, batch: PackedBatch, trunk: dict[int, KeyValues] | None) -> torch.Tensor:
        """[U, hidden] at the batch's scored places, as the LM head reads them."""

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """[u, hidden] → [u, `head_rows`]"""


@dataclass(frozen=True)
class LibraryBody:
    """A transformers model that calls the tree's attention."""

    module: Any

    @property
    def head_rows(self) -> int:
        """Logits of a token."""
        return len(self.module.get_output_embeddings().weight)

    def scored(self, batch: PackedBatch, trunk: dict[int, KeyValues] | None) -> torch.Tensor:
        """[U, hidden] at the batch's scored places. Raises `UnsupportedError` (see `tree_attention`)."""
        state = TreeState(bias=batch.bias, depth=batch.depth, trunk=trunk)
        hidden = self.module.base_model(
            input_ids=batch.ids, position_ids=batch.positions, use_cache=False, tree=state
        ).last_hidden_state
        return hidden.reshape(-1, hidden.shape[-1])[batch.at]

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """[u, hidden] → [u, `head_rows`]"""
        logits: torch.Tensor = self.module.get_output_embeddings()(hidden)
        return logits

    def trunk_states(
        self, trunk: Trunk, parent: dict[int, KeyValues] | None, device: torch.device
    ) -> dict[int, KeyValues]:
        """Layer → keys and values of a trunk, those of the trunks above it (`parent`) in front."""
        end = trunk.start + len(trunk.tokens)
        state = TreeState(bias=None, depth=end, trunk=parent, keep=True)
        self.module.base_model(
            input_ids=as_tensor(trunk.tokens[None], device),
            position_ids=torch.arange(trunk.start, end, device=device)[None],
            use_cache=False,
            tree=state,
        )
        return state.kept


def plain(model: Any, rows: Sequence[Row], device: torch.device, cached: bool = False) -> NDArray[np.float32]:
    """[S] log-probabilities (nats) of all rows' targets, rows one after the other.

    `model` is a transformers causal language model, its rows causal and padded on the right. With `cached` it
    may keep keys and values as it does by default, which the harness lets it.
    """
    width = max(map(len, rows))
    at = np.concatenate([row.at for row in rows])
    line = np.repeat(np.arange(len(rows)), [len(row.at) for row in rows])
    options: dict[str, Any] = {}
    column = at
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        keep, column = np.unique(at, return_inverse=True)
        options["logits_to_keep"] = as_tensor(keep, device)
    with torch.inference_mode():
        ids = as_tensor(padded([row.tokens for row in rows], width), device)
        if not cached:
            options["use_cache"] = False
        logits = model(input_ids=ids, **options).logits
        targets = as_tensor(np.concatenate([row.targets for row in rows]), device)
        chosen = logits[as_tensor(line, device), as_tensor(column, device)].float()
        return chosen.log_softmax(1).gather(1, targets[:, None])[:, 0].cpu().numpy()


def packed(body: Body, batch: PackedBatch, trunk: dict[int, KeyValues] | None = None) -> NDArray[np.float32]:
    """[S] as `plain`, for rows of a prefix tree; `trunk` has keys and values before them, by layer."""
    with torch.inference_mode():
        hidden = body.scored(batch, trunk)
        step = _head_step(body.head_rows, batch.at.device)
        parts = []
        for start in range(0, len(batch.at), step):
            bounds = torch.searchsorted(
                batch.places, torch.tensor([start, start + step], device=batch.at.device)
            )
            scored = slice(*bounds.tolist())
            logs = body.logits(hidden[start : start + step]).float().log_softmax(1)
            parts.append(logs[batch.places[scored] - start, batch.targets[scored]])
        return torch.cat(parts).cpu().numpy()[batch.order]


def _head_step(head_rows: int, device: torch.device) -> int:
    """Scored places that go through the LM head together."""
    most = _HEAD_ELEMENTS // head_rows
    best = max(_CPU_HEAD_ROWS, _CPU_HEAD_ELEMENTS // head_rows) if device.type == "cpu" else most
    return max(1, min(best, most))


def trunk_states(body: Trunked, trunk: Trunk, parent: Any, device: torch.device) -> Any:
    """The body's `trunk_states`, without gradients."""
    with torch.inference_mode():
        return body.trunk_states(trunk, parent, device)
