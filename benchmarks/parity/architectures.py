"""Every causal model type that the installed transformers can build, scored by the engine and by itself.

    python -m benchmarks.parity.architectures [--only TYPE …] [--write]

The list is transformers' own mapping. Of each type a tiny model of random weights is made; it is scored in
a fresh worker, and in one that has scored a checkpoint of step 0 and one-letter choices before. The reference
is transformers' forward of one whole text at a time:

    |ours − theirs| ≤ max(1e-4 + 2e-6 · |theirs|, 4 · |theirs − theirs in float64|)        nats, float32

*equal*: so, with the way that was taken; *refused*: a sentence of the studio's; *not built*: this script's
tiny configuration, or transformers, makes no such model. WRONG and CRASHED are failures (exit status 1).
Prints a table, writes JSON; `--write` puts the table into docs/studies/architectures.md.
"""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from benchmarks import study_pages
from benchmarks.parity.parity import RESULTS, bound, checkpoint_of
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Request
from e2lm_core.base.settings import Settings
from e2lm_core.engine.batches.tokenise import Encoder
from e2lm_core.engine.folder import first_line
from e2lm_core.engine.local import LocalBackend

FAILURES = ("WRONG", "CRASHED")
_MOST_PARAMETERS = 30_000_000
_SECONDS = 90  # a type
_SPREAD = 0.15
_WINDOW = 256
# Attributes by the names that configurations have for them; a configuration is given those that it has.
_SMALL: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "embedding_size"), 32),
    **dict.fromkeys(
        ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "moe_intermediate_size"), 48
    ),
    **dict.fromkeys(("decoder_ffn_dim", "encoder_ffn_dim", "shared_intermediate_size", "block_ff_dim"), 48),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), 2),
    **dict.fromkeys(("decoder_layers", "encoder_layers", "num_decoder_layers", "num_encoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("encoder_attention_heads", "num_key_value_heads", "mamba_n_heads"), 4),
    **dict.fromkeys(
        ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length"), _WINDOW
    ),
    **dict.fromkeys(("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "moe_topk", "moe_top_k", "top_k_experts"), 2),
    **dict.fromkeys(("n_group", "topk_group", "mamba_n_groups", "n_groups", "num_expert_group"), 1),
    **dict.fromkeys(("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "head_dim", "rotary_dim"), 8),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "global_head_dim"), 16),
    **dict.fromkeys(("mamba_d_head", "mamba_d_state", "state_size", "mamba_chunk_size", "chunk_size"), 16),
    **dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim"), 8),
    **dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads"), 4),
    "mamba_d_ssm": 64,
    "first_k_dense_replace": 1,
    "vocab_size": 384,
    "vocab_size_per_layer_input": 384,
    "hidden_size_per_layer_input": 8,
    "is_decoder": True,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
# Kinds of layers that a type's configuration does not have as it comes.
_MIXED: dict[str, dict[str, Any]] = {
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "minimax": {"layer_types": ["linear_attention", "full_attention"]},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "bamba": {"attn_layer_indices": [1]},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
}
_HEADS = ("head_dim", "v_head_dim", "rotary_dim", "num_key_value_heads", "num_expert_group")
_SHOTS = "Question: What pumps blood through the body?\nAnswer: the heart\n\n" * 2
_LETTERS = [Request("Question: iron?\nAnswer:", letter) for letter in (" A", " B", " C", " D")]
REQUESTS = [
    Request(f"{shots}Question: {words}?\nAnswer:", choice)
    for shots in (_SHOTS, "")
    for words in ("iron planet heart", "insect water", "legs of the spider body")
    for choice in (" six", " six legs", " oxygen from the air")
]


class _TooLong(BaseException):
    """The time for a type is over: no error of the model, and taken for one nowhere below."""


@dataclass(frozen=True)
class Row:
    """A model type: what became of it, its worst difference in nats, and what the run's record said."""

    kind: str
    outcome: str
    worst: float | None
    said: str


def kinds() -> list[str]:
    """Every causal model type that the installed transformers knows."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def main(
    only: Annotated[list[str] | None, typer.Option("--only", help="These types.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the table into the study's page.")] = False,
) -> None:
    """Score every type; exit status 1 where one is wrong or crashed."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rows = []
    for kind in only or kinds():
        rows.append(swept(kind))
        print(
            f"{kind:<28}{rows[-1].outcome:<22}{_figure(rows[-1].worst):>9}  {rows[-1].said[:150]}", flush=True
        )
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "architectures.json").write_text(json.dumps([asdict(r) for r in rows], indent=2) + "\n")
    print(dict(Counter(row.outcome for row in rows)))
    if write:
        study_pages.put("architectures", "sweep", markdown(rows))
    if any(row.outcome in FAILURES for row in rows):
        raise SystemExit(1)


def markdown(rows: Sequence[Row]) -> str:
    """The table of the study's page: outcomes with their types, then the sentences of what is not equal."""
    lines = ["| outcome | types | |", "|---|---|---|"]
    for outcome, count in sorted(Counter(row.outcome for row in rows).items()):
        named = ", ".join(row.kind for row in rows if row.outcome == outcome)
        lines.append(f"| {outcome} | {count} | {named} |")
    return "\n".join(lines)


def swept(kind: str) -> Row:
    """One type, in both orders of use."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with _at_most(_SECONDS):
                theirs, noise = _make(folder, kind)
        except (Exception, _TooLong) as error:
            return Row(kind, "not built", None, f"{type(error).__name__}: {first_line(error)}")
        allowed = np.maximum([bound(ll) for ll in theirs], 4 * noise)
        worst, notes = 0.0, list[str]()
        for before in ([], [("start", REQUESTS), ("m", _LETTERS)]):
            backend = LocalBackend(Settings(home=folder, device="cpu", threads=1))
            try:
                with _at_most(_SECONDS):
                    for part, requests in before:
                        _ours(backend, folder / part, requests)
                    found = _ours(backend, folder / "m", REQUESTS)
            except _TooLong as error:
                return Row(kind, "too slow", None, str(error))
            except StudioError as error:
                return Row(kind, "refused", None, str(error).replace(name, ""))
            except Exception as error:
                return Row(kind, "CRASHED", None, f"{type(error).__name__}: {first_line(error)}")
            notes = backend.notes()
            differences = np.abs(found - theirs)
            worst = max(worst, float(differences.max()))
            if not (differences <= allowed).all():
                order = "after step 0 and letters" if before else "at once"
                return Row(kind, "WRONG", float(differences.max()), f"{order}; {' '.join(notes)}")
        return Row(kind, f"equal, {_way(notes)}", worst, " ".join(notes))


def _way(notes: Sequence[str]) -> str:
    said = " ".join(notes)
    if "one text at a time" in said:
        return "one at a time"
    if "plain batches" in said:
        return "plain batches"
    return "packed" if said else "own forward"


def _make(folder: Path, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The first configuration whose model transformers computes, as `m`, and as `start` with weights near
    zero; what `_theirs` gives for it. Raises what stood in the way of the last one."""
    from transformers import AutoModelForCausalLM

    from tests.support import tiny_models

    problem: Exception = ValueError("no small configuration of it can be made")
    for config in _configs(kind):
        try:
            with torch.device("meta"):
                size = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
            if size > _MOST_PARAMETERS:
                raise ValueError(f"this script's configuration has {size / 1e6:,.0f} million parameters")
            for part, spread in (("m", _SPREAD), ("start", 1e-6)):
                torch.manual_seed(0)
                model = AutoModelForCausalLM.from_config(copy.deepcopy(config)).float()
                with torch.no_grad():
                    for parameter in model.parameters():
                        if parameter.dim() > 1:
                            parameter.normal_(0.0, spread)
                model.save_pretrained(folder / part)
                tiny_models.tokenizer().save_pretrained(folder / part)
            return _theirs(folder / "m")
        except Exception as error:
            problem = error
            for part in ("m", "start"):
                shutil.rmtree(folder / part, ignore_errors=True)
    raise problem


def _configs(kind: str) -> Iterator[Any]:
    """Small configurations of the type, from the richest: some types refuse some of them."""
    from transformers import CONFIG_MAPPING

    config_type = CONFIG_MAPPING[kind]
    text = getattr(config_type, "sub_configs", {}).get("text_config")
    for unset, leave_out in ((False, ()), (True, ()), (False, _HEADS), (True, _HEADS)):
        with contextlib.suppress(Exception):
            options = _fitting(config_type, unset, leave_out)
            if getattr(text, "model_type", None):
                options["text_config"] = _fitting(text, unset, leave_out)
            mixed = _MIXED.get(kind) or _mixed(config_type())
            if mixed:  # one layer of each kind that the type has as it comes
                with contextlib.suppress(Exception):
                    yield config_type(**options | mixed)
            yield config_type(**options)


def _mixed(there: Any) -> dict[str, Any]:
    layers = list(dict.fromkeys(getattr(there, "layer_types", None) or ()))
    return {"layer_types": layers, "num_hidden_layers": len(layers)} if len(layers) > 1 else {}


def _fitting(config_type: Any, unset: bool, leave_out: Sequence[str]) -> dict[str, Any]:
    """Those of `_SMALL` that the type has; with `unset` those too that it leaves open."""
    there = config_type()
    return {
        name: value
        for name, value in _SMALL.items()
        if name not in leave_out
        if name.endswith("_id") or (hasattr(there, name) if unset else getattr(there, name, None) is not None)
    }


def _ours(backend: LocalBackend, folder: Path, requests: Sequence[Request]) -> np.ndarray:
    results = dict(chain.from_iterable(backend.chunks(checkpoint_of(folder), requests)))
    return np.array([results[i].ll_nats for i in range(len(requests))])


def _theirs(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """[R] log-likelihoods by transformers' own forward, one text at a time, and their rounding."""
    from transformers import AutoModelForCausalLM

    encoded = Encoder(folder).encode(REQUESTS, _WINDOW)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    single = _forward(model, encoded)
    noise = np.abs(single - _forward(model, encoded))  # a model that draws differs from itself
    with contextlib.suppress(Exception):  # some cannot be computed in float64
        noise = np.maximum(noise, np.abs(single - _forward(model.double(), encoded)))
    if not np.isfinite(single).all():
        raise ValueError("transformers' own numbers are not finite")
    return single, noise


def _forward(model: Any, encoded: Sequence[Any]) -> np.ndarray:
    found = []
    for item in encoded:
        with torch.no_grad():
            ids = torch.from_numpy(item.inputs.astype(np.int64))[None]
            logs = model(input_ids=ids).logits[0, item.first_scored :].log_softmax(1)
        found.append(float(logs.gather(1, torch.from_numpy(item.targets.astype(np.int64))[:, None]).sum()))
    return np.array(found)


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TooLong(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _figure(worst: float | None) -> str:
    return "" if worst is None else f"{worst:.1e}"


if __name__ == "__main__":
    typer.run(main)
