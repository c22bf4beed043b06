"""What a second worker of a Ray cluster gains, and what an empty task costs.

    python -m benchmarks.cluster.speed [--turns 3] [--checkpoints 6] [--questions 30]

Checkpoints of 30 M parameters made on the spot, on one actor and on two, in turn, each in an empty home; the cluster is
up and has the configuration loaded, as in the middle of a long run. Seconds of the wall and the load are said; an empty
task is a call to an actor that does nothing.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.prepared import made
from benchmarks.speed import engine
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.engine.cluster import connection
from e2lm_core.engine.cluster.driver import RayBackend
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio

EMPTY_CALLS = 300


def main(
    turns: Annotated[int, typer.Option(min=1, help="Of one actor and two.")] = 3,
    checkpoints: Annotated[int, typer.Option(min=2, help="Of 30 M parameters.")] = 6,
    questions: Annotated[int, typer.Option(min=1, help="0-shot, four choices.")] = 30,
    model: Annotated[str, typer.Option(help="30m or 2m.")] = "30m",
) -> None:
    """Measure, print, write JSON."""
    rng = random.Random(0)
    words = engine.vocabulary(rng)
    config = engine.CONFIGS[model] | {"vocab_size": engine.VOCABULARY, "max_position_embeddings": 1_024}
    report = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made.make_checkpoints(folder / "fleet", config, checkpoints, engine.make_tokenizer(words, rng))
        tasks = [made.make_set(f"set{turn}", questions, words, rng) for turn in range(turns)]
        warm = made.make_set("warm", 2, words, rng)
        empty = 0.0
        for turn, task in enumerate(tasks):
            seconds = {}
            for workers in (1, 2) if turn % 2 == 0 else (2, 1):
                backend = RayBackend(_settings(folder, f"home{turn}-{workers}", workers))
                _wait_for(backend, workers)
                _run(folder, backend, warm)
                seconds[workers] = _run(folder, backend, task)
                empty = _empty(backend)
                backend.close()
            row = {
                "one": round(seconds[1], 2),
                "two": round(seconds[2], 2),
                "ratio": round(seconds[1] / seconds[2], 3),
                "empty_task_ms": round(empty, 3),
                "load": [round(load, 1) for load in os.getloadavg()],
            }
            report.append(row)
            print(row, flush=True)
    ratios = made.spread([row["ratio"] for row in report])  # type: ignore[misc]
    made.write("cluster_speed", {"model": model, "turns": report, "ratio": ratios, **made.machine()})
    print(f"1 → 2 workers: {ratios['median']:.2f}× ({ratios['low']:.2f} to {ratios['high']:.2f})")


def _settings(folder: Path, home: str, workers: int) -> Settings:
    return Settings(
        home=folder / home,
        tasks=folder / "tasks",
        ladder=folder / "none",
        checkpoints=(folder / "fleet",),
        device="cpu",
        threads=2,
        backend="ray",
        ray_workers=workers,
    )


def _wait_for(backend: RayBackend, workers: int) -> None:
    """Up, and none of an earlier turn still there."""
    while len(backend.pool.members) < workers:
        time.sleep(0.1)


def _run(folder: Path, backend: RayBackend, task: TaskSet) -> float:
    studio = open_studio(backend.settings, backend)
    started = time.monotonic()
    evaluate.evaluate(studio, task, without_extras(studio.catalogue.checkpoints))
    return time.monotonic() - started


def _empty(backend: RayBackend) -> float:
    """Milliseconds of a call that does nothing, the median of many."""
    ray, actor = connection.import_ray(), backend.pool.members[0].actor
    times = []
    for _ in range(EMPTY_CALLS):
        started = time.monotonic()
        ray.get(actor.active_runs.remote())
        times.append(1_000 * (time.monotonic() - started))
    return statistics.median(times)


if __name__ == "__main__":
    typer.run(main)
