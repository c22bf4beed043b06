"""Kills workers at random moments of a sweep, and compares every result with an undisturbed run's.

    python -m benchmarks.kills [--kills 200] [--seed 0] [--workers 1]

A tiny family of checkpoints is made on the spot and swept by real worker processes, one or several at once;
one is struck by SIGKILL and another takes its place, sweep after sweep, until so many have died. Exit status
1 unless every stored row has the same bytes as the undisturbed run's, and every question was counted once.
Prints a table, writes JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs import start
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.folder.files import write_task
from tests.support.workers import Stored, stored

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
LEASE_S = 1.0
CHECKPOINTS = 8
# Questions on a shared passage, each passage in more than one batch: planned from what a kill leaves of them,
# they would be batched otherwise, and have other last bits.
PASSAGES, ON_EACH = 48, 14
QUESTIONS = PASSAGES * ON_EACH
PASSAGE_WORDS, QUESTION_WORDS, CHOICE_WORDS = 20, (20, 40), 3
# Most strikes come after the worker has saved something: a job whose workers die ten times in a row without
# getting further is given up, as it should be.
EARLY_SHARE, START_S, SPAN_S = 0.2, 4.0, 2.5


@dataclass
class Sweep:
    """`within`: kills that left a checkpoint half computed, after which its plan has to be kept."""

    kills: int
    within: int
    rows: int
    different: int
    miscounted: int


def main(
    kills: Annotated[int, typer.Option(min=1, help="How many workers are killed.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="How many share the work.")] = 1,
) -> None:
    """Sweep, kill, compare; exit status 1 where anything differs."""
    rng = random.Random(seed)
    started = time.monotonic()
    sweeps: list[Sweep] = []
    with tempfile.TemporaryDirectory() as folder:
        fixture = Path(folder)
        make_family(fixture)
        sweep(studio_of(fixture, "undisturbed"), 0, rng, 1)
        expected = stored(fixture / "undisturbed" / "studio.sqlite")
        print(
            f"{'sweep':>6}{'kills':>7}{'within a checkpoint':>21}{'rows':>9}{'different':>11}{'miscounted':>12}"
        )
        while (left := kills - sum(s.kills for s in sweeps)) > 0:
            studio = studio_of(fixture, f"sweep{len(sweeps)}")
            dead, within, job = sweep(studio, left, rng, workers)
            found = stored(studio.settings.database)
            sweeps.append(Sweep(dead, within, len(found), differing(expected, found), miscounted(job)))
            _print(str(len(sweeps)), sweeps[-1])
    total = Sweep(*(sum(column) for column in zip(*(asdict(s).values() for s in sweeps), strict=True)))
    _print("all", total)
    RESULTS.mkdir(exist_ok=True)
    seconds = round(time.monotonic() - started)
    result = {"seed": seed, "workers": workers, "lease_s": LEASE_S, "seconds": seconds, **asdict(total)}
    (RESULTS / "kills.json").write_text(json.dumps(result, indent=2) + "\n")
    if total.different or total.miscounted:
        raise SystemExit(1)


def sweep(studio: Studio, kills: int, rng: random.Random, workers: int) -> tuple[int, int, Job]:
    """Run the set on every checkpoint, through so many kills at most: how many, and how many within one."""
    number = start.submit_run(
        studio, collection.open_set(studio.settings, "made"), studio.catalogue.match_globs(["family/*"])
    )
    dead = within = 0
    with _workers(studio.settings, workers) as pool:
        while dead < kills and strike(pool, studio, number, rng):
            dead += 1
            within += any(0 < row.done < row.total for row in studio.jobs.get(number).progress)
        while not studio.jobs.get(number).over:
            _pause(pool)
    job = studio.jobs.get(number)
    if job.state != "done":
        raise SystemExit(f"The run ended as {job.state}: {job.error}")
    return dead, within, job


def strike(pool: list[subprocess.Popen[bytes]], studio: Studio, number: int, rng: random.Random) -> bool:
    """Kill a worker at a random moment, and start another; False where the run was over before."""
    before = _saved(studio, number)
    moment = time.monotonic() + rng.uniform(0.0, START_S) if rng.random() < EARLY_SHARE else None
    while not studio.jobs.get(number).over:
        if moment is None and _saved(studio, number) > before:
            moment = time.monotonic() + rng.uniform(0.0, SPAN_S)
        if moment is not None and time.monotonic() >= moment:
            struck = pool.pop(rng.randrange(len(pool)))
            struck.kill()
            struck.wait()
            pool.append(_worker(studio.settings))
            return True
        _pause(pool)
    return False


def differing(expected: Stored, found: Stored) -> int:
    """Rows that are missing, too many, or not the same bytes."""
    return sum(expected.get(key) != found.get(key) for key in expected.keys() | found.keys())


def miscounted(job: Job) -> int:
    """Checkpoints of which not every question was computed exactly once."""
    right = sum(row.computed == row.done == row.total == QUESTIONS for row in job.progress)
    return len(job.payload["checkpoints"]) - right


def make_family(fixture: Path) -> None:
    """A set, and checkpoints of random weights, wide enough that choices differ."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    from benchmarks.speed.engine import VOCABULARY, make_tokenizer, vocabulary

    rng = random.Random(0)
    words = vocabulary(rng)
    write_task(make_set(words, rng), fixture / "tasks" / "made", Settings(home=fixture).limits)
    tokenizer = make_tokenizer(words, rng)
    config = LlamaConfig(
        hidden_size=96,
        num_hidden_layers=2,
        intermediate_size=256,
        num_attention_heads=4,
        vocab_size=VOCABULARY,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    for step in range(1, CHECKPOINTS + 1):
        torch.manual_seed(step)
        model = AutoModelForCausalLM.from_config(config)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        model.save_pretrained(fixture / "family" / f"iter_{step:07d}")
        tokenizer.save_pretrained(fixture / "family" / f"iter_{step:07d}")


def make_set(words: Sequence[str], rng: random.Random) -> TaskSet:
    """Questions on shared passages, of random words."""

    def text(count: int) -> str:
        return " ".join(rng.choices(words, k=count))

    passages = [text(PASSAGE_WORDS) for _ in range(PASSAGES)]
    questions = tuple(
        Question(
            id=f"q{number}",
            question=f"{passages[number // ON_EACH]}. {text(rng.randint(*QUESTION_WORDS))}?",
            choices=tuple(text(CHOICE_WORDS) for _ in range(4)),
            answer=number % 4,
        )
        for number in range(QUESTIONS)
    )
    return TaskSet(config=TaskConfig(task="made"), questions=questions)


def studio_of(fixture: Path, home: str) -> Studio:
    """A studio of its own on the fixture's set and family."""
    return open_studio(
        Settings(
            home=fixture / home,
            tasks=fixture / "tasks",
            ladder=fixture / "none",
            checkpoints=(fixture / "family",),
            device="cpu",
            threads=1,
        )
    )


@contextlib.contextmanager
def _workers(settings: Settings, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    pool = [_worker(settings) for _ in range(count)]
    try:
        yield pool
    finally:
        for process in pool:
            process.terminate()
        for process in pool:
            process.wait()


def environment(settings: Settings) -> dict[str, str]:
    """The variables by which another process has these settings."""
    return {
        "E2LM_HOME": str(settings.home),
        "E2LM_SHIPPED": "0",
        "E2LM_TASKS": str(settings.tasks),
        "E2LM_LADDER": str(settings.ladder),
        "E2LM_CHECKPOINTS": os.pathsep.join(map(str, settings.checkpoints)),
        "E2LM_DEVICE": "cpu",
        "E2LM_THREADS": "2",
    }


def _worker(settings: Settings) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "e2lm_core", "worker", "--lease", str(LEASE_S)],
        cwd=ROOT,
        env=os.environ | environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _pause(pool: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in pool:
        if process.poll() is not None:
            raise SystemExit(f"A worker ended by itself with status {process.returncode}.")
    time.sleep(0.01)


def _saved(studio: Studio, number: int) -> int:
    return sum(row.done for row in studio.jobs.get(number).progress)


def _print(name: str, row: Sweep) -> None:
    print(
        f"{name:>6}{row.kills:>7}{row.within:>21}{row.rows:>9,}{row.different:>11}{row.miscounted:>12}",
        flush=True,
    )


if __name__ == "__main__":
    typer.run(main)
