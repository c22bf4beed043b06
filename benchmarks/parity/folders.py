"""Kinds of tokenizers × shapes of folders × orders of use: each result is that of the files it is kept under.

    python -m benchmarks.parity.folders [--only NAME …]

Two models, whose files have the same names and whose tokenizers cut text otherwise, are scored one after the other by
one studio: A then B, B then A, A B A. Their folders hold one file of weights, parts with an index, both, or links; they
are moved into each other's place, or written over while they are scored. After each step all that is kept of a folder
has to be what lm-evaluation-harness's own model class (transformers) gives for its files as they are then, within
`parity.bound`, and what was kept before has to stay. Exit status 1 where anything differs.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import typer

from benchmarks.parity.parity import bound, harness_model, harness_scores
from e2lm_core.base.records import Checkpoint, Request, ScoredChunk
from e2lm_core.engine import scorer
from e2lm_core.engine.local import LocalBackend
from e2lm_core.runs import evaluate
from e2lm_core.runs.store.loglikelihood_store import request_digest
from e2lm_core.runs.store.requests import RequestIndex, render_prompts
from e2lm_core.runs.studio import Studio, open_studio

CORPUS = [
    "Question: What is twice the number 7?",
    "Answer: 14, which is 2 times 7; and 9 is not.",
    "Iron melts at 1538 degrees, water boils at 100; 0 1 2 3 4 5 6 7 8 9 are digits.",
] * 4
ORDERS = ("AB", "BA", "ABA")
Kept = dict[str, dict[bytes, float]]  # by fingerprint, then by the request's key: nats


# --- tokenizers -----------------------------------------------------------------------------------------


def wordpiece(folder: Path, other: bool) -> None:
    """vocab.txt alone, in which line a piece stands is its token."""
    letters = sorted({c for text in CORPUS for c in text.lower() if not c.isspace()})
    words = sorted({w.strip("?:;,.") for text in CORPUS for w in text.lower().split()} - set(letters))
    pieces = [*letters, *(f"##{letter}" for letter in letters), *words]
    random.Random(other).shuffle(pieces)
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join([*specials, *pieces]) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "bos_token": "[CLS]", "eos_token": "[SEP]"})
    )


def unigram(folder: Path, other: bool) -> None:
    """A unigram model with ▁ for spaces, as SentencePiece makes it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.Unigram())
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    inner.decoder = decoders.Metaspace(prepend_scheme="always")
    letters = sorted({c for text in CORPUS for c in text})
    trainer = trainers.UnigramTrainer(
        vocab_size=200,
        special_tokens=["<unk>", "<s>", "</s>"],
        unk_token="<unk>",
        initial_alphabet=letters,
        show_progress=False,
    )
    inner.train_from_iterator(CORPUS, trainer)
    text = json.loads(inner.to_str())
    random.Random(other).shuffle(pieces := text["model"]["vocab"][3:])
    text["model"]["vocab"][3:] = pieces
    inner = Tokenizer.from_str(json.dumps(text))
    PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)


def byte_level(
    folder: Path, other: bool, before: str = "", behind: str = "", prefix_space: bool = False, files: int = 1
) -> None:
    """Byte-level BPE; `before` and `behind` are put around a text, `files` 2 writes vocab.json and merges.txt."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<bos>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(CORPUS, trainer)
    text = json.loads(inner.to_str())
    names = [name for name in text["model"]["vocab"] if not name.startswith("<")]
    numbers = [text["model"]["vocab"][name] for name in names]
    random.Random(other).shuffle(numbers)
    text["model"]["vocab"] |= dict(zip(names, numbers, strict=True))
    if files == 2:
        (folder / "vocab.json").write_text(json.dumps(text["model"]["vocab"]), encoding="utf-8")
        merges = [one if isinstance(one, str) else " ".join(one) for one in text["model"]["merges"]]
        (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
        ends = {f"{name}_token": "<eos>" for name in ("bos", "eos", "unk")}
        (folder / "tokenizer_config.json").write_text(
            json.dumps({"tokenizer_class": "GPT2Tokenizer", **ends})
        )
        return
    inner = Tokenizer.from_str(json.dumps(text))
    if before or behind:
        around = [("<bos>", 0)] * bool(before) + [("<eos>", 1)] * bool(behind)
        inner.post_processor = processors.TemplateProcessing(
            single=" ".join(filter(None, [before, "$A", behind])), special_tokens=around
        )
    PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<bos>", eos_token="<eos>").save_pretrained(
        folder
    )


TOKENIZERS: dict[str, Callable[[Path, bool], None]] = {
    "WordPiece": wordpiece,
    "unigram": unigram,
    "byte-level": byte_level,
    "byte-level in two files": partial(byte_level, files=2),
    "with BOS": partial(byte_level, before="<bos>"),
    "with EOS": partial(byte_level, behind="<eos>"),
    "prefix space": partial(byte_level, prefix_space=True),
}


# --- folders --------------------------------------------------------------------------------------------


def made(folder: Path, tokenizer: str, other: bool) -> Path:
    """A checkpoint in one file of weights; the other one differs in weights and tokenizer, in no file's name."""
    from tests.support import tiny_models

    tiny_models.make(folder, seed=11 + other)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    TOKENIZERS[tokenizer](folder, other)
    return folder


def in_parts(folder: Path) -> None:
    """Parts of weights with an index, instead of one file."""
    _parts(folder, folder)
    (folder / "model.safetensors").unlink()


def both(folder: Path) -> None:
    """One file of weights, and parts of other weights beside it."""
    from tests.support import tiny_models

    _parts(tiny_models.make(folder.parents[2] / f"further-{folder.parent.name}", seed=99), folder)


def _parts(source: Path, folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = sorted(load_file(source / "model.safetensors").items())
    index = {}
    for number, some in enumerate((weights[::2], weights[1::2]), start=1):
        name = f"model-0000{number}-of-00002.safetensors"
        save_file(dict(some), folder / name, {"format": "pt"})
        index |= {key: name for key, _ in some}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def links(folder: Path) -> None:
    """Every file a link to one that lies elsewhere, as in a cache."""
    elsewhere = folder.parent.parent / f"blobs-{folder.parent.name}"
    elsewhere.mkdir()
    for path in list(folder.iterdir()):
        path.rename(elsewhere / path.name)
        path.symlink_to(elsewhere / path.name)


def swapped(a: Path, b: Path) -> None:
    """Each in the place of the other."""
    a.rename(a.with_name("aside"))
    b.rename(a)
    a.with_name("aside").rename(b)


def written_over(a: Path, b: Path) -> None:
    """Every file of A written over in place by that of B."""
    for path in b.iterdir():
        shutil.copyfile(path, a / path.name)


SHAPES: dict[str, Callable[[Path], object]] = {
    "one file": lambda folder: None,
    "parts": in_parts,
    "both": both,
    "links": links,
    "moved": lambda folder: None,
    "overwritten while running": lambda folder: None,
}


# --- one case -------------------------------------------------------------------------------------------


def case(folder: Path, tokenizer: str, shape: str, order: str) -> list[str]:
    """What was wrong in one case, as sentences; none where all held."""
    from tests.support import studios

    places = {name: folder / "runs" / name / "checkpoint-10" for name in "ab"}
    for name, place in places.items():
        SHAPES[shape](made(place, tokenizer, other=name == "b"))
    settings = studios.settings(folder / "home", ladder=folder / "none").model_copy(
        update={"checkpoints": (folder / "runs",)}
    )
    studios.write_example(settings)
    studio, kept = open_studio(settings), Kept()
    wrong: list[str] = []
    for step, name in enumerate(order.lower()):
        other = places["b" if name == "a" else "a"]
        if shape == "moved" and step:
            swapped(*places.values())
        during = partial(written_over, places[name], other) if shape.startswith("overwritten") else None
        _run(studio, name, during)
        wrong += [f"step {step + 1}, {said}" for said in _differing(studio, places, name, kept)]
    return wrong


def _run(studio: Studio, name: str, during: Callable[[], object] | None) -> None:
    """Score one model; `during` happens after its first chunk."""
    chunks, waiting = LocalBackend.chunks, [during] if during else []

    def interrupted(
        self: LocalBackend, checkpoint: Checkpoint, *rest: Any, **more: Any
    ) -> Iterator[ScoredChunk]:
        for chunk in chunks(self, checkpoint, *rest, **more):
            if waiting:
                waiting.pop()()
            yield chunk

    with (
        patch.object(LocalBackend, "chunks", interrupted),
        patch.object(scorer, "batch_tokens", lambda *_: 64),
        patch.object(scorer, "STACKED_TOKENS", 0 if during else scorer.STACKED_TOKENS),
        patch.object(evaluate, "COMMIT_EVERY_S", 0.0),
    ):
        result = evaluate.evaluate(studio, _task(), studio.catalogue.checkpoints_of(name))
    assert not result.left_out, result.left_out


def _task() -> Any:
    from tests.support import studios

    return studios.task(4)


def _differing(studio: Studio, places: dict[str, Path], scored: str, kept: Kept) -> Iterator[str]:
    """What is not as transformers gives it for the files as they are now, and what was kept and changed since."""
    requests = list(RequestIndex(render_prompts(_task())).texts.values())
    keys = [request_digest(request) for request in requests]
    for name, place in places.items():
        scope = studio.backend.scope(studio.catalogue.checkpoints_of(name)[0])
        found = {key: result.ll_nats for key, result in studio.store.get(scope, keys).items()}
        if name == scored and len(found) < len(keys):
            yield f"{name}: {len(found)} of {len(keys)} are kept"
        theirs = dict(zip(keys, _transformers(place, requests), strict=True))
        for request, key in zip(requests, keys, strict=True):
            if key in found and not abs(found[key] - theirs[key]) <= bound(theirs[key]):
                yield f"{name}: {request.continuation!r} is {found[key]:.5f}, and {theirs[key]:.5f} in transformers"
        before = kept.setdefault(scope.fingerprint, found)
        if any(found.get(key) != ll for key, ll in before.items()):
            yield f"{name}: what was kept has changed"
        before |= found


def _transformers(place: Path, requests: Sequence[Request]) -> list[float]:
    return harness_scores(harness_model(place), requests)


def main(
    only: Annotated[list[str] | None, typer.Option("--only", help="These tokenizers alone.")] = None,
) -> None:
    """Try every case; exit status 1 where one does not hold."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    failed = count = 0
    for tokenizer in only or TOKENIZERS:
        for shape in SHAPES:
            for order in ORDERS:
                with tempfile.TemporaryDirectory() as folder:
                    wrong = case(Path(folder), tokenizer, shape, order)
                count, failed = count + 1, failed + bool(wrong)
                for said in wrong[:3]:
                    print(f"{tokenizer}, {shape}, {order}: {said}", flush=True)
        print(f"{tokenizer}: {count} cases so far, {failed} that did not hold", flush=True)
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
