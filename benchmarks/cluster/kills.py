"""Kills actors, nodes and drivers of a Ray cluster in a sweep, and compares every result with an undisturbed run's.

    python -m benchmarks.cluster.kills [--kills 30] [--seed 0] [--only actor|node|driver]

The family and the set of `benchmarks.kills`, on a head and two nodes of one core each on this machine. In turn SIGKILL
strikes an actor, a node's process (another node joins) or the driver: the worker process with the store (another
takes its place). Exit status 1 unless every stored row has the bytes of an undisturbed run without Ray, and every
question was counted once. Prints a table, writes JSON.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import kills as local
from benchmarks.cluster import nodes
from benchmarks.prepared import made
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Settings
from e2lm_core.runs import evaluate, start
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from tests.support.workers import stored

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("actor", "node", "driver")
SPAN_S = 1.0
PATIENCE_S = 240.0


def main(
    kills: Annotated[int, typer.Option(min=1, help="How many are killed.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    only: Annotated[str | None, typer.Option(help="actor, node or driver; all in turn by default.")] = None,
    checkpoints: Annotated[int, typer.Option(min=1, help="Of a sweep, at most eight.")] = local.CHECKPOINTS,
) -> None:
    """Sweep, kill, compare; exit status 1 where anything differs."""
    rng = random.Random(seed)
    kinds = (only,) if only else KINDS
    started, struck = time.monotonic(), dict.fromkeys(KINDS, 0)
    rows = different = miscounted = sweeps = 0
    with tempfile.TemporaryDirectory() as name:
        fixture = Path(name)
        local.make_family(fixture)
        alone = local.studio_of(fixture, "undisturbed")
        evaluate.evaluate(alone, collection.open_set(alone.settings, "made"), family(alone, checkpoints))
        expected = stored(fixture / "undisturbed" / "studio.sqlite")
        with nodes.nodes(2, fixture) as cluster:
            while sum(struck.values()) < kills:
                studio = local.studio_of(fixture, f"sweep{sweeps}")
                job = sweep(studio, family(studio, checkpoints), cluster, kinds, kills, struck, rng)
                found = stored(studio.settings.database)
                sweeps, rows = sweeps + 1, rows + len(found)
                different += local.differing(expected, found)
                miscounted += local.miscounted(job)
                print(
                    f"sweep {sweeps}: {struck}, {rows:,} rows, {different} different, {miscounted} miscounted",
                    flush=True,
                )
    seconds = round(time.monotonic() - started)
    report = {"seed": seed, "seconds": seconds, "sweeps": sweeps, "rows": rows, **struck}
    made.write("cluster_kills", {**report, "different": different, "miscounted": miscounted})
    print(
        f"{sum(struck.values())} kills ({', '.join(f'{n} {k}' for k, n in struck.items())}) in {sweeps} sweeps, "
        f"{rows:,} rows, {different} different, {miscounted} miscounted, {seconds} s"
    )
    if different or miscounted:
        raise SystemExit(1)


def family(studio: Studio, most: int) -> tuple[Checkpoint, ...]:
    """The checkpoints that are swept."""
    return studio.catalogue.match_globs(["family/*"])[:most]


def sweep(
    studio: Studio,
    checkpoints: Sequence[Checkpoint],
    cluster: nodes.Nodes,
    kinds: tuple[str, ...],
    kills: int,
    struck: dict[str, int],
    rng: random.Random,
) -> Job:
    """Run the set on every checkpoint, and strike while it runs; `struck` counts."""
    number = start.submit_run(studio, collection.open_set(studio.settings, "made"), checkpoints)
    driver = _driver(studio.settings)
    deadline = time.monotonic() + PATIENCE_S
    saved, moment = 0, None
    try:
        while not studio.jobs.get(number).over:
            if time.monotonic() > deadline or driver.poll() is not None:
                raise SystemExit(f"The run does not go on: {studio.jobs.get(number)}")
            now = sum(row.done for row in studio.jobs.get(number).progress)
            if moment is None and now > saved:
                moment = time.monotonic() + rng.uniform(0.0, SPAN_S)
            if moment is not None and time.monotonic() >= moment and sum(struck.values()) < kills:
                kind = kinds[sum(struck.values()) % len(kinds)]
                if kind == "driver":
                    driver.send_signal(signal.SIGKILL)
                    driver.wait()
                    driver = _driver(studio.settings)
                elif kind == "node":
                    cluster.kill(rng)
                elif not nodes.kill_actor(rng):
                    continue
                struck[kind] += 1
                moment, saved, deadline = None, now, time.monotonic() + PATIENCE_S
            time.sleep(0.01)
    finally:
        driver.terminate()
        driver.wait()
    job = studio.jobs.get(number)
    if job.state != "done":
        raise SystemExit(f"The run ended as {job.state}: {job.error}")
    return job


def _driver(settings: Settings) -> subprocess.Popen[bytes]:
    """A worker whose backend is the cluster that the environment names."""
    return subprocess.Popen(
        [sys.executable, "-m", "e2lm_core", "worker", "--backend", "ray", "--lease", str(local.LEASE_S)],
        cwd=ROOT,
        env=os.environ | local.environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    typer.run(main)
