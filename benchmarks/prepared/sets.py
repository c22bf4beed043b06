"""How the work on large sets grows: write, read, render, check and store 1,000 to 15,000 questions.

    python -m benchmarks.prepared.sets

Prints seconds a size and the ratio to the size before; linear work shows the ratio of the sizes.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from e2lm_core.base.records import Loglikelihood, Question, Scope, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore, request_digest
from e2lm_core.runs.store.requests import requests_of
from e2lm_core.sets.checks.check import find_problems
from e2lm_core.sets.folder.files import read_task, write_task
from e2lm_core.sets.prompts.render import render_set

RESULTS = Path(__file__).resolve().parents[1] / "results"
SIZES = (1_000, 5_000, 15_000)


def main() -> None:
    """Measure, print, write."""
    rows = [measure(size) for size in SIZES]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sets.json").write_text(json.dumps(rows, indent=2) + "\n")
    names = [name for name in rows[0] if name != "questions"]
    print(f"{'questions':>10}" + "".join(f"{name:>16}" for name in names))
    for before, row in zip([None, *rows], rows, strict=False):
        cells = [
            f"{row[name]:8.2f} s" + (f" ×{row[name] / before[name]:4.1f}" if before else " " * 6)
            for name in names
        ]
        print(f"{row['questions']:>10,}" + "".join(f"{cell:>16}" for cell in cells))


def measure(size: int) -> dict[str, Any]:
    """Seconds of each step on a made set of that many questions, one after the other."""
    limits, task = Limits(), made(size)
    scope = Scope(fingerprint="made", dtype="float32", max_length=1024, bos="none", scoring_version=1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = LoglikelihoodStore(home / "studio.sqlite")
        write_s, _ = timed(lambda: write_task(task, home / task.name, limits))
        read_s, _ = timed(lambda: read_task(home / task.name, limits))
        render_s, docs = timed(lambda: render_set(task))
        check_s, _ = timed(lambda: find_problems(task, docs, limits, "competition"))
        keys = [request_digest(request) for doc in docs for request in requests_of(doc)]
        put_s, _ = timed(lambda: store.put(scope, [(key, Loglikelihood(-1.0, 3)) for key in keys]))
        get_s, _ = timed(lambda: store.get(scope, keys))
    return {
        "questions": size,
        "write": write_s,
        "read": read_s,
        "render": render_s,
        "check": check_s,
        "put": put_s,
        "get": get_s,
    }


def made(size: int) -> TaskSet:
    """A set of so many questions of random words."""
    questions = tuple(
        Question(
            id=f"q{n}",
            question=f"Which of these quantities was number {n} on the list of the day in room {n % 97}?",
            choices=tuple(f"quantity {n} of kind {kind}" for kind in "abcd"),
            answer=n % 4,
        )
        for n in range(size)
    )
    return TaskSet(config=TaskConfig(task="made"), questions=questions)


def timed(step: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a step, and what it gives."""
    started = time.perf_counter()
    result = step()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    typer.run(main)
