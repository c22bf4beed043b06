"""`python -m ladder.train`: rebuilds the ladder, from the facts and WordNet to packed weights.

Stopped at any moment, the same command goes on from the last checkpoints.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from concurrent.futures import Future, ProcessPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from e2lm_core.base.errors import StudioError
from ladder.facts import FACTS, load_relations
from ladder.manifest import write_facts, write_manifest
from ladder.recipe import LADDER, SMOKE, Member, Recipe
from ladder.training import checkpoint_file, train_member

HERE = Path(__file__).resolve().parent
_reports: Any = None  # a queue to the parent process, set in each worker


def main(
    models: Annotated[list[str] | None, typer.Argument(help="Names or globs; all when left out.")] = None,
    out: Annotated[Path, typer.Option(help="Where manifest.json and weights/ go.")] = HERE,
    facts: Annotated[Path, typer.Option(help="The folder of facts to teach.")] = FACTS,
    smoke: Annotated[bool, typer.Option(help="Two tiny models in under a minute.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = min(
        2, os.cpu_count() or 1
    ),
) -> None:
    """Train the ladder's models and write their packed checkpoints, manifest.json and facts.json."""
    recipe = SMOKE if smoke else LADDER
    if smoke and out == HERE:
        out = HERE / "build" / "smoke"
    try:
        chosen = _chosen(recipe, models or ["*"])
        build = out / "build"
        prepare(recipe, out, build, facts)
        train(chosen, recipe, out, build, jobs)
        write_facts(out, load_relations(facts))
        missing = _missing(recipe, out)
        if not missing:
            write_manifest(out, recipe)
    except StudioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if missing:
        typer.echo(f"The manifest waits for {len(missing)} models: {', '.join(missing)}.", err=True)
    else:
        typer.echo(f"The ladder is in {out}.", err=True)


def prepare(recipe: Recipe, out: Path, build: Path, facts: Path) -> None:
    """Tokenizer and token streams; what is there already is kept."""
    wanted = {name: build / f"{name}.npy" for name in recipe.streams}
    tokenizer_file = out / "weights" / "tokenizer.json"
    if tokenizer_file.is_file() and all(path.is_file() for path in wanted.values()):
        return
    from ladder.mixture import Sources, build_tokenizer, role_stream

    typer.echo("Writing the training text …", err=True)

    def sources(draw: str) -> Sources:
        return Sources(recipe.data_seed, draw, facts, sample_only=recipe.sample_filler)

    tokenizer = build_tokenizer(sources("a"), recipe)
    for path in (build, tokenizer_file.parent):
        path.mkdir(parents=True, exist_ok=True)
    for name, (role, draw) in recipe.streams.items():
        np.save(wanted[name], role_stream(sources(draw), tokenizer, recipe, role))
    tokenizer.save(str(tokenizer_file), pretty=False)


def train(members: list[Member], recipe: Recipe, out: Path, build: Path, jobs: int) -> None:
    """Every member, `jobs` at a time, with a progress bar each."""
    context = multiprocessing.get_context("spawn")
    reports = context.Queue()
    columns = (
        TextColumn("{task.description:26}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    with (
        ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(reports,)) as pool,
        Progress(*columns) as bars,
    ):
        tasks = {m.name: bars.add_task(m.name, total=recipe.steps, loss=float("nan")) for m in members}
        futures = [
            pool.submit(_train_in_worker, m, recipe, build / f"{m.stream}.npy", out / "weights", build)
            for m in members
        ]
        while not all(future.done() for future in futures):
            _raise_failure(futures)
            try:
                name, step, loss = reports.get(timeout=1.0)
            except queue.Empty:
                continue
            bars.update(tasks[name], completed=step, loss=loss)
        _raise_failure(futures)
    for member, future in zip(members, futures, strict=True):
        typer.echo(f"{member.name}: {future.result():.0f} seconds of processor time", err=True)


def _start(reports: Any) -> None:
    import torch

    global _reports
    _reports = reports
    torch.set_num_threads(1)


def _train_in_worker(member: Member, recipe: Recipe, stream: Path, weights: Path, build: Path) -> float:
    """Train and give the seconds of processor time that it took."""
    before = time.process_time()
    train_member(member, recipe, stream, weights, build, lambda *report: _reports.put(report))
    return time.process_time() - before


def _raise_failure(futures: list[Future[float]]) -> None:
    for future in futures:
        if future.done() and (failure := future.exception()):
            for other in futures:
                other.cancel()
            raise failure


def _chosen(recipe: Recipe, globs: list[str]) -> list[Member]:
    names = [m.name for m in recipe.members]
    for glob in globs:
        if not any(fnmatch(name, glob) for name in names):
            raise StudioError(f"No model is named {glob!r}; there are {', '.join(names)}.")
    return [m for m in recipe.members if any(fnmatch(m.name, glob) for glob in globs)]


def _missing(recipe: Recipe, out: Path) -> list[str]:
    return [
        m.name
        for m in recipe.members
        if not all(checkpoint_file(out / "weights", m.name, s).is_file() for s in m.checkpoint_steps)
    ]


if __name__ == "__main__":
    typer.run(main)
