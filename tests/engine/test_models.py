from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, YoutuConfig

from e2lm_core.base.errors import CheckpointError
from e2lm_core.engine import models
from e2lm_core.engine.models import LoadedModel, Loader
from tests.support import tiny_models

CPU = torch.device("cpu")


def logits(model: LoadedModel | torch.nn.Module) -> torch.Tensor:
    if isinstance(model, LoadedModel):
        with model.module() as module:
            return logits(module)
    with torch.inference_mode():
        return model(input_ids=torch.arange(9)[None]).logits


@pytest.mark.parametrize("architecture", ["llama", "neox", "olmo2", "gpt2"])
def test_weights_swapped_in_are_the_checkpoints(architecture: str, tmp_path: Path) -> None:
    loader = Loader(CPU, torch.float32)
    for seed in (1, 2, 3):
        folder = tiny_models.make(tmp_path / str(seed), architecture, seed=seed)
        expected = logits(AutoModelForCausalLM.from_pretrained(folder).eval())
        assert torch.equal(logits(loader.load(folder)), expected)
    assert [len(free) for free in loader.skeletons._free.values()] == [1]


def test_modules_are_lent_with_one_checkpoints_weights(tmp_path: Path) -> None:
    loader = Loader(CPU, torch.float32)
    a, b = (loader.load(tiny_models.make(tmp_path / str(seed), seed=seed)) for seed in range(2))
    with a.module() as first, a.module() as second, b.module("sdpa") as third:
        assert first is not second
        pointers = {t.data_ptr() for t in a.weights.values()}
        assert {p.data_ptr() for p in first.parameters()} == pointers
        assert {p.data_ptr() for p in second.parameters()} == pointers
        assert {p.data_ptr() for p in third.parameters()} == {t.data_ptr() for t in b.weights.values()}
    with b.module() as again:
        assert again in (first, second)
        assert {p.data_ptr() for p in again.parameters()} == {t.data_ptr() for t in b.weights.values()}


def test_what_is_loaded_stays_until_the_budget_or_the_files_say_otherwise(tmp_path: Path) -> None:
    folders = [tiny_models.make(tmp_path / str(seed), seed=seed) for seed in range(3)]
    loader = Loader(CPU, torch.float32, budget_bytes=1)
    a, b = loader.load(folders[0]), loader.load(folders[1])
    assert loader.load(folders[0]) is a
    assert loader.load(folders[1]) is b
    loader.load(folders[2])
    assert loader.load(folders[0]) is not a  # two stay whatever the budget, the third pushed this one out
    weights = load_file(folders[2] / "model.safetensors")
    before = loader.load(folders[2])
    save_file({k: v + 1 for k, v in weights.items()}, folders[2] / "model.safetensors", {"format": "pt"})
    os.utime(folders[2] / "model.safetensors", ns=(1, 1))
    assert loader.load(folders[2]) is not before


def test_shards_and_casts(tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path)
    expected = logits(Loader(CPU, torch.float32).load(folder))
    weights = sorted(load_file(folder / "model.safetensors").items())
    (folder / "model.safetensors").unlink()
    index = {}
    for number, part in enumerate((weights[:4], weights[4:])):
        name = f"model-0000{number + 1}-of-00002.safetensors"
        save_file(dict(part), folder / name, {"format": "pt"})
        index |= {key: name for key, _ in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    assert torch.equal(logits(Loader(CPU, torch.float32).load(folder)), expected)
    half = Loader(CPU, torch.bfloat16).load(folder)
    assert {p.dtype for p in half.weights.values()} == {torch.bfloat16}


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        Loader(CPU, torch.float32).load(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def test_broken_checkpoints_are_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path / "m")
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "truncated" in refusal(folder)
    file.write_bytes(b"")
    assert "truncated" in refusal(folder)
    file.unlink()
    assert "has no model.safetensors" in refusal(folder)
    (folder / "pytorch_model.bin").write_bytes(b"x")
    assert "holds its weights as .bin" in refusal(folder)
    (folder / "pytorch_model.bin").unlink()
    weights = tiny_models.make(tmp_path / "n") / "model.safetensors"
    state = load_file(weights)
    del state["model.layers.0.mlp.up_proj.weight"]
    save_file(state, file, {"format": "pt"})
    assert "lacks 1 weights of its configuration, first model.layers.0.mlp.up_proj.weight" in refusal(folder)
    save_file(load_file(weights) | {"model.norm.weight": torch.ones(7)}, file, {"format": "pt"})
    assert "do not fit its config.json" in refusal(folder)
    (folder / "config.json").write_text("{}")
    assert "is not a configuration" in refusal(folder)
    (folder / "config.json").unlink()
    assert "holds no config.json" in refusal(folder)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_names_of_a_wrapped_model_are_said(tmp_path: Path, prefix: str, capfd: pytest.CaptureFixture) -> None:
    file = tiny_models.make(tmp_path) / "model.safetensors"
    save_file({prefix + name: tensor for name, tensor in load_file(file).items()}, file, {"format": "pt"})
    capfd.readouterr()
    said = refusal(tmp_path)
    assert f"the prefix {prefix.split('.')[0]}. before every name" in said
    assert "unwrapped" in said
    assert capfd.readouterr().err == ""  # not the table of names that transformers prints


@pytest.mark.parametrize("others", [True, False])
def test_of_one_file_beside_an_index_that_is_taken_which_transformers_takes(
    tmp_path: Path, others: bool
) -> None:
    """A run that saved in parts and then whole, or the other way round: both lie there."""
    folder = tiny_models.make(tmp_path / "m", seed=1)
    in_parts = AutoModelForCausalLM.from_pretrained(tiny_models.make(tmp_path / "n", seed=2))
    in_parts.save_pretrained(tmp_path / "parts", max_shard_size="50KB")
    for path in (tmp_path / "parts").glob("model*"):
        shutil.copy(path, folder)
    if not others:
        (folder / "model.safetensors").unlink()
    assert len(list(folder.glob("*.safetensors"))) > 2
    expected = logits(AutoModelForCausalLM.from_pretrained(folder).eval())
    assert torch.equal(logits(Loader(CPU, torch.float32).load(folder)), expected)


def test_what_is_written_to_while_it_is_read_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, other = tiny_models.make(tmp_path / "m"), tiny_models.make(tmp_path / "n", seed=1)
    loader, read = Loader(CPU, torch.float32), models.read_weights

    def replaced(directory: Path, **options: bool) -> object:
        weights = read(directory, **options)
        shutil.copy(other / "model.safetensors", directory)
        return weights

    monkeypatch.setattr(models, "read_weights", replaced)
    with pytest.raises(CheckpointError, match="was written to while it was read"):
        loader.load(folder)
    monkeypatch.undo()
    assert torch.equal(logits(loader.load(folder)), logits(loader.load(other)))


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("open('was_run', 'w')")
    assert "is not a configuration" in refusal(folder)


def test_a_row_that_the_type_empties_on_loading_is_empty_here_too(tmp_path: Path) -> None:
    config = YoutuConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        q_lora_rank=16,
        kv_lora_rank=16,
        qk_rope_head_dim=8,
        qk_nope_head_dim=8,
        v_head_dim=8,
        vocab_size=tiny_models.VOCABULARY,
        max_position_embeddings=64,
        pad_token_id=3,
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_()
    model.save_pretrained(tmp_path)
    expected = logits(AutoModelForCausalLM.from_pretrained(tmp_path).eval())
    assert torch.equal(logits(Loader(CPU, torch.float32).load(tmp_path)), expected)
    assert not expected[..., 3].any()  # the head is tied to the embedding


def test_a_row_of_padding_that_is_kept_on_loading_stays(tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path)
    config = json.loads((folder / "config.json").read_text()) | {"pad_token_id": 3}
    (folder / "config.json").write_text(json.dumps(config))
    expected = logits(AutoModelForCausalLM.from_pretrained(folder).eval())
    assert expected[..., 3].any()
    assert torch.equal(logits(Loader(CPU, torch.float32).load(folder)), expected)
