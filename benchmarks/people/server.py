"""The app's own server on a home with one finished set, and what its processes take of memory and time."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.prepared import finished, made
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs import start
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection

SHARED, EXAMPLE, BESIDE = "shared", "ladder_science", "beside"
# Of random words: so many keep both cores busy for longer than any measurement here.
BESIDE_QUESTIONS = 6_000
READY_S = 120.0


@dataclass(frozen=True)
class Look:
    """What the processes took at a moment: MB of the server and with its children; CPU seconds so far."""

    at_s: float
    server_mb: float
    all_mb: float
    server_cpu_s: float
    all_cpu_s: float


@contextlib.contextmanager
def opened(home: Path) -> Iterator[Studio]:
    """The home's studio, from this process."""
    studio = open_studio(
        Settings.from_env({"E2LM_HOME": str(home), "E2LM_DEVICE": "cpu", "E2LM_SHIPPED": "0"})
    )
    try:
        yield studio
    finally:
        studio.store.database.close()


def prepare(home: Path, pattern: str = "*") -> Path:
    """Put a copy of the science set and the examples into a home, with results at all checkpoints; the set's folder.

    `pattern` names the checkpoints that are filled, where it need not be all.
    """
    with opened(home) as studio:
        if SHARED not in {info.name for info in collection.list_sets(studio.settings)}:
            collection.copy_set(studio.settings, EXAMPLE, SHARED)
        for info in collection.list_sets(studio.settings):
            if info.name != BESIDE:
                task = collection.open_set(studio.settings, info.name)
                finished.fill(studio, task, studio.catalogue.match_globs([pattern]))
        return collection.find_set(studio.settings, SHARED).folder


def queue_beside(home: Path) -> None:
    """Queue a full run of the whole ladder on a set that has no results; a page that shows it starts the worker."""
    import random

    from benchmarks.speed.engine import vocabulary

    rng = random.Random(0)
    with opened(home) as studio:
        if BESIDE not in {info.name for info in collection.list_sets(studio.settings)}:
            task = made.make_set(BESIDE, BESIDE_QUESTIONS, vocabulary(rng), rng)
            collection.import_set(studio.settings, task)
        task = collection.open_set(studio.settings, BESIDE)
        start.submit_run(studio, task, without_extras(studio.local_checkpoints), owner="the benchmark")


def progress_beside(home: Path) -> float:
    """How much of that run is done."""
    with opened(home) as studio:
        job = start.latest_job(studio, BESIDE)
        if job is None:
            return 0.0
        total = BESIDE_QUESTIONS * len(job.payload["checkpoints"])
        return sum(row.done for row in job.progress) / total


@contextlib.contextmanager
def served(
    home: Path, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, psutil.Process]]:
    """The server's address and its process; stopped at the end, its words in `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", str(port)]
    env = os.environ | {"E2LM_HOME": str(home), "E2LM_SHIPPED": "0"} | dict(environment or {})
    with log.open("w", encoding="utf-8") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", *options],
            cwd=made.ROOT,
            env=env,
            stdout=words,
            stderr=words,
        )
        try:
            _until_healthy(url, process)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def _until_healthy(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer,
        ):
            if answer.status == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("The server did not start: see the log that --log names.")
        time.sleep(0.2)


def look(process: psutil.Process, since: float) -> Look:
    """What the server takes now, and with the processes that it has started."""
    with process.oneshot():
        memory, times = process.memory_info().rss, process.cpu_times()
    server = times.user + times.system
    cpu, everything = server + times.children_user + times.children_system, memory
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            taken = child.cpu_times()
            cpu += taken.user + taken.system
            everything += child.memory_info().rss
    return Look(time.monotonic() - since, memory / 1e6, everything / 1e6, server, cpu)
