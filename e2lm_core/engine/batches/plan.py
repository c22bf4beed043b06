"""Batch plans over the whole request list.

A `Row` is a stretch of tokens in one line of a batch; a `Chunk` is a batch, computed and handed over as a
whole. The same requests and budget always give the same plan, so that an interrupted run that skips the
chunks it already has computes the others bit for bit as an undisturbed one would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from e2lm_core.engine.batches.tokenise import Encoded, Tokens

LAUNCH_TOKENS = 96  # cost of starting one more batch, in tokens of the smallest models


@dataclass(frozen=True, eq=False)
class Row:
    """T tokens with the S targets that are scored on them; all arrays are int32.

    Attributes:
        tokens: Token ids [T].
        positions: Positions [T] of the tokens in their own text.
        at: Indexes [S] in the row; the hidden state at `at[s]` predicts `targets[s]`.
        targets: Token ids [S].
        requests: Indexes [S] of the targets' requests.
        parents: Index [T] in the row of the token before each in its own text, −1 if that lies before the
            row; None for plain causal order.
        context: Tokens [L] between the trunk and the row, computed once for all rows of a batch with the same
            ones; None for ways of computing without contexts.
    """

    tokens: Tokens
    positions: Tokens
    at: Tokens
    targets: Tokens
    requests: Tokens
    parents: Tokens | None = None
    context: Tokens | None = None

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Trunk:
    """Tokens that several rows share.

    Attributes:
        tokens: Token ids [P], int32.
        start: Position of the first token.
        parent: Index of the trunk before it; None for none.
    """

    tokens: Tokens
    start: int
    parent: int | None


@dataclass(frozen=True, eq=False)
class Chunk:
    """A batch: rows below one trunk.

    Attributes:
        rows: The rows.
        trunk: Index of the trunk in the plan; None for none.
        prepared: The batch's tensors, kept so that every checkpoint can use them.
    """

    rows: tuple[Row, ...]
    trunk: int | None = None
    prepared: dict[object, Any] = field(default_factory=dict)

    @property
    def requests(self) -> list[int]:
        """Indexes of the requests that this chunk scores, ascending."""
        return sorted({int(i) for row in self.rows for i in row.requests})

    @property
    def tokens(self) -> int:
        """Number of tokens in its rows and in the contexts before them, without padding.

        Each context counts once.
        """
        contexts = {row.context.tobytes(): len(row.context) for row in self.rows if row.context is not None}
        return sum(map(len, self.rows)) + sum(contexts.values())


@dataclass(frozen=True, eq=False)
class Plan:
    """The batches of a list of requests, in the order of computing, and the trunks of their rows.

    `Chunk.trunk` and `Trunk.parent` are indexes of `trunks`; a trunk's parent comes before it.
    """

    chunks: tuple[Chunk, ...]
    trunks: tuple[Trunk, ...] = ()

    @property
    def computed_tokens(self) -> int:
        """Number of tokens that pass through the model, padding included."""
        padding = sum(len(c.rows) * max(map(len, c.rows)) - sum(map(len, c.rows)) for c in self.chunks)
        return padding + sum(c.tokens for c in self.chunks) + sum(len(t.tokens) for t in self.trunks)

    @cached_property
    def vocabulary(self) -> Tokens:
        """Distinct tokens [V] of the plan, int32, ascending."""
        rows = [row.tokens for chunk in self.chunks for row in chunk.rows]
        return np.unique(np.concatenate([*rows, *(trunk.tokens for trunk in self.trunks)]))

    def trunk_tokens(self, trunk: int | None, counted: set[int]) -> int:
        """Number of tokens in a trunk and in those above it, without trunks that are in `counted`.

        The trunks are then added to `counted`.
        """
        tokens = 0
        while trunk is not None and trunk not in counted:
            counted.add(trunk)
            tokens += len(self.trunks[trunk].tokens)
            trunk = self.trunks[trunk].parent
        return tokens

    @property
    def depth(self) -> int:
        """Number of tokens of the longest text."""
        return max(int(row.positions.max()) for c in self.chunks for row in c.rows) + 1

    @property
    def tensor_bytes(self) -> int:
        """Upper bound for the chunks' prepared tensors, in bytes.

        It is 8 · rows · T² for the biases, plus the tokens.
        """
        return sum(
            len(c.rows) * (8 * (width := max(map(len, c.rows))) ** 2 + 56 * width) for c in self.chunks
        )


def plan_plain(encoded: Sequence[Encoded], budget: int) -> Plan:
    """Plan one row per distinct input, longest first, in batches of at most `budget` padded tokens."""
    same_input: dict[bytes, list[int]] = {}
    for index, item in enumerate(encoded):
        same_input.setdefault(item.inputs.tobytes(), []).append(index)
    groups = sorted(same_input.items(), key=lambda g: (-len(g[0]), g[0]))
    return Plan(chunks=batches([_chain(encoded, indexes) for _, indexes in groups], budget))


def batches(rows: Sequence[Row], budget: int, trunk: int | None = None) -> tuple[Chunk, ...]:
    """Cut rows into the batches of least total cost.

    The cost is Σ over chunks of (rows · longest row + `LAUNCH_TOKENS`).

    Args:
        rows: The rows, longest first.
        budget: Largest number of padded tokens in a chunk of more than one row.
        trunk: Index of the trunk that all rows follow; None for none.
    """
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    best = np.zeros(len(rows) + 1, dtype=np.int64)
    cut = np.zeros(len(rows) + 1, dtype=np.int64)
    for stop in range(1, len(rows) + 1):
        first = max(0, stop - max(1, budget // int(lengths[stop - 1])))
        starts = np.arange(first, stop)
        padded = (stop - starts) * lengths[first:stop]
        costs = np.where(
            (padded <= budget) | (starts == stop - 1), best[first:stop] + padded, np.iinfo(np.int64).max
        )
        cut[stop] = first + int(costs.argmin())
        best[stop] = int(costs.min()) + LAUNCH_TOKENS
    chunks: list[Chunk] = []
    stop = len(rows)
    while stop:
        start = int(cut[stop])
        chunks.insert(0, Chunk(tuple(rows[start:stop]), trunk))
        stop = start
    return tuple(chunks)


def common_length(a: Tokens, b: Tokens) -> int:
    """Number of tokens at the beginning that two texts, int32 [N] and [M], have in common."""
    size = min(len(a), len(b))
    differ = np.flatnonzero(a[:size] != b[:size])
    return int(differ[0]) if len(differ) else size


def _chain(encoded: Sequence[Encoded], indexes: Sequence[int]) -> Row:
    tokens = encoded[indexes[0]].inputs
    return Row(
        tokens=tokens,
        positions=np.arange(len(tokens), dtype=np.int32),
        at=np.concatenate([np.arange(encoded[i].first_scored, len(tokens), dtype=np.int32) for i in indexes]),
        targets=np.concatenate([encoded[i].targets for i in indexes]),
        requests=np.concatenate([np.full(len(encoded[i].targets), i, dtype=np.int32) for i in indexes]),
    )
