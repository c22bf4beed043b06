"""Sentences on a rolling run: disk use and progress."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base import formatting
from e2lm_core.base.formatting import size
from e2lm_core.base.records import Checkpoint, Record, TaskSet
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import tables
from e2lm_core.checkpoints.hub import added_models, cache, on_disk, rolling_leases
from e2lm_core.checkpoints.hub.rolling import LINES
from e2lm_core.runs import state
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements


class RollingEstimate(Record):
    """Cost of a rolling run.

    Attributes:
        fetch: Checkpoints to download: not on this machine, and without all results.
        bytes: Size of all downloads; None if a size is unknown.
        at_once_bytes: Size of the downloads that are on the disk at once, at most; None if a size is unknown.
        missing: (checkpoint, question) pairs without results.
        total: All (checkpoint, question) pairs.
        seconds: Time to compute the missing ones, without downloads; None before any pace is known.
    """

    fetch: int
    bytes: int | None
    at_once_bytes: int | None
    missing: int
    total: int
    seconds: float | None


def estimate_rolling(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    measurements: Measurements | None = None,
) -> RollingEstimate:
    """Cost of a rolling run of a set; nothing is downloaded for the estimate.

    Args:
        studio: Store, queue, catalogue and settings.
        task: The set.
        checkpoints: Checkpoints of the run.
        num_fewshot: Number of few-shot examples; None for the set's own.
        measurements: Measurements at the readable ones of the checkpoints; None to read the store.
    """
    readable = [c for c in checkpoints if studio.is_readable(c)]
    covered = (
        state.coverage(studio, task, readable, num_fewshot)
        if measurements is None
        else state.coverage_of(measurements)
    )
    questions = len(task.questions)
    missing = {c: questions - covered.complete.get(c.name, 0) for c in checkpoints}
    here = {c.name for c in studio.local_checkpoints}
    sizes = sorted(
        (
            _bytes(c, added_models.checkpoint_bytes(studio.settings))
            for c, left in missing.items()
            if left and c.name not in here
        ),
        key=lambda one: one or 0,
    )
    known = [one for one in sizes if one is not None]
    pace = state.seconds_per_question(studio, num_fewshot or 0)
    mean = sum(pace.values()) / len(pace) if pace else None
    return RollingEstimate(
        fetch=len(sizes),
        bytes=sum(known) if len(known) == len(sizes) else None,
        at_once_bytes=sum(known[-LINES:]) if len(known) == len(sizes) else None,
        missing=sum(missing.values()),
        total=questions * len(checkpoints),
        seconds=None
        if mean is None
        else sum(left * pace.get(c.model.name, mean) for c, left in missing.items()),
    )


def _bytes(checkpoint: Checkpoint, listed: dict[str, int]) -> int | None:
    """Size of a checkpoint as the hub lists it, else the least that its parameters take."""
    parameters = checkpoint.model.parameters
    return listed.get(checkpoint.model.name) or (parameters and parameters * tables.HALF_PRECISION_BYTES)


def rolling_cost(estimate: RollingEstimate, usage: cache.CacheUsage) -> str:
    """Sentence on the disk space and time of a rolling run.

    "12 checkpoints, 744 MB, pass through; at most 124 MB of them are on the disk at once, of the 20 GB that
    are left."
    """
    if not estimate.fetch:
        return Sentence("Nothing has to be fetched.")
    left = max(0, usage.quota_bytes - usage.used_bytes)
    checkpoints = formatting.count(estimate.fetch, "checkpoint")
    if estimate.bytes is None or estimate.at_once_bytes is None:
        room = Sentence("{checkpoints} pass through; their size is not known yet.", checkpoints=checkpoints)
    else:
        room = Sentence(
            "{checkpoints}, {size}, pass through; at most {at_once} of them are on the disk at once, of the {left} that are "
            "left.",
            checkpoints=checkpoints,
            size=size(estimate.bytes),
            at_once=size(estimate.at_once_bytes),
            left=size(left),
        )
    if not estimate.seconds:
        return joined((room, Sentence("How long that takes is not known yet.")))
    time = Sentence(
        "To compute takes {duration} at the pace of earlier runs; to fetch comes on top.",
        duration=formatting.duration(estimate.seconds),
    )
    return joined((room, time))


def rolling_status(job: Job, settings: Settings, checkpoints: Sequence[Checkpoint]) -> str | None:
    """Sentence on the downloads of an open rolling run; None for another run, or one that is over.

    "Scoring 5 of 12 (a); fetching b (41 MB of about 62 MB); downloads hold 103 MB of the 124 MB allowed."

    Args:
        job: The run.
        settings: Settings.
        checkpoints: Checkpoints of the catalogue.
    """
    if job.over or not job.payload.get("rolling"):
        return None
    complete = {row.name for row in job.progress if row.done >= row.total}
    planned = job.payload["checkpoints"]
    open_ = [c for c in checkpoints if c.name in set(planned) - complete]
    listed, scoring, parts = added_models.checkpoint_bytes(settings), [], []
    for checkpoint in open_:
        if not rolling_leases.is_leased(checkpoint, settings):
            continue
        here = on_disk.disk_usage(settings, (checkpoint,))
        if here.whole:
            scoring.append(checkpoint.name)
        else:
            values = {"name": checkpoint.name, "size": size(here.partial_bytes)}
            parts.append(
                Sentence("fetching {name} ({size} of about {whole})", **values, whole=size(whole))
                if (whole := _bytes(checkpoint, listed))
                else Sentence("fetching {name} ({size})", **values)
            )
    usage = cache.cache_usage(settings)
    begun = min(len(planned), len(complete) + 1)
    names = f" ({', '.join(scoring)})" if scoring else ""
    first = Sentence("Scoring {begun} of {all}{names}", begun=str(begun), all=str(len(planned)), names=names)
    last = Sentence(
        "downloads hold {used} of the {quota} allowed.",
        used=size(usage.used_bytes),
        quota=size(usage.quota_bytes),
    )
    return joined((first, *parts, last), "; ")
