"""Models that a researcher has trained: two architectures, three seeds, eight checkpoints each, by transformers' Trainer."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

from e2lm_core.base.records import Question
from tests.support import tiny_models

SHAPES = {"llama": "llama", "neox": "neox"}
SEEDS = (1, 2, 3)
STEPS = 160
EVERY = STEPS // 8
METALS = ("iron", "gold", "tin", "lead", "zinc", "silver", "copper", "nickel", "cobalt", "radium")
COLOURS = ("red", "blue", "green", "black")
SENTENCES = 30  # of each fact in the training text


def questions() -> list[Question]:
    """Questions about the colours in the text that `train` reads; every fourth colour is the answer in turn."""
    made = []
    for number, (metal, place) in enumerate((m, p) for m in METALS for p in ("salt", "dust", "ore")):
        colour = COLOURS[(number * 7 + len(metal)) % 4]
        made.append(
            Question(
                id=f"c{number}",
                question=f"Which colour has the {place} of {metal}?",
                choices=COLOURS,
                answer=COLOURS.index(colour),
                subject="chemistry",
            )
        )
    return made


def train(folder: Path) -> Path:
    """Train the six models; `checkpoints.json` declares size, shape, seed and whose seed each is."""
    lines = [
        f"Question: {one.question}\nAnswer: {one.choices[one.answer]}"
        for one in questions()
        for _ in range(SENTENCES)
    ]
    for shape, architecture in SHAPES.items():
        for seed in SEEDS:
            name = f"{shape}-s{seed}"
            _train_one(folder / name, architecture, seed, lines)
            declared: dict[str, Any] = {
                "size": "0.1m",
                "arch": shape,
                "seed": seed,
                "tokens_per_step": 16 * 32,
            }
            if seed > 1:
                declared["seed_of"] = f"{shape}-s1"
            (folder / name / "checkpoints.json").write_text(json.dumps(declared))
    return folder


def _train_one(folder: Path, architecture: str, seed: int, lines: list[str]) -> None:
    torch.manual_seed(seed)
    tokenizer = tiny_models.tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_config(tiny_models.config(architecture))
    shuffled = random.Random(seed).sample(lines, len(lines))
    rows = []
    for line in shuffled:
        made = tokenizer(line, padding="max_length", max_length=48, truncation=True)
        labels = [t if m else -100 for t, m in zip(made["input_ids"], made["attention_mask"], strict=True)]
        rows.append(
            {"input_ids": made["input_ids"], "attention_mask": made["attention_mask"], "labels": labels}
        )
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=STEPS,
        save_steps=EVERY,
        per_device_train_batch_size=16,
        learning_rate=3e-3,
        lr_scheduler_type="constant",
        seed=seed,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        save_only_model=True,
        logging_strategy="no",
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer)
    trainer.train()
