"""Plans for models that go on from a state: a context is computed once, what follows it from copies of its state.

    cost of a batch = contexts · length + rows · longest row + what two launches cost        in tokens

A context is all that stands before a request's first scored token. A prefix that many contexts share is a
trunk. A state must not run over padding, so a batch's contexts are cut to the length of its shortest, and
what is cut off goes into the rows. Which contexts share a batch is where the sum of costs is least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from e2lm_core.engine.batches.plan import LAUNCH_TOKENS, Chunk, Plan, Row, Trunk
from e2lm_core.engine.batches.tokenise import Encoded, Tokens

# A trunk is a forward of its own, and its state is copied for every context below it.
MIN_TOKENS_SAVED = 256
LEAST = 2  # tokens of a context or trunk: models compute a single one in another way than several


@dataclass(frozen=True)
class _Context:
    """A context's tokens, and the distinct inputs that begin with it: what follows, by request."""

    tokens: Tokens
    followed: list[tuple[Tokens, list[int]]]

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return max(len(tokens) for tokens, _ in self.followed)


def plan_contexts(encoded: Sequence[Encoded], budget: int, least_saved: int = MIN_TOKENS_SAVED) -> Plan:
    """Contexts, rows and trunks; a batch has at most `budget` tokens of contexts and as many, padded, of rows,
    or a single context. A trunk saves `least_saved` tokens or more."""
    contexts = _contexts(encoded)
    trunks: list[Trunk] = []
    below = _below_trunks(contexts, least_saved, trunks)
    chunks = [
        chunk
        for trunk in sorted(below, key=lambda t: -1 if t is None else t)
        for chunk in _batches(encoded, below[trunk], trunk, trunks, budget)
    ]
    return Plan(chunks=tuple(chunks), trunks=tuple(trunks))


def _contexts(encoded: Sequence[Encoded]) -> list[_Context]:
    """In lexicographic order of their tokens."""
    found: dict[bytes, dict[bytes, list[int]]] = {}
    for index, item in enumerate(encoded):
        tokens = item.inputs.astype(">i4")  # big-endian: the order of the bytes is that of the tokens
        context, rest = tokens[: item.first_scored], tokens[item.first_scored :]
        found.setdefault(context.tobytes(), {}).setdefault(rest.tobytes(), []).append(index)
    contexts = []
    for _, rests in sorted(found.items()):
        first = encoded[next(iter(rests.values()))[0]]
        followed = [(encoded[i[0]].inputs[encoded[i[0]].first_scored :], i) for _, i in sorted(rests.items())]
        contexts.append(_Context(first.inputs[: first.first_scored], followed))
    return contexts


def _below_trunks(
    contexts: Sequence[_Context], least_saved: int, trunks: list[Trunk]
) -> dict[int | None, list[_Context]]:
    """Contexts by the trunk that they follow; trunks are appended to `trunks`, parents before children."""
    shared = np.array([0, *(_common(a.tokens, b.tokens) for a, b in pairwise(contexts))])
    below: dict[int | None, list[_Context]] = {}
    groups: list[tuple[int, int, int, int | None]] = [(0, len(contexts), 0, None)]
    while groups:
        low, high, depth, trunk = groups.pop()
        if high - low < 2:
            below.setdefault(trunk, []).extend(contexts[low:high])
            continue
        common = int(shared[low + 1 : high].min())
        if common - depth >= LEAST and (common - depth) * (high - low - 1) >= least_saved:
            trunks.append(Trunk(contexts[low].tokens[depth:common], depth, trunk))
            trunk, depth = len(trunks) - 1, common
        apart = (np.flatnonzero(shared[low + 1 : high] <= common) + low + 1).tolist()
        groups += [(a, b, depth, trunk) for a, b in pairwise([low, *apart, high])]
    return below


def _batches(
    encoded: Sequence[Encoded],
    contexts: Sequence[_Context],
    trunk: int | None,
    trunks: Sequence[Trunk],
    budget: int,
) -> list[Chunk]:
    depth = 0 if trunk is None else trunks[trunk].start + len(trunks[trunk].tokens)
    ordered = sorted(contexts, key=lambda c: (-len(c.tokens), c.tokens.tobytes()))
    lengths = np.array([len(c.tokens) - depth for c in ordered])
    ends = lengths + [c.longest for c in ordered]
    rows_before = np.cumsum([0, *(len(c.followed) for c in ordered)])
    best = np.zeros(len(ordered) + 1, dtype=np.int64)
    cut = np.zeros(len(ordered) + 1, dtype=np.int64)
    for stop in range(1, len(ordered) + 1):
        length = _cut(lengths[stop - 1])
        first = max(0, stop - max(1, budget // max(length, 1)))
        starts = np.arange(first, stop)
        width = np.maximum.accumulate(ends[first:stop][::-1])[::-1] - length
        before, after = (stop - starts) * length, (rows_before[stop] - rows_before[first:stop]) * width
        costs = best[first:stop] + before + after + LAUNCH_TOKENS * (2 if length else 1)
        fits = ((before <= budget) & (after <= budget)) | (starts == stop - 1)
        costs = np.where(fits, costs, np.iinfo(np.int64).max)
        cut[stop] = first + int(costs.argmin())
        best[stop] = int(costs.min())
    chunks: list[Chunk] = []
    stop = len(ordered)
    while stop:
        start = int(cut[stop])
        end = depth + _cut(lengths[stop - 1])
        rows = [row for context in ordered[start:stop] for row in _rows(encoded, context, depth, end)]
        chunks.insert(0, Chunk(tuple(rows), trunk))
        stop = start
    return chunks


def _cut(length: int) -> int:
    return int(length) if length >= LEAST else 0


def _rows(encoded: Sequence[Encoded], context: _Context, depth: int, end: int) -> list[Row]:
    """What follows the context's first `end` tokens, of which `depth` lie in trunks."""
    computed, left = context.tokens[depth:end], context.tokens[end:]
    rows = []
    for tokens, indexes in context.followed:
        scored = np.arange(len(left), len(left) + len(tokens), dtype=np.int32)
        rows.append(
            Row(
                tokens=np.concatenate([left, tokens]),
                positions=np.arange(end, end + len(left) + len(tokens), dtype=np.int32),
                at=np.tile(scored, len(indexes)),
                targets=np.concatenate([encoded[i].targets for i in indexes]),
                requests=np.repeat(np.array(indexes, dtype=np.int32), len(tokens)),
                context=computed,
            )
        )
    return rows


def _common(a: Tokens, b: Tokens) -> int:
    size = min(len(a), len(b))
    differ = np.flatnonzero(a[:size] != b[:size])
    return int(differ[0]) if len(differ) else size
