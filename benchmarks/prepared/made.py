"""What benchmarks make on the spot (families, sets), and where their results go: `results/NAME.json`."""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets.folder.files import write_task

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parents[1] / "results"
CHOICES = 4


def machine() -> dict[str, Any]:
    """What a figure cannot be read without."""
    import torch

    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "torch": torch.__version__,
    }


def write(name: str, report: Mapping[str, Any]) -> None:
    """The report as `results/NAME.json`."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and range: one number of a busy machine says little."""
    return {
        "median": round(statistics.median(values), 4),
        "low": round(min(values), 4),
        "high": round(max(values), 4),
    }


def make_checkpoints(
    family: Path, config: Mapping[str, Any], count: int, tokenizer: Any, after_seed: int = 0
) -> list[Path]:
    """`count` Llamas of random weights, `family/iter_0000001` and on: seeds, from the one after, stand for steps."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    folders = []
    for step in range(1, count + 1):
        torch.manual_seed(after_seed + step)
        model = AutoModelForCausalLM.from_config(LlamaConfig(**config, tie_word_embeddings=True))
        folder = family / f"iter_{step:07d}"
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        folders.append(folder)
    return folders


def make_set(
    name: str,
    count: int,
    words: Sequence[str],
    rng: random.Random,
    question_words: int = 20,
    choice_words: int = 4,
    dev: int = 0,
) -> TaskSet:
    """Questions of random words. Five-shot prompts of one set share their prefix, as the studio's sets do."""

    def question(identity: str, number: int) -> Question:
        return Question(
            id=identity,
            question=" ".join(rng.choices(words, k=question_words)) + "?",
            choices=tuple(" ".join(rng.choices(words, k=choice_words)) for _ in range(CHOICES)),
            answer=number % CHOICES,
            subject="made",
        )

    return TaskSet(
        config=TaskConfig(task=name),
        questions=tuple(question(f"q{n}", n) for n in range(count)),
        dev=tuple(question(f"dev{n}", n) for n in range(dev)),
    )


def write_set(task: TaskSet, tasks: Path) -> Path:
    """As a task folder, which both command lines read."""
    folder = tasks / task.name
    write_task(task, folder, Settings(home=tasks).limits)
    return folder
