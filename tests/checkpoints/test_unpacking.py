"""The folder of each checkpoint that transformers and the harness load."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.fingerprints import fingerprint
from e2lm_core.checkpoints.ladder import packing
from e2lm_core.checkpoints.unpacking import ensure_directory, unpacked_directory
from tests.conftest import needs
from tests.support.fake_hub import CONFIG, TOKENIZER
from tests.support.ladder_fixtures import (
    built,
    edit_manifest,
    first,
    leftovers,
    random_weights,
    settings,
)

__all__ = ["built", "first", "settings"]  # fixtures


def test_unpacked_folder_holds_the_weights(settings, first):
    assert unpacked_directory(first, settings) is None
    folder = ensure_directory(first, settings)
    assert folder == settings.cache / "checkpoints" / "ladder-tiny-arch1" / "iter_0000100"
    assert unpacked_directory(first, settings) == folder
    weights = load_file(folder / "model.safetensors")
    expected = packing.unpack(first.packed.read_bytes())
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert json.loads((folder / "config.json").read_text()) == CONFIG
    assert (folder / "tokenizer.json").read_bytes() == json.dumps(TOKENIZER).encode()
    assert leftovers(settings) == []


def test_unpacking_again_changes_nothing_and_the_tokenizer_is_stored_once(settings):
    one, other, *_ = open_catalogue(settings).checkpoints
    folder = ensure_directory(one, settings)
    before = (folder / "model.safetensors").stat()
    assert ensure_directory(one, settings) == folder
    again = (folder / "model.safetensors").stat()
    assert (again.st_ino, again.st_mtime_ns, again.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )
    second = ensure_directory(other, settings)
    assert (second / "tokenizer.json").samefile(folder / "tokenizer.json")


@pytest.mark.parametrize("harm", [lambda b: b[:-10], lambda b: b[:100] + b"\0" + b[101:], lambda b: b""])
def test_truncated_or_altered_packed_file(settings, first, harm):
    first.packed.write_bytes(harm(first.packed.read_bytes()))
    with pytest.raises(CheckpointError, match="cut short or altered"):
        ensure_directory(first, settings)
    assert unpacked_directory(first, settings) is None
    assert leftovers(settings) == []


def test_missing_packed_file(settings, first):
    first.packed.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        ensure_directory(first, settings)


def test_file_that_the_manifest_blesses_but_is_no_checkpoint(settings, first):
    first.packed.write_bytes(b"something")
    digest = hashlib.sha256(b"something").hexdigest()
    edit_manifest(settings, lambda m: m["models"][0]["checkpoints"][-1].update({"sha256": digest}))
    with pytest.raises(CheckpointError, match="Not packed weights"):
        ensure_directory(first, settings)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "unpacked.json"])
def test_damaged_cache_is_made_again(settings, first, name):
    folder = ensure_directory(first, settings)
    (folder / name).write_bytes(b"{}")
    assert unpacked_directory(first, settings) is None
    ensure_directory(first, settings)
    assert len(load_file(folder / "model.safetensors")) == 11


def test_retrained_ladder_replaces_what_was_unpacked(settings, first):
    old_print, folder = fingerprint(first, settings), ensure_directory(first, settings)
    blob = packing.pack(random_weights(77))
    first.packed.write_bytes(blob)
    digest = hashlib.sha256(blob).hexdigest()
    edit_manifest(settings, lambda m: m["models"][0]["checkpoints"][-1].update({"sha256": digest}))
    assert fingerprint(first, settings) != old_print
    assert unpacked_directory(first, settings) is None
    ensure_directory(first, settings)
    expected = packing.unpack(blob)["model.norm.weight"]
    assert torch.equal(load_file(folder / "model.safetensors")["model.norm.weight"], expected)
    assert leftovers(settings) == []


def test_disk_that_cannot_be_written_is_one_sentence(settings, first):
    settings.cache.parent.mkdir(parents=True)
    settings.cache.write_text("a file where the folder should be")
    with pytest.raises(CheckpointError, match="cannot be unpacked into"):
        ensure_directory(first, settings)


_UNPACK = """
import sys
from pathlib import Path
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.unpacking import ensure_directory
from safetensors.torch import load_file
settings = Settings(home=Path(sys.argv[1]), ladder=Path(sys.argv[2]))
for checkpoint in open_catalogue(settings).checkpoints:
    assert len(load_file(ensure_directory(checkpoint, settings) / "model.safetensors")) == 11
print("ok")
"""


@pytest.mark.slow
@pytest.mark.parametrize("stale", [False, True])
def test_two_processes_unpack_at_once(settings, stale):
    if stale:  # then both find something to replace
        for checkpoint in open_catalogue(settings).checkpoints:
            (ensure_directory(checkpoint, settings) / "unpacked.json").write_text("{}")
    command = [sys.executable, "-c", _UNPACK, str(settings.home), str(settings.ladder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [p.communicate()[0] for p in processes] == ["ok\n", "ok\n"]
    assert leftovers(settings) == []


@pytest.mark.slow
def test_transformers_loads_the_folder_with_its_tied_head(settings, first):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = ensure_directory(first, settings)
    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    embedding = packing.unpack(first.packed.read_bytes())["model.embed_tokens.weight"]
    assert torch.equal(model.lm_head.weight, embedding)
    assert AutoTokenizer.from_pretrained(folder)("a b")["input_ids"] == [1, 2]


@pytest.mark.slow
def test_the_embedded_ladder_unpacks_and_loads(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings = Settings(home=tmp_path, ladder=Settings.from_env().ladder)
    needs("ladder")
    catalogue = open_catalogue(settings)
    assert catalogue.problems == ()
    for model in catalogue.models:
        last = catalogue.checkpoints_of(model)[-1]
        folder = ensure_directory(last, settings)
        loaded = AutoModelForCausalLM.from_pretrained(folder)
        assert sum(p.numel() for p in loaded.parameters()) == model.parameters
        assert AutoTokenizer.from_pretrained(folder)("A question?")["input_ids"]
