"""Health check of app, database and worker.

The answer holds no path, no name and no secret, since anybody may read it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import Literal

from e2lm_core.base.database import connect
from e2lm_core.base.errors import StoreError
from e2lm_core.base.records import Record
from e2lm_core.base.settings import Settings
from e2lm_core.runs.queue import leases

PATIENCE_S = 2.0  # a writer holds the database for milliseconds
WORKER_LATE_S = 120.0  # on a busy machine a worker takes some seconds to start

Database = Literal["ok", "busy", "failed"]
# idle: no open run; working: a run is computed; waiting: one waits for a worker; missing: it waits too long.
Worker = Literal["idle", "working", "waiting", "missing", "unknown"]


class Health(Record):
    """State of app, database and worker.

    Attributes:
        ok: Whether all of them work.
        app: Always ok, since the app gives the answer.
        database: Whether the database can be written: ok, busy or failed.
        worker: idle, working, waiting, missing or unknown.
        waiting_s: Seconds that the oldest open run has been without a worker; None if none waits.
    """

    ok: bool
    app: Literal["ok"] = "ok"
    database: Database
    worker: Worker
    waiting_s: float | None = None


def health(settings: Settings, now: float | None = None) -> Health:
    """State of the studio of these settings; creates the database if there is none yet.

    Args:
        settings: Settings of the studio.
        now: Time in seconds since 1970; None for the present.
    """
    try:
        if not settings.database.exists():
            connect(settings.database).close()
        with contextlib.closing(
            sqlite3.connect(settings.database, timeout=PATIENCE_S, isolation_level=None)
        ) as connection:
            return _of(connection, time.time() if now is None else now)
    except (sqlite3.Error, StoreError):
        return Health(ok=False, database="failed", worker="unknown")


def _of(connection: sqlite3.Connection, now: float) -> Health:
    ((working, since),) = connection.execute(
        f"SELECT coalesce(sum(state = 'running' AND {leases.lease_condition(leases.monotonic_now())}), 0), "
        "min(coalesce(lease_until, created_at)) FROM jobs WHERE state IN ('queued', 'running')"
    ).fetchall()
    database = _written(connection)
    if working or since is None:
        return Health(ok=True, database=database, worker="working" if working else "idle")
    waiting_s = max(0.0, now - since)
    late = waiting_s > WORKER_LATE_S
    return Health(
        ok=not late, database=database, worker="missing" if late else "waiting", waiting_s=round(waiting_s, 1)
    )


def _written(connection: sqlite3.Connection) -> Database:
    """State of the database for a writer. Raises sqlite3.Error if the disk or its rights forbid writing."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY:
            return "busy"
        raise
    connection.execute("ROLLBACK")
    return "ok"
