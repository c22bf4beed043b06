"""Permissions: who may see and cancel a run.

A run is its asker's (`Job.owner`), of a set in somebody's workspace (`owner` in the payload; without one the home's
own, or an example). Where nobody signs in, everybody sees and cancels all.
"""

from __future__ import annotations

import time

from e2lm_core.base.errors import StoreError
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, accounts
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio


def get_visible_run(studio: Studio, job_id: int) -> Job:
    """A run of the set of somebody who lets it be seen. Raises `StoreError` for another as for an unknown one."""
    job = studio.jobs.get(job_id)
    if not _may_see(studio.settings, job):
        raise StoreError(f"There is no run {job_id}: it may belong to another database (see E2LM_HOME).")
    return job


def list_open_runs(studio: Studio) -> list[Job]:
    """The runs that wait or go on and that whoever asks may see, newest first."""
    return [job for job in studio.jobs.open_jobs() if _may_see(studio.settings, job)]


def cancel_run(studio: Studio, job_id: int) -> bool:
    """Stop the run, with every open run of its set and kind that whoever asks may cancel; True where one was stopped.

    A run of one's own may be stopped, by an administrator any. One that has ended by itself stops nothing; one that
    a newer run has replaced stands for that. Raises `StoreError` for a run that there is not, or that is another's.
    """
    job = get_visible_run(studio, job_id)
    if not may_cancel(studio.settings, job):
        raise StoreError(f"Run {job_id} is another person's: only they, or an administrator, can cancel it.")
    if job.state in ("done", "failed"):
        return False
    workspace, name = job.payload.get("owner"), str(job.payload.get("set"))
    with studio.jobs.database.transaction():
        beside = studio.jobs.jobs_of_set(job.kind, name, still_open=True, whose=workspace, progress=False)
        stopped = [studio.jobs.cancel(one.id) for one in beside if may_cancel(studio.settings, one)]
    return any(stopped)


def may_cancel(settings: Settings, job: Job) -> bool:
    """Whether it is a run of whoever asks, or they are an administrator."""
    return settings.person is None or job.owner == settings.person or accounts.is_administrator(settings)


def workspace_of(settings: Settings, address: str) -> tuple[str | None, str]:
    """In whose workspace a set is, None for the home's own and for examples, and its name there.

    Raises TaskError for a set that whoever asks may not open.
    """
    place = access.resolve_set(settings, address)
    inside = place.settings
    is_own = (inside.sets / place.name).exists() or not (inside.tasks / place.name).exists()
    return (inside.person if is_own else None), place.name


def resolve_run_set(settings: Settings, job: Job) -> tuple[Settings, str]:
    """As whom a worker opens the run's set, and under which name or address: whoever asked for it."""
    asker, owner, name = job.payload.get("asker"), job.payload.get("owner"), job.payload.get("set", "")
    asked = settings.for_person(asker)
    return asked, name if owner in (None, asker) else f"{owner}/{name}"


def recent_finished(studio: Studio) -> list[Job]:
    """The last runs of anybody that were done, newest first: for the server itself, which tells nobody of them."""
    return [job for job in studio.jobs.recent() if job.state == "done"]


def is_quiet(studio: Studio, for_s: float) -> bool:
    """Whether no run of anybody is open, and none was asked for or has ended for so long."""
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
