"""Cleanup of checkpoints downloaded by finished rolling runs."""

from __future__ import annotations

from collections.abc import Collection

from e2lm_core.base.errors import StoreError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import added_models, rolling_leases
from e2lm_core.runs.queue.queue import JobQueue

_RUN = "run-"


def lease_name(job_id: int) -> str:
    """Under which name a job's run marks what it fetches. One from the command line has another, and nobody goes on with it."""
    return f"{_RUN}{job_id}"


def remove_fetched(
    settings: Settings, jobs: JobQueue, wanted: Collection[str] = (), of: str | None = None
) -> int:
    """Let go of what runs have fetched that are over, and nobody uses; checkpoints of `wanted` names stay. Bytes freed.

    A run that goes on after a kill, `of` that name, wants of its own no others: what it had scored takes the room.
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
