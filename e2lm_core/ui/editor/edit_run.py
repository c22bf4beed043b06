"""Run of an edit, started at its saving.

It begins with the edit's saving: the worker computes while the page is still to be drawn again.
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
    """Queue a run of a set that `visitor` has just edited, where it was run before; whether nothing is left to begin.

    Where something is, the page does it or says why not.
    """
    with contextlib.suppress(StudioError, OSError):
        studio = session.studio_of(settings)
        if start.latest_job(studio, name, progress=False):
            start_edit_run(studio, session.read_set(name, settings), visitor)
            return True
    return False


def start_edit_run(studio: Studio, task: TaskSet, visitor: str) -> int | None:
    """Queue the run of a set's edit; None for a set without results, which an edit does not begin to run.

    What a cancelled or failed run has left is not run: *Run the rest* does that. A run that goes on is replaced by
    one of both. Raises `StudioError` where the run is refused.
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
    """Those of the set's checkpoints on this machine that it has results of; all of a run that goes on."""
    if job is not None and job.state not in ("cancelled", "failed"):
        return [c for c in local if c.name in set(job.payload["checkpoints"])]
    begun = {row.name for row in job.progress if row.done} if job is not None else set()
    complete = state.coverage(studio, task, local, shots).complete
    return [c for c in local if c.name in begun or complete[c.name]]
