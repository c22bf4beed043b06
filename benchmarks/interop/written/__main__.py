"""Lets lighteval and Inspect evaluate two checkpoints of the ladder, and reads what they wrote: equal numbers.

`python -m benchmarks.interop.written [--env DIR] [--keep]` takes some minutes; the environment takes 7 GB and is made
once. The tools run in a folder in which everything that they are given lies, so that they write relative paths alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.interop import environments
from benchmarks.interop.written import reading
from benchmarks.interop.written.reading import MODEL, STEPS
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import unpacking
from e2lm_core.runs.studio import Studio, open_studio

HERE = Path(__file__).parent
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def environment(folder: Path | None) -> Path:
    """Its `bin`. A task of lighteval that downloads as it is imported is left out."""
    python = environments.environment("writers", environments.WRITERS, folder)
    for downloads in python.parents[1].glob("lib/*/site-packages/lighteval/tasks/tasks/tiny_benchmarks.py"):
        downloads.unlink()
    return python.parent


def prepare(work: Path, studio: Studio) -> None:
    """Questions, tasks and checkpoints in the folder that the tools run in, so that no path of a machine is written."""
    for checkpoint in studio.catalogue.checkpoints_of(MODEL):
        if checkpoint.step in STEPS:
            folder = unpacking.ensure_directory(checkpoint, studio.settings)
            shutil.copytree(folder, work / MODEL / f"iter_{checkpoint.step:07d}")
    rows = [
        {"id": q.id, "question": q.question, "choices": q.choices, "answer": q.answer}
        for q in reading.asked(studio).questions
    ]
    (work / "questions").mkdir()
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (work / "questions" / "test.jsonl").write_text(text, encoding="utf-8")
    for task in HERE.glob("*_task.py"):
        shutil.copy(task, work)


def write(bin_: Path, work: Path) -> None:
    """Both tools on both checkpoints; Inspect writes one log as JSON and one as `.eval`."""
    for step, form in zip(STEPS, ("eval", "json"), strict=True):
        model = f"{MODEL}/iter_{step:07d}"
        for command in (
            f"lighteval accelerate model_name={model},batch_size=4,dtype=float32,cache_dir=cache ladder_science|0 "
            "--custom-tasks lighteval_task.py --output-dir lighteval --save-details",
            f"inspect eval inspect_task.py --model hf/local -M model_path={model} -M use_chat_template=false "
            f"--max-tokens 8 --log-dir inspect --display plain --no-log-samples --log-format {form}",
        ):
            name, *arguments = command.split()
            variables = {**os.environ, **OFFLINE, "HF_HOME": str(work.parent / "cache")}
            subprocess.run([bin_ / name, *arguments], cwd=work, env=variables, check=True)


def main() -> int:
    """Write the files, and print their numbers; exit status 1 where one that is read or scored is another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, help="An environment with both (default: one is made).")
    parser.add_argument("--keep", action="store_true", help="Put the files where the tests read them.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        work = Path(made) / "work"
        work.mkdir()
        studio = open_studio(Settings.from_env({"E2LM_HOME": f"{made}/home", "E2LM_DEVICE": "cpu"}))
        prepare(work, studio)
        write(environment(given.env), work)
        if given.keep:
            reading.keep(work)
        found, lls = reading.numbers(work, studio), reading.likelihoods(work, studio)
    print("| tool | step | metric | tool | read | studio |\n|---|---|---|---|---|---|")
    for n in found:
        own = "–" if n.own is None else f"{n.own:.6f}"
        print(f"| {n.tool} | {n.step:,} | {n.metric} | {n.said:.6f} | {n.read:.6f} | {own} |")
    apart = np.abs(lls["said"] - lls["own"])
    print(
        f"\n{apart.size} log-likelihoods; the largest difference from the studio's is {apart.max():.1e} nats."
    )
    return int(not reading.equal(found, lls))


if __name__ == "__main__":
    sys.exit(main())
