"""The worker process: claims queued runs and computes them, until it is told to stop.

It shares nothing with the app but the database, so the page stays usable and a killed worker loses no
more than the batch it was in: its lease runs out, and the next worker goes on where it stopped.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time

from .authoring import open_set
from .errors import Cancelled, StudioError
from .jobs import Job
from .runs import KIND, CheckpointProgress, evaluate
from .studio import Studio

LEASE_S = 15.0
POLL_S = 0.2
log = logging.getLogger(__name__)


def work(studio: Studio, once: bool = False, idle_exit_s: float | None = None) -> int:
    """Run jobs until SIGTERM, or until the queue is empty (`once`) or has been so for `idle_exit_s`.

    Returns how many jobs were taken.
    """
    name = f"{socket.gethostname()}:{os.getpid()}"
    stopping: list[int] = []
    previous = {s: signal.signal(s, lambda number, _: stopping.append(number)) for s in _STOP_SIGNALS}
    taken, idle_since = 0, time.monotonic()
    try:
        while not stopping:
            job = studio.jobs.claim(name, LEASE_S)
            if job is not None:
                taken += 1
                run_job(studio, job, lambda: bool(stopping))
                idle_since = time.monotonic()
            elif once or (idle_exit_s is not None and time.monotonic() - idle_since > idle_exit_s):
                break
            else:
                time.sleep(POLL_S)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return taken


def run_job(studio: Studio, job: Job, stopping=lambda: False) -> None:
    """Compute one claimed job; its end, good or bad, is written to the queue."""
    beat = time.monotonic()
    lost = False

    def cancelled() -> bool:
        nonlocal beat, lost
        if not lost and time.monotonic() - beat > LEASE_S / 10:
            beat = time.monotonic()
            lost = not studio.jobs.heartbeat(job, LEASE_S)
        return lost or stopping()

    rows: dict[str, dict] = {}

    def report(progress: CheckpointProgress) -> None:
        rows[progress.checkpoint] = progress.model_dump()
        studio.jobs.report(job, [rows[progress.checkpoint]])

    try:
        if job.kind != KIND:
            raise StudioError(f"Job {job.id} is of the kind {job.kind!r}, which this version does not know.")
        wanted = set(job.payload["checkpoints"])
        checkpoints = [c for c in studio.catalogue.checkpoints if c.name in wanted]
        if gone := wanted - {c.name for c in checkpoints}:
            raise StudioError(f"The checkpoint {min(gone)} is no longer there: choose the checkpoints again.")
        task = open_set(studio.settings, job.payload["set"])
        evaluate(studio, task, checkpoints, job.payload["num_fewshot"], report, cancelled)
    except Cancelled:
        log.info("job %s stopped", job.id)
        if stopping() and not lost:
            studio.jobs.release(job)
    except StudioError as error:
        studio.jobs.finish(job, error=str(error))
    except Exception:
        log.exception("job %s failed", job.id)
        studio.jobs.finish(
            job, error="The run stopped on an error of the studio's own; the worker's log has the details."
        )
    else:
        studio.jobs.finish(job)


def spawn(idle_exit_s: float = 900.0) -> subprocess.Popen[bytes]:
    """Start a worker of its own session, so that it outlives the page that asked for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "e2lm_core", "worker", "--idle-exit", str(idle_exit_s)],
        cwd=_package_parent(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _package_parent() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
