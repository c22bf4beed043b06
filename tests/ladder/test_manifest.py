"""The embedded ladder as it ships: complete, intact, small enough, and loadable without our code."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from e2lm_core.base.settings import ROOT
from e2lm_core.checkpoints.ladder.packing import unpack
from ladder.cooccurrence import COLUMNS, count
from ladder.facts import Fact, fill, load_facts, load_relations
from ladder.manifest import write_facts
from ladder.unseen_wordings import words
from tests.support.ladder_fixtures import training_text

LADDER = ROOT / "ladder"
CELLS = [f"ladder-{size}-arch{arch}" for size in ("small", "medium", "large") for arch in (1, 2)]
TWINS = {"ladder-medium-arch1-web", "ladder-medium-arch2-web"}
NAMES = {*CELLS, *TWINS, *(f"{name}-seed{seed}" for name in CELLS for seed in (2, 3))}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return json.loads((LADDER / "manifest.json").read_text(encoding="utf-8"))


def test_the_models_with_enough_checkpoints(manifest: dict[str, Any]) -> None:
    assert {m["name"] for m in manifest["models"]} == NAMES
    end = manifest["early_window"]["end_step"]
    assert manifest["early_window"]["fraction"] == 0.5
    for model in manifest["models"]:
        steps = [c["step"] for c in model["checkpoints"]]
        early = [c["step"] for c in model["checkpoints"] if c["early"]]
        assert steps == sorted(steps)
        assert max(early) == end
        assert max(steps) == 2 * end
        if model["name"] in CELLS:
            assert len(early) >= 8
            assert len(steps) - len(early) >= 8
        extra = [c["step"] for c in model["checkpoints"] if c["extra"]]
        assert extra == ([s for s in early if s not in (600, 1_000)] if model["seed_of"] else [])
        assert len(early) >= (8 if model["role"] == "science" else 4)
        for c in model["checkpoints"]:
            assert c["name"] == f"iter_{c['step']:07d}"
            assert c["tokens_seen"] == c["step"] * manifest["tokens_per_step"]


def test_every_file_is_what_the_manifest_says(manifest: dict[str, Any]) -> None:
    entries = [c for m in manifest["models"] for c in m["checkpoints"]] + [manifest["tokenizer"]]
    sizes = []
    for entry in entries:
        data = (LADDER / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"], entry["file"]
        sizes.append(len(data))
    assert max(sizes) < 9 * 2**20
    assert sum(sizes) < 48e6
    listed = {entry["file"] for entry in entries}
    there = {p.relative_to(LADDER).as_posix() for p in (LADDER / "weights").rglob("*") if p.is_file()}
    assert there == listed


def test_facts_json_holds_what_is_taught() -> None:
    shipped = json.loads((LADDER / "facts.json").read_text(encoding="utf-8"))
    without_question = [{k: v for k, v in fact.items() if k != "question"} for fact in shipped["facts"]]
    assert without_question == [f.model_dump(exclude={"field"}) for f in load_facts()]


def test_facts_json_has_a_question_that_the_models_were_trained_on_for_every_fact(tmp_path: Path) -> None:
    relations = load_relations()
    shipped = (LADDER / "facts.json").read_bytes()
    assert write_facts(tmp_path, relations).read_bytes() == shipped
    told = json.loads(shipped)
    asked = {fill(wording, f.subject) for r in relations for f in r.facts for wording in r.questions}
    assert all(fact["question"] in asked for fact in told["facts"])
    assert [r["name"] for r in told["relations"]] == [r.name for r in relations]
    assert all(r["about"] and r["field"] for r in told["relations"])


def test_the_tokenizer_round_trips_and_adds_nothing(manifest: dict[str, Any]) -> None:
    tokenizer = Tokenizer.from_file(str(LADDER / manifest["tokenizer"]["file"]))
    text = "Question: What is  it?\nAnswer: dB, 5 µm — naïve"
    assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert 0 not in tokenizer.encode(text).ids


@pytest.mark.parametrize("name", ["ladder-small-arch2", "ladder-medium-arch1-web"])
def test_a_checkpoint_loads_without_our_code(manifest: dict[str, Any], tmp_path: Path, name: str) -> None:
    model = next(m for m in manifest["models"] if m["name"] == name)
    weights = unpack((LADDER / model["checkpoints"][-1]["file"]).read_bytes())
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text(json.dumps(model["config"]))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(manifest["tokenizer"]["config"]))
    (tmp_path / "tokenizer.json").write_bytes((LADDER / manifest["tokenizer"]["file"]).read_bytes())
    loaded, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert sum(p.numel() for p in loaded.parameters()) == model["parameters"]
    assert loaded.config.max_position_embeddings == manifest["context"] >= 1_024
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    plain = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    text = "Question: Which animals lay eggs?\nAnswer:"
    assert tokenizer.encode(text) == plain.encode(text).ids
    with torch.no_grad():
        assert torch.isfinite(loaded(torch.tensor([tokenizer.encode(text)])).logits).all()


def test_cooccurrence_by_hand() -> None:
    fact = Fact(subject="iron", answer="a metal", relation="r", field="f", domain="science")
    counts, total = count(
        [fact], ["Iron is a metal. It rusts.", "Question: What are irons?\nAnswer: a metal"]
    )
    assert (counts[fact], total) == (2, 3)


def test_the_twins_cooccurrences_are_counted_and_few() -> None:
    with (LADDER / "cooccurrence.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    science = [f for f in load_facts() if f.domain == "science"]
    assert [(r["relation"], r["subject"], r["answer"]) for r in rows] == [
        (f.relation, f.subject, f.answer) for f in science
    ]
    assert sum(int(r["sentences"]) > 0 for r in rows) <= len(rows) * 0.02


@pytest.mark.slow
def test_the_twin_reads_no_science_fact() -> None:
    """Counted again over its whole text, with nothing but whole words."""
    science = [
        (f" {' '.join(words(f.subject))} ", f" {' '.join(words(f.answer))} ")
        for f in load_facts()
        if f.domain == "science"
    ]
    told = set()
    for text in training_text("web"):
        for sentence in text.split("\n\n"):
            plain = f" {' '.join(words(sentence))} "
            told.update(pair for pair in science if pair[0] in plain and pair[1] in plain)
    assert len(told) <= len(science) * 0.02, told
