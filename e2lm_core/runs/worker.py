"""Worker process: claims jobs and computes them.

It shares nothing with the app but the database, so the page stays usable and a killed worker loses no
more than its current batch: its lease runs out, and the next worker goes on at the same place. A worker
without a waiting job helps with the checkpoints of a job that another leads.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from e2lm_core.base.database import change_stamp
from e2lm_core.base.errors import Cancelled, CheckpointError, StudioError
from e2lm_core.base.processes import subprocess_environment
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import ROOT
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.queue import permissions, rolling_cleanup
from e2lm_core.runs.queue.batch_plans import BatchPlans
from e2lm_core.runs.queue.claims import CheckpointClaims, find_joinable_job, open_checkpoints
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.queue.records import Job, Progress, ProgressListener
from e2lm_core.runs.queue.resource_limits import CpuAccount, ResourceLimits
from e2lm_core.runs.start import CONTROL, CUE_WORDS, KIND, TRIAL
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials.trial import FEW_TOGETHER, run_trial_job
from e2lm_core.sets.collection import open_set
from e2lm_core.sets.prompts.wrong_question_control import control_set, words_set

LEASE_S = 10.0
# A shorter lease may end between two heartbeats; the job of a dead worker waits for the lease's end.
LEASES_S = (1.0, 3_600.0)
BEAT_S = 0.5
EXIT_MEMORY = 75
NICE = 8  # of 19: a sixth of the page's weight if both want a core
TIDY_S = 1.0  # idle time after a job before the cleanup
QUEUE_LOOK_S = 0.02  # between two looks into the queue, each of which takes 0.05 ms
STAMP_LOOK_S = 0.004  # between two looks at the database's stamp, to see whether a look is worth while
_SHARED = (KIND, CONTROL, CUE_WORDS)  # a trial's results lie in the memory of one worker
_KINDS = (*_SHARED, TRIAL)
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
log = logging.getLogger(__name__)


def run_worker(
    studio: Studio,
    once: bool = False,
    idle_exit_s: float | None = None,
    lease_s: float = LEASE_S,
    parent: int | None = None,
) -> int:
    """Run jobs until SIGTERM or until there is nothing left to wait for; returns the number of jobs taken.

    Args:
        studio: Store, queue, catalogue and backend.
        once: Whether to end when the queue is empty.
        idle_exit_s: End after so many seconds with an empty queue; None to wait for ever.
        lease_s: Lease on a job; after a kill the job is free for others once it has run out.
        parent: Id of the process for which it works. When that has ended, its queued jobs are still done, and
            then the worker ends. None for no such process.

    Raises:
        StudioError: `lease_s` lies outside `LEASES_S`.
    """
    low, high = LEASES_S
    if not low <= lease_s <= high:
        raise StudioError(
            Sentence(
                "A worker's lease cannot be {lease} s: use {low} to {high} seconds.",
                lease=f"{lease_s:g}",
                low=f"{low:g}",
                high=f"{high:,.0f}",
            )
        )
    studio.jobs.database.set_busy_timeout()
    _clear_up(studio)
    taken, idle_since, tidy = 0, time.monotonic(), True
    is_child = parent == os.getppid()
    with _stop_signals() as stopping:
        while not stopping():
            if _take_job(studio, stopping, lease_s):
                taken, idle_since, tidy = taken + 1, time.monotonic(), False
                _clear_up(studio)
            elif not tidy and time.monotonic() - idle_since > TIDY_S:
                _tidy(studio)
                tidy = True
            elif (
                once
                or (idle_exit_s is not None and time.monotonic() - idle_since > idle_exit_s)
                or (parent is not None and _gone(parent, is_child))
            ):
                break
            else:
                _wait(studio)
    return taken


def _tidy(studio: Studio) -> None:
    """Flush the journal and collect garbage while idle: in the middle of an edit each takes 0.1 s."""
    studio.jobs.database.flush_journal()
    gc.collect()


def _wait(studio: Studio) -> None:
    """Wait for a write to the database, at most `QUEUE_LOOK_S`, so that an edit starts without delay."""
    until, seen = time.monotonic() + QUEUE_LOOK_S, change_stamp(studio.settings.database)
    while time.monotonic() < until and change_stamp(studio.settings.database) == seen:
        time.sleep(STAMP_LOOK_S)


def _clear_up(studio: Studio) -> None:
    """Evict downloads of rolling runs that are over, such as those cancelled while no worker was on them."""
    with contextlib.suppress(StudioError):
        rolling_cleanup.remove_fetched(studio.settings, studio.jobs)


@contextlib.contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether SIGTERM or SIGINT came; old handlers are restored at the end."""
    stopping: list[int] = []
    previous = {s: signal.signal(s, lambda number, _: stopping.append(number)) for s in _STOP_SIGNALS}
    try:
        yield lambda: bool(stopping)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _take_job(studio: Studio, stopping: Callable[[], bool], lease_s: float) -> bool:
    """Work on the next job, else on one that another worker leads; False if there is none."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    if job := studio.jobs.claim(name, lease_s):
        run_job(studio, job, stopping, lease_s)
    elif job := find_joinable_job(studio.jobs, name, _SHARED):
        join_job(studio, job, stopping, lease_s)
    return job is not None


def run_job(
    studio: Studio, job: Job, stopping: Callable[[], bool] = lambda: False, lease_s: float = LEASE_S
) -> None:
    """Compute one claimed job and write its outcome to the queue.

    The job goes back to the queue, to be continued, if the worker is told to stop or another job takes
    precedence.

    Args:
        studio: Store, queue, catalogue and backend.
        job: The claimed job.
        stopping: Whether the worker was told to stop.
        lease_s: Lease on the job and its checkpoints, in seconds.
    """
    _work_on(studio, job, stopping, lease_s, leads=True)


def join_job(
    studio: Studio, job: Job, stopping: Callable[[], bool] = lambda: False, lease_s: float = LEASE_S
) -> None:
    """Compute checkpoints of a job that another worker leads, as long as it has some that are not begun.

    Args:
        studio: Store, queue, catalogue and backend.
        job: The job, with this worker as its worker.
        stopping: Whether the worker was told to stop.
        lease_s: Lease on its checkpoints, in seconds.
    """
    _work_on(studio, job, stopping, lease_s, leads=False)


def _work_on(studio: Studio, job: Job, stopping: Callable[[], bool], lease_s: float, leads: bool) -> None:
    shares = CheckpointClaims(studio.jobs.database, job, lease_s)
    with _Lease(studio, job, shares, leads) as lease:
        progressing = _JobProgressing(studio.jobs, job, shares, lambda: stopping() or lease.ended)
        error: str | None = None
        try:
            _compute(studio, job, progressing, leads)
        except Cancelled:
            log.info("job %s stopped", job.id)
            error = lease.too_much or lease.account.refused
            if leads and error is None:
                studio.jobs.release(job)  # no effect on a job that was cancelled or that another worker has
            if error is None:
                return
        except StudioError as caught:
            error = str(caught)
        except Exception:
            log.exception("job %s failed", job.id)
            error = "The run stopped on an error of the studio's own; the worker's log has the details."
        finally:
            shares.release_all()
        if leads or error is not None:
            studio.jobs.finish(job, error)


class _JobProgressing(ProgressListener):
    """Progress of a run as a job of the queue; workers may share it and another may continue it."""

    def __init__(
        self, jobs: JobQueue, job: Job, shares: CheckpointClaims, stopping: Callable[[], bool]
    ) -> None:
        self._jobs, self._job, self._shares, self._stopping = jobs, job, shares, stopping
        self._plans = BatchPlans(jobs.database, job.id)

    def report(self, progress: Progress) -> None:
        """Write progress to the queue's table; the batch plan of a finished checkpoint is deleted."""
        self._jobs.report(self._job, [progress])
        if progress.done == progress.total:
            self._plans.delete(progress.name)

    def cancelled(self) -> bool:
        """Whether the worker was told to stop, has lost the job, or another job takes precedence."""
        return self._stopping() or self._jobs.must_stop(self._job)

    def previous_progress(self, checkpoint: str) -> Progress | None:
        """Current progress of a checkpoint, which another worker may have begun; None if nobody has."""
        return self._jobs.progress_of(self._job.id, checkpoint)

    def claim(self, checkpoint: str) -> bool:
        """Claim the checkpoint for this worker."""
        return self._shares.take(checkpoint)

    def planned(self, checkpoint: str, missing: Sequence[bytes], requests: Collection[bytes]) -> list[bytes]:
        """Planned keys of the attempt that reached the checkpoint first."""
        return self._plans.planned_requests(checkpoint, missing, requests)


class _TrialProgressing(ProgressListener):
    """Progress of a trial: nothing of an earlier attempt is left, and nobody shares it."""

    def __init__(self, progressing: ProgressListener) -> None:
        self._progressing = progressing

    def report(self, progress: Progress) -> None:
        """Write the progress of a long trial to the queue's table; the variants of one question take no time."""
        if progress.total > FEW_TOGETHER:
            self._progressing.report(progress)

    def cancelled(self) -> bool:
        """Whether the worker was told to stop, has lost the job, or another job takes precedence."""
        return self._progressing.cancelled()


def _compute(studio: Studio, job: Job, progressing: ProgressListener, leads: bool) -> None:
    if job.kind not in _KINDS:
        raise StudioError(
            Sentence(
                "Job {id} is of the kind {kind}, which this version does not know.",
                id=job.id,
                kind=repr(job.kind),
            )
        )
    checkpoints = _checkpoints_of(studio, job)
    if job.payload.get("anew"):
        studio = studio.without_shipped_results
    task = open_set(*permissions.resolve_run_set(studio.settings, job))
    if job.kind == TRIAL:
        run_trial_job(studio, job, task, checkpoints, _TrialProgressing(progressing))
        return
    if job.kind == CONTROL:
        task = control_set(task)
    elif job.kind == CUE_WORDS:
        task = words_set(task, job.payload["words"])
    todo, shots, questions = checkpoints, job.payload["num_fewshot"], job.payload.get("questions")
    if job.payload.get("rolling"):
        run = rolling_cleanup.lease_name(job.id)
        rolled = evaluate(studio, task, todo, shots, progressing, run, questions).rolled
        if rolled and rolled.sentence:
            raise CheckpointError(rolled.sentence)
        return
    left_out: set[str] = set()
    while True:
        try:
            result = evaluate(studio, task, todo, shots, progressing, questions=questions)
            left_out |= result.left_out.keys()
        except CheckpointError:
            if todo is checkpoints:
                raise
            left_out.update(checkpoint.name for checkpoint in todo)
        if not leads or not (free := _left_by_others(studio, job, progressing, left_out)):
            return
        todo = [c for c in checkpoints if c.name in free]


def _checkpoints_of(studio: Studio, job: Job) -> list[Checkpoint]:
    """The job's checkpoints; raises `StudioError` if one is gone."""
    wanted = set(job.payload["checkpoints"])
    checkpoints = [c for c in studio.catalogue.checkpoints if c.name in wanted]
    if len(checkpoints) < len(wanted) or any(c.repo for c in checkpoints):
        # A page may have added it, or added another commit of it, since this worker was started.
        checkpoints = [c for c in open_catalogue(studio.settings).checkpoints if c.name in wanted]
    if gone := wanted - {c.name for c in checkpoints}:
        raise StudioError(
            Sentence(
                "The checkpoint {gone} is no longer there: choose the checkpoints again.", gone=min(gone)
            )
        )
    return checkpoints


def _left_by_others(studio: Studio, job: Job, progressing: ProgressListener, left_out: set[str]) -> set[str]:
    """Wait for the checkpoints that helpers compute.

    Returns the names of those whose helper died; an empty set once all but `left_out` are complete.
    """
    while True:
        rest, free = (set(names) - left_out for names in open_checkpoints(studio.jobs, job))
        if free or not rest:
            return free
        if progressing.cancelled():
            raise Cancelled(Sentence("The run was cancelled; what was computed is kept."))
        time.sleep(QUEUE_LOOK_S)


class _Lease:
    """Thread that keeps a job's lease alive: loading a large checkpoint may take longer than a lease.

    A helper extends only its own claims, so that a leader's death is noticed. The thread also watches the
    resources that the job takes: `too_much` is the sentence that ends it.
    """

    def __init__(self, studio: Studio, job: Job, shares: CheckpointClaims, leads: bool):
        self.lost = False
        self.account = CpuAccount(permissions.resolve_run_set(studio.settings, job)[0])
        self.too_much: str | None = None
        self._allowance = ResourceLimits(studio.jobs, job, studio.settings)
        self._studio, self._job, self._shares, self._leads = studio, job, shares, leads
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether to stop at the next batch: the lease is lost, or a limit of run or owner is reached."""
        return self.lost or (self.too_much or self.account.refused) is not None

    def __enter__(self) -> _Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        with contextlib.suppress(StudioError):  # a finished run stays finished, whatever it took
            self.account.record(at_once=True)
            self._allowance.time_exceeded(now=True)

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                jobs, job = self._studio.jobs, self._job
                goes_on = jobs.heartbeat(job, self._shares.lease_s) if self._leads else jobs.is_active(job)
                self.lost = not goes_on
                self._shares.extend()
                self.account.record()
                self.too_much = self.too_much or self._allowance.time_exceeded()
                self._watch_memory()
            except StudioError:
                log.warning("job %s: the lease could not be extended this time", self._job.id)
            if self.lost:
                return

    def _watch_memory(self) -> None:
        """End the process if it uses too much memory: a growing batch would not come to its end."""
        if sentence := self._allowance.memory_exceeded():
            log.error("job %s: %s", self._job.id, sentence)
            self._shares.release_all()
            if self._leads:
                self._studio.jobs.finish(self._job, sentence)
            os._exit(EXIT_MEMORY)


def lower_priority() -> None:
    """Lower the priority of this process below that of the page.

    The page's server and the browser need the cores for moments, a worker for long.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICE)
    # Linux may weigh sessions against each other, and a worker has a session of its own.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE), encoding="ascii")


def spawn_worker(idle_exit_s: float = 900.0) -> subprocess.Popen[bytes]:
    """Start a worker in a session of its own: a run in progress outlives this process.

    An idle worker ends with this process, or after `idle_exit_s` seconds.
    """
    return subprocess.Popen(
        [
            *[sys.executable, "-m", "e2lm_core", "worker"],
            *["--idle-exit", str(idle_exit_s), "--parent", str(os.getpid())],
        ],
        cwd=ROOT,
        # It may have to download a checkpoint that was evicted meanwhile.
        env=subprocess_environment(with_network=True),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _gone(process: int, was_parent: bool) -> bool:
    """Whether a process has ended; a parent has ended when another process adopts its children."""
    if was_parent:
        return os.getppid() != process
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False
