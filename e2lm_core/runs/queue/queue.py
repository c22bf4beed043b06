"""Job queue in SQLite with leases.

A worker claims a job for some seconds and keeps extending its lease; when it is killed the lease runs out
and the next claim gets the job, together with the progress that was saved. `attempt` numbers the claims,
so that a worker that has lost its job can change nothing of it any more.

The queue is fair: among jobs of one priority the turn goes to the owner (a visitor) who has the fewest running,
then to the one whose last turn is longest ago, and a turn ends after `TURN_S` where another owner waits.
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
from e2lm_core.base.settings import Limits
from e2lm_core.runs.queue import leases, scheduling
from e2lm_core.runs.queue.records import Event, Job, Progress

# A job that kills its worker each time (out of memory, say) must not do so for ever; any saved progress
# starts the count again.
MAX_DEATHS_IN_A_ROW = 10
TURN_S = 60.0
KEPT_JOBS = 200  # that are over; results are kept apart, and for ever


class JobQueue:
    """The jobs in one database. Safe to use from several threads and processes; times are seconds since the epoch.

    Every method raises `StoreError`, in one sentence, where the database cannot be used.
    """

    def __init__(self, database: Path | Database, limits: Limits) -> None:
        self.database = open_database(database)
        self.limits = limits
        self._turns: dict[tuple[int, int], float] = {}  # when this process began with a job's attempt

    # --- for those who want something done ------------------------------------------------------------

    def submit(self, kind: str, payload: Mapping[str, Any], priority: int = 0, owner: str = "") -> int:
        """The new job's id. Higher priority goes first, then as is fair, then the oldest.

        Raises `LimitError` when `limits.max_queued_jobs` are waiting already, or so many of one visitor's
        as `limits.max_queued_jobs_of_one`.
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

    def _check_room(self, waiting: int, of_owner: int) -> None:
        most, most_of_one = self.limits.max_queued_jobs, self.limits.max_queued_jobs_of_one
        if waiting >= most:
            raise LimitError(
                f"{waiting} runs are waiting already (at most {most}): "
                "wait until one has started, or cancel one."
            )
        if of_owner >= most_of_one:
            raise LimitError(
                f"{of_owner} of your runs are waiting already (at most {most_of_one}): "
                "wait until one has started, or cancel one."
            )

    def cancel(self, job_id: int) -> bool:
        """True where this call stopped it; its workers notice before their next batch. Over stays over."""
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
        """Raises `StoreError` for an unknown id."""
        jobs = self._jobs("WHERE id = ?", (job_id,))
        if not jobs:
            raise StoreError(f"There is no run {job_id}: it may belong to another database (see E2LM_HOME).")
        return jobs[0]

    def recent(self, limit: int = 20) -> list[Job]:
        """The newest first, whatever their state."""
        return self._jobs("ORDER BY id DESC LIMIT ?", (limit,))

    def open_jobs(self) -> list[Job]:
        """All that wait or run, newest first."""
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
        """Those of a set in a workspace (None: the home's own, and examples); progress takes most of the time."""
        return self._jobs(
            "WHERE kind = ? AND json_extract(payload, '$.set') = ? AND json_extract(payload, '$.owner') IS ? "
            "AND (? OR state IN ('queued', 'running')) ORDER BY id DESC LIMIT ?",
            (kind, set_name, whose, not still_open, limit),
            progress,
        )

    def seconds_by_checkpoint(
        self, kind: str, num_fewshot: int, at_least: int
    ) -> dict[str, tuple[float, int]]:
        """Seconds and questions computed by checkpoint, over all runs with so many few-shot examples, where at
        least that many questions were computed at once."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT name, sum(seconds), sum(computed) FROM progress JOIN jobs ON jobs.id = progress.job "
                "WHERE kind = ? AND coalesce(json_extract(payload, '$.num_fewshot'), 0) = ? AND computed >= ? "
                "GROUP BY name",
                (kind, num_fewshot, at_least),
            ).fetchall()
        return {name: (seconds, computed) for name, seconds, computed in rows}

    def progress_of(self, job_id: int, name: str) -> Progress | None:
        """One checkpoint's row; None where nobody has begun it."""
        with self.database.reading() as connection:
            return next(iter(_progress(connection, job_id, name)), None)

    def events(self, after: int = 0, job_id: int | None = None, limit: int = 1_000) -> list[Event]:
        """What happened since event `after`, in any process, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, job, at, what, worker FROM events "
                "WHERE id > ? AND (? IS NULL OR job = ?) ORDER BY id LIMIT ?",
                (after, job_id, job_id, limit),
            ).fetchall()
        return [Event(id=i, job=job, at=at, what=what, worker=worker) for i, job, at, what, worker in rows]

    # --- for workers ----------------------------------------------------------------------------------

    def claim(self, worker: str, lease_s: float) -> Job | None:
        """The next job, held for `lease_s` seconds, or None. One whose lease has run out is taken over."""
        while True:
            # Looking needs no lock, so idle workers hinder nobody.
            with self.database.reading() as connection:
                if scheduling.next_job(connection) is None:
                    return None
            with self.database.transaction() as connection:
                now = time.time()
                row = scheduling.next_job(connection)
                if row is None:
                    return None
                job_id, state, deaths = row
                died = state == "running"
                if died and deaths + 1 >= MAX_DEATHS_IN_A_ROW:
                    self._give_up(connection, job_id, now)
                    continue
                # What its last worker held is free at once: the lease of the job has run out with those.
                connection.execute(
                    "DELETE FROM shares WHERE job = ? AND worker = (SELECT worker FROM jobs WHERE id = ?)",
                    (job_id, job_id),
                )
                connection.execute(
                    "UPDATE jobs SET state = 'running', worker = ?, lease_until = ?, lease_from = ?, lease_s = ?, "
                    "attempt = attempt + 1, deaths = deaths + ?, started_at = coalesce(started_at, ?), "
                    "claimed_at = ? WHERE id = ?",
                    (worker, now + lease_s, leases.monotonic_now(), lease_s, int(died), now, now, job_id),
                )
                _record(connection, job_id, "reclaimed" if died else "claimed", worker)
                return self.get(job_id)

    def heartbeat(self, job: Job, lease_s: float) -> bool:
        """Extend the lease. False when the job was cancelled or taken over: then stop working on it."""
        with self.database.transaction() as connection:
            return _changed(
                connection,
                f"UPDATE jobs SET lease_until = ?, lease_from = ?, lease_s = ? WHERE {_HELD}",
                (time.time() + lease_s, leases.monotonic_now(), lease_s, *_held(job)),
            )

    def is_active(self, job: Job) -> bool:
        """Whether it is still being worked on, by whomever: for a worker that helps."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job.id,)).fetchone()
        return row is not None and row[0] == "running"

    def led_by_other_workers(self, worker: str) -> list[Job]:
        """Running jobs whose worker is another and alive; the highest priority first, then the oldest."""
        return self._jobs(
            f"WHERE state = 'running' AND {leases.lease_condition(leases.monotonic_now())} AND worker != ? ORDER BY priority DESC, id",
            (worker,),
        )

    def report(self, job: Job, progress: Iterable[Progress | Mapping[str, Any]]) -> bool:
        """Set rows of progress, by name; the values are totals, not increments. False as in `heartbeat`.

        Whoever has a share of the job may tell of its checkpoints, whoever leads it. Inside a
        `database.transaction()` that also saves results, both are saved or neither is.
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
            # What a cancelled worker had computed by then is true and is shown.
            connection.executemany(
                f"INSERT INTO progress (job, {', '.join(_PROGRESS_COLUMNS)}) "
                f"VALUES (?{', ?' * len(_PROGRESS_COLUMNS)}) ON CONFLICT (job, name) DO UPDATE SET "
                + ", ".join(f"{column} = excluded.{column}" for column in _PROGRESS_COLUMNS),
                [(job.id, *(getattr(p, column) for column in _PROGRESS_COLUMNS)) for p in rows],
            )
            connection.execute("UPDATE jobs SET deaths = 0 WHERE id = ?", (job.id,))
            return bool(state == "running")

    def must_stop(self, job: Job) -> bool:
        """Whether to stop here: it was cancelled, or it is another's turn. A look before each batch costs
        .03 milliseconds."""
        return not self.is_active(job) or self.is_preempted(job)

    def is_preempted(self, job: Job) -> bool:
        """Whether it is another's turn: a long job then releases itself and goes on later.

        It is when a job of higher priority waits, or one as high of another owner once a turn is over.
        """
        begun = self._turns.setdefault((job.id, job.attempt), leases.monotonic_now())
        with self.database.reading() as connection:
            return scheduling.should_yield(connection, job, over=leases.monotonic_now() - begun > TURN_S)

    def release(self, job: Job) -> bool:
        """Put a claimed job back, in its old place and with its progress."""
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
        """Done, or failed with `error`. False when the job was cancelled or taken over before."""
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

    def close(self) -> None:
        """Close the calling thread's connection."""
        self.database.close()

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
_HELD = "id = ? AND attempt = ? AND state = 'running'"


def _held(job: Job) -> tuple[int, int]:
    return job.id, job.attempt


def _prune(connection: sqlite3.Connection) -> None:
    """Forget all but the last `KEPT_JOBS` that are over, with all that was noted of them."""
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
