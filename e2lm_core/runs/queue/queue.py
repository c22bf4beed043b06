"""Job queue in SQLite with leases.

A worker claims a job for some seconds and keeps extending its lease; after a kill the lease runs out and the
next claim gets the job, together with its saved progress. `attempt` numbers the claims, so that a worker that
has lost its job can change nothing of it any more.

The queue is fair: among jobs of one priority the next is of the owner (a person or a visitor) with the fewest
running jobs, then of the one whose last claim is longest ago. A job gives way after `TURN_S` if another owner
waits.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from e2lm_core.base.database import Database, open_database
from e2lm_core.base.errors import LimitError, StoreError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.runs.queue import leases
from e2lm_core.runs.queue.records import Job, Progress

# A job that kills its worker each time (out of memory, say) must not do so for ever; any saved progress
# resets the count.
MAX_DEATHS_IN_A_ROW = 10
TURN_S = 60.0
KEPT_JOBS = 200  # finished jobs; their results are kept elsewhere, for ever


class JobQueue:
    """Jobs in one database, safe to use from several threads and processes.

    Times are seconds since the epoch. Every method raises `StoreError`, in one sentence, if the database
    cannot be used.
    """

    def __init__(self, database: Path | Database, limits: Limits) -> None:
        self.database = open_database(database)
        self.limits = limits
        self._turns: dict[tuple[int, int], float] = {}  # start of a job's attempt in this process

    # --- for pages and commands -----------------------------------------------------------------------

    def submit(self, kind: str, payload: Mapping[str, Any], priority: int = 0, owner: str = "") -> int:
        """Add a job to the queue; returns its id.

        Jobs are claimed by priority, higher first, then in fair order between owners, then by age.

        Args:
            kind: Kind of the job.
            payload: Description of the job, in values that JSON can hold.
            priority: Higher goes first.
            owner: Owner, see `Job`; "" counts towards no limit for one owner.

        Raises:
            LimitError: `limits.max_queued_jobs` jobs are waiting already, or `limits.max_queued_jobs_of_one`
                of this owner.
        """
        text = json.dumps(dict(payload), ensure_ascii=False, sort_keys=True)
        with self.database.transaction() as connection:
            waiting, of_owner = connection.execute(
                "SELECT count(*), coalesce(sum(owner = ?), 0) FROM jobs WHERE state = 'queued'", (owner,)
            ).fetchone()
            self._check_room(waiting, of_owner if owner else 0)
            _prune(connection)
            ((job_id,),) = connection.execute(
                "INSERT INTO jobs (kind, payload, priority, state, created_at, owner) "
                "VALUES (?, ?, ?, 'queued', ?, ?) RETURNING id",
                (kind, text, priority, time.time(), owner),
            ).fetchall()
            _record(connection, job_id, "submitted")
            return int(job_id)

    def record(
        self,
        kind: str,
        payload: Mapping[str, Any],
        progress: Iterable[Progress],
        started_at: float,
        owner: str = "",
        cancelled: bool = False,
    ) -> int:
        """Add a job that was computed without the queue, such as by a command; returns its id.

        Args:
            kind: Kind of the job.
            payload: Description of the job, in values that JSON can hold.
            progress: Its progress by checkpoint.
            started_at: Time of its start, in seconds since the epoch.
            owner: Owner, see `Job`.
            cancelled: Whether it was stopped before its end.
        """
        text = json.dumps(dict(payload), ensure_ascii=False, sort_keys=True)
        state = "cancelled" if cancelled else "done"
        with self.database.transaction() as connection:
            _prune(connection)
            ((job_id,),) = connection.execute(
                "INSERT INTO jobs (kind, payload, priority, state, created_at, started_at, finished_at, owner) "
                "VALUES (?, ?, 0, ?, ?, ?, ?, ?) RETURNING id",
                (kind, text, state, started_at, started_at, time.time(), owner),
            ).fetchall()
            connection.executemany(_SET_PROGRESS, _progress_values(job_id, progress))
            _record(connection, job_id, "computed by a command")
            return int(job_id)

    def _check_room(self, waiting: int, of_owner: int) -> None:
        most, most_of_one = self.limits.max_queued_jobs, self.limits.max_queued_jobs_of_one
        if waiting >= most:
            raise LimitError(
                Sentence(
                    "{waiting} runs are waiting already (at most {most}): wait until one has started, or cancel one.",
                    waiting=waiting,
                    most=most,
                )
            )
        if of_owner >= most_of_one:
            raise LimitError(
                Sentence(
                    "{of_owner} of your runs are waiting already (at most {most_of_one}): wait until one has "
                    "started, or cancel one.",
                    of_owner=of_owner,
                    most_of_one=most_of_one,
                )
            )

    def cancel(self, job_id: int) -> bool:
        """Cancel a job; True if this call cancelled it, False if it was over.

        Its workers notice before their next batch.
        """
        with self.database.transaction() as connection:
            stopped = _changed(
                connection,
                "UPDATE jobs SET state = 'cancelled', finished_at = ? "
                "WHERE id = ? AND state IN ('queued', 'running')",
                (time.time(), job_id),
            )
            if stopped:
                _record(connection, job_id, "cancelled")
            return stopped

    def get(self, job_id: int) -> Job:
        """The job with that id.

        Raises:
            StoreError: There is no such job.
        """
        jobs = self._jobs("WHERE id = ?", (job_id,))
        if not jobs:
            raise StoreError(
                Sentence(
                    "There is no run {job_id}: it may belong to another database (see E2LM_HOME).",
                    job_id=job_id,
                )
            )
        return jobs[0]

    def recent(self, limit: int = 20) -> list[Job]:
        """The newest jobs in any state, newest first."""
        return self._jobs("ORDER BY id DESC LIMIT ?", (limit,))

    def open_jobs(self) -> list[Job]:
        """All queued and running jobs, newest first."""
        return self._jobs("WHERE state IN ('queued', 'running') ORDER BY id DESC", ())

    def jobs_of_set(
        self,
        kind: str,
        set_name: str,
        limit: int = 200,
        still_open: bool = False,
        whose: str | None = None,
        progress: bool = True,
    ) -> list[Job]:
        """Jobs of a set in a workspace, newest first.

        Args:
            kind: Kind of the jobs.
            set_name: The set's name in the workspace.
            limit: Maximum number of jobs.
            still_open: Whether to leave out jobs that are over.
            whose: Person with the workspace; None for the home's own sets and examples.
            progress: Whether to read the progress, which takes most of the time.
        """
        state = (
            "state IN ('queued', 'running') AND " if still_open else ""
        )  # no payload of the others is read
        return self._jobs(
            f"WHERE {state}kind = ? AND json_extract(payload, '$.set') = ? "
            "AND json_extract(payload, '$.owner') IS ? ORDER BY id DESC LIMIT ?",
            (kind, set_name, whose, limit),
            progress,
        )

    def seconds_by_checkpoint(
        self, kind: str, num_fewshot: int, at_least: int
    ) -> dict[str, tuple[float, int]]:
        """Checkpoint name → total seconds and questions computed, over runs with as many few-shot examples.

        Args:
            kind: Kind of the jobs.
            num_fewshot: Number of few-shot examples.
            at_least: Minimum number of questions that a run computed at the checkpoint.
        """
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT name, sum(seconds), sum(computed) FROM progress JOIN jobs ON jobs.id = progress.job "
                "WHERE kind = ? AND coalesce(json_extract(payload, '$.num_fewshot'), 0) = ? AND computed >= ? "
                "GROUP BY name",
                (kind, num_fewshot, at_least),
            ).fetchall()
        return {name: (seconds, computed) for name, seconds, computed in rows}

    def progress_of(self, job_id: int, name: str) -> Progress | None:
        """Progress of one checkpoint; None if no worker has begun it."""
        with self.database.reading() as connection:
            return next(iter(_progress(connection, job_id, name)), None)

    def queue_position(self, job: Job) -> int | None:
        """Number of jobs before a queued one, by their order as known now; None for one that does not wait."""
        if job.state != "queued":
            return None
        with self.database.reading() as connection:
            (count,) = connection.execute(
                f"SELECT count(*) FROM jobs WHERE (state = 'running' AND {leases.lease_condition(leases.monotonic_now())}) "
                "OR (state = 'queued' AND (priority > ? OR (priority = ? AND id < ?)))",
                (job.priority, job.priority, job.id),
            ).fetchone()
        return int(count)

    # --- for workers ----------------------------------------------------------------------------------

    def claim(self, worker: str, lease_s: float) -> Job | None:
        """Claim the next job for `lease_s` seconds; None without one.

        A job with an expired lease is taken over.
        """
        while True:
            # A read needs no lock, so idle workers block no writer.
            with self.database.reading() as connection:
                if _next_job(connection) is None:
                    return None
            with self.database.transaction() as connection:
                now = time.time()
                row = _next_job(connection)
                if row is None:
                    return None
                job_id, state, deaths = row
                died = state == "running"
                if died and deaths + 1 >= MAX_DEATHS_IN_A_ROW:
                    self._give_up(connection, job_id, now)
                    continue
                # Claims of its last worker are released at once: the job's lease has run out with theirs.
                connection.execute(
                    "DELETE FROM shares WHERE job = ? AND worker = (SELECT worker FROM jobs WHERE id = ?)",
                    (job_id, job_id),
                )
                connection.execute(
                    f"UPDATE jobs SET state = 'running', worker = ?, {leases.SET_COLUMNS}, "
                    "attempt = attempt + 1, deaths = deaths + ?, started_at = coalesce(started_at, ?), "
                    "claimed_at = ? WHERE id = ?",
                    (worker, *leases.new_lease(lease_s), int(died), now, now, job_id),
                )
                _record(connection, job_id, "reclaimed" if died else "claimed", worker)
                return self.get(job_id)

    def heartbeat(self, job: Job, lease_s: float) -> bool:
        """Extend the lease; False if the job was cancelled or taken over, and work on it has to stop."""
        with self.database.transaction() as connection:
            return _changed(
                connection,
                f"UPDATE jobs SET {leases.SET_COLUMNS} WHERE {_HELD}",
                (*leases.new_lease(lease_s), *_held(job)),
            )

    def is_active(self, job: Job) -> bool:
        """Whether any worker still works on the job; for a worker that helps."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job.id,)).fetchone()
        return row is not None and row[0] == "running"

    def led_by_other_workers(self, worker: str) -> list[Job]:
        """Running jobs of other workers that are alive, by priority, highest first, then oldest first."""
        return self._jobs(
            f"WHERE state = 'running' AND {leases.lease_condition(leases.monotonic_now())} AND worker != ? ORDER BY priority DESC, id",
            (worker,),
        )

    def report(self, job: Job, progress: Iterable[Progress | Mapping[str, Any]]) -> bool:
        """Set progress rows by checkpoint name; False if the job was cancelled or taken over.

        Values are totals, not increments. A worker may report the checkpoints that it has claimed, whoever
        leads the job. Inside a `database.transaction()` that also saves results, both are saved or neither
        is.
        """
        rows = [p if isinstance(p, Progress) else Progress(**p) for p in progress]
        with self.database.transaction() as connection:
            state, attempt = connection.execute(
                "SELECT state, attempt FROM jobs WHERE id = ?", (job.id,)
            ).fetchone() or (None, None)
            if attempt != job.attempt or state == "queued":
                rows = [row for row in rows if _has_share(connection, job, row.name)]
            if not rows:
                return False
            # Results that a worker computed before its job was cancelled are valid, so they are shown.
            connection.executemany(_SET_PROGRESS, _progress_values(job.id, rows))
            connection.execute("UPDATE jobs SET deaths = 0 WHERE id = ?", (job.id,))
            return bool(state == "running")

    def must_stop(self, job: Job) -> bool:
        """Whether work on the job has to stop: it was cancelled, or another job takes precedence.

        Asked before each batch; it takes 0.03 ms.
        """
        return not self.is_active(job) or self.is_preempted(job)

    def is_preempted(self, job: Job) -> bool:
        """Whether another job takes precedence: a long job then releases itself and goes on later.

        That is so if a job of higher priority waits, or, after `TURN_S`, one of the same priority and another
        owner.
        """
        begun = self._turns.setdefault((job.id, job.attempt), leases.monotonic_now())
        is_over = leases.monotonic_now() - begun > TURN_S
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM jobs WHERE state = 'queued' AND "
                "(priority > ? OR (? AND priority = ? AND owner != ?)) LIMIT 1",
                (job.priority, is_over, job.priority, job.owner),
            ).fetchone()
        return row is not None

    def release(self, job: Job) -> bool:
        """Put a claimed job back in its old place, with its progress; False if cancelled or taken over."""
        with self.database.transaction() as connection:
            released = _changed(
                connection,
                f"UPDATE jobs SET state = 'queued', lease_until = NULL, worker = NULL WHERE {_HELD}",
                _held(job),
            )
            if released:
                _record(connection, job.id, "released", job.worker)
            return released

    def finish(self, job: Job, error: str | None = None) -> bool:
        """Mark a job as done, or as failed with `error`; False if it was cancelled or taken over before."""
        state = "done" if error is None else "failed"
        with self.database.transaction() as connection:
            finished = _changed(
                connection,
                f"UPDATE jobs SET state = ?, error = ?, finished_at = ?, lease_until = NULL WHERE {_HELD}",
                (state, error, time.time(), *_held(job)),
            )
            if finished:
                _record(connection, job.id, state, job.worker)
            return finished

    def _give_up(self, connection: sqlite3.Connection, job_id: int, now: float) -> None:
        connection.execute(
            "UPDATE jobs SET state = 'failed', error = ?, finished_at = ?, lease_until = NULL WHERE id = ?",
            (
                f"The worker died {MAX_DEATHS_IN_A_ROW} times in a row without getting further, probably for "
                "want of memory: run fewer or smaller checkpoints at once.",
                now,
                job_id,
            ),
        )
        _record(connection, job_id, "failed")

    def _jobs(self, condition: str, values: tuple[object, ...], progress: bool = True) -> list[Job]:
        with self.database.reading() as connection:
            found = connection.execute(f"SELECT {', '.join(_JOB_COLUMNS)} FROM jobs {condition}", values)
            jobs = [dict(zip(_JOB_COLUMNS, row, strict=True)) for row in found.fetchall()]
            for job in jobs:
                job["payload"] = json.loads(job["payload"])
                job["progress"] = _progress(connection, job["id"]) if progress else ()
        return [Job(**job) for job in jobs]


_JOB_COLUMNS = tuple(name for name in Job.model_fields if name != "progress")
_PROGRESS_COLUMNS = tuple(Progress.model_fields)
_SET_PROGRESS = (
    f"INSERT INTO progress (job, {', '.join(_PROGRESS_COLUMNS)}) "
    f"VALUES (?{', ?' * len(_PROGRESS_COLUMNS)}) ON CONFLICT (job, name) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _PROGRESS_COLUMNS)
)
_HELD = "id = ? AND attempt = ? AND state = 'running'"


def _next_job(connection: sqlite3.Connection) -> tuple[int, str, int] | None:
    """(id, state, deaths) of the next job: a queued one, or one with an expired lease; None without one."""
    now = leases.monotonic_now()
    row: tuple[int, str, int] | None = connection.execute(
        "SELECT id, state, deaths FROM jobs "
        f"WHERE state = 'queued' OR (state = 'running' AND NOT {leases.lease_condition(now)}) ORDER BY priority DESC, "
        "(SELECT count(*) FROM jobs AS own WHERE own.owner = jobs.owner AND own.state = 'running' "
        f"AND {leases.lease_condition(now, 'own')}), "
        "(SELECT coalesce(max(claimed_at), 0) FROM jobs AS own WHERE own.owner = jobs.owner), id LIMIT 1"
    ).fetchone()
    return row


def _progress_values(job_id: int, progress: Iterable[Progress]) -> list[tuple[Any, ...]]:
    return [(job_id, *(getattr(row, column) for column in _PROGRESS_COLUMNS)) for row in progress]


def _held(job: Job) -> tuple[int, int]:
    return job.id, job.attempt


def _prune(connection: sqlite3.Connection) -> None:
    """Delete all finished jobs but the last `KEPT_JOBS`, with their progress, events, plans and claims."""
    old = connection.execute(
        "SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled') ORDER BY id DESC LIMIT -1 OFFSET ?",
        (KEPT_JOBS,),
    ).fetchall()
    for table in ("progress", "events", "plans", "shares"):
        connection.executemany(f"DELETE FROM {table} WHERE job = ?", old)
    connection.executemany("DELETE FROM jobs WHERE id = ?", old)


def _has_share(connection: sqlite3.Connection, job: Job, checkpoint: str) -> bool:
    held = connection.execute(
        "SELECT 1 FROM shares WHERE job = ? AND checkpoint = ? AND worker = ?",
        (job.id, checkpoint, job.worker),
    )
    return held.fetchone() is not None


def _progress(connection: sqlite3.Connection, job_id: int, name: str | None = None) -> tuple[Progress, ...]:
    rows = connection.execute(
        f"SELECT {', '.join(_PROGRESS_COLUMNS)} FROM progress WHERE job = ? AND name = coalesce(?, name) "
        "ORDER BY rowid",
        (job_id, name),
    )
    return tuple(Progress(**dict(zip(_PROGRESS_COLUMNS, row, strict=True))) for row in rows)


def _changed(connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> bool:
    return connection.execute(statement, values).rowcount > 0


def _record(connection: sqlite3.Connection, job_id: int, what: str, worker: str | None = None) -> None:
    connection.execute(
        "INSERT INTO events (job, at, what, worker) VALUES (?, ?, ?, ?)", (job_id, time.time(), what, worker)
    )
