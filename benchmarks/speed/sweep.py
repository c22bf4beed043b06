"""Sweeps of many checkpoints: this studio's command line beside lm-evaluation-harness.

    python -m benchmarks.speed.sweep --command-lines [--harness-checkpoints N] [--questions 200]
    python -m benchmarks.speed.sweep [TASK] [--num-fewshot K] [--harness-checkpoints N]

The first puts twelve checkpoints of a 2M model, made on the spot, through the command lines of both: one
`python -m e2lm_core evaluate` over all of them against one `python -m lm_eval` a checkpoint, 200 questions,
5-shot, start-up included on both sides, our home empty. `--harness-checkpoints N` puts N of the twelve
through the harness and scales; all twelve take a quarter of an hour. That both give the same acc is checked.

The second is the whole embedded ladder on one set, cold and again.

Cold is a new process with an empty home: unpacking, start-up and scoring included. The harness is run in
one process with its model class at its best of several batch sizes on a sample of checkpoints (one of each
model), and scaled to all; its command line would add a start-up to each. Prints a table, writes JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.prepared import command_lines as command_lines_of
from benchmarks.prepared import made

ROOT = Path(__file__).resolve().parents[2]


def main(
    task: str = "tasks/ladder_science",
    num_fewshot: Annotated[int, typer.Option(help="Examples in the prompt.")] = 0,
    harness_checkpoints: Annotated[
        int | None,
        typer.Option(min=1, help="How many checkpoints the harness runs (12, or 9 of the ladder)."),
    ] = None,
    batch_sizes: Annotated[str, typer.Option(help="The harness's batch sizes to choose from.")] = "8,32",
    command_lines: Annotated[
        bool, typer.Option("--command-lines", help="Twelve made checkpoints through both command lines.")
    ] = False,
    questions: Annotated[int, typer.Option(min=1, help="Of the made set.")] = 200,
    checkpoints: Annotated[
        int, typer.Option(min=1, help="Of the made family.")
    ] = command_lines_of.CHECKPOINTS,
) -> None:
    """Measure, print, write."""
    sizes = [int(size) for size in batch_sizes.split(",")]
    if command_lines:
        ran = min(checkpoints, harness_checkpoints or checkpoints)
        _show("sweep_command_lines", command_lines_of.measure("2m", questions, checkpoints, ran, sizes))
    else:
        _show("sweep", _ladder(task, num_fewshot, harness_checkpoints or 9, sizes))


def _ladder(task: str, num_fewshot: int, harness_checkpoints: int, batch_sizes: list[int]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"E2LM_HOME": home}
        first = _studio(task, num_fewshot, environment)
        second = _studio(task, num_fewshot, environment)
        checkpoints = _checkpoints(environment)
        sample = _one_of_each_model(checkpoints)[:harness_checkpoints]
        harness = _harness(task, num_fewshot, sample, batch_sizes)
    scaled = harness["seconds"] / len(sample) * len(checkpoints)
    return {
        "task": task,
        "num_fewshot": num_fewshot,
        "checkpoints": len(checkpoints),
        "cold_s": round(first["wall_s"], 1),
        "computed": first["computed"],
        "again_s": round(second["wall_s"], 1),
        "computed_again": second["computed"],
        "harness_sample": len(sample),
        "harness_sample_s": round(harness["seconds"], 1),
        "harness_batch_size": harness["batch_size"],
        "harness_scaled_s": round(scaled, 1),
        "times_faster": round(scaled / first["wall_s"], 1),
    }


def _show(name: str, result: dict[str, Any]) -> None:
    made.write(name, {"benchmark": name, **result, "machine": made.machine()})
    for key, value in result.items():
        print(f"{key:24} {value}")


def _studio(task: str, num_fewshot: int, environment: dict[str, str]) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "e2lm_core",
        "evaluate",
        task,
        "--num-fewshot",
        str(num_fewshot),
        "--json",
    ]
    started = time.perf_counter()
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(run.stdout) | {"wall_s": time.perf_counter() - started}


def _checkpoints(environment: dict[str, str]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "e2lm_core", "checkpoints", "--unpack", "--json"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)["checkpoints"]


def _one_of_each_model(checkpoints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({row["model"]: row for row in checkpoints}.values())


def _harness(
    task: str, num_fewshot: int, sample: list[dict[str, Any]], batch_sizes: list[int]
) -> dict[str, Any]:
    """Seconds of model loading and scoring, task loading left out; the best batch size on the first."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    folder = (ROOT / task).resolve()
    manager = TaskManager(include_path=str(folder.parent), include_defaults=False)

    def seconds(path: str, batch_size: int) -> float:
        started = time.perf_counter()
        model = HFLM(pretrained=path, device="cpu", dtype="float32", batch_size=batch_size)
        lm_eval.simple_evaluate(
            model=model, tasks=[folder.name], num_fewshot=num_fewshot, task_manager=manager, bootstrap_iters=0
        )
        return time.perf_counter() - started

    seconds(sample[0]["path"], batch_sizes[0])  # warm imports and caches
    best = min(batch_sizes, key=lambda size: seconds(sample[0]["path"], size))
    return {"batch_size": best, "seconds": sum(seconds(row["path"], best) for row in sample)}


if __name__ == "__main__":
    typer.run(main)
