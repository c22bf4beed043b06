"""What is computed together, decided from the whole list of requests before anything is computed.

A `Row` is a stretch of tokens in one line of a batch, a `Chunk` is a batch: it is computed whole and
handed over whole. The same requests and budget always give the same plan, so an interrupted run that
skips the chunks it already has computes the others bit for bit as an undisturbed one would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tokenise import Encoded, Tokens


@dataclass(frozen=True, eq=False)
class Row:
    """T tokens with what is scored on them.

    `positions` [T] are the tokens' places in their own text. `visible` [T, T] tells which tokens of the row
    a token attends to, None for plain causal order. The hidden state at `at[s]` predicts `targets[s]`, a
    token of request `requests[s]`.
    """

    tokens: Tokens
    positions: Tokens
    at: Tokens
    targets: Tokens
    requests: Tokens
    visible: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Trunk:
    """Tokens that several rows share, from position `start`; `parent` is the trunk that they follow."""

    tokens: Tokens
    start: int
    parent: int | None


@dataclass(frozen=True, eq=False)
class Chunk:
    rows: tuple[Row, ...]
    trunk: int | None = None
    prepared: dict[Any, Any] = field(default_factory=dict)  # tensors of this batch, by device

    @property
    def requests(self) -> list[int]:
        """Indexes of the requests that this chunk scores, ascending."""
        return sorted({int(i) for row in self.rows for i in row.requests})


@dataclass(frozen=True, eq=False)
class Plan:
    chunks: tuple[Chunk, ...]
    trunks: tuple[Trunk, ...] = ()

    @property
    def computed_tokens(self) -> int:
        """Tokens that pass through the model, padding included."""
        return sum(len(c.rows) * max(map(len, c.rows)) for c in self.chunks) + sum(
            len(t.tokens) for t in self.trunks
        )


def plan_plain(encoded: Sequence[Encoded], budget: int) -> Plan:
    """One row for each distinct input, longest first, batches of at most `budget` tokens with padding."""
    same_input: dict[bytes, list[int]] = {}
    for index, item in enumerate(encoded):
        same_input.setdefault(item.inputs.tobytes(), []).append(index)
    groups = sorted(same_input.items(), key=lambda g: (-len(g[0]), g[0]))
    return Plan(chunks=batches([_chain(encoded, indexes) for _, indexes in groups], budget))


def batches(rows: Sequence[Row], budget: int, trunk: int | None = None) -> tuple[Chunk, ...]:
    """Consecutive rows, sorted by length already, in chunks of at most `budget` padded tokens."""
    chunks: list[Chunk] = []
    start = 0
    for stop in range(1, len(rows) + 1):
        if stop == len(rows) or (stop + 1 - start) * max(len(rows[start]), len(rows[stop])) > budget:
            chunks.append(Chunk(tuple(rows[start:stop]), trunk))
            start = stop
    return tuple(chunks)


def _chain(encoded: Sequence[Encoded], indexes: Sequence[int]) -> Row:
    tokens = encoded[indexes[0]].inputs
    return Row(
        tokens=tokens,
        positions=np.arange(len(tokens), dtype=np.int32),
        at=np.concatenate([np.arange(encoded[i].first_scored, len(tokens), dtype=np.int32) for i in indexes]),
        targets=np.concatenate([encoded[i].targets for i in indexes]),
        requests=np.concatenate([np.full(len(encoded[i].targets), i, dtype=np.int32) for i in indexes]),
    )
