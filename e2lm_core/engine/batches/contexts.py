"""Batch plans for models with recurrent state: each context is computed once.

    cost of a batch = contexts · length + rows · longest row + cost of two launches        in tokens

A context is all tokens before a request's first scored token. A prefix of many contexts is a trunk. A state
must not run over padding, so a batch's contexts are cut to the length of its shortest, and the rest goes into
the rows. Contexts share a batch such that the sum of costs is least. If few batches are shared by several
workers, smaller ones are taken if the last of them is done sooner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from e2lm_core.engine.batches.plan import LAUNCH_TOKENS, Chunk, Plan, Row, Trunk, common_length
from e2lm_core.engine.batches.tokenise import Encoded, Tokens

# A trunk is a forward of its own, and its state is copied for every context below it: it has to save as much.
MIN_TOKENS_SAVED = 256
MIN_TOKENS = 2  # tokens of a context or trunk: models compute a single one in another way than several
_BATCHES_PER_WORKER = 4  # batches for each worker: with more of them the last one leaves little time idle
_SMALLER = np.linspace(0.95, 0.45, 11)  # budgets to try, as shares of the widest batch's tokens


@dataclass(frozen=True)
class _Context:
    """A context's tokens, and the distinct inputs that begin with it: (tokens after it, requests)."""

    tokens: Tokens
    followed: list[tuple[Tokens, list[int]]]

    @property
    def longest(self) -> int:
        """Number of tokens in the longest row."""
        return max(len(tokens) for tokens, _ in self.followed)


class _Part(NamedTuple):
    """Contexts `start` … `stop` − 1 of a group as a batch, with the padded tokens of contexts and of rows."""

    start: int
    stop: int
    before: int
    after: int

    @property
    def cost(self) -> int:
        """Cost in tokens, launches included."""
        return self.before + self.after + LAUNCH_TOKENS * (2 if self.before else 1)


@dataclass(frozen=True)
class _Group:
    """All contexts below one trunk, the longest first; `depth` tokens of them lie in trunks."""

    contexts: list[_Context]
    trunk: int | None
    depth: int

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each context below the trunk, [N] int64 for N contexts."""
        return np.array([len(context.tokens) - self.depth for context in self.contexts])

    def parts(self, budget: int) -> list[_Part]:
        """The cheapest batches, the most expensive first, so that no worker waits long for the last."""
        count, lengths = len(self.contexts), self.lengths
        ends = lengths + [context.longest for context in self.contexts]
        rows_before = np.cumsum([0, *(len(context.followed) for context in self.contexts)])
        best = np.zeros(count + 1, dtype=np.int64)
        cut = [_Part(0, 0, 0, 0)] * (count + 1)
        for stop in range(1, count + 1):
            length = _cut(lengths[stop - 1])
            first = max(0, stop - max(1, budget // max(length, 1)))
            starts = np.arange(first, stop)
            width = np.maximum.accumulate(ends[first:stop][::-1])[::-1] - length
            before, after = (stop - starts) * length, (rows_before[stop] - rows_before[first:stop]) * width
            costs = best[first:stop] + before + after + LAUNCH_TOKENS * (2 if length else 1)
            fits = ((before <= budget) & (after <= budget)) | (starts == stop - 1)
            costs = np.where(fits, costs, np.iinfo(np.int64).max)
            at = int(costs.argmin())
            cut[stop] = _Part(first + at, stop, int(before[at]), int(after[at]))
            best[stop] = int(costs[at])
        parts: list[_Part] = []
        stop = count
        while stop:
            parts.insert(0, cut[stop])
            stop = cut[stop].start
        return sorted(parts, key=lambda part: -part.cost)

    def chunk(self, encoded: Sequence[Encoded], part: _Part) -> Chunk:
        """The batch of a part."""
        end = self.depth + _cut(self.lengths[part.stop - 1])
        some = self.contexts[part.start : part.stop]
        return Chunk(
            tuple(row for context in some for row in _rows(encoded, context, self.depth, end)), self.trunk
        )


def plan_contexts(
    encoded: Sequence[Encoded], budget: int, least_saved: int = MIN_TOKENS_SAVED, workers: int = 1
) -> Plan:
    """Plan contexts, rows and trunks for a model with recurrent state.

    A batch has at most `budget` tokens of contexts and as many, padded, of rows, or a single context.

    Args:
        encoded: The requests.
        budget: Largest number of tokens.
        least_saved: Smallest number of tokens that a trunk has to save.
        workers: Number of batches computed at once.
    """
    trunks: list[Trunk] = []
    below = _below_trunks(_contexts(encoded), least_saved, trunks)
    groups = [
        _Group(
            sorted(below[trunk], key=lambda c: (-len(c.tokens), c.tokens.tobytes())),
            trunk,
            0 if trunk is None else trunks[trunk].start + len(trunks[trunk].tokens),
        )
        for trunk in sorted(below, key=lambda t: -1 if t is None else t)
    ]
    parts = [group.parts(budget) for group in groups]
    if workers > 1 and sum(map(len, parts)) <= _BATCHES_PER_WORKER * workers:
        widest = max((max(part.before, part.after) for part in chain.from_iterable(parts)), default=0)
        smaller = [[group.parts(int(times * widest)) for group in groups] for times in _SMALLER]
        parts = min((parts, *smaller), key=lambda some: _until_done(chain.from_iterable(some), workers))
    chunks = [group.chunk(encoded, part) for group, some in zip(groups, parts, strict=True) for part in some]
    return Plan(chunks=tuple(chunks), trunks=tuple(trunks))


def _until_done(parts: Iterable[_Part], workers: int) -> int:
    """Time until the last batch is done, in tokens.

    A batch begins once all batches but the `workers` − 1 before it have ended (`in_order`).
    """
    done: list[int] = []
    begins = 0
    for place, part in enumerate(parts):
        if place >= workers:
            begins = max(begins, done[place - workers])
        done.append(begins + part.cost)
    return max(done, default=0)


def _contexts(encoded: Sequence[Encoded]) -> list[_Context]:
    """The contexts, in lexicographic order of their tokens."""
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
    shared = np.array([0, *(common_length(a.tokens, b.tokens) for a, b in pairwise(contexts))])
    below: dict[int | None, list[_Context]] = {}
    groups: list[tuple[int, int, int, int | None]] = [(0, len(contexts), 0, None)]
    while groups:
        low, high, depth, trunk = groups.pop()
        if high - low < 2:
            below.setdefault(trunk, []).extend(contexts[low:high])
            continue
        common = int(shared[low + 1 : high].min())
        if common - depth >= MIN_TOKENS and (common - depth) * (high - low - 1) >= least_saved:
            trunks.append(Trunk(contexts[low].tokens[depth:common], depth, trunk))
            trunk, depth = len(trunks) - 1, common
        apart = (np.flatnonzero(shared[low + 1 : high] <= common) + low + 1).tolist()
        groups += [(a, b, depth, trunk) for a, b in pairwise([low, *apart, high])]
    return below


def _cut(length: int) -> int:
    return int(length) if length >= MIN_TOKENS else 0


def _rows(encoded: Sequence[Encoded], context: _Context, depth: int, end: int) -> list[Row]:
    """The rows after the context's first `end` tokens, of which `depth` lie in trunks."""
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
