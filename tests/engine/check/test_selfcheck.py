from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedConfig

from e2lm_core.base.errors import LimitError
from e2lm_core.base.records import Request
from e2lm_core.base.settings import Settings
from e2lm_core.engine.check import config_rules, probe, selfcheck
from e2lm_core.engine.forward import attention, forward
from e2lm_core.engine.local import LocalBackend
from e2lm_core.engine.models import LoadedModel, Loader
from tests.engine.test_scorer import REQUESTS, close
from tests.support import tiny_models

SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "vocab_size": tiny_models.VOCABULARY,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
LETTERS = [Request("Question: iron?\nAnswer:", letter) for letter in (" A", " B", " C", " D")]
SOME = REQUESTS[:24]


def config(kind: str) -> PreTrainedConfig:
    match kind:
        case "lfm2":
            return transformers.Lfm2Config(
                **SHAPE, layer_types=["conv", "full_attention"], block_auto_adjust_ff_dim=False
            )
        case "minimax":
            return transformers.MiniMaxConfig(
                **SHAPE,
                head_dim=8,
                num_local_experts=2,
                layer_types=["linear_attention", "full_attention"],
                block_size=16,
            )
        case "granitemoehybrid":
            return transformers.GraniteMoeHybridConfig(
                **SHAPE,
                layer_types=["mamba", "attention"],
                num_local_experts=2,
                num_experts_per_tok=1,
                shared_intermediate_size=32,
                mamba_n_heads=4,
                mamba_d_head=16,
                mamba_d_state=8,
                mamba_n_groups=1,
                mamba_chunk_size=16,
            )
        case "diffllama":
            return transformers.DiffLlamaConfig(**SHAPE)
        case "nanochat":
            return transformers.NanoChatConfig(**SHAPE)
        case "gemma3":
            return transformers.Gemma3TextConfig(**SHAPE, head_dim=8, sliding_window=64)
        case "olmo3":
            return transformers.Olmo3Config(**SHAPE)
        case "gptj":
            return transformers.GPTJConfig(
                n_embd=32, n_layer=2, n_head=4, rotary_dim=8, vocab_size=384, n_positions=512
            )
        case "codegen":
            return transformers.CodeGenConfig(
                n_embd=32, n_layer=2, n_head=4, rotary_dim=8, vocab_size=384, n_positions=512
            )
        case "qwen3":
            return transformers.Qwen3Config(**SHAPE, head_dim=8)
    return transformers.LlamaConfig(**SHAPE)


def make(folder: Path, kind: str, spread: float, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config(kind))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, spread)
    model.save_pretrained(folder)
    tiny_models.tokenizer().save_pretrained(folder)
    return folder


def score(backend: LocalBackend, folder: Path, requests: list[Request] = SOME) -> dict[int, Any]:
    return dict(chain.from_iterable(backend.chunks(tiny_models.checkpoint(folder), requests)))


def backend(home: Path) -> LocalBackend:
    return LocalBackend(Settings(home=home, device="cpu", threads=1))


def loaded(folder: Path) -> LoadedModel:
    return Loader(torch.device("cpu"), torch.float32).load(folder)


def truth(folder: Path, requests: list[Request] = SOME) -> list[float]:
    """By transformers' forward of one text at a time."""
    from e2lm_core.engine.batches.tokenise import Encoder

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for item in Encoder(folder).encode(requests, 512):
        with torch.no_grad():
            logits = model(torch.from_numpy(item.inputs.astype("int64"))[None]).logits[0].float()
        logs = logits[item.first_scored :].log_softmax(1)
        found.append(float(logs.gather(1, torch.from_numpy(item.targets.astype("int64"))[:, None]).sum()))
    return found


def near(found: dict[int, Any], folder: Path) -> bool:
    return all(abs(found[i].ll_nats - ll) <= 1e-4 + 2e-6 * abs(ll) for i, ll in enumerate(truth(folder)))


@pytest.mark.parametrize(
    "kind",
    [
        "minimax",
        "diffllama",
        *(pytest.param(k, marks=pytest.mark.slow) for k in ("lfm2", "granitemoehybrid", "nanochat")),
    ],
)
def test_no_order_of_use_makes_state_or_caps_pass(kind: str, tmp_path: Path) -> None:
    folder, start = make(tmp_path / "m", kind, 0.3), make(tmp_path / "start", kind, 1e-6)
    for before, first in (("letters", folder), ("step 0", start)):
        own = backend(tmp_path)
        score(own, first, LETTERS if before == "letters" else SOME)
        assert near(score(own, folder), folder), before
        assert own.notes()


@pytest.mark.parametrize("kind", ["gemma3", "olmo3", "gptj", "codegen"])
def test_models_that_turn_otherwise_are_scored(kind: str, tmp_path: Path) -> None:
    folder, own = make(tmp_path / "m", kind, 0.3), backend(tmp_path)
    found = score(own, folder)
    assert near(found, folder)
    assert len(own.notes()) == 1


def test_a_first_checkpoint_near_zero_does_not_make_llama_slow(tmp_path: Path) -> None:
    own = backend(tmp_path)
    score(own, make(tmp_path / "start", "llama", 1e-6))
    folder = make(tmp_path / "m", "llama", 0.3)
    assert near(score(own, folder), folder)
    assert own.notes() == []


def test_the_probe_has_trunks_and_branches_and_fits_a_small_window() -> None:
    for size in (512, 32, 12):
        made = probe.probe_of(config("llama"), 384, size)
        below, bare = made.plans
        assert [len(t.tokens) for t in below.trunks] == [
            len(below.trunks[0].tokens),
            len(below.trunks[1].tokens),
        ]
        assert len(below.chunks[0].rows) > 1 == len(bare.chunks[0].rows)
        assert bare.depth <= size
        for plan in made.plans:
            assert plan.chunks[0].requests == list(range(len(made.encoded)))
        parents = bare.chunks[0].rows[0].parents
        assert parents is not None
        assert (parents != range(-1, len(parents) - 1)).any()


def test_weights_near_zero_are_replaced_and_no_others(tmp_path: Path) -> None:
    trained, start = (loaded(make(tmp_path / str(s), "llama", s)) for s in (0.3, 1e-6))
    same, other = probe.as_if_trained(trained), probe.as_if_trained(start)
    assert all(same.weights[name] is tensor for name, tensor in trained.weights.items())
    name = "model.layers.0.mlp.up_proj.weight"
    assert float(other.weights[name].std()) > 0.1


def test_memory_that_runs_out_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, own, real = make(tmp_path / "m", "llama", 0.3), backend(tmp_path), forward.packed

    def none_left(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(forward, "packed", none_left)
    with pytest.raises(LimitError, match="does not fit into the memory of cpu"):
        score(own, folder)
    monkeypatch.setattr(forward, "packed", real)
    score(own, folder)
    assert own.notes() == []


def test_a_checkpoint_that_packing_breaks_is_scored_plainly_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, real = backend(tmp_path), selfcheck._difference
    good, bad = (make(tmp_path / name, "qwen3", 0.3, seed) for seed, name in enumerate(("good", "bad")))
    score(own, good)
    assert all("packed" in note for note in own.notes())

    def differs(model: LoadedModel, *others: Any) -> str | None:
        return "much" if model.directory == bad else real(model, *others)

    monkeypatch.setattr(selfcheck, "_difference", differs)
    found = score(own, bad)
    assert any("plain batches" in note for note in own.notes())
    assert near(found, bad)
    score(own, good)
    assert len(own.notes()) == 2


def test_a_window_is_no_reason_for_prompts_within_it(tmp_path: Path) -> None:
    made = transformers.MistralConfig(**SHAPE, sliding_window=200)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(made).save_pretrained(tmp_path / "m")
    tiny_models.tokenizer().save_pretrained(tmp_path / "m")
    own = backend(tmp_path)
    short = [Request("Question: iron?\nAnswer:", choice) for choice in (" six", " six legs", " air")]
    assert close(score(own, tmp_path / "m", short), score(backend(tmp_path), tmp_path / "m", short))
    assert all("packed through" in note for note in own.notes())
    assert near(score(own, tmp_path / "m"), tmp_path / "m")  # 8 shots
    assert any("from the state" in note and "slides over 200 tokens" in note for note in own.notes())


@pytest.mark.parametrize("size", [4, 16, 190])
def test_prompts_beyond_a_window_go_on_from_their_state(size: int, tmp_path: Path) -> None:
    kinds = ["sliding_attention", "full_attention"]
    made = transformers.Gemma3TextConfig(**SHAPE, head_dim=8, sliding_window=size, layer_types=kinds)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(made)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.3)
    model.save_pretrained(tmp_path / "m")
    tiny_models.tokenizer().save_pretrained(tmp_path / "m")
    own = backend(tmp_path)
    assert near(score(own, tmp_path / "m"), tmp_path / "m")
    (note,) = own.notes()
    assert f"from the state after a question's context: their attention slides over {size} tokens" in note


def test_what_cannot_go_on_beyond_a_window_is_scored_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = transformers.MistralConfig(**SHAPE, sliding_window=200)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(made).save_pretrained(tmp_path / "m")
    tiny_models.tokenizer().save_pretrained(tmp_path / "m")
    monkeypatch.setattr(selfcheck, "_TRIED", 100)
    own = backend(tmp_path)
    score(own, tmp_path / "m")
    assert any("slides over 200 tokens, and a prompt has" in note for note in own.notes())


def test_beyond_a_window_what_stands_beside_a_text_is_looked_at_there(tmp_path: Path) -> None:
    """Doge chooses among far tokens, and the choice depends on the padding: within its window that does not show."""
    sizes = {"hidden_size": 48, "intermediate_size": 96, "num_key_value_heads": 2, "pad_token_id": 1}
    made = transformers.DogeConfig(**SHAPE | sizes, keep_window_size=24)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(made).float()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.3)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(tmp_path / "m")
    tiny_models.tokenizer().save_pretrained(tmp_path / "m")
    requests = [
        Request(f"Question: {'iron ' * words}planet?\nAnswer:", choice)
        for words in (1, 9, 30)
        for choice in (" six", " oxygen from the air")
    ]
    own = backend(tmp_path)
    found = score(own, tmp_path / "m", requests)
    theirs = truth(tmp_path / "m", requests)
    assert all(abs(found[i].ll_nats - ll) <= 1e-4 + 2e-6 * abs(ll) for i, ll in enumerate(theirs))
    (note,) = own.notes()
    assert note.startswith("doge models are scored one text at a time")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"layer_types": ["conv", "full_attention"]}, "some of their layers are conv"),
        ({"final_logit_softcapping": 30.0}, "their logits are capped"),
        ({"logit_scale": 0.0625}, "their logits are scaled"),
        ({"attn_temperature_tuning": True}, "changes along the text"),
        ({"index_topk": 2048}, "changes along the text"),
    ],
)
def test_names_are_known(changes: dict[str, Any], reason: str) -> None:
    made = config("llama")
    config_rules.refuse_layers(made)
    for name, value in changes.items():
        setattr(made, name, value)
    with pytest.raises(attention.UnsupportedError, match=reason):
        config_rules.refuse_layers(made)


def test_windows_and_chunks_reach_so_far() -> None:
    made = config("llama")
    assert config_rules.reach(made) is None
    made.sliding_window, made.attention_chunk_size = 0, 64
    assert config_rules.reach(made) == 64
    made._sliding_window_pattern = 6  # of layers
    assert config_rules.reach(made) == 64
    made.mamba_chunk_size = 16  # how a recurrence is cut
    assert config_rules.reach(made) == 16
    assert config_rules.reach(made, scans=False) == 64
    made.attention_chunk_size = 8_192
    assert config_rules.reach(made, scans=False) == 8_192
    made.attn_temperature_tuning = True
    assert config_rules.reach(made, scans=False) == 4_096
    made.layer_types = ["indexed_attention", "full_attention"]
    with pytest.raises(attention.UnsupportedError, match="chooses among far tokens"):
        config_rules.reach(made, scans=False)
    made.index_topk = 32
    assert config_rules.reach(made, scans=False) == 32
    with pytest.raises(attention.UnsupportedError, match="changes along the text"):
        config_rules.refuse_late(made)
    made.use_sliding_window = False
    assert config_rules.reach(made) is None
