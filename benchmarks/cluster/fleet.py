"""The planner beside real runs: what it says of a fleet after a few checkpoints, and what the whole then took.

    python -m benchmarks.cluster.fleet [--only ladder|30m] [--backend local|ray] [--turns N] [--write]

The embedded ladder on `ladder_science`, and checkpoints of 30 M parameters made on the spot. Three checkpoints of each
model are run on a small part of the set and three others on a larger one, by a worker process, as a user would; the planner then says how long all
of them take over the whole set on two cores, and a worker in an empty home takes it. Exit status 1 where they are
more than 20% apart. With `--write` the table goes to docs/studies/fleet_plan.md.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.prepared import made
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs import checkpoint_order, start, state
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.folder.files import write_task

STUDY = ROOT / "docs" / "studies" / "fleet_plan.md"
PARTS = (50, 150)
THIRTY = {"checkpoints": 8, "questions": 150, "parts": (25, 50)}
APART = 0.2
WORKERS = 2


def main(
    only: Annotated[str | None, typer.Option(help="ladder or 30m.")] = None,
    backend: Annotated[str, typer.Option(help="local or ray.")] = "local",
    short: Annotated[bool, typer.Option(help="Less of everything: shows that it runs.")] = False,
    turns: Annotated[int, typer.Option(help="How often each fleet is planned and run.")] = 1,
    write: Annotated[bool, typer.Option(help="Put the table into docs/studies.")] = False,
) -> None:
    """Calibrate, predict, run, compare."""
    rows = []
    for name in ([only] if only else ["ladder", "30m"]) * turns:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(compared(Path(folder), name, backend, short))
        row = rows[-1]
        print(
            f"{name} on {backend}: {row['checkpoints']} checkpoints × {row['questions']} questions: planned "
            f"{row['planned_s']:.1f} s, took {row['took_s']:.1f} s ({row['ratio']:.2f}); load {row['load']}",
            flush=True,
        )
    made.write("fleet_plan", {"backend": backend, "rows": rows, **made.machine()})
    if write:
        STUDY.write_text(page(rows), encoding="utf-8")
    if not short and any(abs(row["ratio"] - 1) > APART for row in rows):
        raise SystemExit(1)


def compared(folder: Path, fleet: str, backend: str, short: bool) -> dict[str, Any]:
    """One fleet: planned from a few small runs, then run."""
    whole, parts, settings = (ladder if fleet == "ladder" else thirty)(folder, short)
    settings = settings.model_copy(update={"backend": backend})
    few = open_studio(settings)
    checkpoints = without_extras(few.catalogue.checkpoints)
    started = time.monotonic()
    with environment(settings, "local"):
        jobs = [run(few, part, calibrated(checkpoints, n)) for n, part in enumerate(parts)]
    with environment(settings, backend):
        if backend == "ray":  # how long a cluster takes to be up
            up = open_studio(settings.model_copy(update={"home": folder / "up"}))
            jobs = [run(up, parts[0], calibrated(checkpoints, 0))]
        spent = time.monotonic() - started
        start_s = statistics.median(map(before, jobs))
        (planned,) = state.schedules_for(
            few, checkpoints, None, len(whole.questions), [WORKERS], start_s=start_s
        )
        load = os.getloadavg()[0]
        all_of_it = open_studio(settings.model_copy(update={"home": folder / "all"}))
        job = run(all_of_it, whole, checkpoints)
    took = took_s(job)
    return {
        "fleet": fleet,
        "backend": backend,
        "checkpoints": len(checkpoints),
        "questions": len(whole.questions),
        "calibrated_on": f"{len(calibrated(checkpoints, 0))} × {' and '.join(str(len(p.questions)) for p in parts)}",
        "calibration_s": round(spent, 1),
        "start_s": round(start_s, 2),
        "planned_s": round(planned.seconds, 2),
        "took_s": round(took, 2),
        "ratio": round(planned.seconds / took, 3),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }


def calibrated(checkpoints: Sequence[Checkpoint], turn: int) -> list[Checkpoint]:
    """Three of each model, others in each turn: what a checkpoint costs before it was ever read counts too."""
    left = list(checkpoints)
    for _ in range(turn):
        before = {c.name for c in checkpoint_order.thin_out(left, "ends and middle")}
        left = [c for c in left if c.name not in before]
    return checkpoint_order.thin_out(left, "ends and middle")


def run(studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint]) -> Job:
    """A run by a worker process of its own, which begins cold."""
    number = start.submit_run(studio, collection.open_set(studio.settings, task.name), checkpoints)
    subprocess.run(
        [sys.executable, "-m", "e2lm_core", "worker", "--once"],
        cwd=ROOT,
        env=os.environ | {"E2LM_HOME": str(studio.settings.home), "E2LM_SHIPPED": "0"},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    job = studio.jobs.get(number)
    if job.state != "done":
        raise SystemExit(f"The run ended as {job.state}: {job.error}")
    return job


def took_s(job: Job) -> float:
    """From the claim to the end."""
    assert job.finished_at is not None
    assert job.claimed_at is not None
    return job.finished_at - job.claimed_at


def before(job: Job) -> float:
    """Of a run's time what no checkpoint has a share of: imports, and a cluster's start."""
    return max(0.0, took_s(job) - sum(row.seconds for row in job.progress))


def ladder(folder: Path, short: bool) -> tuple[TaskSet, list[TaskSet], Settings]:
    """The embedded ladder on its own science questions."""
    settings = Settings(home=folder / "few", tasks=folder / "tasks", device="cpu", threads=WORKERS)
    example = collection.open_set(Settings(home=folder / "x"), "ladder_science")
    return _written(example, (10, 20) if short else PARTS, settings, 40 if short else None)


def thirty(folder: Path, short: bool) -> tuple[TaskSet, list[TaskSet], Settings]:
    """Checkpoints of 30 M parameters and random weights."""
    from benchmarks.speed import engine

    rng = random.Random(0)
    words = engine.vocabulary(rng)
    config = engine.CONFIGS["2m" if short else "30m"] | {
        "vocab_size": engine.VOCABULARY,
        "max_position_embeddings": 1_024,
    }
    count = 4 if short else THIRTY["checkpoints"]
    made.make_checkpoints(folder / "made-30m", config, count, engine.make_tokenizer(words, rng))  # type: ignore[arg-type]
    settings = Settings(
        home=folder / "few",
        tasks=folder / "tasks",
        ladder=folder / "none",
        checkpoints=(folder / "made-30m",),
        device="cpu",
        threads=WORKERS,
    )
    task = made.make_set("made", 20 if short else THIRTY["questions"], words, rng)  # type: ignore[arg-type]
    return _written(task, (5, 10) if short else THIRTY["parts"], settings, None)  # type: ignore[arg-type]


def _written(
    task: TaskSet, parts: tuple[int, int], settings: Settings, most: int | None
) -> tuple[TaskSet, list[TaskSet], Settings]:
    """The set and two random parts of it, which share no question, as task folders."""
    questions = list(task.questions)[:most]
    random.Random(1).shuffle(questions)
    cut = (slice(0, parts[0]), slice(parts[0], sum(parts)), slice(None))
    made_sets = [
        task.model_copy(
            update={
                "config": task.config.model_copy(update={"task": name}),
                "questions": tuple(questions[of]),
            }
        )
        for name, of in zip(("few", "more", "whole"), cut, strict=True)
    ]
    for one in made_sets:
        write_task(one, settings.tasks / one.name, settings.limits)
    return made_sets[-1], made_sets[:-1], settings


@contextmanager
def environment(settings: Settings, backend: str) -> Iterator[None]:
    """What worker processes read their settings from."""
    names = {
        "E2LM_TASKS": str(settings.tasks),
        "E2LM_LADDER": str(settings.ladder),
        "E2LM_CHECKPOINTS": os.pathsep.join(map(str, settings.checkpoints)),
        "E2LM_DEVICE": "cpu",
        "E2LM_THREADS": str(WORKERS),
        "E2LM_BACKEND": backend,
    }
    before = {name: os.environ.get(name) for name in names}
    os.environ |= names
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def page(rows: Sequence[dict[str, Any]]) -> str:
    """The study's document."""
    lines = [
        "# The planner beside real runs",
        "",
        "What `plan --workers 2` said after three checkpoints of each model had been run on a small part of the set and three others on a larger one,",
        "and what the whole fleet then took in an empty home, on two cores of a shared machine; load is that of the",
        "last minute before and after. Made by `python -m benchmarks.cluster.fleet --turns N --write`, a row for each turn.",
        "",
        "| fleet | backend | checkpoints × questions | planned from | planned, s | took, s | planned / took | load |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['fleet']} | {row['backend']} | {row['checkpoints']} × {row['questions']} | {row['calibrated_on']} "
        f"questions, {row['calibration_s']} s | {row['planned_s']} | {row['took_s']} | {row['ratio']:.2f} | "
        f"{row['load'][0]}, {row['load'][1]} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
