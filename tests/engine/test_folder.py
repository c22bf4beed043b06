"""What the engine reads of a checkpoint's folder. Broken ones are refused in tests/engine/test_models.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from e2lm_core.base.errors import CheckpointError
from e2lm_core.engine.folder import (
    first_line,
    read_config,
    read_weights,
    signature,
    weight_files,
    window,
)
from tests.support import tiny_models


def test_windows_are_found_as_the_harness_finds_them(tmp_path: Path) -> None:
    tokenizer = tiny_models.tokenizer()
    for architecture in ("llama", "neox", "gpt2"):
        assert window(tiny_models.config(architecture, 99), tokenizer) == 99
    assert window(tiny_models.config("llama", 10**6), tokenizer) == 16_384
    config = read_config(tiny_models.make(tmp_path, window=77))
    assert window(config, tokenizer) == 77
    assert window(object(), tokenizer) == 2_048
    tokenizer.model_max_length = 55
    assert window(object(), tokenizer) == 55


def test_weights_are_cast_but_whole_numbers_are_not(tmp_path: Path) -> None:
    stored = {"a": torch.tensor([1.0, 2.5]), "b": torch.tensor([3])}
    save_file(stored, tmp_path / "model.safetensors")
    weights = read_weights(tmp_path, torch.bfloat16)
    assert (weights["a"].dtype, weights["a"].tolist()) == (torch.bfloat16, [1.0, 2.5])
    assert (weights["b"].dtype, weights["b"].tolist()) == (torch.int64, [3])


@pytest.mark.parametrize(
    ("index", "sentence"),
    [("{}", "is not an index"), ({"weight_map": {"a": "../b.safetensors"}}, "outside its own folder")],
)
def test_an_index_that_cannot_be_used(index: object, sentence: str, tmp_path: Path) -> None:
    text = index if isinstance(index, str) else json.dumps(index)
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(CheckpointError, match=sentence):
        weight_files(tmp_path)


def test_a_signature_follows_the_files(tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path / "m")
    before = signature(folder)
    assert signature(folder) == before
    (folder / "config.json").write_text("{}")
    assert signature(folder) != before
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        signature(folder)


def test_an_error_in_one_line() -> None:
    assert first_line(ValueError("wrong.\nat all")) == "wrong"
    assert first_line(ValueError()) == "ValueError"
