"""Workers killed at random moments: the script that shows it, and that it would see a wrong bit."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import kills
from e2lm_core.base.records import Loglikelihood, Scope
from e2lm_core.base.settings import Limits
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.queue.records import Job, Progress
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore
from tests.conftest import ROOT
from tests.support import workers
from tests.support.short import IS_CI
from tests.support.workers import Stored

KILLS = 4 if IS_CI else 10  # 200 by `make proof`


def stored(path: Path, *values: float, dtype: str = "float32") -> Stored:
    store = LoglikelihoodStore(path)
    scope = Scope(fingerprint="f", dtype=dtype, max_length=8, bos="none", scoring_version=1)
    store.put(scope, [(bytes([n] * 16), Loglikelihood(value, 1)) for n, value in enumerate(values)])
    return workers.stored(path)


def test_a_row_that_differs_in_its_last_bit_is_seen(tmp_path: Path) -> None:
    expected = stored(tmp_path / "a.sqlite", -1.0, -2.0, 0.0)
    assert len(expected) == 3
    assert kills.differing(expected, stored(tmp_path / "b.sqlite", -1.0, -2.0, 0.0)) == 0
    last_bit = math.nextafter(-2.0, 0.0)
    assert kills.differing(expected, stored(tmp_path / "c.sqlite", -1.0, last_bit, 0.0)) == 1
    assert kills.differing(expected, stored(tmp_path / "e.sqlite", -1.0)) == 2  # missing
    assert kills.differing(stored(tmp_path / "e.sqlite"), expected) == 2  # too many
    assert kills.differing(expected, stored(tmp_path / "f.sqlite", -1.0, -2.0, 0.0, dtype="float16")) == 6


@pytest.mark.parametrize(
    ("counted", "wrong"),
    [((kills.QUESTIONS, 0), 0), ((kills.QUESTIONS - 1, 1), 1), ((kills.QUESTIONS + 1, 0), 1)],
)
def test_a_question_counted_twice_or_not_at_all_is_seen(
    tmp_path: Path, counted: tuple[int, int], wrong: int
) -> None:
    def progress(name: str, computed: int, reused: int) -> Progress:
        return Progress(
            name=name, done=kills.QUESTIONS, total=kills.QUESTIONS, computed=computed, reused=reused
        )

    queue = JobQueue(tmp_path / "jobs.sqlite", Limits())
    queue.submit("evaluate", {"checkpoints": ["a", "b"]})
    job = queue.claim("test", 60)
    assert isinstance(job, Job)
    queue.report(job, [progress("a", kills.QUESTIONS, 0), progress("b", *counted)])
    assert kills.miscounted(queue.get(job.id)) == wrong


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_killed_in_a_sweep_leave_every_bit_as_it_was(workers: int) -> None:
    script = subprocess.run(
        [
            *[sys.executable, "-m", "benchmarks.kills", "--kills", str(KILLS)],
            *["--seed", str(os.getpid()), "--workers", str(workers)],
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert script.returncode == 0, script.stdout + script.stderr
    kind, dead, *_, rows, different, miscounted = script.stdout.split("\n")[-2].split()
    assert (kind, dead, different, miscounted) == ("all", str(KILLS), "0", "0")
    assert int(rows.replace(",", "")) >= 4 * kills.QUESTIONS * kills.CHECKPOINTS
