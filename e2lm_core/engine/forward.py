"""From rows of tokens to the log-probabilities of their targets.

    log p(target) = log softmax(logits)[target]        in float32, natural log, at scored positions only

`plain` goes through the model's own `forward` with its own attention: whatever the architecture does, it
does. It is the reference. `packed` scores the rows of a prefix tree and applies the LM head to scored
positions alone; the scorer checks it against `plain` before it relies on it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .attention import KeyValues, TreeState, tree_bias
from .plan import Row, Trunk

_HEAD_ELEMENTS = 2**24  # logits at a time: 64 MB of float32


def plain(model: Any, rows: Sequence[Row], device: torch.device) -> NDArray[np.float32]:
    """Log-probabilities of all rows' targets, rows one after the other. Causal, padded on the right."""
    width = max(map(len, rows))
    at = np.concatenate([row.at for row in rows])
    line = np.repeat(np.arange(len(rows)), [len(row.at) for row in rows])
    options: dict[str, Any] = {}
    column = at
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        keep, column = np.unique(at, return_inverse=True)
        options["logits_to_keep"] = _tensor(keep, device)
    with torch.inference_mode():
        ids = _tensor(_padded([row.tokens for row in rows], width), device)
        logits = model(input_ids=ids, use_cache=False, **options).logits
        targets = _tensor(np.concatenate([row.targets for row in rows]), device)
        chosen = logits[_tensor(line, device), _tensor(column, device)].float()
        return chosen.log_softmax(1).gather(1, targets[:, None])[:, 0].cpu().numpy()


@dataclass(frozen=True)
class PackedBatch:
    """Tensors of B packed rows of T tokens: `at` are the U distinct scored places of the flattened batch,
    and scored token s, in the order of `places`, is read at `at[places[s]]`; `order` undoes that order."""

    ids: torch.Tensor  # [B, T]
    positions: torch.Tensor  # [B, T]
    bias: torch.Tensor  # [B, 1, T, T]
    at: torch.Tensor  # [U]
    places: torch.Tensor  # [S], ascending
    targets: torch.Tensor  # [S]
    order: NDArray[np.int64]  # [S]
    depth: int

    @property
    def bytes(self) -> int:
        return self.bias.numel() * self.bias.element_size() + 16 * self.ids.numel()


def prepare(rows: Sequence[Row], device: torch.device, dtype: torch.dtype) -> PackedBatch:
    width = max(map(len, rows))
    flat = np.concatenate([line * width + row.at.astype(np.int64) for line, row in enumerate(rows)])
    at, places = np.unique(flat, return_inverse=True)
    by_place = np.argsort(places, kind="stable")
    return PackedBatch(
        ids=_tensor(_padded([row.tokens for row in rows], width), device),
        positions=_tensor(_padded([row.positions for row in rows], width), device),
        bias=tree_bias([row.parents for row in rows if row.parents is not None], width).to(device, dtype),
        at=_tensor(at, device),
        places=_tensor(places[by_place], device),
        targets=_tensor(np.concatenate([row.targets for row in rows])[by_place], device),
        order=np.argsort(by_place, kind="stable"),
        depth=int(max(row.positions.max() for row in rows)) + 1,
    )


def packed(model: Any, batch: PackedBatch, trunk: dict[int, KeyValues] | None = None) -> NDArray[np.float32]:
    """As `plain`, for rows of a prefix tree below `trunk`; `model` calls the tree's attention."""
    state = TreeState(bias=batch.bias, depth=batch.depth, trunk=trunk)
    with torch.inference_mode():
        hidden = model.base_model(
            input_ids=batch.ids, position_ids=batch.positions, use_cache=False, tree=state
        ).last_hidden_state
        hidden = hidden.reshape(-1, hidden.shape[-1])[batch.at]
        head = model.get_output_embeddings()
        step = max(1, _HEAD_ELEMENTS // head.weight.shape[0])
        parts = []
        for start in range(0, len(batch.at), step):
            bounds = torch.searchsorted(
                batch.places, torch.tensor([start, start + step], device=batch.at.device)
            )
            scored = slice(*bounds.tolist())
            logs = head(hidden[start : start + step]).float().log_softmax(1)
            parts.append(logs[batch.places[scored] - start, batch.targets[scored]])
        return torch.cat(parts).cpu().numpy()[batch.order]


def trunk_states(
    model: Any, trunk: Trunk, parent: dict[int, KeyValues] | None, device: torch.device
) -> dict[int, KeyValues]:
    """Keys and values of a trunk by layer, those of the trunks above it before its own."""
    end = trunk.start + len(trunk.tokens)
    state = TreeState(bias=None, depth=end, trunk=parent, keep=True)
    with torch.inference_mode():
        model.base_model(
            input_ids=_tensor(trunk.tokens[None], device),
            position_ids=torch.arange(trunk.start, end, device=device)[None],
            use_cache=False,
            tree=state,
        )
    return state.kept


def _padded(parts: Sequence[NDArray[np.int32]], width: int) -> NDArray[np.int64]:
    padded = np.zeros((len(parts), width), dtype=np.int64)
    for line, part in enumerate(parts):
        padded[line, : len(part)] = part
    return padded


def _tensor(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64)).to(device)
