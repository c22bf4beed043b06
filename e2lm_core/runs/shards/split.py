"""Deterministic split of checkpoints into n shares."""

from __future__ import annotations

import re
from collections.abc import Sequence

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Checkpoint, Record

MAX_SHARDS = 10_000


class Shard(Record):
    """One of `of` shares of a run: the `number`-th, from 1."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_shard(text: str) -> Shard:
    """Share from its text: `2/4` is the second of four shares.

    Raises:
        StudioError: The text is anything else, or has more than 10,000 shares.
    """
    found = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", text)
    shard = Shard(number=int(found[1]), of=int(found[2])) if found else None
    if shard is None or not 1 <= shard.number <= shard.of <= MAX_SHARDS:
        raise StudioError(
            f"--shard is {quote(text)}; use i/n, the i-th of n shares from 1, such as 2/4 (n at most {MAX_SHARDS:,})."
        )
    return shard


def select_shard(checkpoints: Sequence[Checkpoint], shard: Shard) -> tuple[Checkpoint, ...]:
    """Checkpoints of a share, in their order; the split depends on names and sizes alone.

    The largest first, each goes to the share with the least work so far: work is parameters, and a model of
    unknown size counts as the largest known one.
    """
    largest = max((c.model.parameters or 0 for c in checkpoints), default=0) or 1
    work = {c.name: c.model.parameters or largest for c in checkpoints}
    loads, mine = [0] * shard.of, set()
    for name in sorted(work, key=lambda name: (-work[name], name)):
        least = loads.index(min(loads))
        loads[least] += work[name]
        if least == shard.number - 1:
            mine.add(name)
    return tuple(c for c in checkpoints if c.name in mine)
