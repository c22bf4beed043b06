"""Ours against lm-evaluation-harness's HFLM, in process: the same model, questions, threads and float32.

    python -m benchmarks.speed.engine [--models 2m 30m 135m | falcon_h1 lfm2 qwen3_next mamba rwkv] [--shots 0 5] [--questions 200] [--questions-30m 100]
                                [--trial-questions 24] [--repeats 3] [--threads 2]

Both start from strings, with tokenizer and weights in memory and warmed by other questions: tokens are cut
and plans made anew in every repeat. The harness runs at the best of batch 1, 8, 16 and 32, found on a part
of the questions; then the two alternate and medians are compared, of seconds and of CPU seconds (which a
busy machine changes less). `--threads` are those of both: the harness has them in every product, ours
computes batches side by side. Each row is printed, with its number of questions, and written to
`benchmarks/results/engine.json` as soon as it is there; what is being timed is said on standard error.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedTokenizerFast

from e2lm_core.base.records import Checkpoint, ModelInfo, Request
from e2lm_core.base.settings import Settings
from e2lm_core.engine.batches.plan import common_length
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.local import LocalBackend

VOCABULARY = 3_072
CONFIGS: dict[str, dict[str, Any]] = {
    "2m": {"hidden_size": 192, "num_hidden_layers": 3, "intermediate_size": 512, "num_attention_heads": 6},
    "30m": {"hidden_size": 512, "num_hidden_layers": 9, "intermediate_size": 1_408, "num_attention_heads": 8},
    "135m": {  # SmolLM2's shape, with its vocabulary, of which the questions use a part
        "hidden_size": 576,
        "num_hidden_layers": 30,
        "intermediate_size": 1_536,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49_152,
    },
}
# Of other types, whose state runs along the text; some 10 M parameters each.
_ATTENTION = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64}
_DELTA = {
    **dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim"), 64),
    **dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads"), 4),
}
HYBRIDS: dict[str, dict[str, Any]] = {
    "falcon_h1": {
        **_ATTENTION,
        "hidden_size": 256,
        "num_hidden_layers": 6,
        "intermediate_size": 768,
        "mamba_d_ssm": 384,
        "mamba_n_heads": 12,
        "mamba_d_head": 32,
        "mamba_d_state": 64,
        "mamba_n_groups": 1,
    },
    "lfm2": {
        **_ATTENTION,
        "hidden_size": 256,
        "num_hidden_layers": 8,
        "intermediate_size": 768,
        "block_auto_adjust_ff_dim": False,
        "layer_types": ["conv", "conv", "full_attention", "conv"] * 2,
    },
    "qwen3_next": {
        **_ATTENTION,
        **_DELTA,
        "hidden_size": 256,
        "num_hidden_layers": 4,
        "moe_intermediate_size": 128,
        "shared_expert_intermediate_size": 256,
        "num_experts": 8,
        "num_experts_per_tok": 2,
    },
    "mamba": {"hidden_size": 256, "num_hidden_layers": 8},
    "rwkv": {"hidden_size": 256, "num_hidden_layers": 8},
}
QUESTION_TOKENS, CHOICE_TOKENS, CHOICES = 67, 15, 4
BATCHES = (1, 8, 16, 32)
LINE = (
    "{model:>10} {shots}-shot, {questions} questions: harness {harness_s:8.2f} s (batch {harness_batch}), ours {ours_s:7.2f} s, "
    "{ratio:5.1f}x ({cpu_ratio:.1f}x in CPU seconds); tokens {harness_tokens:,} → {computed_tokens:,}, "
    "{overhead:.2f} of the unique; |Δ| ≤ {worst_difference_nats:.1e} nats, within the bound: {within_bound} "
    "(the harness's own batches differ by {harness_own_difference_nats:.1e})"
)
Score = Callable[[Sequence[Request]], list[float]]
RESULTS = Path(__file__).resolve().parents[1] / "results"


def vocabulary(rng: random.Random) -> list[str]:
    """Six thousand made-up words."""
    syllables = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "er", "is")]
    return ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(6_000)]


def make_tokenizer(words: Sequence[str], rng: random.Random) -> PreTrainedTokenizerFast:
    """A byte-level BPE trained on the words."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|sep|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [f"Question: {' '.join(rng.choices(words, k=40))}?\nAnswer:" for _ in range(3_000)]
    inner.train_from_iterator(lines, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|sep|>", bos_token="<|sep|>")


def make_model(folder: Path, name: str, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A model of random weights in a folder, with its tokenizer: a Llama, or one of `HYBRIDS`."""
    torch.manual_seed(0)
    kind = name if name in HYBRIDS else "llama"
    window = "context_length" if kind == "rwkv" else "max_position_embeddings"
    config = CONFIG_MAPPING[kind](
        **{"vocab_size": VOCABULARY} | (HYBRIDS | CONFIGS)[name],
        **{window: 1_024},
        tie_word_embeddings=True,
        **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0),
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / name)
    return folder / name


def text_of(
    tokens: int, words: Sequence[str], tokenizer: Any, rng: random.Random, head: str, tail: str
) -> str:
    """Words between head and tail until they are so many tokens."""
    text = head
    while len(tokenizer.encode(text + tail)) < tokens:
        text += " " + rng.choice(words)
    return text + tail


def make_requests(
    questions: int, shots: int, words: Sequence[str], tokenizer: Any, rng: random.Random
) -> list[Request]:
    """Requests of questions of four choices, after a prefix of so many examples."""

    def question() -> str:
        return text_of(QUESTION_TOKENS, words, tokenizer, rng, "Question:", "?\nAnswer:")

    def choice() -> str:
        return text_of(CHOICE_TOKENS, words, tokenizer, rng, "", "")

    prefix = "".join(f"{question()}{choice()}\n\n" for _ in range(shots))
    return [
        Request(prefix + text, answer)
        for text in (question() for _ in range(questions))
        for answer in (choice() for _ in range(CHOICES))
    ]


def harness(folder: Path, batch_size: int) -> Score:
    """The harness's own model class as a function from requests to nats."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=batch_size)

    def score(requests: Sequence[Request]) -> list[float]:
        instances = [
            Instance(request_type="loglikelihood", doc={}, arguments=tuple(request), idx=i)
            for i, request in enumerate(requests)
        ]
        return [ll for ll, _ in model.loglikelihood(instances, disable_tqdm=True)]

    return score


def checkpoint_of(folder: Path) -> Checkpoint:
    """The folder as a checkpoint."""
    return Checkpoint(model=ModelInfo(name=folder.name, family="bench"), step=1, directory=folder)


def ours(folder: Path, threads: int, warm: Sequence[Request]) -> tuple[Score, LocalBackend]:
    """Our engine as a function from requests to nats, warmed, and its backend."""
    backend = LocalBackend(Settings(home=folder / "home", device="cpu", threads=threads))
    checkpoint = checkpoint_of(folder)

    def score(requests: Sequence[Request]) -> list[float]:
        results = dict(chain.from_iterable(backend.chunks(checkpoint, requests)))
        return [results[i].ll_nats for i in range(len(requests))]

    score(warm)
    return score, backend


def harness_timed(
    score: Score, requests: Sequence[Request], threads: int
) -> tuple[float, float, list[float]]:
    """As `timed`, with all threads in every product: ours shares them among batches of one thread each."""
    torch.set_num_threads(threads)
    return timed(score, requests)


def timed(score: Score, requests: Sequence[Request]) -> tuple[float, float, list[float]]:
    """Seconds, CPU seconds of this process, and the scores."""
    wall, cpu = time.perf_counter(), time.process_time()
    values = score(requests)
    return time.perf_counter() - wall, time.process_time() - cpu, values


def say(what: str) -> None:
    """A line with the time on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def warmed(folder: Path, batch_size: int, warm: Sequence[Request]) -> Score:
    """The harness at a batch size, after its first requests."""
    score = harness(folder, batch_size)
    score(warm)
    return score


def compare(
    folder: Path,
    requests: Sequence[Request],
    part: Sequence[Request],
    warm: Sequence[Request],
    repeats: int,
    threads: int,
) -> dict[str, Any]:
    """One row; `part` of the requests decides about the harness's batch."""
    trial: dict[int, float] = {}
    for size in BATCHES:
        say(f"the harness at batch {size}, {len(part)} requests")
        trial[size] = harness_timed(warmed(folder, size, warm), part, threads)[0]
    best = min(trial, key=trial.__getitem__)
    theirs = warmed(folder, best, warm)
    times: dict[str, list[float]] = {"harness_s": [], "ours_s": [], "harness_cpu_s": [], "ours_cpu_s": []}
    for repeat in range(repeats):
        say(f"repeat {repeat + 1} of {repeats}: the harness, {len(requests)} requests")
        wall, cpu, expected = harness_timed(theirs, requests, threads)
        times["harness_s"].append(wall)
        times["harness_cpu_s"].append(cpu)
        say(f"repeat {repeat + 1} of {repeats}: ours")
        score, backend = ours(folder, threads, warm)
        wall, cpu, values = timed(score, requests)
        times["ours_s"].append(wall)
        times["ours_cpu_s"].append(cpu)
    medians = {name: statistics.median(values) for name, values in times.items()}
    model = backend.read(checkpoint_of(folder))
    encoded, text = backend.encoded(model, requests)
    torch.set_num_threads(threads)
    other = harness(folder, 16 if best == 1 else 1)(part)
    pairs = list(zip(values, expected, strict=True))
    return {
        "questions": len(requests) // CHOICES,
        "harness_batch": best,
        "harness_s_by_batch": trial,
        **medians,
        "ratio": medians["harness_s"] / medians["ours_s"],
        "cpu_ratio": medians["harness_cpu_s"] / medians["ours_cpu_s"],
        "harness_tokens": sum(len(e.inputs) for e in encoded),
        "unique_tokens": unique_tokens(encoded),
        "computed_tokens": backend.scorer.plan(model, encoded, text).computed_tokens,
        "worst_difference_nats": max(abs(a - b) for a, b in pairs),
        "within_bound": all(abs(a - b) <= 1e-4 + 2e-6 * abs(b) for a, b in pairs),
        "harness_own_difference_nats": max(abs(a - b) for a, b in zip(other, expected, strict=False)),
        "notes": backend.notes(),
        "times": times,
    }


def unique_tokens(encoded: Sequence[Encoded]) -> int:
    """Number of nodes in the prefix tree of all inputs: tokens to compute if nothing is computed twice."""
    inputs = sorted((item.inputs for item in encoded), key=lambda tokens: tokens.tolist())
    shared = sum(common_length(one, other) for one, other in pairwise(inputs))
    return sum(map(len, inputs)) - shared


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=sorted(CONFIGS | HYBRIDS), default=["2m", "30m"])
    parser.add_argument("--shots", nargs="+", type=int, default=[0, 5])
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--questions-30m", type=int, default=100, help="of 30m and 135m, which take long")
    parser.add_argument("--trial-questions", type=int, default=24, help="to find the harness's best batch")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of both")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    rng = random.Random(0)
    words = vocabulary(rng)
    tokenizer = make_tokenizer(words, rng)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.models:
            folder = make_model(Path(temporary), name, tokenizer)
            questions = options.questions_30m if name in ("30m", "135m") else options.questions
            for shots in options.shots:
                say(f"{name}, {shots}-shot, {questions} questions")
                rng = random.Random(shots)  # the same questions for every model
                requests = make_requests(questions, shots, words, tokenizer, rng)
                warm = make_requests(2, 0, words, tokenizer, rng)
                part = requests[: CHOICES * options.trial_questions]
                row = compare(folder, requests, part, warm, options.repeats, options.threads)
                rows.append({"model": name, "shots": shots} | row)
                overhead = row["computed_tokens"] / row["unique_tokens"]
                print(LINE.format(**rows[-1], overhead=overhead), flush=True)
                write(rows, options)


def write(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> None:
    """The rows with the machine and the options, as JSON."""
    report = {
        "benchmark": "engine",
        "repeats": options.repeats,
        "threads": options.threads,
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
        },
        "torch": torch.__version__,
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "engine.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
