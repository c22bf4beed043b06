"""Stored batch plans, so that an interrupted run resumes with equal bytes.

The questions that share a batch decide a result's last bits (float32), so an interrupted job has to go on
with the batches that it began with, and not with new ones made of the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from e2lm_core.base.database import Database, open_database
from e2lm_core.runs.store.loglikelihood_store import DIGEST_BYTES


class BatchPlans:
    """Planned requests of one job, by digest, in the order of their batches at each checkpoint."""

    def __init__(self, database: Path | Database, job: int) -> None:
        self.database = open_database(database)
        self.job = job

    def planned_requests(
        self, checkpoint: str, missing: Sequence[bytes], asked: Collection[bytes]
    ) -> list[bytes]:
        """Planned keys of a checkpoint: `missing` as it was when the job first reached the checkpoint.

        Some of them may be stored by now. If the set was edited or the checkpoint replaced since, the old
        plan does not fit any more, and `missing` becomes the plan.

        Args:
            checkpoint: Name of the checkpoint.
            missing: Keys that the store lacks now.
            asked: Keys of all requests of the set.
        """
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT digests FROM plans WHERE job = ? AND checkpoint = ?", (self.job, checkpoint)
            ).fetchone()
            if row is not None:
                old = [row[0][i : i + DIGEST_BYTES] for i in range(0, len(row[0]), DIGEST_BYTES)]
                if set(missing) <= set(old) <= set(asked):
                    return old
            # Plans of jobs that were cancelled half-way are deleted too: 16 bytes for each request add up.
            connection.execute(
                "DELETE FROM plans WHERE job IN "
                "(SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled'))"
            )
            connection.execute(
                "INSERT OR REPLACE INTO plans (job, checkpoint, digests) VALUES (?, ?, ?)",
                (self.job, checkpoint, b"".join(missing)),
            )
        return list(missing)

    def delete(self, checkpoint: str) -> None:
        """Delete the plan of a checkpoint that is complete."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM plans WHERE job = ? AND checkpoint = ?", (self.job, checkpoint))
