"""What loading a checkpoint costs beyond reading its bytes.

    python -m benchmarks.speed.load [--config 110m] [--dtype float32] [--repeats 7] [--threads 1]

A model of random weights is made on the spot; its file is then in the page cache. Measured is the time from
asking for the checkpoint to the end of the first forward, less a steady forward: once with nothing known of
the architecture (configuration read, skeleton built), once as the next checkpoint of one (a sweep's usual
case). Beside it the time of reading the file's bytes into memory, with which it is compared, and apart from
it what a first run adds once: importing, hashing the weights for the fingerprint, cutting tokens, the
self-check. Prints a table, writes JSON.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.prepared import made

CONFIGS: dict[str, dict[str, int]] = {
    "tiny": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "intermediate_size": 176,
        "num_attention_heads": 4,
        "vocab_size": 3_072,
    },
    "110m": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "intermediate_size": 2_048,
        "num_attention_heads": 12,
        "vocab_size": 32_000,
    },
    "500m": {
        "hidden_size": 1_280,
        "num_hidden_layers": 22,
        "intermediate_size": 3_456,
        "num_attention_heads": 20,
        "vocab_size": 50_304,
    },
}
TOKENS = 16
TARGET = 1.5


def main(
    config: Annotated[str, typer.Option(help=f"One of {', '.join(CONFIGS)}.")] = "110m",
    dtype: Annotated[
        str, typer.Option(help="float32 as stored, or a cast to bfloat16 or float16.")
    ] = "float32",
    repeats: Annotated[int, typer.Option(min=1)] = 7,
    threads: Annotated[int, typer.Option(min=1, help="Torch threads.")] = 1,
) -> None:
    """Measure, print, write."""
    if config not in CONFIGS:
        raise typer.BadParameter(f"there is no configuration {config!r}: use one of {', '.join(CONFIGS)}")
    with tempfile.TemporaryDirectory() as temporary:
        row = {"config": config, **measure(Path(temporary), CONFIGS[config], dtype, repeats, threads)}
    made.write("load", {"benchmark": "load", "threads": threads, "machine": made.machine(), "rows": [row]})
    show(row, repeats, threads)


def measure(
    folder: Path, config: Mapping[str, Any], dtype: str, repeats: int, threads: int
) -> dict[str, Any]:
    """Seconds of reading a model's bytes, of its first forward, of the next one's and of a steady one's."""
    started = time.perf_counter()
    import torch

    from benchmarks.speed.engine import make_tokenizer, vocabulary
    from e2lm_core.engine.models import Loader

    import_s = time.perf_counter() - started
    torch.set_num_threads(threads)
    rng = random.Random(0)
    words = vocabulary(rng)
    settings = {**config, "max_position_embeddings": 1_024}
    (checkpoint,) = made.make_checkpoints(folder / "family", settings, 1, make_tokenizer(words, rng))
    # A sweep comes back to none of them.
    others = [_twin(checkpoint, step) for step in (2, 3)]
    weights = checkpoint / "model.safetensors"
    chosen = getattr(torch, dtype)
    reading, new, following, steady = [], [], [], []
    kept = Loader(torch.device("cpu"), chosen, budget_bytes=1)
    for other in others:
        _until_forward(kept, other)
    for turn in range(repeats):
        reading.append(_read(weights))
        lasts, usual = _until_forward(Loader(torch.device("cpu"), chosen), checkpoint)
        new.append(lasts - usual)
        lasts, usual = _until_forward(kept, (checkpoint, *others)[turn % 3])
        following.append(lasts - usual)
        steady.append(usual)
    first = _first_run(checkpoint, folder / "home", threads, dtype, words)
    return {
        "parameters": sum(tensor.numel() for tensor in kept.load(checkpoint).weights.values()),
        "file_bytes": weights.stat().st_size,
        "dtype": dtype,
        "reading_its_bytes_s": made.spread(reading),
        "first_of_its_architecture_s": made.spread(new),
        "next_of_its_architecture_s": made.spread(following),
        "steady_forward_s": made.spread(steady),
        "first_over_reading": _ratio(new, reading),
        "next_over_reading": _ratio(following, reading),
        "target": TARGET,
        "apart": {"importing_s": round(import_s, 2), **first},
    }


def show(row: Mapping[str, Any], repeats: int, threads: int) -> None:
    """The row as a few lines."""
    print(
        f"{row['parameters'] / 1e6:.1f} M parameters, {row['file_bytes'] / 1e6:.0f} MB, {row['dtype']}, "
        f"{threads} thread(s), medians of {repeats}:"
    )
    for name in (name for name in row if name.endswith("_s")):
        print(f"  {name.removesuffix('_s').replace('_', ' '):28}{row[name]['median']:8.3f} s")
    print(
        f"  over reading its bytes: first {row['first_over_reading']:.2f}, "
        f"next {row['next_over_reading']:.2f} (target: at most {TARGET})"
    )
    once = (f"{name.removesuffix('_s').replace('_', ' ')} {s:.2f} s" for name, s in row["apart"].items())
    print(f"  once, apart: {', '.join(once)}")


def _twin(folder: Path, step: int) -> Path:
    """The same files under another name: another checkpoint to the loader, the same pages to the machine."""
    other = folder.parent / f"iter_{step:07d}"
    other.mkdir()
    for file in folder.iterdir():
        os.link(file, other / file.name)
    return other


def _read(file: Path) -> float:
    started = time.perf_counter()
    file.read_bytes()
    return time.perf_counter() - started


def _until_forward(loader: Any, folder: Path) -> tuple[float, float]:
    """Seconds from asking for the checkpoint to its first forward's end, and of a steady forward."""
    import torch

    ids = torch.arange(TOKENS)[None]
    started = time.perf_counter()
    with torch.inference_mode(), loader.load(folder).module() as module:
        module(input_ids=ids, use_cache=False)
        lasts = time.perf_counter() - started
        steady = []
        for _ in range(3):
            again = time.perf_counter()
            module(input_ids=ids, use_cache=False)
            steady.append(time.perf_counter() - again)
    return lasts, min(steady)


def _first_run(folder: Path, home: Path, threads: int, dtype: str, words: list[str]) -> dict[str, float]:
    """What a first run does beside loading, each part once: seconds."""
    from e2lm_core.base.records import Checkpoint, ModelInfo, Request
    from e2lm_core.base.settings import Settings
    from e2lm_core.engine.local import LocalBackend

    backend = LocalBackend(Settings(home=home, device="cpu", threads=threads, dtype=dtype))
    checkpoint = Checkpoint(model=ModelInfo(name="made", family="local"), step=1, directory=folder)
    started = time.perf_counter()
    backend.scope(checkpoint)
    hashed = time.perf_counter() - started
    requests = [Request(" ".join(words[:12]), f" {word}") for word in words[:4]]
    list(chain.from_iterable(backend.chunks(checkpoint, requests)))
    whole = time.perf_counter() - started - hashed
    return {"fingerprint_s": round(hashed, 3), "first_scores_with_self_check_s": round(whole, 3)}


def _ratio(values: list[float], reading: list[float]) -> float:
    return round(made.spread(values)["median"] / made.spread(reading)["median"], 3)


if __name__ == "__main__":
    typer.run(main)
