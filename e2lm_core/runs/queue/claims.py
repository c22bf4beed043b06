"""Checkpoint claims of workers that share a job.

A worker claims a checkpoint before it begins it, for as long as its lease; a killed worker loses its claims
when the lease runs out. Only the worker with the claim, or the job's leader, may report the progress of a
checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from e2lm_core.base.database import Database, open_database
from e2lm_core.base.errors import Cancelled
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.queue import leases
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.queue.records import Job


class CheckpointClaims:
    """Claims of `job.worker` on checkpoints of `job`, for `lease_s` seconds from the last `extend`."""

    def __init__(self, database: Path | Database, job: Job, lease_s: float) -> None:
        self.database = open_database(database)
        self.job = job
        self.lease_s = lease_s

    def take(self, checkpoint: str) -> bool:
        """Claim a checkpoint; False if another worker has it.

        Raises:
            Cancelled: The job is gone, as with a home that was deleted or restored from a backup under its worker.
        """
        now = leases.monotonic_now()
        with self.database.transaction() as connection:
            if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (self.job.id,)).fetchone() is None:
                raise Cancelled(Sentence("The run {id} is gone.", id=self.job.id))
            taken = connection.execute(
                "INSERT INTO shares (job, checkpoint, worker, lease_until, lease_from, lease_s) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job, checkpoint) DO UPDATE SET "
                "worker = excluded.worker, lease_until = excluded.lease_until, "
                "lease_from = excluded.lease_from, lease_s = excluded.lease_s "
                f"WHERE shares.worker = excluded.worker OR NOT {leases.lease_condition(now, 'shares')}",
                (self.job.id, checkpoint, self.job.worker, *leases.new_lease(self.lease_s)),
            )
            return taken.rowcount > 0

    def extend(self) -> None:
        """Extend all claims to `lease_s` seconds from now."""
        with self.database.transaction() as connection:
            connection.execute(
                f"UPDATE shares SET {leases.SET_COLUMNS} WHERE job = ? AND worker = ?",
                (*leases.new_lease(self.lease_s), self.job.id, self.job.worker),
            )

    def release_all(self) -> None:
        """Release all claims, so that others need not wait for the end of the lease."""
        with self.database.transaction() as connection:
            connection.execute(
                "DELETE FROM shares WHERE job = ? AND worker = ?", (self.job.id, self.job.worker)
            )


def completed_checkpoints(queue: JobQueue, job_id: int) -> set[str]:
    """Names of the checkpoints that a run has completed; reads its progress only."""
    with queue.database.reading() as connection:
        rows = connection.execute("SELECT name FROM progress WHERE job = ? AND done >= total", (job_id,))
        return {name for (name,) in rows}


def open_checkpoints(queue: JobQueue, job: Job) -> tuple[list[str], list[str]]:
    """Names of the incomplete checkpoints, and of those among them that no other worker has claimed.

    Both in the job's order.
    """
    complete = completed_checkpoints(queue, job.id)
    with queue.database.reading() as connection:
        taken = {
            name
            for (name,) in connection.execute(
                f"SELECT checkpoint FROM shares WHERE job = ? AND worker != ? AND {leases.lease_condition(leases.monotonic_now())}",
                (job.id, job.worker),
            )
        }
    rest = [name for name in job.payload.get("checkpoints", ()) if name not in complete]
    return rest, [name for name in rest if name not in taken]


def find_joinable_job(queue: JobQueue, worker: str, kinds: Sequence[str]) -> Job | None:
    """Job that another worker leads and that has unclaimed checkpoints; None without one.

    The job of the highest priority, then the oldest, with `worker` as its worker.

    Args:
        queue: The queue.
        worker: Name of the worker that would help.
        kinds: Kinds of jobs that the worker can compute.
    """
    for job in queue.led_by_other_workers(worker):
        helped = job.model_copy(update={"worker": worker})
        # Two workers would put twice as many checkpoints on the disk as a rolling run may have there.
        if job.kind in kinds and not job.payload.get("rolling") and open_checkpoints(queue, helped)[1]:
            return helped
    return None
