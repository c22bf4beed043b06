"""Merges shard files into the store and reports conflicts."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from e2lm_core.base import formatting
from e2lm_core.base.records import Loglikelihood, Record
from e2lm_core.people import access
from e2lm_core.runs.shards.files import CheckpointResults, ShardHeader
from e2lm_core.runs.studio import Studio

# (absolute, relative) tolerance in nats: the rounding differences between two plans of batches.
TOLERANCE = {"float32": (1e-4, 2e-6), "float16": (2e-2, 4e-3), "bfloat16": (1e-1, 3e-2)}


class MergeResult(Record):
    """Outcome of merging one checkpoint's results.

    Attributes:
        checkpoint: Name of the checkpoint.
        new: Results that the store did not have.
        same: Results with the same bytes as the store's.
        rounded: Results rounded differently by another plan of batches; the store's stay.
        conflict: Results that contradict the store's; with any of them nothing of the checkpoint is taken.
        worst_nats: Largest difference from the store's log-likelihoods, in nats.
    """

    checkpoint: str
    new: int
    same: int
    rounded: int
    conflict: int
    worst_nats: float

    @property
    def sentence(self) -> str | None:
        """Sentence on the conflict that prevents merging; None without a conflict."""
        if not self.conflict:
            return None
        return (
            f"{self.checkpoint}: {formatting.count(self.conflict, 'result')} of {self.total:,} differ from the store's "
            f"(by up to {self.worst_nats:.2g} nats, or in their tokens), which is no rounding; nothing of it was taken: "
            "see which machine computed it, and with which versions."
        )

    @property
    def total(self) -> int:
        """Number of the checkpoint's results in the file."""
        return self.new + self.same + self.rounded + self.conflict


def merge_shards(
    studio: Studio, parts: Iterable[CheckpointResults], dry_run: bool = False
) -> list[MergeResult]:
    """Merge results into the store, each checkpoint in one transaction.

    Args:
        studio: Store and settings of the caller.
        parts: Results from shard files.
        dry_run: Whether to report the outcome without writing.

    Raises:
        TaskError: The caller is a visitor who may only read.
        StoreError: The database cannot be used.
    """
    access.require_writer(studio.settings)
    return [_merged(studio, part, dry_run) for part in parts]


def _merged(studio: Studio, part: CheckpointResults, dry: bool) -> MergeResult:
    # Computed results, of this machine or another, replace shipped ones.
    known = studio.without_shipped_results.store.get(part.scope, part.results)
    counts = {"same": 0, "rounded": 0, "conflict": 0}
    worst = 0.0
    for key, there in known.items():
        kind = _against(there, part.results[key], part.scope.dtype)
        counts[kind] += 1
        if kind != "same":
            worst = max(worst, abs(there.ll_nats - part.results[key].ll_nats))
    fresh = [(key, result) for key, result in part.results.items() if key not in known]
    if not counts["conflict"] and not dry:
        studio.store.put(part.scope, fresh)
        studio.store.pack_scope(part.scope)
    return MergeResult(checkpoint=part.checkpoint, new=len(fresh), worst_nats=worst, **counts)


def _against(there: Loglikelihood, found: Loglikelihood, dtype: str) -> str:
    if struct.pack("<d", there.ll_nats) == struct.pack("<d", found.ll_nats) and there.tokens == found.tokens:
        return "same"
    absolute, relative = TOLERANCE.get(dtype, TOLERANCE["float32"])
    allowed = absolute + relative * abs(there.ll_nats)
    near = abs(there.ll_nats - found.ll_nats) <= allowed and there.tokens == found.tokens
    return "rounded" if near else "conflict"


def missing_shards(heads: Sequence[ShardHeader]) -> list[str]:
    """Sentences on shares that are missing from the files of a run, or do not fit the others."""
    said = []
    runs: dict[tuple[str, int], list[ShardHeader]] = {}
    for head in heads:
        runs.setdefault((head.set, head.num_fewshot), []).append(head)
    for (name, shots), of_run in runs.items():
        run = f"{name}, {shots}-shot"
        fleets = {(head.fleet, head.shard.of) for head in of_run}
        if len(fleets) > 1:
            said.append(
                f"{run}: the files are shares of different runs, so some checkpoints may be missing: give every "
                "machine the same --checkpoints and n."
            )
            continue
        fleet, _ = next(iter(fleets))
        there = {checkpoint for head in of_run for checkpoint in head.checkpoints}
        if missing := [checkpoint for checkpoint in fleet if checkpoint not in there]:
            said.append(
                f"{run}: {formatting.count(len(missing), 'checkpoint')} of {len(fleet):,} in none of the files "
                f"({formatting.join_words(missing)}): merge the other shares too."
            )
    return said
