"""Forward pass that continues from a cached recurrent state.

A state is all that the beginning of a text leaves for the rest (keys and values, states of convolutions and
recurrences); it is copied for every continuation.

The model computes by its own forward and its own cache, as when it generates, but several tokens at a time
where it can. No state runs over padding: beginnings of one batch have one length. With several tokens at a
time a batch is never one token wide: many models compute a single one in another way, which the self-check
would not see.
Tested in tests/engine/forward/test_states.py.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from e2lm_core.engine.batches.contexts import MIN_TOKENS
from e2lm_core.engine.batches.plan import Row, Trunk
from e2lm_core.engine.forward.attention import UnsupportedError
from e2lm_core.engine.forward.tensors import as_tensor, padded

T = TypeVar("T")
_NAMES = ("cache", "past_key_values", "cache_params", "state")  # the argument's names in releases and types
_DELTA_RULE = "torch_chunk_gated_delta_rule"  # in a model's file: takes the size of its pieces from a call
_SCAN = 32  # tokens at a time: a scan pads a text to whole pieces, by configuration of 64 or 256 tokens
_COPIED_BYTES = 256 * 2**20  # of copies of a state in memory at the same time


@dataclass(frozen=True)
class StateBody:
    """A transformers model that continues from states.

    Attributes:
        module: The model.
        placed: Whether it is told the positions of a continuation, because some types do not count earlier
            tokens.
        singly: Whether it takes one token at a time, for types that start anew with every longer text.
    """

    module: Any
    placed: bool
    singly: bool

    def trunk_states(self, trunk: Trunk, parent: Any, device: torch.device) -> Any:
        """The state after a trunk that follows the state `parent`.

        Raises:
            UnsupportedError: The model keeps no state, or its state cannot be copied.
        """
        with torch.inference_mode():
            return self._after(trunk.tokens[None], parent, [0], trunk.start, device)

    def scored(self, rows: Sequence[Row], trunk: Any, device: torch.device) -> NDArray[np.float32]:
        """Log-probabilities of the targets of rows below a trunk.

        Args:
            rows: The rows, with S targets in total; their contexts have one length.
            trunk: The state of the trunk; None for none.
            device: Device to compute on.

        Returns:
            Natural logarithms [S], float32, of all rows' targets, one row after the other.

        Raises:
            UnsupportedError: The model keeps no state, or its state cannot be copied.
        """
        by_context: dict[bytes, list[int]] = {}
        for index, row in enumerate(rows):
            assert row.context is not None
            by_context.setdefault(row.context.tobytes(), []).append(index)
        contexts = list(by_context.values())
        found: list[NDArray[np.float32]] = [np.empty(0, dtype=np.float32)] * len(rows)
        with torch.inference_mode():
            for some in _pieces(contexts, _lines_at_once(trunk)):
                tokens = np.stack([_context(rows[same[0]]) for same in some])
                state = trunk
                if tokens.shape[1]:
                    start = int(rows[0].positions[0]) - tokens.shape[1]
                    state = self._after(tokens, trunk, [0] * len(some), start, device)
                lines = [(line if tokens.shape[1] else 0, i) for line, same in enumerate(some) for i in same]
                for part in _pieces(lines, _lines_at_once(state)):
                    logs = self._scored([rows[i] for _, i in part], state, [line for line, _ in part], device)
                    for (_, i), row_logs in zip(part, logs, strict=True):
                        found[i] = row_logs
        return np.concatenate(found)

    @cached_property
    def _takes(self) -> frozenset[str]:
        return frozenset(inspect.signature(self.module.forward).parameters)

    @cached_property
    def _cuts_by_call(self) -> bool:
        """Whether a call sets the pieces of a delta rule.

        An installed flash-linear-attention cuts its own pieces.
        """
        return (
            "kwargs" in self._takes
            and hasattr(sys.modules[type(self.module).__module__], _DELTA_RULE)
            and find_spec("fla") is None
        )

    @cached_property
    def _name(self) -> str:
        for name in _NAMES:
            if name in self._takes:
                return name
        raise UnsupportedError("their forward goes on from no state")

    def _after(
        self,
        tokens: NDArray[np.int32],
        before: Any,
        lines: Sequence[int],
        start: int,
        device: torch.device,
    ) -> Any:
        """The state after `tokens` [B, T] from position `start`.

        Line b continues line `lines[b]` of `before`.
        """
        state = None if before is None else take_lines(before, lines, device)
        ids = as_tensor(tokens, device)
        options = {"logits_to_keep": 1} if "logits_to_keep" in self._takes else {}
        model = self.module if options else self.module.base_model  # not through its head
        step = 1 if self.singly and state is not None else tokens.shape[1]
        for at in range(0, tokens.shape[1], step):
            state = self._went_on(model, ids[:, at : at + step], state, start + at, **options)[1]
        if state is None:
            raise UnsupportedError("they keep no state")
        return state

    def _scored(
        self, rows: Sequence[Row], before: Any, lines: Sequence[int], device: torch.device
    ) -> list[NDArray[np.float32]]:
        """Log-probabilities by row, as in `scored`.

        Row b continues line `lines[b]` of `before`, which is None for no text.
        """
        state = None if before is None else take_lines(before, lines, device)
        least = 1 if self.singly or state is None else MIN_TOKENS
        width = max(least, *map(len, rows))
        ids = as_tensor(padded([row.tokens for row in rows], width), device)
        line = np.repeat(np.arange(len(rows)), [len(row.at) for row in rows])
        at = np.concatenate([row.at for row in rows])
        targets = np.concatenate([row.targets for row in rows])
        logs = np.zeros(len(at), dtype=np.float32)
        step = 1 if self.singly and state is not None else width
        for first in range(0, width, step):
            columns = ids[:, first : first + step]
            logits, state = self._went_on(self.module, columns, state, int(rows[0].positions[0]) + first)
            here = (at >= first) & (at < first + step)
            chosen = logits[as_tensor(line[here], device), as_tensor(at[here] - first, device)].float()
            chosen = chosen.log_softmax(1).gather(1, as_tensor(targets[here], device)[:, None])
            logs[here] = chosen[:, 0].cpu().numpy()
        return np.split(logs, np.cumsum([len(row.at) for row in rows])[:-1])

    def _went_on(
        self, model: Any, ids: torch.Tensor, state: Any, start: int, **options: Any
    ) -> tuple[torch.Tensor, Any]:
        """(logits, state after them) of tokens [B, T] from position `start`; may change the given state."""
        if state is not None:
            options[self._name] = state
        if self.placed and "position_ids" in self._takes:
            places = torch.arange(start, start + ids.shape[1], device=ids.device)
            options["position_ids"] = places.expand(len(ids), -1)
        if self._cuts_by_call:
            options["chunk_size"] = _piece(ids.shape[1], _SCAN)
        with _scanning(self.module, ids.shape[1]):
            output = model(input_ids=ids, use_cache=True, **options)
        logits: torch.Tensor = getattr(output, "logits", None)  # type: ignore[assignment]  # a base model has none
        return logits, getattr(output, self._name, None)


def _context(row: Row) -> NDArray[np.int32]:
    assert row.context is not None
    return row.context


def take_lines(state: Any, lines: Sequence[int], device: torch.device) -> Any:
    """A copy of a state with its line lines[b] as line b; the state itself is unchanged.

    Args:
        state: A cache of transformers with layers, or a list of tensors.
        lines: Indexes of lines of the state.
        device: Device of the state.

    Raises:
        UnsupportedError: The state is neither.
    """
    order = torch.tensor(lines, device=device)
    if isinstance(state, list | tuple) and all(isinstance(part, torch.Tensor) for part in state):
        return [part.index_select(0, order) for part in state]
    if not isinstance(getattr(state, "layers", None), list) or not hasattr(state, "reorder_cache"):
        raise UnsupportedError("their state cannot be copied")
    copied = copy.copy(state)
    copied.layers = [_own_parts(layer) for layer in state.layers]
    copied.reorder_cache(order)  # puts new tensors into the layers
    return copied


def _own_parts(layer: Any) -> Any:
    """A copy of a layer that shares its tensors, but neither the dicts that hold them nor its counters."""
    copied = copy.copy(layer)
    for name, value in vars(layer).items():
        if isinstance(value, dict):
            setattr(copied, name, dict(value))
        elif isinstance(value, torch.Tensor) and not value.dim():  # counted up in place
            setattr(copied, name, value.clone())
    return copied


def _lines_at_once(state: Any) -> int:
    """Number of copies of a state's line that fit into `_COPIED_BYTES`, at least one."""
    if state is None:
        return 2**31
    parts = list(_tensors(state))
    lines = max((len(part) for part in parts if part.dim()), default=1)
    size = sum(part.numel() * part.element_size() for part in parts) // lines
    return int(max(1, _COPIED_BYTES // max(1, size)))


def _tensors(state: Any) -> Iterator[torch.Tensor]:
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, list | tuple):
        for part in state:
            yield from _tensors(part)
    elif isinstance(state, dict):
        yield from _tensors(list(state.values()))
    elif hasattr(state, "layers"):
        yield from _tensors([vars(layer) for layer in state.layers])


def _pieces(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]


def _piece(tokens: int, most: int) -> int:
    """Size of the fewest equal pieces of at most `most` tokens, so that the least is padded."""
    pieces = -(-tokens // most)
    return -(-tokens // pieces)


@contextmanager
def _scanning(module: Any, tokens: int) -> Iterator[None]:
    """Let scans take pieces that fit `tokens`: the pieces change a scan's time, not its result."""
    scans = [
        (part, part.chunk_size)
        for part in module.modules()
        if isinstance(getattr(part, "chunk_size", None), int) and hasattr(part, "A_log")
    ]
    for part, own in scans:
        part.chunk_size = _piece(tokens, min(own, _SCAN))
    try:
        yield
    finally:
        for part, own in scans:
            part.chunk_size = own
