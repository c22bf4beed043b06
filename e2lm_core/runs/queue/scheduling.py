"""Scheduling: priority, fairness, preemption."""

from __future__ import annotations

import sqlite3

from e2lm_core.base.database import Database
from e2lm_core.runs.queue import leases
from e2lm_core.runs.queue.records import Job


def next_job(connection: sqlite3.Connection) -> tuple[int, str, int] | None:
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


def queue_position(database: Database, job: Job) -> int | None:
    """Number of jobs before a queued one, by their order as known now; None for one that does not wait."""
    if job.state != "queued":
        return None
    with database.reading() as connection:
        (count,) = connection.execute(
            f"SELECT count(*) FROM jobs WHERE (state = 'running' AND {leases.lease_condition(leases.monotonic_now())}) "
            "OR (state = 'queued' AND (priority > ? OR (priority = ? AND id < ?)))",
            (job.priority, job.priority, job.id),
        ).fetchone()
    return int(count)


def should_yield(connection: sqlite3.Connection, job: Job, over: bool) -> bool:
    """Whether a waiting job takes precedence over a running one.

    That is one of higher priority, or, once the turn is over, one of the same priority and another owner.

    Args:
        connection: Connection to the database.
        job: The running job.
        over: Whether its turn is over.
    """
    row = connection.execute(
        "SELECT 1 FROM jobs WHERE state = 'queued' AND "
        "(priority > ? OR (? AND priority = ? AND owner != ?)) LIMIT 1",
        (job.priority, over, job.priority, job.owner),
    ).fetchone()
    return row is not None
