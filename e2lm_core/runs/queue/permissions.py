"""Permissions: who may see and cancel a run.

A run belongs to the person who submitted it (`Job.owner`), and is of a set in somebody's workspace (`owner`
in the payload; without it the home's own, or an example). Where nobody signs in, everybody sees and cancels
all.
"""

from __future__ import annotations

import time

from e2lm_core.base.errors import StoreError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, accounts
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio


def get_visible_run(studio: Studio, job_id: int) -> Job:
    """A run of a set that the caller may see.

    Raises:
        StoreError: There is no such run, or the caller may not see it (with the same sentence).
    """
    job = studio.jobs.get(job_id)
    if not _may_see(studio.settings, job):
        raise StoreError(
            Sentence(
                "There is no run {job_id}: it may belong to another database (see E2LM_HOME).", job_id=job_id
            )
        )
    return job


def list_open_runs(studio: Studio) -> list[Job]:
    """Queued and running runs that the caller may see, newest first."""
    return [job for job in studio.jobs.open_jobs() if _may_see(studio.settings, job)]


def cancel_run(studio: Studio, job_id: int) -> bool:
    """Cancel a run and every open run of its set and kind that the caller may cancel.

    A person may cancel their own runs, an administrator every run. A run that has ended by itself cancels
    nothing; a run that a newer one has replaced stands for the newer one.

    Returns:
        True if a run was cancelled.

    Raises:
        StoreError: There is no such run, or it is another person's.
    """
    job = get_visible_run(studio, job_id)
    if not may_cancel(studio.settings, job):
        raise StoreError(
            Sentence(
                "Run {job_id} is another person's: only they, or an administrator, can cancel it.",
                job_id=job_id,
            )
        )
    if job.state in ("done", "failed"):
        return False
    workspace, name = job.payload.get("owner"), str(job.payload.get("set"))
    with studio.jobs.database.transaction():
        beside = studio.jobs.jobs_of_set(job.kind, name, still_open=True, whose=workspace, progress=False)
        stopped = [studio.jobs.cancel(one.id) for one in beside if may_cancel(studio.settings, one)]
    return any(stopped)


def may_cancel(settings: Settings, job: Job) -> bool:
    """Whether the run is the caller's, or the caller is an administrator."""
    return settings.person is None or job.owner == settings.person or accounts.is_administrator(settings)


def workspace_of(settings: Settings, address: str) -> tuple[str | None, str]:
    """Workspace of a set, None for the home's own and for examples, and the set's name there.

    Raises:
        TaskError: The caller may not open the set.
    """
    place = access.resolve_set(settings, address)
    inside = place.settings
    is_own = (inside.sets / place.name).exists() or not (inside.tasks / place.name).exists()
    return (inside.person if is_own else None), place.name


def resolve_run_set(settings: Settings, job: Job) -> tuple[Settings, str]:
    """Settings of the run's owner and, for them, the set's name or address: a worker opens the set so."""
    asker, owner, name = job.payload.get("asker"), job.payload.get("owner"), job.payload.get("set", "")
    asked = settings.for_person(asker)
    return asked, name if owner in (None, asker) else f"{owner}/{name}"


def recent_finished(studio: Studio) -> list[Job]:
    """Recent runs of all persons that ended well, newest first; for the server itself, never shown."""
    return [job for job in studio.jobs.recent() if job.state == "done"]


def is_quiet(studio: Studio, for_s: float) -> bool:
    """Whether no run of any person is open, and none was submitted or has ended for `for_s` seconds."""
    since = time.time() - for_s
    return not studio.jobs.open_jobs() and all(
        (job.finished_at or job.created_at) <= since for job in studio.jobs.recent()
    )


def _may_see(settings: Settings, job: Job) -> bool:
    if may_cancel(settings, job):
        return True
    owner, name = job.payload.get("owner"), str(job.payload.get("set"))
    if owner is None:
        return (settings.tasks / name).exists()
    return owner == settings.person or access.role_of(settings, owner, name) is not None
