"""Backends that take their time, and waiting for what a worker does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from e2lm_core.base.records import Checkpoint, Loglikelihood, Request
from e2lm_core.runs.queue.records import Job
from tests.support.fake_backend import FakeBackend


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


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.005)


def computed(job: Job) -> int:
    return sum(row.computed for row in job.progress)
