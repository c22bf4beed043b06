"""Run of an edit, started at its saving.

The run starts with the saving: the worker computes while the page waits to be redrawn.

Tested in tests/pages/test_live.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs import evaluate, start, state
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import versions
from e2lm_core.ui import session


def run_edited_questions(settings: Settings, name: str, visitor: str) -> bool:
    """Queue a run of a set that the visitor has just edited, if it was run before.

    Args:
        settings: The visitor's settings.
        name: Address of the set.
        visitor: Owner of the run, see `Job.owner`.

    Returns:
        Whether the run was started, or none was necessary; otherwise the page starts it or shows the reason.
    """
    with contextlib.suppress(StudioError, OSError):
        studio = session.studio_of(settings)
        if start.latest_job(studio, name, progress=False):
            start_edit_run(studio, session.read_set(name, settings), visitor)
            return True
    return False


def start_edit_run(studio: Studio, task: TaskSet, visitor: str) -> int | None:
    """Queue the run of a set's edit, on the checkpoints with results.

    Questions that a cancelled or failed run has left are not included: *Run the rest* does that. A run in
    progress is replaced by one run of both.

    Args:
        studio: The visitor's studio.
        task: The set after the edit.
        visitor: Owner of the run, see `Job.owner`.

    Returns:
        Number of the job; None for a set without results.

    Raises:
        StudioError: The run is refused.
    """
    job = start.latest_job(studio, task.address)
    local, fleet, shots = state.next_fleet(studio, task.address)
    checkpoints = _with_results(studio, task, job, local, shots)
    if not checkpoints:
        return None
    if len(checkpoints) < len(local):
        fleet = fleet or local
    number = None if job is None else job.payload.get("version")
    questions = versions.edited_since(studio.settings, task.address, number)
    priority = evaluate.INTERACTIVE
    return start.submit_run(
        studio, task, checkpoints, shots, priority, visitor, fleet=fleet, questions=questions
    )


def _with_results(
    studio: Studio, task: TaskSet, job: Job | None, local: Sequence[Checkpoint], shots: int | None
) -> Sequence[Checkpoint]:
    """Local checkpoints of the set that have results; all of those in a run that goes on."""
    if job is not None and job.state not in ("cancelled", "failed"):
        return [c for c in local if c.name in set(job.payload["checkpoints"])]
    begun = {row.name for row in job.progress if row.done} if job is not None else set()
    complete = state.coverage(studio, task, local, shots).complete
    return [c for c in local if c.name in begun or complete[c.name]]
