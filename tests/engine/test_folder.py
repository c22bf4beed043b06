"""What the engine reads of a checkpoint's folder. Broken ones are refused in tests/engine/test_models.py."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, PreTrainedModel

from e2lm_core.base.errors import CheckpointError
from e2lm_core.engine.folder import (
    first_line,
    read_config,
    read_weights,
    signature,
    weights_by_transformers,
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
    assert window(tiny_models.config("llama", 2), tokenizer) == 2
    with pytest.raises(
        CheckpointError, match="A llama model with a context window of 1 token takes no prompt"
    ):
        window(tiny_models.config("llama", 1), tokenizer)
    assert window(object(), tokenizer) == 2_048
    tokenizer.model_max_length = 55
    assert window(object(), tokenizer) == 55


@pytest.mark.parametrize("kind", ["bart", "mbart", "prophetnet", "t5"])
def test_an_encoder_with_a_decoder_is_refused_as_the_harness_takes_it_for_one(
    tmp_path: Path, kind: str
) -> None:
    from lm_eval.models.huggingface import HFLM

    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(CheckpointError, match=rf"holds an encoder with a decoder \({kind}\)"):
        read_config(tmp_path)
    theirs = HFLM.__new__(HFLM)
    theirs.AUTO_MODEL_CLASS = None
    theirs._get_backend(AutoConfig.for_model(kind))
    assert theirs.backend == "seq2seq"


def test_weights_keep_their_types(tmp_path: Path) -> None:
    stored = {"a": torch.tensor([1.0, 2.5], dtype=torch.bfloat16), "b": torch.tensor([3])}
    save_file(stored, tmp_path / "model.safetensors")
    weights = read_weights(tmp_path)
    assert (weights["a"].dtype, weights["a"].tolist()) == (torch.bfloat16, [1.0, 2.5])
    assert (weights["b"].dtype, weights["b"].tolist()) == (torch.int64, [3])


def test_weights_are_read_and_not_mapped(tmp_path: Path) -> None:
    """A map would follow what is written to a file, and end the process where it is cut."""
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.ones(10**6)}, path)
    weights = read_weights(tmp_path)
    with path.open("r+b") as file:
        file.truncate(1_000)
    assert weights["a"].sum() == 10**6
    with pytest.raises(CheckpointError, match="truncated or not safetensors"):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_written_in_place_with_its_size_and_times_kept_has_another_signature(
    tmp_path: Path, name: str
) -> None:
    folder = tiny_models.make(tmp_path / "m")
    path = folder / name
    os.utime(path, (10**9, 10**9))
    before = signature(folder)
    data = path.read_bytes()
    with path.open("r+b") as file:
        file.write(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    os.utime(path, (10**9, 10**9))
    assert path.stat().st_size == len(data)
    assert signature(folder) != before


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


def test_weights_read_in_two_threads_leave_the_library_as_it_was(tmp_path: Path) -> None:
    """transformers replaces its classes' functions while it loads; two loads at once would leave them replaced."""
    folder, tie = tiny_models.make(tmp_path / "neox", "neox"), PreTrainedModel.tie_weights
    start = threading.Barrier(4)

    def read() -> int:
        start.wait()
        return sum(len(weights_by_transformers(folder, torch.float32)) for _ in range(5))

    try:
        with ThreadPoolExecutor(4) as pool:
            counts = {future.result() for future in [pool.submit(read) for _ in range(4)]}
        assert PreTrainedModel.tie_weights is tie
        assert len(counts) == 1
    finally:
        PreTrainedModel.tie_weights = tie
