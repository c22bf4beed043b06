"""Timings of checkpoints, from this run and earlier ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from e2lm_core.runs.queue.queue import JobQueue

LATEST = 20_000  # rows


def timing_rows(queue: JobQueue, kind: str, num_fewshot: int) -> list[tuple[str, float, int]]:
    """(checkpoint, seconds, questions) of runs that computed a checkpoint completely, newest first.

    Seconds are the checkpoint's share of the run's time. Runs on a Ray cluster are left out: their shares
    depend on the number of actors.

    Args:
        queue: The queue.
        kind: Kind of the jobs.
        num_fewshot: Number of few-shot examples.
    """
    with queue.database.reading() as connection:
        found = connection.execute(
            "SELECT name, seconds, computed FROM progress JOIN jobs ON jobs.id = progress.job "
            "WHERE kind = ? AND coalesce(json_extract(payload, '$.num_fewshot'), 0) = ? "
            "AND computed > 0 AND computed = total AND seconds > 0 "
            "AND coalesce(note, '') NOT LIKE '%Ray cluster%' ORDER BY jobs.id DESC LIMIT ?",
            (kind, num_fewshot, LATEST),
        ).fetchall()
    return [(str(name), float(seconds), int(computed)) for name, seconds, computed in found]


class SharedTime:
    """Time of a run shared by the threads at work: ∫ dt / n(t), with n(t) threads at the time t.

    The shares of all threads add up to the time in which any was at work, also if one is left alone at the
    end.
    """

    def __init__(self) -> None:
        self._lock, self._working = threading.Lock(), 0
        self._seconds, self._at = 0.0, time.monotonic()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the caller as at work for as long as the context is open."""
        self._begun(1)
        try:
            yield
        finally:
            self._begun(-1)

    def seconds(self, among: int = 1) -> float:
        """Shared seconds so far, for one of `among` checkpoints that are computed together."""
        with self._lock:
            self._went_on()
            return self._seconds / among

    def _begun(self, more: int) -> None:
        with self._lock:
            self._went_on()
            self._working += more

    def _went_on(self) -> None:
        now = time.monotonic()
        if self._working:
            self._seconds += (now - self._at) / self._working
        self._at = now
