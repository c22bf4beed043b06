"""Timings of checkpoints, from this run and earlier ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from e2lm_core.runs.queue.queue import JobQueue

LATEST = 20_000


def timing_rows(queue: JobQueue, kind: str, num_fewshot: int) -> list[tuple[str, float, int]]:
    """(checkpoint, its share of the run's seconds, questions computed) of runs that computed it whole, newest first.

    Not those on a Ray cluster, whose shares depend on how many actors there were.
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
    """Seconds of a run shared by those who are at work: ∫ dt / n(t), n of them at a moment.

    What each takes of it adds up to the time in which somebody was at work, also where one is left alone at the end.
    """

    def __init__(self) -> None:
        self._lock, self._working = threading.Lock(), 0
        self._seconds, self._at = 0.0, time.monotonic()

    @contextmanager
    def working(self) -> Iterator[None]:
        """At work for as long as the context is open."""
        self._begun(1)
        try:
            yield
        finally:
            self._begun(-1)

    def seconds(self, among: int = 1) -> float:
        """The seconds so far, for one of `among` who are at work as one."""
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
