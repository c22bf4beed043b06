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
import threading
import time
from collections.abc import Callable

from .authoring import open_set
from .checkpoints import open_catalogue
from .errors import Cancelled, StudioError
from .jobplans import JobPlans
from .jobs import Job, Progress
from .runs import KIND, evaluate
from .studio import Studio

LEASE_S = 10.0
# A shorter one may end between two beats; a dead worker's job waits for its end.
LEASES_S = (1.0, 3_600.0)
BEAT_S = 0.5  # cancelling takes effect within this and one batch
POLL_S = 0.05  # an edit waits for it; a look into the queue takes a twentieth of a millisecond
log = logging.getLogger(__name__)


def work(
    studio: Studio, once: bool = False, idle_exit_s: float | None = None, lease_s: float = LEASE_S
) -> int:
    """Run jobs until SIGTERM, or until the queue is empty (`once`) or has been so for `idle_exit_s`.

    After a kill its job is free for others once `lease_s` have passed. Returns how many jobs were taken.
    """
    low, high = LEASES_S
    if not low <= lease_s <= high:
        raise StudioError(f"A worker's lease cannot be {lease_s:g} s: use {low:g} to {high:,.0f} seconds.")
    name = f"{socket.gethostname()}:{os.getpid()}"
    stopping: list[int] = []
    previous = {s: signal.signal(s, lambda number, _: stopping.append(number)) for s in _STOP_SIGNALS}
    taken, idle_since = 0, time.monotonic()
    try:
        while not stopping:
            job = studio.jobs.claim(name, lease_s)
            if job is not None:
                taken += 1
                run_job(studio, job, lambda: bool(stopping), lease_s)
                idle_since = time.monotonic()
            elif once or (idle_exit_s is not None and time.monotonic() - idle_since > idle_exit_s):
                break
            else:
                time.sleep(POLL_S)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return taken


def run_job(
    studio: Studio, job: Job, stopping: Callable[[], bool] = lambda: False, lease_s: float = LEASE_S
) -> None:
    """Compute one claimed job; its end, good or bad, is written to the queue.

    It goes back to the queue, to be continued, when the worker is told to stop or a job of higher priority
    waits.
    """
    with _Lease(studio, job, lease_s) as lease:

        def cancelled() -> bool:
            return lease.lost or lease.overtaken or stopping()

        def report(progress: Progress) -> None:
            studio.jobs.report(job, [progress])

        try:
            _compute(studio, job, report, cancelled)
        except Cancelled:
            log.info("job %s stopped", job.id)
            if not lease.lost:
                studio.jobs.release(job)
        except StudioError as error:
            studio.jobs.finish(job, error=str(error))
        except Exception:
            log.exception("job %s failed", job.id)
            studio.jobs.finish(
                job,
                error="The run stopped on an error of the studio's own; the worker's log has the details.",
            )
        else:
            studio.jobs.finish(job)


def _compute(
    studio: Studio, job: Job, report: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> None:
    if job.kind != KIND:
        raise StudioError(f"Job {job.id} is of the kind {job.kind!r}, which this version does not know.")
    wanted = set(job.payload["checkpoints"])
    checkpoints = [c for c in studio.catalogue.checkpoints if c.name in wanted]
    if len(checkpoints) < len(wanted) or any(c.repo for c in checkpoints):
        # A page may have added it, or taken it from another commit, since this worker was started.
        checkpoints = [c for c in open_catalogue(studio.settings).checkpoints if c.name in wanted]
    if gone := wanted - {c.name for c in checkpoints}:
        raise StudioError(f"The checkpoint {min(gone)} is no longer there: choose the checkpoints again.")
    task = open_set(studio.settings, job.payload["set"])
    earlier = {row.name: row for row in job.progress}
    plans = JobPlans(studio.jobs.database, job.id)
    evaluate(studio, task, checkpoints, job.payload["num_fewshot"], report, cancelled, earlier, plans)


class _Lease:
    """Keeps a job's lease alive from a thread: loading a large checkpoint may take longer than a lease."""

    def __init__(self, studio: Studio, job: Job, lease_s: float):
        self.lost = self.overtaken = False
        self._studio, self._job, self._lease_s = studio, job, lease_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> _Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                self.lost = not self._studio.jobs.heartbeat(self._job, self._lease_s)
                self.overtaken = self._studio.jobs.overtaken(self._job)
            except StudioError:
                log.warning("job %s: the lease could not be extended this time", self._job.id)
            if self.lost:
                return


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
