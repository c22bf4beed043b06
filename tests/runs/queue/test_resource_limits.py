"""What a run may take: processor time over all its attempts, and a worker's memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from e2lm_core.runs import results, worker
from e2lm_core.runs.queue import resource_limits
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from tests.conftest import ROOT
from tests.support import studios
from tests.support.fake_backend import FakeBackend

LIMIT_S = 0.15


class Busy(FakeBackend):
    """Takes some processor time for each chunk."""

    def chunks(self, *arguments):
        for chunk in super().chunks(*arguments):
            end = time.process_time() + 0.04
            while time.process_time() < end:
                sum(range(1_000))
            yield chunk


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setattr(resource_limits, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(worker, "BEAT_S", 0.02)
    return studios.studio(tmp_path, Busy())


def limited(studio: Studio, **limits: float) -> Studio:
    return replace(studio, settings=studio.settings.model_copy(update=limits))


def test_a_run_ends_at_its_processor_time_with_a_sentence_and_keeps_what_it_has(here: Studio) -> None:
    number = studios.start_run(here, "little", here.local_checkpoints)
    worker.run_worker(limited(here, run_cpu_s=LIMIT_S), once=True)
    job = here.jobs.get(number)
    assert job.state == "failed"
    assert job.error is not None
    assert "E2LM_RUN_CPU_SECONDS" in job.error
    measured = results.load_measurements(
        here, collection.open_set(here.settings, "little"), here.local_checkpoints
    )
    assert 0 < measured.complete_checkpoints < measured.checkpoints


def test_every_attempt_counts(here: Studio) -> None:
    studios.start_run(here, "little", here.local_checkpoints)
    job = here.jobs.claim("one", 60)
    assert job is not None
    assert resource_limits.add_cpu_seconds(here.jobs, job, 1.5) == 1.5
    here.jobs.release(job)
    again = here.jobs.claim("two", 60)
    assert again is not None
    assert resource_limits.add_cpu_seconds(here.jobs, again, 2.0) == 3.5
    spent = resource_limits.ResourceLimits(here.jobs, again, limited(here, run_cpu_s=3.0).settings)
    assert spent.time_exceeded(now=True)


def test_within_its_limit_a_run_is_done(here: Studio) -> None:
    number = studios.start_run(here, "little", here.local_checkpoints[:2])
    worker.run_worker(here, once=True)
    assert here.jobs.get(number).state == "done"
    (cpu_s,) = here.store.database.connection().execute("SELECT cpu_s FROM jobs").fetchone()
    assert cpu_s > 0.04


def test_a_worker_may_hold_all_that_it_may_hold(here: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studios.start_run(here, "little", here.local_checkpoints)
    job = here.jobs.claim("one", 60)
    assert job is not None
    allowed = resource_limits.ResourceLimits(here.jobs, job, limited(here, worker_bytes=10**9).settings)
    monkeypatch.setattr(resource_limits.processes, "used_memory_bytes", lambda: 10**9)
    assert allowed.memory_exceeded() is None
    monkeypatch.setattr(resource_limits.processes, "used_memory_bytes", lambda: 10**9 + 1)
    assert "more than the 1 GB of memory" in (allowed.memory_exceeded() or "")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux says in /proc what a process holds")
def test_a_worker_that_takes_too_much_memory_ends_with_a_sentence_on_its_run(tmp_path: Path) -> None:
    studio = studios.studio(tmp_path, ladder=studios.real_ladder(tmp_path / "ladder", studios.STEPS[:2]))
    number = studios.start_run(studio, "little", studio.local_checkpoints)
    env = os.environ | studios.environment(studio.settings) | {"E2LM_WORKER_GB": "0.01"}
    ended = subprocess.run(
        [sys.executable, "-m", "e2lm_core", "worker", "--once"],
        cwd=ROOT,
        env=env,
        timeout=120,
        check=False,
    )
    assert ended.returncode == worker.EXIT_MEMORY
    job = studio.jobs.get(number)
    assert job.state == "failed"
    assert "E2LM_WORKER_GB" in (job.error or "")
