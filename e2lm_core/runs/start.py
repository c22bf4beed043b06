"""A run is queued: what was asked for, checked and written down as a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from e2lm_core.base.errors import CheckpointError, TaskError
from e2lm_core.base.records import Checkpoint
from e2lm_core.runs.evaluate import SWEEP, _prompts
from e2lm_core.runs.order import plan
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio
from e2lm_core.sets.collection import open_set

KIND = "evaluate"


def start(
    studio: Studio,
    set_name: str,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    priority: int = SWEEP,
    owner: str = "",
) -> int:
    """Queue a run of a set for a worker process; the job's number. `owner` is who asks: see `jobs`.

    The owner's open job of the same set is replaced, so that an edit in the middle of a run is never lost
    behind it. Raises `LimitError` when the queue is full.
    """
    task = open_set(studio.settings, set_name)
    if not task.questions:
        raise TaskError(f"{set_name} has no questions yet: write or import some, then run it.")
    if not checkpoints:
        raise CheckpointError("No checkpoint is chosen: choose at least one.")
    _prompts(task, num_fewshot)  # one that cannot be read is said now, not by the worker
    payload: dict[str, Any] = {
        "set": set_name,
        "checkpoints": [checkpoint.name for checkpoint in plan(checkpoints)],
        "num_fewshot": num_fewshot,
    }
    with studio.jobs.database.transaction():  # where the queue is full, the open job stays
        for job in studio.jobs.of_set(KIND, set_name, still_open=True):
            if job.owner == owner:
                studio.jobs.cancel(job.id)
        return studio.jobs.submit(KIND, payload, priority, owner)


def latest_job(studio: Studio, set_name: str) -> Job | None:
    return next(iter(studio.jobs.of_set(KIND, set_name, limit=1)), None)
