"""Cleanup of checkpoints downloaded by finished rolling runs."""

from __future__ import annotations

from collections.abc import Collection

from e2lm_core.base.errors import StoreError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import added_models, rolling_leases
from e2lm_core.runs.queue.queue import JobQueue

_RUN = "run-"


def lease_name(job_id: int) -> str:
    """Name under which a job's rolling run marks its downloads.

    A run from the command line has a name of another form, and no worker continues it.
    """
    return f"{_RUN}{job_id}"


def remove_fetched(
    settings: Settings, jobs: JobQueue, wanted: Collection[str] = (), of: str | None = None
) -> int:
    """Evict unused downloads of rolling runs that are over; returns the bytes freed.

    A run that continues after a kill keeps only those of its own downloads that it still needs: the ones it
    has scored take up the room.

    Args:
        settings: Settings.
        jobs: The queue.
        wanted: Names of checkpoints that stay.
        of: Lease name of the run that continues, whose other downloads are evicted too; None for none.
    """

    def goes_on(run: str) -> bool:
        number = run.removeprefix(_RUN)
        if run == of or number == run or not number.isdigit():
            return False
        try:
            return not jobs.get(int(number)).over
        except StoreError:
            return False

    return rolling_leases.evict_abandoned(settings, goes_on, added_models.pinned(settings), wanted)
