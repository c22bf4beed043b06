"""A lab's own results and AI2's published tables, as large as they are, through `import-results`: seconds and memory.

`python -m benchmarks.interop.large [--only PART] [--checkpoints N] [--samples N] [--rows N] [--write]`: files as lm-eval
--log_samples writes them for every question of MMLU, some of them 5-shot (200 MB each), and tables in the form in which
DataDecide and Signal and Noise are published; the command itself, memory of all its processes together.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet

from benchmarks import study_pages
from benchmarks.interop.many import WORDS, Measured, measured

MMLU = 14_042  # its test questions
DECIDE = 1_410_750  # rows that are published
NOISE = 700_000
MAX_MB = 1_500
DISTINCT = 4  # files of samples; others are links to them
FIVE_SHOT = 2  # of the checkpoints
A_GROUP = 20_000
RECIPES, SIZES, SEEDS = (
    25,
    ("4M", "20M", "60M", "90M", "150M", "300M", "530M", "750M", "1B"),
    ("default", "small aux 2"),
)
METRICS = (
    "logits_per_token",
    "logits_per_char",
    "logits_per_byte",
    "bits_per_byte",
    "sum_logits",
    "total_prob",
    "uncond",
)


def samples(folder: Path, checkpoints: int, questions: int) -> Path:
    """Runs of MMLU with samples at so many checkpoints."""
    draw, texts = (
        random.Random(1),
        [" ".join(random.Random(k).choices(WORDS, k=35)) for k in range(questions)],
    )
    shots = " ".join(draw.choices(WORDS, k=500))
    made = [_samples(folder / f"made_{k}", texts, "", k) for k in range(DISTINCT)]
    long = _samples(folder / "made_long", texts, shots, 99)
    place = folder / "results" / "EleutherAI__pythia-70m"
    place.mkdir(parents=True)
    for number in range(checkpoints):
        date = f"2026-01-{1 + number // 24:02d}T{number % 24:02d}-00-00.000000"
        os.link(long if number < FIVE_SHOT else made[number % DISTINCT], place / f"samples_mmlu_{date}.jsonl")
        content = {
            "results": {"mmlu": {"f1,none": 0.25}},
            "configs": {"mmlu": {"target_delimiter": " "}},
            "n-shot": {"mmlu": 0},
            "n-samples": {"mmlu": {"effective": questions}},
            "config": {"model_args": f"pretrained=EleutherAI/pythia-70m,revision=step{number + 1}000"},
        }
        (place / f"results_{date}.json").write_text(json.dumps(content))
    return folder / "results"


def _samples(path: Path, texts: list[str], shots: str, seed: int) -> Path:
    draw = random.Random(seed)
    with path.open("w") as file:
        for place, text in enumerate(texts):
            lls = [[[str(round(draw.uniform(-60, -20), 6)), "False"]] for _ in range(4)]
            asked = {
                f"gen_args_{k}": {"arg_0": f"{shots}\n\n{text}\u2028{place}?", "arg_1": f" {text[:40]} {k}"}
                for k in range(4)
            }
            row = {
                "doc_id": place,
                "doc": {
                    "question": text,
                    "choices": [f"{text[:40]} {k}" for k in range(4)],
                    "answer": place % 4,
                },
                "target": str(place % 4),
                "arguments": asked,
                "resps": [[ll] for ll in lls],
                "filtered_resps": [ll[0] for ll in lls],
                "filter": "none",
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def decided(folder: Path, rows: int) -> Path:
    """DataDecide's table: a row a model, task and step, its dozens of metrics a Python dict as text."""
    path = folder / "train-00000-of-00001.parquet"
    _table(
        path,
        rows,
        lambda draw, metrics: {
            "metrics": str({"predicted_index_raw": 1, "primary_metric": draw.random(), **metrics})
        },
    )
    return path


def noise(folder: Path, rows: int) -> Path:
    """Signal and Noise's table: a column a metric, and rows of others' models that have no step."""
    path = folder / "core.parquet"

    def more(draw: random.Random, metrics: dict[str, float]) -> dict[str, object]:
        step = None if draw.random() < 0.1 else draw.randrange(200) * 500
        return {
            "model": f"DCLM-1B-{draw.randrange(80)}",
            "step": step,
            "primary_score": draw.random(),
            **metrics,
        }

    _table(path, rows, more)
    return path


def _table(
    path: Path, rows: int, more: Callable[[random.Random, dict[str, float]], dict[str, object]]
) -> None:
    draw, writer = random.Random(3), None
    models = [(recipe, size, seed) for recipe in range(RECIPES) for size in SIZES for seed in SEEDS]
    tasks = [f"task_{k}" for k in range(66)]
    for begin in range(0, rows, A_GROUP):
        made = []
        for number in range(begin, min(begin + A_GROUP, rows)):
            recipe, size, seed = models[number % len(models)]
            step = number // len(models) // len(tasks) * 1_250
            metrics = {
                f"{name}_{k}": draw.random()
                for name in METRICS
                for k in ("corr", "incorr", "max", "min", "mean")
            }
            made.append(
                {
                    "params": size,
                    "data": f"recipe {recipe}",
                    "task": tasks[number // len(models) % len(tasks)],
                    "step": step,
                    "seed": seed,
                    "chinchilla": "5xC",
                    "tokens": step * 1_048_576.0,
                    "compute": 1e15,
                }
                | more(draw, metrics)
            )
        batch = arrow.Table.from_pylist(made)
        writer = writer or parquet.ParquetWriter(path, batch.schema)
        writer.write_table(batch)
    if writer is not None:
        writer.close()


def paths(folder: Path, given: argparse.Namespace) -> Iterator[tuple[str, Measured]]:
    """Every part that is asked for, as it ends."""
    variables = {**os.environ, "E2LM_HOME": str(folder / "home")}

    def read(path: Path, *words: str) -> Measured:
        return measured(["import-results", str(path), *words], variables)

    if given.only in (None, "samples"):
        path = samples(folder, given.checkpoints, given.samples)
        held = sum(file.stat().st_size for file in path.rglob("*.jsonl"))
        name = f"{given.checkpoints} checkpoints of {given.samples:,} samples, {held / 2**30:.1f} GB"
        yield name, read(path)
    if given.only in (None, "decide"):
        path = decided(folder, given.rows or DECIDE)
        name = f"DataDecide's table, {given.rows or DECIDE:,} rows, {path.stat().st_size / 2**20:.0f} MB"
        yield name, read(path)
        yield (
            f"{name}, one task",
            read(path, "--task", "task_1", "--metric", "primary_metric", "--metric", "*_byte_corr"),
        )
    if given.only in (None, "noise"):
        path = noise(folder, given.rows or NOISE)
        yield (
            f"Signal and Noise's table, {given.rows or NOISE:,} rows, {path.stat().st_size / 2**20:.0f} MB",
            read(path),
        )


def main() -> int:
    """Print each part as it ends; exit status 1 where one failed, said nothing of how far it is, or took too much memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", choices=("samples", "decide", "noise"), help="one part (default: all)")
    parser.add_argument("--checkpoints", type=int, default=100, metavar="N", help="how many (default: 100)")
    parser.add_argument("--samples", type=int, default=MMLU, metavar="N", help=f"of each (default: {MMLU:,})")
    parser.add_argument(
        "--rows", type=int, metavar="N", help="of each table (default: as many as are published)"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/studies/interop.md")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="e2lm-large-") as folder:
        for name, one in paths(Path(folder), given):
            rows.append((name, one))
            print(f"{name:75} {one}", flush=True)
    if given.write:
        lines = ["| what | seconds | MB | lines of progress |", "|---|---|---|---|"]
        lines += [f"| {name} | {one.seconds:.0f} | {one.mb:.0f} | {one.told} |" for name, one in rows]
        study_pages.put("interop", "large", "\n".join(lines))
    return int(any(one.status or one.mb > MAX_MB or one.is_silent for _, one in rows))


if __name__ == "__main__":
    sys.exit(main())
