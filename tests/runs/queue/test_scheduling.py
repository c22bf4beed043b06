"""Whose turn it is: what goes before a job that waits. Turns themselves are tried in test_sharing.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.settings import Limits
from e2lm_core.runs.queue import scheduling
from e2lm_core.runs.queue.queue import JobQueue


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    return JobQueue(tmp_path / "runs.sqlite", Limits())


def test_what_runs_and_what_is_more_urgent_or_older_goes_before(queue: JobQueue) -> None:
    first, second, third, urgent = (queue.submit("evaluate", {"set": str(n)}, n == 3) for n in range(4))

    def ahead() -> list[int | None]:
        return [
            scheduling.queue_position(queue.database, queue.get(job))
            for job in (first, second, third, urgent)
        ]

    assert ahead() == [1, 2, 3, 0]
    claimed = queue.claim("a worker", 60)
    assert claimed is not None
    assert claimed.id == urgent
    assert ahead() == [1, 2, 3, None]
    queue.finish(claimed)
    queue.cancel(second)
    assert ahead() == [0, None, 1, None]
