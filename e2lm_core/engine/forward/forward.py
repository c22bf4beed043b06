"""Log-probabilities of targets on rows of tokens.

    log p(target) = log softmax(logits)[target]        in float32, natural log, at scored positions only

`plain` calls the model's own `forward` with its own attention, for any architecture; it is the reference.
`packed` scores the rows of a prefix tree by a `Body` and applies the LM head only to scored positions; the
scorer checks it against `plain` before it relies on it. A body is the engine's own decoder, or transformers'
modules with the tree's attention.

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
# On a CPU logits are a third cheaper while they fit into its cache, and the product needs some rows.
_CPU_HEAD_ELEMENTS, _CPU_HEAD_ROWS = 2**19, 128


class Trunked(Protocol):
    """A model that computes a trunk once for all rows and trunks that follow it."""

    def trunk_states(self, trunk: Trunk, parent: Any, device: torch.device) -> Any:
        """State after a trunk, including that of the trunks above it (`parent`)."""


class Body(Trunked, Protocol):
    """A model without its log-softmax; the state of a trunk is its keys and values by layer."""

    @property
    def head_rows(self) -> int:
        """Number of logits of a token."""

    def scored(self, batch: PackedBatch, trunk: dict[int, KeyValues] | None) -> torch.Tensor:
        """Hidden states [U, H] at the batch's U scored places, as the LM head reads them.

        Args:
            batch: The batch.
            trunk: Keys and values by layer of the trunk that the rows follow; None for none.
        """

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of hidden states: [U, H] → [U, V], with H hidden numbers and V = `head_rows`."""


@dataclass(frozen=True)
class LibraryBody:
    """A transformers model that calls the tree's attention."""

    module: Any

    @property
    def head_rows(self) -> int:
        """Number of logits of a token."""
        return len(self.module.get_output_embeddings().weight)

    def scored(self, batch: PackedBatch, trunk: dict[int, KeyValues] | None) -> torch.Tensor:
        """Hidden states [U, H] at the batch's U scored places, as the LM head reads them.

        Args:
            batch: The batch.
            trunk: Keys and values by layer of the trunk that the rows follow; None for none.

        Raises:
            UnsupportedError: The model's attention cannot be packed (see `tree_attention`).
        """
        state = TreeState(bias=batch.bias, depth=batch.depth, trunk=trunk)
        hidden = self.module.base_model(
            input_ids=batch.ids, position_ids=batch.positions, use_cache=False, tree=state
        ).last_hidden_state
        return hidden.reshape(-1, hidden.shape[-1])[batch.at]

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of hidden states: [U, H] → [U, V], with H hidden numbers and V = `head_rows`."""
        logits: torch.Tensor = self.module.get_output_embeddings()(hidden)
        return logits

    def trunk_states(
        self, trunk: Trunk, parent: dict[int, KeyValues] | None, device: torch.device
    ) -> dict[int, KeyValues]:
        """Keys and values of a trunk by layer, after those of the trunks above it.

        Args:
            trunk: The trunk.
            parent: Keys and values of the trunks above it; None for none.
            device: Device to compute on.

        Returns:
            By layer, keys and values [1, G, P, D] for G heads of keys, P tokens and heads of size D.

        Raises:
            UnsupportedError: The model's attention cannot be packed (see `tree_attention`).
        """
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
    """Log-probabilities of targets by the model's own forward.

    Args:
        model: A causal language model of transformers.
        rows: Rows in causal order, with S targets in total; they are padded on the right.
        device: Device to compute on.
        cached: Whether the model may keep keys and values as it does by default, which the harness lets it.

    Returns:
        Natural logarithms [S], float32, of all rows' targets, one row after the other.
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
    """Log-probabilities of targets on rows of a prefix tree.

    Args:
        body: The model.
        batch: The rows.
        trunk: Keys and values by layer of the trunk that the rows follow; None for none.

    Returns:
        Natural logarithms [S], float32, of all rows' targets, one row after the other.
    """
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
    """Number of scored places that go through the LM head together."""
    most = _HEAD_ELEMENTS // head_rows
    best = max(_CPU_HEAD_ROWS, _CPU_HEAD_ELEMENTS // head_rows) if device.type == "cpu" else most
    return max(1, min(best, most))


def trunk_states(body: Trunked, trunk: Trunk, parent: Any, device: torch.device) -> Any:
    """State after a trunk by a body's `trunk_states`, without gradients.

    Args:
        body: The model.
        trunk: The trunk.
        parent: State of the trunks above it; None for none.
        device: Device to compute on.
    """
    with torch.inference_mode():
        return body.trunk_states(trunk, parent, device)
