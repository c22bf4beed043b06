"""Stored batch plans, so that an interrupted run resumes with equal bytes.

Which questions share a batch decides a result's last bits (float32), so an interrupted job has to go on
with the batches that it began with, and not with new ones made of what is left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from e2lm_core.base.database import Database, open_database
from e2lm_core.runs.store.loglikelihood_store import DIGEST_BYTES


class BatchPlans:
    """The requests of one job, by digest, in the order in which they are planned at each checkpoint."""

    def __init__(self, database: Path | Database, job: int) -> None:
        self.database = open_database(database)
        self.job = job

    def planned_requests(
        self, checkpoint: str, missing: Sequence[bytes], asked: Collection[bytes]
    ) -> list[bytes]:
        """`missing` as it was when the job first reached the checkpoint; some of it may be stored by now.

        `asked` are all requests of the set. Where it was edited or the checkpoint replaced in between, the
        old plan does not fit any more, and `missing` becomes the plan.
        """
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT digests FROM plans WHERE job = ? AND checkpoint = ?", (self.job, checkpoint)
            ).fetchone()
            if row is not None:
                old = [row[0][i : i + DIGEST_BYTES] for i in range(0, len(row[0]), DIGEST_BYTES)]
                if set(missing) <= set(old) <= set(asked):
                    return old
            # Those of jobs that were cancelled half-way: 16 bytes a request add up.
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
        """Once all of it is computed."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM plans WHERE job = ? AND checkpoint = ?", (self.job, checkpoint))
