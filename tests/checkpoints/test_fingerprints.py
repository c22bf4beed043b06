"""A fingerprint follows what changes a number, and nothing else."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.fingerprints import (
    TOKENIZER_FILES,
    fingerprint,
    folder_state,
    is_tokenizer_file,
    tokenizer_files,
)
from tests.support.fake_hub import CONFIG
from tests.support.ladder_fixtures import built, edit_manifest, first, local, local_checkpoint, settings

__all__ = ["built", "first", "local", "settings"]  # fixtures


def test_packed_fingerprints_differ_and_need_no_weights(settings):
    checkpoints = open_catalogue(settings).checkpoints
    prints = {fingerprint(c, settings) for c in checkpoints}
    assert len(prints) == 6
    for checkpoint in checkpoints:
        checkpoint.packed.unlink()
    assert {fingerprint(c, settings) for c in checkpoints} == prints


@pytest.mark.parametrize(
    "edit",
    [
        lambda m: m["models"][0]["checkpoints"][-1].update({"sha256": "0" * 64}),
        lambda m: m["models"][0].update({"config": {**CONFIG, "rms_norm_eps": 1e-5}}),
        lambda m: m["tokenizer"].update({"sha256": "0" * 64}),
        lambda m: m["tokenizer"].update({"config": {}}),
    ],
)
def test_packed_fingerprint_follows_weights_config_and_tokenizer(settings, first, edit):
    before = fingerprint(first, settings)
    edit_manifest(settings, edit)
    assert fingerprint(first, settings) != before


def test_packed_fingerprint_ignores_what_changes_no_number(settings, first):
    before = fingerprint(first, settings)
    edit_manifest(settings, lambda m: m["models"][0].update({"size": "huge", "seed": 9}))
    assert fingerprint(first, settings) == before


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_folder_fingerprint_follows_each_file(local, name):
    checkpoint = local_checkpoint(local)
    before = fingerprint(checkpoint, local)
    assert before.startswith("folder:")
    path = checkpoint.directory / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b" ")
    assert fingerprint(checkpoint, local) != before
    path.write_bytes(content)
    assert fingerprint(checkpoint, local) == before


def test_retrained_in_place_with_the_same_size_and_time_is_noticed(local):
    checkpoint = local_checkpoint(local)
    path = checkpoint.directory / "model.safetensors"
    os.utime(path, (1_000_000, 1_000_000))
    before = fingerprint(checkpoint, local)
    weights = load_file(path)
    weights["model.norm.weight"] += 1
    save_file(weights, path, metadata={"format": "pt"})
    os.utime(path, (1_000_000, 1_000_000))
    assert fingerprint(checkpoint, local) != before


def test_folder_is_hashed_once(local, monkeypatch):
    from e2lm_core.checkpoints import fingerprints as module

    checkpoint = local_checkpoint(local)
    monkeypatch.setattr(module, "_SETTLED_S", -1.0)  # else files as young as these are hashed each time
    before = fingerprint(checkpoint, local)
    hashed = []
    monkeypatch.setattr(module, "file_sha256", lambda path: hashed.append(path) or "0")
    assert fingerprint(checkpoint, local) == before
    assert hashed == []


def test_every_file_that_a_tokenizer_of_transformers_reads_is_in_the_list():
    import transformers

    named = set()
    for path in sorted(Path(transformers.__file__).parent.glob("models/*/tokenization*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Assign | ast.AnnAssign)
                and "vocab_files_names" in ast.unparse(node).lower()
            ):
                texts = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
                named |= {text for text in texts if isinstance(text, str) and "." in text}
    assert len(named) > 15
    assert [name for name in sorted(named) if not is_tokenizer_file(name)] == []
    more = ("tekken.json", "tokenizer.model.v3", "qwen.tiktoken", "tokenizer.4.0.0.json", "vocab.bpe")
    assert all(map(is_tokenizer_file, more))
    others = (
        "config.json",
        "generation_config.json",
        "trainer_state.json",
        "model.safetensors",
        "optimizer.pt",
    )
    assert not any(map(is_tokenizer_file, (*others, "model.safetensors.index.json", "chat_template.jinja")))


@pytest.mark.parametrize(
    "name", ["vocab.txt", "spiece.model", "sentencepiece.bpe.model", "tekken.json", "bpe.codes"]
)
def test_a_tokenizer_of_any_file_decides_the_fingerprint(local, name):
    checkpoint = local_checkpoint(local)
    (checkpoint.directory / "tokenizer.json").unlink()
    (checkpoint.directory / name).write_text("one")
    before = fingerprint(checkpoint, local)
    (checkpoint.directory / name).write_text("two")
    assert fingerprint(checkpoint, local) != before


def test_fingerprints_that_were_stored_before_stay(local):
    """Results are kept under them: names and sums of the files, the tokenizer's nine in their old order."""
    folder = local_checkpoint(local).directory
    for name in TOKENIZER_FILES:
        (folder / name).write_text((folder / name).read_text() if (folder / name).exists() else name)
    for name in ("chat_template.jinja", "trainer_state.json", "generation_config.json", "training_args.bin"):
        (folder / name).write_text(name)
    ordered = ["model.safetensors", "config.json", *TOKENIZER_FILES]
    parts = [[name, hashlib.sha256((folder / name).read_bytes()).hexdigest()] for name in ordered]
    expected = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    assert fingerprint(local_checkpoint(local), local) == f"folder:{expected}"
    (folder / "spm.model").write_text("more")
    assert [path.name for path in tokenizer_files(folder)] == [*TOKENIZER_FILES, "spm.model"]


def test_the_state_of_a_folder_shows_every_write(local):
    folder = local_checkpoint(local).directory
    states = {folder_state(folder)}
    assert folder_state(folder) in states
    for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
        path = folder / name
        data, times = path.read_bytes(), path.stat()
        with path.open("r+b") as file:  # in place: the same inode and size
            file.write(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        states.add(folder_state(folder))
    (folder / "trainer_state.json").write_text("{}")  # decides nothing
    states.add(folder_state(folder))
    assert len(states) == 5


def test_fingerprint_does_not_depend_on_the_place(local, tmp_path):
    checkpoint = local_checkpoint(local)
    moved = tmp_path / "elsewhere"
    shutil.copytree(checkpoint.directory, moved)
    elsewhere = checkpoint.model_copy(update={"directory": moved})
    assert fingerprint(elsewhere, local) == fingerprint(checkpoint, local)
