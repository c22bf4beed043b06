"""What a laboratory's set costs to keep and to read: up to 100,000 questions at 500 checkpoints.

    python -m benchmarks.speed.larger [--questions 100000] [--models 20] [--checkpoints 25] [--home FOLDER] [--pages]

A family of tiny Llamas (`models` × `checkpoints`) is made on the spot, and results of it that were never computed
(`benchmarks.prepared.finished`). Then, in a process of its own: seconds until the store is open, until the set is read,
until all its log-likelihoods are there (`measure`), the same after an edit of one question, and until all learning
curves of one metric are; the largest resident memory after each, and how much of what is resident then is its own and no
mapped file's; and the database's bytes a result. With --pages also
what its pages cost, by `visits`. With --home the folder is kept and used again. Prints a table, writes JSON.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.prepared import finished, made
from benchmarks.speed import engine
from e2lm_core.base.settings import MAX_QUESTIONS, Settings
from e2lm_core.runs import start as run_start
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.folder.files import write_task
from e2lm_core.ui.cache.measurements import mapped_in

SET = "larger"
PAGES = "benchmarks.speed.visits"
VOCABULARY = 3_072


def main(
    questions: Annotated[list[int] | None, typer.Option(min=1, max=MAX_QUESTIONS)] = None,
    models: Annotated[int, typer.Option(min=1)] = 20,
    checkpoints: Annotated[int, typer.Option(min=1)] = 25,
    home: Annotated[Path | None, typer.Option(help="Kept, and used again.")] = None,
    pages: Annotated[bool, typer.Option(help="Visit every page as well, twice.")] = False,
) -> None:
    """Measure, print, write."""
    rows = []
    with tempfile.TemporaryDirectory() as made_here:
        for count in questions or [20_000, 100_000]:
            folder = (home or Path(made_here)) / f"{count}-{models}-{checkpoints}"
            results = prepare(folder, count, models, checkpoints)
            env = os.environ | environment(folder)
            child = subprocess.run(
                [sys.executable, "-m", __spec__.name, "--child"], env=env, check=True, stdout=subprocess.PIPE
            )
            size = sum(file.stat().st_size for file in (folder / "home").glob("studio.sqlite*"))
            rows.append(
                {"questions": count, "checkpoints": models * checkpoints, "bytes_a_result": size / results}
                | json.loads(child.stdout)
            )
            for name, value in rows[-1].items():
                print(f"{name:>20}  {value:,.2f}" if isinstance(value, float) else f"{name:>20}  {value:,}")
            print(flush=True)
            if pages:
                subprocess.run([sys.executable, "-m", PAGES, str(folder)], check=True)
    made.write("larger", {"machine": made.machine(), "rows": rows})


def prepare(folder: Path, count: int, models: int, checkpoints: int) -> int:
    """A home in `folder` with a set of so many questions and all its results; how many results."""
    rng = random.Random(0)
    words = engine.vocabulary(rng)
    family = folder / "checkpoints"
    if not family.exists():
        tokenizer = engine.make_tokenizer(words, rng)
        for model in range(models):
            config = {
                "hidden_size": 16 + 8 * (model % 3),
                "num_hidden_layers": 1,
                "intermediate_size": 32,
                "num_attention_heads": 2,
                "vocab_size": VOCABULARY,
            }
            made.make_checkpoints(
                family / f"model-{model:02d}", config, checkpoints, tokenizer, model * checkpoints
            )
    studio = opened(folder)
    task = made.make_set(SET, count, words, random.Random(1))
    if not (studio.settings.sets / SET).exists():
        write_task(task, studio.settings.sets / SET, studio.settings.limits)
    finished.fill(studio, task, own(studio))
    if run_start.latest_job(studio, SET) is None:  # a set's fleet is what it was last run with
        number = run_start.submit_run(studio, task, own(studio))
        job = studio.jobs.claim(__spec__.name, lease_s=60.0)
        assert job is not None
        assert job.id == number
        studio.jobs.finish(job)
    studio.store.database.close()
    return count * made.CHOICES * models * checkpoints


def read() -> dict[str, Any]:
    """Seconds of each step in this process, and megabytes after it."""
    report: dict[str, Any] = {}
    started = time.perf_counter()

    def step(name: str) -> None:
        nonlocal started
        report[f"{name}_s"] = round(time.perf_counter() - started, 2)
        report[f"{name}_mb"] = _status_mb("VmHWM")
        report[f"{name}_own_mb"] = _status_mb("RssAnon")
        started = time.perf_counter()

    studio = open_studio(Settings.from_env())
    step("open")
    task = collection.open_set(studio.settings, SET)
    step("set")
    checkpoints = own(studio)
    folder = mapped_in(studio.settings)
    measured = load_measurements(studio, task, checkpoints, folder=folder)
    assert measured.complete_checkpoints == len(checkpoints)
    step("measure")
    first = task.questions[0].model_copy(update={"question": "Another question?"})
    edited = task.model_copy(update={"questions": (first, *task.questions[1:])})
    after = load_measurements(studio, edited, checkpoints, reuse_from=measured, folder=folder)
    assert after.complete_checkpoints == 0
    step("after_edit")
    del after
    measured.all_values("acc")
    step("curves")
    return report


def own(studio: Studio) -> list[Any]:
    """The checkpoints of the family, without the embedded ones."""
    return [one for one in studio.catalogue.checkpoints if one.packed is None]


def opened(folder: Path) -> Studio:
    """The studio of the home in `folder`."""
    return open_studio(Settings.from_env(environment(folder)))


def environment(folder: Path) -> dict[str, str]:
    """The settings under which the home in `folder` is opened."""
    return {
        "E2LM_HOME": str(folder / "home"),
        "E2LM_CHECKPOINTS": str(folder / "checkpoints"),
        "E2LM_DEVICE": "cpu",
        "E2LM_SHIPPED": "0",
        "E2LM_MAX_QUESTIONS": str(MAX_QUESTIONS),
    }


def _status_mb(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) // 1_000
    return 0


if __name__ == "__main__":
    if "--child" in sys.argv:
        print(json.dumps(read()))
    else:
        typer.run(main)
