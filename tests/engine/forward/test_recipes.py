from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    Olmo2Config,
    OlmoConfig,
    PreTrainedConfig,
    Qwen2Config,
    SmolLM3Config,
)

from e2lm_core.base.settings import Settings
from e2lm_core.engine import scorer
from e2lm_core.engine.check import selfcheck
from e2lm_core.engine.forward import blocks, decoder
from e2lm_core.engine.forward.recipes import NoRecipeError, Weights, parts_of
from e2lm_core.engine.local import LocalBackend
from tests.engine.test_scorer import REQUESTS, close
from tests.support import tiny_models

SHAPE: dict[str, Any] = {
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "vocab_size": tiny_models.VOCABULARY,
    "max_position_embeddings": 512,
}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
KNOWN: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=2, tie_word_embeddings=True),
    "llama, biases": LlamaConfig(**SHAPE, attention_bias=True, mlp_bias=True),
    "llama, heads of another size": LlamaConfig(**SHAPE, head_dim=16),
    "llama, stretched positions": LlamaConfig(**SHAPE, rope_parameters=LLAMA3_ROPE),
    "llama, one layer": LlamaConfig(**SHAPE | {"num_hidden_layers": 1}),
    "mistral": MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=None),
    "qwen2": Qwen2Config(**SHAPE, num_key_value_heads=2),
    "smollm3": SmolLM3Config(**SHAPE, num_key_value_heads=2, no_rope_layers=[1, 0, 1], pad_token_id=0),
    "olmo": OlmoConfig(**SHAPE, clip_qkv=2.0),
    "olmo2": Olmo2Config(**SHAPE, num_key_value_heads=2),
    "neox": GPTNeoXConfig(**SHAPE, rotary_pct=0.25),
    "neox, one after the other": GPTNeoXConfig(**SHAPE, use_parallel_residual=False, hidden_act="gelu_new"),
}


@pytest.fixture(autouse=True)
def nothing_is_stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """These texts are few: they would be computed by `stack`, which has tests of its own."""
    monkeypatch.setattr(scorer, "STACKED_TOKENS", 0)


def make(folder: Path, config: PreTrainedConfig) -> Path:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.3)
            else:  # so that a norm's weight or a bias that is left out shows
                parameter.normal_(float("norm" in name and "bias" not in name), 0.2)
    model.save_pretrained(folder)
    tiny_models.tokenizer().save_pretrained(folder)
    return folder


def backend(home: Path) -> LocalBackend:
    return LocalBackend(Settings(home=home, device="cpu", threads=1))


def score(backend: LocalBackend, folder: Path) -> dict[int, Any]:
    return dict(chain.from_iterable(backend.chunks(tiny_models.checkpoint(folder), REQUESTS)))


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("packed", [False, True], ids=["as stored", "packed"])
def test_the_engines_own_forward_gives_transformers_numbers(
    name: str, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorer, "batch_tokens", lambda *_: 200)
    if packed:
        monkeypatch.setattr(blocks, "_PACKED_FROM_ELEMENTS", 1)
        monkeypatch.setattr(decoder, "_PACKED_FROM_TOKENS", 1)
    folder = make(tmp_path / "m", KNOWN[name])
    own = backend(tmp_path)
    found = score(own, folder)
    assert own.notes() == []  # so it was this way that was used
    with monkeypatch.context() as patch:
        patch.setattr(scorer, "compare", lambda *_: selfcheck.Verdict("plain", "by the test"))
        assert close(found, score(backend(tmp_path), folder))


def test_without_the_table_of_the_first_layer_the_numbers_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path / "m", KNOWN["llama"])
    expected = score(backend(tmp_path), folder)
    monkeypatch.setattr(decoder, "_TABLE_BYTES", 0)
    assert close(score(backend(tmp_path), folder), expected)


def test_a_family_without_a_recipe_goes_through_transformers_and_says_so(tmp_path: Path) -> None:
    config = GPT2Config(n_embd=48, n_layer=2, n_head=4, vocab_size=tiny_models.VOCABULARY, n_positions=512)
    library = backend(tmp_path)
    score(library, make(tmp_path / "m", config))
    assert library.notes() == [
        "gpt2 models are scored packed through transformers' own layers: "
        "the engine has no forward of its own for them."
    ]


def test_a_wrong_forward_is_caught_said_and_avoided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path / "m", KNOWN["llama"])
    expected = score(backend(tmp_path), folder)
    monkeypatch.setattr(decoder, "rotate", lambda x, cos, sin: blocks.rotate(x, cos, -sin))
    library = backend(tmp_path)
    assert close(score(library, folder), expected)
    (note,) = library.notes()
    assert note.startswith(
        "llama models are scored packed through transformers' own layers: "
        "the engine's own forward differed from plain batches by"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_act": "relu"}, "their activation is relu"),
        ({"sliding_window": 16}, "their attention slides"),
        ({"model_type": "unheard-of"}, "the engine has no forward of its own for them"),
    ],
)
def test_what_no_recipe_fits_is_refused(changes: dict[str, Any], reason: str) -> None:
    config = LlamaConfig(**SHAPE)
    weights = AutoModelForCausalLM.from_config(config).state_dict()
    parts_of(config, Weights(weights, packed=False))
    for name, value in changes.items():
        object.__setattr__(config, name, value)  # a model type is the class's own
    with pytest.raises(NoRecipeError, match=reason):
        parts_of(config, Weights(weights, packed=False))


def test_a_weight_too_many_or_too_few_is_refused() -> None:
    config = LlamaConfig(**SHAPE)
    weights = dict(AutoModelForCausalLM.from_config(config).state_dict())
    extra = weights | {"model.layers.0.self_attn.q_norm.weight": torch.ones(12)}
    with pytest.raises(NoRecipeError, match=r"q_norm\.weight is a weight that their recipe does not use"):
        parts_of(config, Weights(extra, packed=False))
    del weights["model.norm.weight"]
    with pytest.raises(NoRecipeError, match=r"model\.norm\.weight is not among its weights"):
        parts_of(config, Weights(weights, packed=False))
