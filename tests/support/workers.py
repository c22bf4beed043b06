"""A backend that takes its time, waiting for what a worker does, and every row that workers have stored."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from e2lm_core.base.records import Checkpoint, Loglikelihood, Request
from e2lm_core.base.settings import ROOT
from e2lm_core.runs.queue.batch_plans import BatchPlans
from e2lm_core.runs.queue.records import Job, Progress, ProgressListener
from tests.support.fake_backend import FakeBackend

# Every result by its whole key: the bytes of its log-likelihood, and its tokens.
Stored = dict[tuple[Any, ...], tuple[bytes, int]]


class Slow(FakeBackend):
    """The fake backend, taking its time, and telling what it computes."""

    def __init__(self, seconds: float = 0.01) -> None:
        super().__init__()
        self.seconds = seconds
        self.seen: list[str] = []

    def chunks(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip=(),
    ) -> Iterator[list[tuple[int, Loglikelihood]]]:
        self.seen.append(checkpoint.name)
        for chunk in super().chunks(checkpoint, requests, cancelled, skip):
            time.sleep(self.seconds)
            yield chunk


class Watched(ProgressListener):
    """A run that is watched, stopped and gone on with by functions."""

    def __init__(
        self,
        report: Callable[[Progress], object] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
        previous_progress: Mapping[str, Progress] | None = None,
        plans: BatchPlans | None = None,
    ) -> None:
        self._report, self._cancelled = report, cancelled
        self._previous, self._plans = dict(previous_progress or {}), plans

    def report(self, progress: Progress) -> None:
        self._report(progress)
        if self._plans and progress.done == progress.total:
            self._plans.delete(progress.name)

    def cancelled(self) -> bool:
        return self._cancelled()

    def previous_progress(self, checkpoint: str) -> Progress | None:
        return self._previous.get(checkpoint)

    def planned(self, checkpoint: str, missing: Sequence[bytes], requests: Collection[bytes]) -> list[bytes]:
        return self._plans.planned_requests(checkpoint, missing, requests) if self._plans else list(missing)


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.005)


@contextlib.contextmanager
def process(command: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process beside this one, killed at the end; what it prints can be read as it comes."""
    running = subprocess.Popen(command, env=dict(env), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.wait()
        if running.stdout is not None:
            running.stdout.close()


def computed(job: Job) -> int:
    return sum(row.computed for row in job.progress)


def stored(database: Path) -> Stored:
    """Every result of a database by its whole key: the bytes of its log-likelihood, and its tokens."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT fingerprint, dtype, max_length, bos, scoring_version, digest, ll_nats, tokens "
            "FROM results JOIN scopes ON scopes.id = results.scope"
        ).fetchall()
    return {tuple(key): (struct.pack("<d", ll_nats), tokens) for *key, ll_nats, tokens in rows}
