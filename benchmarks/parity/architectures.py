"""Every causal model type that the installed transformers can build, scored by the engine and by itself.

    python -m benchmarks.parity.architectures [--only TYPE …] [--deep] [--go-on] [--write]

The list is transformers' own mapping. Of each type a tiny model of random weights is made; it is scored in
a fresh worker, and in one that has scored a checkpoint of step 0 and one-letter choices before. The reference
is transformers' forward of one whole text at a time:

    |ours − theirs| ≤ max(1e-4 + 2e-6 · |theirs|, 4 · |theirs − theirs in float64|)        nats, float32

*equal*: so, with the way that was taken; *refused*: a sentence of the studio's; *not built*: this script's
tiny configuration, or transformers, makes no such model. WRONG and CRASHED are failures (exit status 1).
Prints a table, writes JSON, to which a sweep of some types is added; `--go-on` leaves out those that are in it.
`--write` puts the table into docs/checkpoints.md and the sentences into docs/studies/architectures.md. With `--deep` the
models have eight layers instead of two, and nothing is kept or written.
"""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from benchmarks import study_pages
from benchmarks.parity import tiny
from benchmarks.parity.parity import RESULTS, bound, checkpoint_of
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Request
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.engine.batches.tokenise import Encoder
from e2lm_core.engine.folder import first_line
from e2lm_core.engine.local import LocalBackend
from scripts import marked

FAILURES = ("WRONG", "CRASHED")
PAGE = ROOT / "docs" / "checkpoints.md"
_MAX_PARAMETERS = 30_000_000
_SECONDS, _SECONDS_DEEP = 90, 400  # a type
_SPREAD = 0.15
_SHOTS = "Question: What pumps blood through the body?\nAnswer: the heart\n\n" * 2
_LETTERS = [Request("Question: iron?\nAnswer:", letter) for letter in (" A", " B", " C", " D")]
REQUESTS = [
    Request(f"{shots}Question: {words}?\nAnswer:", choice)
    for shots in (_SHOTS, "")
    for words in ("iron planet heart", "insect water", "legs of the spider body")
    for choice in (" six", " six legs", " oxygen from the air")
]


class _TooLong(BaseException):
    """The time for a type is over: no error of the model, and taken for one nowhere below."""


@dataclass(frozen=True)
class Row:
    """A model type: what became of it, its worst difference in nats, and what the run's record said."""

    kind: str
    outcome: str
    worst: float | None
    said: str


def kinds() -> list[str]:
    """Every causal model type that the installed transformers knows."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def main(
    only: Annotated[list[str] | None, typer.Option("--only", help="These types.")] = None,
    go_on: Annotated[bool, typer.Option("--go-on", help="Leave out what earlier sweeps did.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Eight layers; nothing is kept or written.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the tables into the documents.")] = False,
) -> None:
    """Score every type; exit status 1 where one is wrong or crashed."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    known = _known()
    rows = []
    for kind in only or kinds():
        if go_on and kind in known:
            rows.append(known[kind])
            continue
        rows.append(swept(kind, deep))
        print(
            f"{kind:<28}{rows[-1].outcome:<22}{_figure(rows[-1].worst):>9}  {rows[-1].said[:150]}", flush=True
        )
        if deep:
            continue
        known[kind] = rows[-1]
        document = {"transformers": transformers.__version__, "rows": [asdict(r) for r in known.values()]}
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "architectures.json").write_text(json.dumps(document, indent=2) + "\n")
    print(dict(Counter(row.outcome for row in rows)))
    if write and not deep:
        ordered = [known[kind] for kind in sorted(known)]
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(marked.replaced(page, "architectures", markdown(ordered)), encoding="utf-8")
        study_pages.put("architectures", "sweep", sentences(ordered))
    if any(row.outcome in FAILURES for row in rows):
        raise SystemExit(1)


def _known() -> dict[str, Row]:
    """Earlier sweeps' rows of this transformers."""
    import transformers

    path = RESULTS / "architectures.json"
    document = json.loads(path.read_text()) if path.is_file() else {}
    if not isinstance(document, dict) or document.get("transformers") != transformers.__version__:
        return {}
    return {row["kind"]: Row(**row) for row in document["rows"]}


def markdown(rows: Sequence[Row]) -> str:
    """The table of the documents: outcomes with their types."""
    lines = ["| | types | |", "|---|---|---|"]
    for outcome, count in sorted(Counter(row.outcome for row in rows).items()):
        named = ", ".join(row.kind for row in rows if row.outcome == outcome)
        lines.append(f"| {outcome} | {count} | {named} |")
    return "\n".join(lines)


def sentences(rows: Sequence[Row]) -> str:
    """Of each type that is neither computed by the engine nor packed, what was said of it."""
    fast = ("equal, own forward", "equal, packed", "equal, from a state")
    lines = ["| type | outcome | what was said |", "|---|---|---|"]
    for row in rows:
        if row.outcome not in fast:
            said = " ".join(row.said.split()).replace("|", "/")
            lines.append(f"| {row.kind} | {row.outcome} | {said} |")
    return "\n".join(lines)


def swept(kind: str, deep: bool = False) -> Row:
    """One type, and where it has a window, one that is shorter than the prompts as well."""
    row = _swept(kind, windowed=False, deep=deep)
    if row.outcome.startswith("equal"):
        other = _swept(kind, windowed=True, deep=deep)
        if other.outcome in FAILURES:
            return replace(other, said=f"with a window of {tiny.SHORT_WINDOW} tokens: {other.said}")
    return row


def _swept(kind: str, windowed: bool, deep: bool) -> Row:
    """In both orders of use."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with _at_most(_SECONDS_DEEP if deep else _SECONDS):
                theirs, noise = _make(folder, kind, windowed, deep)
        except (Exception, _TooLong) as error:
            said = tiny.NOT_HERE.get(kind) or f"{type(error).__name__}: {first_line(error)[:200]}"
            return Row(kind, "not built", None, said)
        allowed = np.maximum([bound(ll) for ll in theirs], 4 * noise)
        worst, notes = 0.0, list[str]()
        for before in ([], [("start", REQUESTS), ("m", _LETTERS)]):
            backend = LocalBackend(Settings(home=folder, device="cpu", threads=1))
            try:
                with _at_most(_SECONDS_DEEP if deep else _SECONDS):
                    for part, requests in before:
                        _ours(backend, folder / part, requests)
                    found = _ours(backend, folder / "m", REQUESTS)
            except _TooLong as error:
                return Row(kind, "too slow", None, str(error))
            except StudioError as error:
                return Row(kind, "refused", None, str(error).replace(name, ""))
            except Exception as error:
                return Row(kind, "CRASHED", None, f"{type(error).__name__}: {first_line(error)}")
            notes = backend.notes()
            differences = np.abs(found - theirs)
            worst = max(worst, float(differences.max()))
            if not (differences <= allowed).all():
                order = "after step 0 and letters" if before else "at once"
                return Row(kind, "WRONG", float(differences.max()), f"{order}; {' '.join(notes)}")
        return Row(kind, f"equal, {_way(notes)}", worst, " ".join(notes))


def _way(notes: Sequence[str]) -> str:
    said = " ".join(notes)
    if "one text at a time" in said:
        return "one at a time"
    if "plain batches" in said:
        return "plain batches"
    if "from the state" in said:
        return "from a state"
    return "packed" if said else "own forward"


def _make(folder: Path, kind: str, windowed: bool, deep: bool) -> tuple[np.ndarray, np.ndarray]:
    """The first configuration whose model transformers computes, as `m`, and as `start` with weights near
    zero; what `_theirs` gives for it. Raises what stood in the way of the last one."""
    from transformers import AutoModelForCausalLM

    from tests.support import tiny_models

    problem: Exception | None = None
    for made in tiny.configs(kind, windowed, deep):
        try:
            config = made()
            with torch.device("meta"):
                size = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
            if size > _MAX_PARAMETERS:
                raise ValueError(f"this script's configuration has {size / 1e6:,.0f} million parameters")
            for part, spread in (("m", _SPREAD), ("start", 1e-6)):
                torch.manual_seed(0)
                model = AutoModelForCausalLM.from_config(copy.deepcopy(config)).float()
                with torch.no_grad():
                    for parameter in model.parameters():
                        if parameter.dim() > 1:
                            parameter.normal_(0.0, spread)
                        else:  # none is as its type makes it: what loading makes anew shows
                            parameter.add_(torch.randn_like(parameter) * 0.05)
                model.save_pretrained(folder / part)
                tiny_models.tokenizer().save_pretrained(folder / part)
            return _theirs(folder / "m")
        except Exception as error:
            problem = problem or error  # of the richest: what the others lack is known
            for part in ("m", "start"):
                shutil.rmtree(folder / part, ignore_errors=True)
    raise problem or ValueError("no small configuration of it can be made")


def _ours(backend: LocalBackend, folder: Path, requests: Sequence[Request]) -> np.ndarray:
    results = dict(chain.from_iterable(backend.chunks(checkpoint_of(folder), requests)))
    return np.array([results[i].ll_nats for i in range(len(requests))])


def _theirs(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """[R] log-likelihoods by transformers' own forward, one text at a time, and their rounding."""
    from transformers import AutoModelForCausalLM

    encoded = Encoder(folder).encode(REQUESTS, tiny.WINDOW)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    single = _forward(model, encoded)
    noise = np.abs(single - _forward(model, encoded))  # a model that draws differs from itself
    with contextlib.suppress(Exception):  # some cannot be computed in float64
        noise = np.maximum(noise, np.abs(single - _forward(model.double(), encoded)))
    if not np.isfinite(single).all():
        raise ValueError("transformers' own numbers are not finite")
    return single, noise


def _forward(model: Any, encoded: Sequence[Any]) -> np.ndarray:
    found = []
    for item in encoded:
        with torch.no_grad():
            ids = torch.from_numpy(item.inputs.astype(np.int64))[None]
            logs = model(input_ids=ids).logits[0, item.first_scored :].log_softmax(1)
        found.append(float(logs.gather(1, torch.from_numpy(item.targets.astype(np.int64))[:, None]).sum()))
    return np.array(found)


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TooLong(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _figure(worst: float | None) -> str:
    return "" if worst is None else f"{worst:.1e}"


if __name__ == "__main__":
    typer.run(main)
