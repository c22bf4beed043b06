"""CPU and memory limits of a run, and its CPU seconds in its owner's daily quota."""

from __future__ import annotations

import time

from e2lm_core.base import formatting, processes
from e2lm_core.base.errors import LimitError
from e2lm_core.base.settings import Settings
from e2lm_core.people import quotas
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.queue.records import Job

LOOK_EVERY_S = 2.0
CHARGE_EVERY_S = 5.0


class ResourceLimits:
    """Count of the CPU time and memory that this process takes for a job, with a sentence for too much."""

    def __init__(self, jobs: JobQueue, job: Job, settings: Settings) -> None:
        self._jobs, self._job, self._settings = jobs, job, settings
        self._counted = processes.cpu_seconds()
        self._looked = time.monotonic()
        there = processes.total_memory_bytes()
        self._most = settings.worker_bytes or (round(processes.SHARE * there) if there else None)

    def time_exceeded(self, now: bool = False) -> str | None:
        """Sentence once the run has taken too much CPU time; None before.

        Adds the CPU seconds since the last look, at most every `LOOK_EVERY_S` unless `now`.
        """
        if not now and time.monotonic() - self._looked < LOOK_EVERY_S:
            return None
        self._looked, so_far = time.monotonic(), processes.cpu_seconds()
        taken, self._counted = so_far - self._counted, so_far
        if add_cpu_seconds(self._jobs, self._job, taken) <= self._settings.run_cpu_s:
            return None
        return (
            f"The run took more than the {formatting.duration(self._settings.run_cpu_s)} of processor time that one may "
            "take, so it was ended; what it computed is kept: choose fewer checkpoints, or raise "
            "E2LM_RUN_CPU_SECONDS."
        )

    def memory_exceeded(self) -> str | None:
        """Sentence if this process uses more memory than a worker may; None otherwise."""
        taken = processes.used_memory_bytes()
        if self._most is None or taken is None or taken <= self._most:
            return None
        return (
            f"The run took more than the {formatting.size(self._most)} of memory that a worker may take, so it was "
            "ended; what it computed is kept: choose smaller checkpoints, or raise E2LM_WORKER_GB."
        )


def add_cpu_seconds(jobs: JobQueue, job: Job, cpu_s: float) -> float:
    """Add CPU seconds to a job; returns its total with these, 0 for an unknown job.

    Args:
        jobs: The queue.
        job: The job.
        cpu_s: CPU seconds to add.
    """
    with jobs.database.transaction() as connection:
        row = connection.execute(
            "UPDATE jobs SET cpu_s = cpu_s + ? WHERE id = ? RETURNING cpu_s", (cpu_s, job.id)
        ).fetchall()
    return float(row[0][0]) if row else 0.0


class CpuAccount:
    """CPU seconds that this process spends from now on, over all its threads.

    Attributes:
        refused: Sentence once the person's daily quota is used up; None before.
    """

    def __init__(self, asker: Settings) -> None:
        self._asker = asker
        self._from, self._noted = processes.cpu_seconds(), time.monotonic()
        self.refused: str | None = None

    def record(self, at_once: bool = False) -> None:
        """Charge the CPU seconds since the last record, at most every `CHARGE_EVERY_S` unless `at_once`."""
        if self._asker.person is None or not (at_once or time.monotonic() - self._noted > CHARGE_EVERY_S):
            return
        now = processes.cpu_seconds()
        quotas.record_use(self._asker, "cpu", now - self._from)
        self._from, self._noted = now, time.monotonic()
        try:
            quotas.check_quota(self._asker, "cpu", 0)
        except LimitError as error:
            self.refused = str(error)
