"""A sweep of checkpoints through the command lines of both, start-up included: `benchmarks.speed.sweep`."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.prepared import made

TASK, FAMILY, CHECKPOINTS, SHOTS = "made", "family", 12, 5
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def measure(
    model: str, questions: int, checkpoints: int, harness_checkpoints: int, batch_sizes: Sequence[int]
) -> dict[str, Any]:
    """Seconds of one command of ours and of the harness's one a checkpoint, and whether acc agrees."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder, model, questions, checkpoints)
        steps = sorted(path.name for path in (folder / FAMILY).iterdir())
        batch_size = best_batch_size(folder, folder / FAMILY / steps[0], batch_sizes)
        ours_s, ours = studio(folder)
        spread = [
            round(k * (len(steps) - 1) / max(1, harness_checkpoints - 1)) for k in range(harness_checkpoints)
        ]
        own = [harness(folder, folder / FAMILY / steps[k], batch_size) for k in spread]
    seconds = [s for s, _ in own]
    curve = ours["curves"][FAMILY]["acc"]
    differences = [abs(acc - curve[k]) for k, (_, acc) in zip(spread, own, strict=True)]
    harness_s = sum(seconds) / len(seconds) * len(steps)
    return {
        "model": model,
        "questions": questions,
        "num_fewshot": SHOTS,
        "checkpoints": len(steps),
        "ours_s": round(ours_s, 1),
        "harness_checkpoints": len(seconds),
        "harness_checkpoint_s": [round(s, 1) for s in seconds],
        "harness_batch_size": batch_size,
        "harness_s": round(harness_s, 1),
        "scaled": len(seconds) < len(steps),
        "times_faster": round(harness_s / ours_s, 1),
        "acc_compared": len(differences),
        "acc_equal": max(differences) < 1e-9,
        "acc_worst_difference": max(differences),
    }


def prepare(folder: Path, model: str, questions: int, checkpoints: int) -> None:
    """Local folders of checkpoints and a task folder: questions and prefix as long as in
    `benchmarks.speed.engine`."""
    from benchmarks.speed.engine import (
        CHOICE_TOKENS,
        CHOICES,
        CONFIGS,
        QUESTION_TOKENS,
        VOCABULARY,
        make_tokenizer,
        text_of,
        vocabulary,
    )
    from e2lm_core.base.records import Question, TaskConfig, TaskSet

    rng = random.Random(0)
    words = vocabulary(rng)
    tokenizer = make_tokenizer(words, rng)
    config = CONFIGS[model] | {"vocab_size": VOCABULARY, "max_position_embeddings": 1_024}
    made.make_checkpoints(folder / FAMILY, config, checkpoints, tokenizer)
    around = len(tokenizer.encode("Question: ?\nAnswer:"))  # what the cloze prompt puts about a question

    def question(identity: str, number: int) -> Question:
        return Question(
            id=identity,
            question=text_of(QUESTION_TOKENS - around + 1, words, tokenizer, rng, "", "?").strip(),
            choices=tuple(
                text_of(CHOICE_TOKENS, words, tokenizer, rng, "", "").strip() for _ in range(CHOICES)
            ),
            answer=number % CHOICES,
        )

    task = TaskSet(
        config=TaskConfig(task=TASK, num_fewshot=SHOTS),
        questions=tuple(question(f"q{n}", n) for n in range(questions)),
        dev=tuple(question(f"dev{n}", n) for n in range(SHOTS)),
    )
    made.write_set(task, folder / "tasks")


def studio(folder: Path) -> tuple[float, dict[str, Any]]:
    """One new process over all checkpoints, its home empty."""
    with tempfile.TemporaryDirectory() as home:
        own = {
            "E2LM_HOME": home,
            "E2LM_TASKS": str(folder / "tasks"),
            "E2LM_CHECKPOINTS": str(folder / FAMILY),
        }
        options = ["--checkpoints", f"{FAMILY}/*", "--num-fewshot", str(SHOTS), "--json"]
        seconds, run = _timed(
            ["e2lm_core", "evaluate", TASK, *options], made.ROOT, own | {"E2LM_DEVICE": "cpu"}
        )
    return seconds, json.loads(run.stdout)


def harness(folder: Path, checkpoint: Path, batch_size: int) -> tuple[float, float]:
    """A new process for the checkpoint: seconds and its acc."""
    with tempfile.TemporaryDirectory() as out:
        options = [
            "--include_path",
            str(folder / "tasks"),
            "--tasks",
            TASK,
            "--model",
            "hf",
            "--model_args",
            f"pretrained={checkpoint},dtype=float32",
            "--device",
            "cpu",
            "--batch_size",
            str(batch_size),
            "--num_fewshot",
            str(SHOTS),
            "--output_path",
            out,
        ]
        seconds, _ = _timed(["lm_eval", *options], folder, {})
        [written] = Path(out).rglob("results_*.json")
        return seconds, float(json.loads(written.read_text())["results"][TASK]["acc,none"])


def best_batch_size(folder: Path, checkpoint: Path, sizes: Sequence[int]) -> int:
    """The harness's quickest on a few of the questions, in process."""
    if len(sizes) == 1:
        return sizes[0]
    from benchmarks.speed.engine import harness as in_process
    from benchmarks.speed.engine import timed
    from e2lm_core.base.settings import Settings
    from e2lm_core.runs.store.requests import requests_of
    from e2lm_core.sets.folder.files import read_task
    from e2lm_core.sets.prompts.render import render_set

    task = read_task(folder / "tasks" / TASK, Settings(home=folder).limits).task
    part = [request for doc in render_set(task)[:16] for request in requests_of(doc)]
    in_process(checkpoint, sizes[0])(part[:4])  # the first call of a process is slower
    return min(sizes, key=lambda size: timed(in_process(checkpoint, size), part)[0])


def _timed(
    module: Sequence[str], where: Path, environment: dict[str, str]
) -> tuple[float, subprocess.CompletedProcess[str]]:
    started = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=where,
        env=os.environ | OFFLINE | environment,
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise SystemExit(f"{' '.join(module[:2])} failed: {run.stderr[-2000:]}")
    return time.perf_counter() - started, run
