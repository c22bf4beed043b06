"""Batch plans over a prefix tree: no prefix is computed twice.

Sequences are sorted, so that those with a common prefix are neighbours. A long prefix of many sequences
becomes a trunk, computed once and kept as keys and values. Below it every subtree that is small enough, as a
rule a question with its choices, is one row: a token sees only its ancestors and has the position that it has
in its own text. Each token's parent gives the tree of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from e2lm_core.engine.batches.plan import Chunk, Plan, Row, Trunk, batches, common_length
from e2lm_core.engine.batches.tokenise import Encoded, Tokens

# A trunk costs a forward of its own and a batch that is not full: it has to save at least as many tokens.
MIN_TOKENS_SAVED = 512
TYPICAL_ROW = 64  # tokens, for an estimate of the rows below a trunk
LONGEST_ROW = 1_024
PREFIX_TOKENS = 128  # of a trunk that is kept after its plan
# Requests are planned in segments, so that only one segment's plan is held in memory beside the tokens.
SEGMENT = 16_384


@dataclass(frozen=True)
class _Leaves:
    """Distinct inputs in lexicographic order; inputs i − 1 and i share their first `shared[i]` tokens."""

    inputs: list[Tokens]
    requests: list[list[int]]
    first_scored: NDArray[np.int64]
    lengths: NDArray[np.int64]
    shared: NDArray[np.int64]

    def unique_tokens(self, low: int, high: int, depth: int) -> int:
        """Number of nodes of the subtree of inputs low … high − 1 below `depth`."""
        return int(self.lengths[low:high].sum() - self.shared[low + 1 : high].sum() - depth)


def plan_tree(encoded: Sequence[Encoded], budget: int, hidden: int) -> Plan:
    """Plan rows and trunks over the prefix tree of all requests.

    Every target of `encoded` is in one row. `_cost` is the cost that the plan minimises.

    Args:
        encoded: The requests.
        budget: Largest number of padded tokens in a batch.
        hidden: Hidden size of the model.
    """
    chunks: list[Chunk] = []
    trunks: list[Trunk] = []
    for start in range(0, len(encoded), SEGMENT):
        leaves = _leaves(encoded, range(start, min(start + SEGMENT, len(encoded))))
        rows = _split(leaves, encoded, hidden, trunks)
        for trunk in sorted(rows, key=lambda t: -1 if t is None else t):
            ordered = sorted(rows[trunk], key=len, reverse=True)
            chunks += batches(ordered, budget, trunk)
    return Plan(chunks=tuple(chunks), trunks=tuple(trunks))


def plan_below(encoded: Sequence[Encoded], ends: Sequence[int]) -> Plan:
    """Plan trunks that end at given depths, and one batch of rows below the last.

    Each trunk follows the one before it. All requests with the same token after the last trunk share a row.

    Args:
        encoded: The requests; all share the tokens up to the last depth.
        ends: Depths at which the trunks end, in tokens, ascending.
    """
    leaves = _leaves(encoded, range(len(encoded)))
    trunks: list[Trunk] = []
    depth = 0
    for end in ends:
        trunks.append(Trunk(leaves.inputs[0][depth:end], depth, len(trunks) - 1 if trunks else None))
        depth = end
    apart = np.flatnonzero(leaves.shared[1:] <= depth) + 1
    rows = [
        _row(leaves, encoded, low, high, depth)
        for low, high in pairwise([0, *apart.tolist(), len(leaves.inputs)])
    ]
    return Plan((Chunk(tuple(rows), len(trunks) - 1 if trunks else None),), tuple(trunks))


def plan_prefixes(encoded: Sequence[Encoded]) -> Plan | None:
    """Plan trunks of `PREFIX_TOKENS` each for few requests, and one batch below; None without a trunk.

    There are as many as all requests share before their first scored token. The ends of the trunks depend
    only on their tokens, so that another edit of a set has the trunks of its examples again.
    """
    leaves = _leaves(encoded, range(len(encoded)))
    shared = min(leaves.first_scored.tolist() + leaves.shared[1:].tolist())
    ends = range(PREFIX_TOKENS, shared + 1, PREFIX_TOKENS)
    return plan_below(encoded, ends) if ends else None


def _cost(tokens: int, hidden: int, above: int = 0) -> int:
    """Cost of a row of `tokens` below `above` tokens: matrix products, and attention to trunk and row.

    By operations the ratio is 6 · hidden : tokens; measured, attention does a third as many of them per
    second.
    """
    if tokens > LONGEST_ROW:  # so high a cost that this is never a single row
        return tokens * tokens * (2 * hidden + above)
    return tokens * (2 * hidden + above + tokens)


def _leaves(encoded: Sequence[Encoded], indexes: range) -> _Leaves:
    same: dict[bytes, list[int]] = {}
    for index in indexes:
        # Big-endian, so that the order of the bytes is the order of the tokens.
        same.setdefault(encoded[index].inputs.astype(">i4").tobytes(), []).append(index)
    requests = [same[key] for key in sorted(same)]
    inputs = [encoded[group[0]].inputs for group in requests]
    return _Leaves(
        inputs=inputs,
        requests=requests,
        first_scored=np.array([min(encoded[i].first_scored for i in group) for group in requests]),
        lengths=np.array([len(tokens) for tokens in inputs]),
        shared=np.array([0, *(common_length(a, b) for a, b in pairwise(inputs))]),
    )


def _split(
    leaves: _Leaves, encoded: Sequence[Encoded], hidden: int, trunks: list[Trunk]
) -> dict[int | None, list[Row]]:
    """Rows by trunk; trunks that are worth it are appended to `trunks`, parents before children."""
    rows: dict[int | None, list[Row]] = {}
    groups: list[tuple[int, int, int, int | None]] = [(0, len(leaves.inputs), 0, None)]
    while groups:
        low, high, depth, trunk = groups.pop()
        end, parts = _divide(leaves, low, high, depth, hidden)
        if end > depth:
            trunks.append(Trunk(leaves.inputs[low][depth:end], depth, trunk))
            groups.append((low, high, end, len(trunks) - 1))
        elif len(parts) == 1:
            rows.setdefault(trunk, []).append(_row(leaves, encoded, low, high, depth))
        else:
            groups += [(a, b, depth, trunk) for a, b in reversed(parts)]
    return rows


def _divide(
    leaves: _Leaves, low: int, high: int, depth: int, hidden: int
) -> tuple[int, list[tuple[int, int]]]:
    """The cheapest division of inputs low … high − 1: (end of a trunk or `depth` for none, parts).

    One part means a single row.
    """

    def cost(part: tuple[int, int], below: int = depth) -> int:
        return _cost(leaves.unique_tokens(*part, below), hidden, below)

    whole = (low, high)
    if high - low == 1:
        return depth, [whole]
    common = int(leaves.shared[low + 1 : high].min())
    edges = [low, *(np.flatnonzero(leaves.shared[low + 1 : high] == common) + low + 1).tolist(), high]
    children = list(pairwise(edges))
    # Scored tokens have to be in a row, so a trunk ends before them.
    end = max(depth, min(common, int(leaves.first_scored[low:high].min())))
    rows_below = max(len(children), leaves.unique_tokens(low, high, depth) // TYPICAL_ROW)
    apart = sum(map(cost, children))
    if (end - depth) * (rows_below - 1) >= MIN_TOKENS_SAVED:
        launch = MIN_TOKENS_SAVED * 2 * hidden
        under = launch + _cost(end - depth, hidden, depth) + sum(cost(child, end) for child in children)
        return (depth, [whole]) if cost(whole) <= min(apart, under) else (end, children)
    if cost(whole) <= apart:
        return depth, [whole]
    if common <= depth:
        return depth, children
    packed = [children[0]]
    for child in children[1:]:
        together = (packed[-1][0], child[1])
        if together != whole and cost(together) <= cost(packed[-1]) + cost(child):
            packed[-1] = together
        else:
            packed.append(child)
    return depth, packed


def _row(leaves: _Leaves, encoded: Sequence[Encoded], low: int, high: int, depth: int) -> Row:
    """The row of inputs low … high − 1 below `depth`: every distinct prefix once, in depth-first order."""
    tokens: list[Tokens] = []
    positions: list[Tokens] = []
    parents: list[Tokens] = []
    at: list[Tokens] = []
    targets: list[Tokens] = []
    requests: list[Tokens] = []
    path = np.empty(0, dtype=np.int32)  # indexes in the row of the current input's tokens
    size = 0
    for leaf in range(low, high):
        known = 0 if leaf == low else int(leaves.shared[leaf]) - depth
        new = leaves.inputs[leaf][depth + known :]
        places = np.arange(size, size + len(new), dtype=np.int32)
        path = np.concatenate([path[:known], places])
        tokens.append(new)
        positions.append(np.arange(depth + known, depth + known + len(new), dtype=np.int32))
        parents.append(np.concatenate([np.full(1, -1, dtype=np.int32), path])[known : known + len(new)])
        size += len(new)
        for index in leaves.requests[leaf]:
            at.append(path[encoded[index].first_scored - depth :])
            targets.append(encoded[index].targets)
            requests.append(np.full(len(encoded[index].targets), index, dtype=np.int32))
    return Row(
        tokens=np.concatenate(tokens),
        positions=np.concatenate(positions),
        at=np.concatenate(at),
        targets=np.concatenate(targets),
        requests=np.concatenate(requests),
        parents=np.concatenate(parents),
    )
