"""The engine's table on a CUDA device, with the share of its peak that is used (MFU).

    python -m benchmarks.speed.gpu [--models 2m,30m,500m] [--shots 0,5] [--dtypes float32,bfloat16] [--peak-tflops X]

As `benchmarks.speed.engine`: ours against lm-evaluation-harness's HFLM in process, at its best batch size,
the same model, questions and dtype, both warmed, medians of alternating repeats. Log-likelihoods are compared
in float32 alone; below it both ways round differently. Runs where a CUDA device is found; else it says so,
with exit status 2.

    MFU = (2 · parameters of the layers · computed tokens + 2 · hidden size · vocabulary · positions through the head)
          / (seconds · peak FLOP/s)

The operations of attention itself are left out, so it is a lower bound. The peak is that of dense matrix
products in the dtype, by the card's data sheet or `--peak-tflops`; for a card that is not known and not told
it is left out.
"""

from __future__ import annotations

import logging
import random
import tempfile
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.prepared import made

CONFIGS: dict[str, dict[str, int]] = {
    "tiny": {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 176, "num_attention_heads": 4},
    "2m": {"hidden_size": 192, "num_hidden_layers": 3, "intermediate_size": 512, "num_attention_heads": 6},
    "30m": {"hidden_size": 512, "num_hidden_layers": 9, "intermediate_size": 1_408, "num_attention_heads": 8},
    "500m": {
        "hidden_size": 1_280,
        "num_hidden_layers": 24,
        "intermediate_size": 3_584,
        "num_attention_heads": 20,
    },
}
# Dense TFLOP/s in (float32 without TF32, bfloat16 or float16), of the makers' data sheets; the longer name first.
PEAKS: dict[str, tuple[float, float]] = {
    "H100 PCIe": (51.2, 756.0),
    "H100": (66.9, 989.4),
    "H200": (66.9, 989.4),
    "A100": (19.5, 312.0),
    "L40S": (91.6, 362.0),
    "L4": (30.3, 121.0),
    "A10G": (31.5, 70.0),
    "T4": (8.1, 65.1),
    "RTX 4090": (82.6, 165.2),
    "RTX 3090": (35.6, 71.0),
}
ABSENT = (
    "No CUDA device was found, so there is nothing to measure: run this on a machine with an NVIDIA card and "
    "a CUDA build of torch."
)
BATCHES = (8, 32, 128)
Score = Callable[[Sequence[Any]], list[float]]


def main(
    models: Annotated[str, typer.Option(help=f"With commas between: {', '.join(CONFIGS)}.")] = "2m,30m,500m",
    shots: Annotated[str, typer.Option(help="Examples in the prompt, with commas between.")] = "0,5",
    dtypes: Annotated[
        str, typer.Option(help="float32, bfloat16, float16, with commas between.")
    ] = "float32,bfloat16",
    questions: Annotated[int, typer.Option(min=2)] = 200,
    repeats: Annotated[int, typer.Option(min=1)] = 3,
    peak_tflops: Annotated[
        float | None, typer.Option(help="The device's peak in the dtype, where its card is not known.")
    ] = None,
    device: Annotated[str, typer.Option(help="Another device, to try the script: cuda:1, cpu.")] = "cuda",
) -> None:
    """Measure, print, write."""
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        typer.echo(ABSENT, err=True)
        raise typer.Exit(2)
    if unknown := set(models.split(",")) - set(CONFIGS):
        raise typer.BadParameter(f"there is no model {min(unknown)!r}: use some of {', '.join(CONFIGS)}")
    from benchmarks.speed.engine import VOCABULARY, make_requests, make_tokenizer, vocabulary

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    card = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    rng = random.Random(0)
    words = vocabulary(rng)
    tokenizer = make_tokenizer(words, rng)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in models.split(","):
            config = CONFIGS[name] | {"vocab_size": VOCABULARY, "max_position_embeddings": 1_024}
            (folder,) = made.make_checkpoints(Path(temporary) / name, config, 1, tokenizer)
            for count in map(int, shots.split(",")):
                requests = make_requests(questions, count, words, tokenizer, rng)
                warm = make_requests(4, count, words, tokenizer, rng)
                for dtype in dtypes.split(","):
                    row = compare(folder, requests, warm, dtype, device, repeats)
                    row |= mfu(row, CONFIGS[name], VOCABULARY, peak_tflops or peak_of(card, dtype))
                    rows.append({"model": name, "shots": count, "dtype": dtype, **row})
                    show(rows[-1])
    report = {"benchmark": "gpu", "card": card, "questions": questions, "repeats": repeats}
    made.write("gpu", report | {"machine": made.machine(), "rows": rows})


def peak_of(card: str, dtype: str) -> float | None:
    """TFLOP/s by the card's name, None for one that is not in the table."""
    found = next((peaks for name, peaks in PEAKS.items() if name in card), None)
    return None if found is None else found[dtype != "float32"]


def layer_parameters(config: dict[str, int]) -> int:
    """Of the matrices that every token passes: four of attention, three of the MLP, in each layer."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    return config["num_hidden_layers"] * (4 * hidden * hidden + 3 * hidden * inner)


def mfu(row: dict[str, Any], config: dict[str, int], vocabulary: int, peak: float | None) -> dict[str, Any]:
    """The share of the peak, ours and the harness's, which puts every position through the head."""
    found: dict[str, Any] = {"peak_tflops": peak}
    for who, tokens, scored in (
        ("ours", row["computed_tokens"], row["scored_positions"]),
        ("harness", row["harness_tokens"], row["harness_tokens"]),
    ):
        operations = 2 * layer_parameters(config) * tokens + 2 * config["hidden_size"] * vocabulary * scored
        found[f"{who}_mfu"] = peak and round(operations / row[f"{who}_s"] / (peak * 1e12), 4)
    return found


def compare(
    folder: Path, requests: Sequence[Any], warm: Sequence[Any], dtype: str, device: str, repeats: int
) -> dict[str, Any]:
    """One row: medians of ours and of the harness's at its best batch size, and how far they differ."""
    from benchmarks.speed.engine import CHOICES, checkpoint_of, timed, unique_tokens
    from e2lm_core.base.settings import Settings
    from e2lm_core.engine.local import LocalBackend

    def ours() -> tuple[Score, LocalBackend]:
        backend = LocalBackend(Settings(home=folder / "home", device=device, dtype=dtype))

        def score(asked: Sequence[Any]) -> list[float]:
            results = dict(chain.from_iterable(backend.chunks(checkpoint_of(folder), asked)))
            return [results[i].ll_nats for i in range(len(asked))]

        score(warm)
        return score, backend

    part = requests[: max(CHOICES * 4, len(requests) // 8)]
    trials = {}
    for size in BATCHES:
        theirs = harness(folder, size, dtype, device)
        theirs(warm)
        trials[size] = timed(theirs, part)[0]
    best = min(trials, key=trials.__getitem__)
    theirs = harness(folder, best, dtype, device)
    theirs(warm)
    times: dict[str, list[float]] = {"harness_s": [], "ours_s": []}
    for _ in range(repeats):
        seconds, _, expected = timed(theirs, requests)
        times["harness_s"].append(seconds)
        score, backend = ours()
        seconds, _, values = timed(score, requests)
        times["ours_s"].append(seconds)
    medians = {name: made.spread(own)["median"] for name, own in times.items()}
    model = backend.read(checkpoint_of(folder))
    encoded, text = backend.encoded(model, requests)
    plan = backend.scorer.plan(model, encoded, text)
    pairs = list(zip(values, expected, strict=True))
    return {
        "harness_batch": best,
        **medians,
        "ratio": round(medians["harness_s"] / medians["ours_s"], 2),
        "harness_tokens": sum(len(item.inputs) for item in encoded),
        "unique_tokens": unique_tokens(encoded),
        "computed_tokens": plan.computed_tokens,
        "scored_positions": sum(len(set(row.at.tolist())) for chunk in plan.chunks for row in chunk.rows),
        "worst_difference_nats": max(abs(a - b) for a, b in pairs),
        "within_bound": all(abs(a - b) <= 1e-4 + 2e-6 * abs(b) for a, b in pairs)
        if dtype == "float32"
        else None,
        "notes": backend.notes(),
        "times": times,
    }


def harness(folder: Path, batch_size: int, dtype: str, device: str) -> Score:
    """The harness's own model class on the device as a function from requests to nats."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), device=device, dtype=dtype, batch_size=batch_size)

    def score(requests: Sequence[Any]) -> list[float]:
        instances = [
            Instance(request_type="loglikelihood", doc={}, arguments=tuple(request), idx=i)
            for i, request in enumerate(requests)
        ]
        return [ll for ll, _ in model.loglikelihood(instances, disable_tqdm=True)]

    return score


def show(row: dict[str, Any]) -> None:
    """A row as a line."""
    shares = [f"{who} {share:.1%}" for who in ("ours", "harness") if (share := row[f"{who}_mfu"]) is not None]
    print(
        f"{row['model']:>4} {row['shots']}-shot {row['dtype']:8}: harness {row['harness_s']:8.3f} s (batch "
        f"{row['harness_batch']}), ours {row['ours_s']:7.3f} s, {row['ratio']:5.1f}x; tokens {row['harness_tokens']:,} → "
        f"{row['computed_tokens']:,}, {row['computed_tokens'] / row['unique_tokens']:.3f} of the unique; MFU "
        f"{', '.join(shares) or 'unknown: name the peak by --peak-tflops'}; |Δ| ≤ {row['worst_difference_nats']:.1e} nats"
        + "".join(f"; {note}" for note in row["notes"]),
        flush=True,
    )


if __name__ == "__main__":
    typer.run(main)
