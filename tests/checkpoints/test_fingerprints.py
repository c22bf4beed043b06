"""A fingerprint follows what changes a number, and nothing else."""

from __future__ import annotations

import os
import shutil

import pytest
from safetensors.torch import load_file, save_file

from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.fingerprints import fingerprint
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


def test_fingerprint_does_not_depend_on_the_place(local, tmp_path):
    checkpoint = local_checkpoint(local)
    moved = tmp_path / "elsewhere"
    shutil.copytree(checkpoint.directory, moved)
    elsewhere = checkpoint.model_copy(update={"directory": moved})
    assert fingerprint(elsewhere, local) == fingerprint(checkpoint, local)
