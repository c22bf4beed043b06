"""Merges shard files into the store, reports conflicts, and remembers the fleets of their runs."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Loglikelihood, Record
from e2lm_core.people import access
from e2lm_core.runs import fleets
from e2lm_core.runs.messages.fleets import fleet_label
from e2lm_core.runs.shards.files import CheckpointResults, ShardHeader
from e2lm_core.runs.store.requests import RequestIndex, render_prompts
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection

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


def remember_fleets(
    studio: Studio, shards: Iterable[tuple[ShardHeader, Sequence[CheckpointResults]]]
) -> list[str]:
    """Make the checkpoints of the merged run the fleet of its set, as a run here does.

    A set that has a fleet keeps it. The files say no more of a set than its name, so its prompts are compared with
    theirs: a set that only shares the name keeps what it has.

    Args:
        studio: Settings of the caller and catalogue.
        shards: Header and checkpoints of each merged file.

    Returns:
        A sentence for each set whose fleet is not that of the files.

    Raises:
        StoreError: The workspace cannot be written.
    """
    runs: dict[str, dict[tuple[int, frozenset[str]], tuple[ShardHeader, set[bytes]]]] = {}
    for head, parts in shards:
        key = (head.num_fewshot, frozenset(head.fleet))
        _, prompts = runs.setdefault(head.set, {}).setdefault(key, (head, set()))
        prompts.update(*(part.results for part in parts))
    return [said for name, of_set in runs.items() if (said := _remember(studio, name, list(of_set.values())))]


def _remember(studio: Studio, name: str, runs: Sequence[tuple[ShardHeader, set[bytes]]]) -> str | None:
    settings = studio.settings
    if name not in {info.name for info in collection.list_sets(settings) if info.owner is None}:
        return f"There is no set {formatting.quote(name)} here, so its model group is not known: import it and merge again."
    if len(runs) > 1:
        return f"The files are of several runs of {name}, so its model group stays as it is: choose one with `fleet use`."
    ((head, prompts),) = runs
    try:
        task = collection.open_set(settings, name)
        own = RequestIndex(render_prompts(task, head.num_fewshot)).texts
    except StudioError as error:
        return f"{name} keeps its model group: {error}"
    if prompts.isdisjoint(own):
        return f"{name} here has other questions than the files, so its model group stays as it is."
    shots = None if head.num_fewshot == task.config.num_fewshot else head.num_fewshot
    chosen = fleets.chosen_fleet(settings, name)
    if chosen is None:
        fleets.choose_fleet(studio, name, fleets.name_fleet(studio, name, head.fleet), shots)
    elif {*chosen.fleet.checkpoints} != {*head.fleet} or chosen.num_fewshot != shots:
        return (
            f"{name} keeps its model group {fleet_label(chosen.fleet.name)}; the files are of "
            f"{formatting.count(len(head.fleet), 'checkpoint')}, {head.num_fewshot}-shot."
        )
    return None
