"""Checkpoint claims of workers that share a job.

A worker takes a checkpoint before it begins it, for as long as its lease; one that was killed loses what it
held when that runs out. Whose it is decides who may say how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from e2lm_core.base.database import Database, open_database
from e2lm_core.runs.queue import leases
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.queue.records import Job


class CheckpointClaims:
    """The checkpoints of `job` that `job.worker` holds, for `lease_s` seconds from the last `extend`."""

    def __init__(self, database: Path | Database, job: Job, lease_s: float) -> None:
        self.database = open_database(database)
        self.job = job
        self.lease_s = lease_s

    def take(self, checkpoint: str) -> bool:
        """False where another worker has it."""
        now = leases.monotonic_now()
        with self.database.transaction() as connection:
            taken = connection.execute(
                "INSERT INTO shares (job, checkpoint, worker, lease_until, lease_from, lease_s) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job, checkpoint) DO UPDATE SET "
                "worker = excluded.worker, lease_until = excluded.lease_until, "
                "lease_from = excluded.lease_from, lease_s = excluded.lease_s "
                f"WHERE shares.worker = excluded.worker OR NOT {leases.lease_condition(now, 'shares')}",
                (self.job.id, checkpoint, self.job.worker, time.time() + self.lease_s, now, self.lease_s),
            )
            return taken.rowcount > 0

    def extend(self) -> None:
        """Hold what is held for another `lease_s` seconds from now."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE shares SET lease_until = ?, lease_from = ?, lease_s = ? WHERE job = ? AND worker = ?",
                (
                    time.time() + self.lease_s,
                    leases.monotonic_now(),
                    self.lease_s,
                    self.job.id,
                    self.job.worker,
                ),
            )

    def release_all(self) -> None:
        """Let go of everything, so that others need not wait for the lease."""
        with self.database.transaction() as connection:
            connection.execute(
                "DELETE FROM shares WHERE job = ? AND worker = ?", (self.job.id, self.job.worker)
            )


def completed_checkpoints(queue: JobQueue, job_id: int) -> set[str]:
    """The names of the checkpoints that a run has completed; a look at its progress alone."""
    with queue.database.reading() as connection:
        rows = connection.execute("SELECT name FROM progress WHERE job = ? AND done >= total", (job_id,))
        return {name for (name,) in rows}


def open_checkpoints(queue: JobQueue, job: Job) -> tuple[list[str], list[str]]:
    """(those that are not complete, those of them that nobody holds), in the job's order."""
    now = queue.get(job.id)
    complete = {row.name for row in now.progress if row.done >= row.total}
    with queue.database.reading() as connection:
        taken = {
            name
            for (name,) in connection.execute(
                f"SELECT checkpoint FROM shares WHERE job = ? AND worker != ? AND {leases.lease_condition(leases.monotonic_now())}",
                (job.id, job.worker),
            )
        }
    rest = [name for name in now.payload.get("checkpoints", ()) if name not in complete]
    return rest, [name for name in rest if name not in taken]


def find_joinable_job(queue: JobQueue, worker: str, kinds: Sequence[str]) -> Job | None:
    """A job that another worker leads and that has checkpoints for this one too, with this one as its worker.

    That of the highest priority, then the oldest.
    """
    for job in queue.led_by_other_workers(worker):
        helped = job.model_copy(update={"worker": worker})
        # Two workers would have twice as many checkpoints on the disk as a rolling run may.
        if job.kind in kinds and not job.payload.get("rolling") and open_checkpoints(queue, helped)[1]:
            return helped
    return None
