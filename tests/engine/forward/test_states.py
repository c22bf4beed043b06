from __future__ import annotations

import contextlib
import functools
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache, PreTrainedConfig
from transformers.models.qwen3_next import modeling_qwen3_next

from e2lm_core.base.records import Request
from e2lm_core.base.settings import Settings
from e2lm_core.engine import scorer
from e2lm_core.engine.batches.contexts import plan_contexts
from e2lm_core.engine.batches.plan import plan_plain
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.forward import forward, states
from e2lm_core.engine.forward.attention import UnsupportedError
from e2lm_core.engine.local import LocalBackend
from tests.engine.check.test_selfcheck import SHAPE, SOME, backend, near, score
from tests.support import tiny_models

MAMBA2: dict[str, Any] = {
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
    "mamba_chunk_size": 16,
}
CPU = torch.device("cpu")


def config(kind: str) -> PreTrainedConfig:
    match kind:
        case "falcon_h1":
            return transformers.FalconH1Config(**SHAPE, **MAMBA2, mamba_d_ssm=64)
        case "bamba":
            return transformers.BambaConfig(**SHAPE, **MAMBA2, attn_layer_indices=[1])
        case "mamba":
            return transformers.MambaConfig(
                hidden_size=32,
                num_hidden_layers=2,
                state_size=8,
                vocab_size=384,
                pad_token_id=0,
                eos_token_id=1,
            )
        case "rwkv":
            return transformers.RwkvConfig(
                hidden_size=32,
                num_hidden_layers=2,
                vocab_size=384,
                context_length=512,
                bos_token_id=0,
                eos_token_id=1,
            )
        case "lfm2":
            return transformers.Lfm2Config(
                **SHAPE, layer_types=["conv", "full_attention"], block_auto_adjust_ff_dim=False
            )
        case "qwen3_next":
            return transformers.Qwen3NextConfig(
                **SHAPE,
                head_dim=8,
                linear_key_head_dim=8,
                linear_value_head_dim=8,
                linear_num_key_heads=4,
                linear_num_value_heads=4,
                moe_intermediate_size=16,
                shared_expert_intermediate_size=16,
                num_experts=4,
                num_experts_per_tok=2,
                layer_types=["linear_attention", "full_attention"],
            )
    return transformers.BloomConfig(
        hidden_size=32, n_layer=2, n_head=4, vocab_size=384, bos_token_id=0, eos_token_id=1
    )


def make(folder: Path, kind: str) -> Path:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config(kind))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.3)
    model.save_pretrained(folder)
    tiny_models.tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("falcon_h1", "context: "),
        ("bamba", "context: "),  # does not count what lies before
        ("mamba", "one token at a time: "),
        ("rwkv", "context: "),
        pytest.param("lfm2", "context: ", marks=pytest.mark.slow),
        pytest.param("qwen3_next", "context: ", marks=pytest.mark.slow),
        pytest.param("bloom", "context: ", marks=pytest.mark.slow),
    ],
)
def test_choices_go_on_from_their_context_as_if_it_stood_before_each(
    kind: str, how: str, tmp_path: Path
) -> None:
    folder, own = make(tmp_path / "m", kind), backend(tmp_path)
    assert near(score(own, folder), folder)
    (note,) = own.notes()
    assert f"{kind} models are scored from the state after a question's context" in note
    assert how in note
    chunks = list(own.chunks(tiny_models.checkpoint(folder), SOME))
    assert sum(chunk.tokens for chunk in chunks) < 0.2 * sum(chunk.harness_tokens for chunk in chunks)


def test_a_model_that_rescales_its_weights_does_so_once_for_every_checkpoint(tmp_path: Path) -> None:
    """RWKV's first forward divides weights in place: the next checkpoint's were not, a second module's were twice."""
    made = []
    for number in range(2):
        folder = make(tmp_path / f"m{number}", "rwkv")
        model = AutoModelForCausalLM.from_pretrained(folder)
        model.config.rescale_every = 1
        torch.manual_seed(number)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        model.save_pretrained(folder)
        made.append(folder)
    for threads in (1, 2):
        own = LocalBackend(Settings(home=tmp_path, device="cpu", threads=threads))
        for folder in (*made, *made):
            assert near(score(own, folder), folder)


def test_what_goes_on_from_states_is_computed_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path / "m", "falcon_h1")
    alone = score(backend(tmp_path), folder)
    own = LocalBackend(Settings(home=tmp_path, device="cpu", threads=2))
    monkeypatch.setattr(scorer, "batch_tokens", lambda *_: 128)
    score(own, folder)  # what is found out once
    both, real, met, modules = threading.Barrier(2), states.StateBody.scored, [], set()

    def together(body: states.StateBody, *args: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):  # the last of an odd number
            met.append(both.wait(1))
            modules.add(id(body.module))
        return real(body, *args)

    monkeypatch.setattr(states.StateBody, "scored", together)
    assert near_each_other(score(own, folder), alone)
    assert len(met) > 1
    assert len(modules) == 2


@pytest.mark.parametrize("kind", ["falcon_h1", "mamba"])
def test_copies_of_a_state_are_few_at_a_time(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_COPIED_BYTES", 1)
    folder = make(tmp_path / "m", kind)
    letters = [Request(SOME[0].context, letter) for letter in (" A", " B", " C", " D")]
    requests = [*SOME[:8], *letters, Request("", "iron"), Request("", "iron heart")]
    found = score(backend(tmp_path), folder, requests)
    monkeypatch.undo()
    again = score(backend(tmp_path), folder, requests)
    assert near_each_other(found, again)


def near_each_other(a: dict[int, Any], b: dict[int, Any]) -> bool:
    return a.keys() == b.keys() and all(abs(a[i].ll_nats - b[i].ll_nats) < 1e-5 * 10 for i in a)


def test_what_goes_on_leaves_the_state_as_it_was(tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(make(tmp_path, "falcon_h1")).eval()
    with torch.inference_mode():
        state = model(torch.arange(9)[None], use_cache=True).cache
        before = [part.clone() for part in states._tensors(state)]
        copied = states.take_lines(state, [0, 0, 0], CPU)
        model(torch.arange(6).reshape(3, 2), cache=copied, use_cache=True)
    assert len(before) >= 8  # keys, values, and states of convolution and recurrence, of two layers
    after = list(states._tensors(state))
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_state_that_cannot_be_copied_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="cannot be copied"):
        states.take_lines(object(), [0], CPU)
    kept = states.take_lines([torch.arange(4.0)[:, None]], [2, 2, 0], CPU)
    assert kept[0][:, 0].tolist() == [2, 2, 0]
    assert states.take_lines(DynamicCache(), [0, 0], CPU).layers == []


def test_a_scan_is_cut_for_a_call_and_then_as_it_was(tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_config(config("falcon_h1"))
    mixers = [part for part in model.modules() if hasattr(part, "A_log")]
    with states._scanning(model, 5):
        assert {part.chunk_size for part in mixers} == {5}
    assert {part.chunk_size for part in mixers} == {16}


@pytest.mark.parametrize(
    ("tokens", "most", "piece"),
    [
        (1, 32, 1),
        (2, 32, 2),
        (17, 32, 17),
        (32, 32, 32),
        (33, 32, 17),
        (68, 32, 23),
        (128, 32, 32),
        (17, 16, 9),
    ],
)
def test_a_text_is_cut_into_pieces_of_one_size(tokens: int, most: int, piece: int) -> None:
    """Pieces of 32 padded 68 tokens to 96."""
    assert states._piece(tokens, most) == piece


@pytest.mark.parametrize("there", [False, True])
def test_a_delta_rule_is_cut_to_fit_unless_others_compute_it(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It padded choices of 17 tokens to 64."""
    if there:
        monkeypatch.setattr(states, "find_spec", lambda name: name == "fla")
    real, cuts = modeling_qwen3_next.torch_chunk_gated_delta_rule, []

    @functools.wraps(real)
    def watched(*args: Any, **kwargs: Any) -> Any:
        cuts.append(kwargs.get("chunk_size"))
        return real(*args, **kwargs)

    monkeypatch.setattr(modeling_qwen3_next, "torch_chunk_gated_delta_rule", watched)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config("qwen3_next")).eval()
    encoded = [
        Encoded(np.arange(50 + n, 50 + n + 68 + 16, dtype=np.int32), np.arange(17, dtype=np.int32))
        for n in range(3)
    ]
    (chunk,) = plan_contexts(encoded, 10_000).chunks
    found = states.StateBody(model, placed=True, singly=False).scored(chunk.rows, None, CPU)
    assert cuts == ([None, None] if there else [23, 16 + 1])
    assert found == pytest.approx(
        forward.plain(model, plan_plain(encoded, 1_000).chunks[0].rows, CPU), abs=1e-4
    )
