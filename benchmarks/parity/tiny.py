"""Small configurations of every causal model type: what is set wherever a type has it, and what single types want."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

WINDOW = 256
SHORT_WINDOW = 24
DEEP = 8  # layers: what types do every third, fourth or sixth layer shows
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "num_decoder_layers")
_WINDOWS = ("sliding_window", "attention_chunk_size", "attention_window_size", "window_size")
# Attributes by the names that configurations have for them; a configuration is given those that it has.
SMALL: dict[str, Any] = {
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
        ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length"), WINDOW
    ),
    **dict.fromkeys(("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "moe_topk", "moe_top_k", "top_k_experts"), 2),
    **dict.fromkeys(("n_group", "topk_group", "mamba_n_groups", "n_groups", "num_expert_group"), 1),
    **dict.fromkeys(("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "head_dim", "rotary_dim"), 8),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "global_head_dim"), 16),
    **dict.fromkeys(("mamba_d_head", "mamba_d_state", "state_size", "mamba_chunk_size", "chunk_size"), 16),
    **dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim"), 8),
    **dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads"), 4),
    **dict.fromkeys(("shared_expert_intermediate_size", "shared_experts_intermediate_size"), 48),
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
_VISION = {
    **dict.fromkeys(("hidden_size", "output_channels"), 32),
    **dict.fromkeys(("intermediate_size", "mlp_dim"), 48),
    **dict.fromkeys(("num_hidden_layers",), 1),
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 16,
}
_BLT = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 48}
_ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
# What a type needs that others do not: among them kinds of layers that its configuration does not have as it comes.
OWN: dict[str, dict[str, Any]] = {
    "bamba": {"attn_layer_indices": [1]},
    "blt": {
        "patcher_config": {**_BLT, "vocab_size": 384},
        "encoder_config": {**_BLT, "vocab_size": 384, "hidden_size_global": 32},
        "decoder_config": {**_BLT, "vocab_size": 384, "hidden_size_global": 32},
        "global_config": _BLT,
        "encoder_hash_byte_group_vocab": 384,
    },
    "dbrx": {
        "attn_config": {"kv_n_heads": 4, "rope_theta": 10_000.0, "clip_qkv": 8.0},
        "ffn_config": {"hidden_size": 32, "ffn_hidden_size": 48, "moe_num_experts": 4},
    },
    "dots1": {"n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1},
    "dots3_note_text": {"index_topk": 16, "index_head_dim": 16, "index_n_heads": 4},
    "fuyu": {"text_config": {"model_type": "persimmon", **SMALL}, "image_size": 32, "patch_size": 8},
    "gemma3": {"vision_config": _VISION, "mm_tokens_per_image": 4},
    "gemma3n_text": {
        "num_hidden_layers": 4,
        "layer_types": ["full_attention", "sliding_attention"] * 2,
        "num_kv_shared_layers": 2,
        "sliding_window": 512,
    },
    "git": {"vision_config": _VISION},
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"],
        "rope_parameters": dict.fromkeys(("full_attention", "sliding_attention"), _ROPE),
    },
    "got_ocr2": {
        "vision_config": _VISION | {"global_attn_indexes": [0], "window_size": 2},
        "text_config": {"model_type": "qwen2", **SMALL},
    },
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_heads": 4},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "inkling2_loop_text": {
        "unpadded_vocab_size": 384,
        "swa_num_attention_heads": 4,
        "swa_num_key_value_heads": 4,
        "swa_head_dim": 8,
    },
    "inkling2_text": {
        "unpadded_vocab_size": 384,
        "swa_num_attention_heads": 4,
        "swa_num_key_value_heads": 4,
        "swa_head_dim": 8,
    },
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "kimi_linear": {
        "layer_types": ["linear_attention", "full_attention"],
        "linear_head_dim": 8,
        "linear_num_heads": 4,
    },
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "mamba2": {"num_heads": 4, "head_dim": 16},
    "mimo_v2_flash": {"num_key_value_heads": 2, "head_dim": 16, "v_head_dim": 8},
    "minimax": {"layer_types": ["linear_attention", "full_attention"]},
    "moss_transcribe_diarize": {"text_config": {"model_type": "qwen3", **SMALL}},
    "nemotron_h": {
        "layers_block_type": ["linear_attention", "moe", "full_attention", "mlp"],
        "mamba_num_heads": 4,
        "mamba_head_dim": 16,
        "ssm_state_size": 8,
        "moe_shared_expert_intermediate_size": 48,
    },
    "phi4_multimodal": {
        "vision_config": _VISION | {"crop_size": 32, "num_hidden_layers": 2},
        "audio_config": {
            **dict.fromkeys(("hidden_size", "ext_pw_out_channel", "depthwise_separable_out_channel"), 32),
            **dict.fromkeys(("intermediate_size", "nemo_conv_channels"), 48),
            "num_blocks": 2,
            "num_attention_heads": 4,
        },
    },
    "prophetnet": {"num_encoder_attention_heads": 4, "num_decoder_attention_heads": 4},
    "qwen3_5": {
        "vision_config": {"depth": 1, "hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 32}
    },
    "qwen3_5_moe": {
        "vision_config": {"depth": 1, "hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 32}
    },
    "qwen4_exp_text": {
        "layer_types": ["linear_attention", "indexed_attention"],
        "hc_lowrank": 8,
        "indexer_n_heads": 4,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 8,
        "indexer_budget": 512,
        "indexer_compress_ratio": 4,
        "ngram_vocab_size_base": 384,
        "split_ngram_parts": 1,
    },
    "rwkv": {"rescale_every": 1},
    "recurrent_gemma": {"num_hidden_layers": 3, "lru_width": 32},
    "reformer": {
        "axial_pos_embds": False,
        "attention_head_size": 8,
        "feed_forward_size": 48,
        "attn_layers": ["local", "local"],
    },
    "xlnet": {"d_head": 8, "d_inner": 48},
    "xlstm": {"hidden_size": 64, "num_heads": 4, "qk_dim_factor": 1.0},
    "xmod": {"default_language": "en_XX"},
    "zamba": {"num_hidden_layers": 4, "layers_block_type": ["linear_attention", "hybrid"] * 2},
    "zamba2": {
        "num_hidden_layers": 4,
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
        "n_mamba_heads": 4,
        "mamba_ngroups": 1,
    },
    "zaya": {"num_experts_per_tok": 1, "num_key_value_heads": 2, "router_hidden_size": 16},
}
# Attributes that a type has and does not want to be given.
_REFUSED = {
    "xlnet": ("max_position_embeddings", "max_sequence_length"),
    "xlstm": ("v_head_dim", "head_dim", "qk_nope_head_dim", "qk_rope_head_dim"),
    "prophetnet": ("num_hidden_layers",),
    "nemotron_h": ("num_hidden_layers",),
    "gpt_neo": ("num_hidden_layers", "num_attention_heads"),
    "mamba2": ("hidden_act",),
}
# Types that are not made small from here, and why.
NOT_HERE = {
    "blt": "transformers makes no cache of its configuration, which has no number of layers",
    "dots3_note": "its text's type, dots3_note_text, is in the table; its towers for pictures and sounds are not made small",
    "moss_transcribe_diarize": "its text's type, qwen3, is in the table; its tower for sounds is not made small",
    "emu3": "transformers' causal class takes its text configuration alone, which no checkpoint is stored with",
    "gemma3n": "its vision tower is the package timm's, which is not installed",
    "gemma4_assistant": "an assistant computes beside the model that it drafts for, never alone",
    "gemma4_unified_assistant": "an assistant computes beside the model that it drafts for, never alone",
    "mllama": "transformers' causal class takes its text configuration alone, which no checkpoint is stored with",
    "musicgen": "transformers' causal class is its decoder of sounds, which takes no text",
    "musicgen_melody": "transformers' causal class is its decoder of sounds, which takes no text",
}
_HEADS = ("head_dim", "v_head_dim", "rotary_dim", "num_key_value_heads", "num_expert_group")


def configs(kind: str, windowed: bool = False, deep: bool = False) -> Iterator[Callable[[], Any]]:
    """Makers of small configurations of the type, from the richest: some types refuse some of them. Those that are
    `windowed` see `SHORT_WINDOW` tokens; there are none of types without a window. `deep` ones have `DEEP` layers, but
    for types that say their own number."""
    from transformers import CONFIG_MAPPING

    config_type = CONFIG_MAPPING[kind]
    text = getattr(config_type, "sub_configs", {}).get("text_config")
    for unset, leave_out in ((False, ()), (True, ()), (False, _HEADS), (True, _HEADS)):
        for mixed in (True, False):
            yield lambda a=unset, b=leave_out, c=mixed: _made(config_type, text, a, b, c, windowed, deep)


def _made(
    config_type: Any,
    text: Any,
    unset: bool,
    leave_out: Sequence[str],
    mixed: bool,
    windowed: bool,
    deep: bool,
) -> Any:
    options = _options(config_type, unset, leave_out, mixed)
    inner = options
    if getattr(text, "model_type", None) and "text_config" not in options:
        inner = options["text_config"] = _options(text, unset, leave_out, mixed)
    if deep and not OWN.get(config_type.model_type, {}).keys() & set(_LAYERS):
        inner |= {name: DEEP for name in _LAYERS if name in inner}
        if layers := inner.get("layer_types"):
            inner["layer_types"] = (list(layers) * DEEP)[:DEEP]
    if windowed:
        there = config_type(**options)
        names = [name for name in _WINDOWS if getattr(there.get_text_config(), name, None)]
        if not names:
            raise ValueError("it has no window")
        inner |= dict.fromkeys(names, SHORT_WINDOW)
    return config_type(**options)


def _options(config_type: Any, unset: bool, leave_out: Sequence[str], mixed: bool) -> dict[str, Any]:
    """Those of `SMALL` that the type has, with `unset` those too that it leaves open; what is its own; with
    `mixed` one layer of each kind that it has as it comes."""
    there, kind = config_type(), config_type.model_type
    options = {
        name: value
        for name, value in SMALL.items()
        if name not in leave_out and name not in _REFUSED.get(kind, ())
        if name.endswith("_id") or _has(there, name, unset)
    }
    layers = list(dict.fromkeys(getattr(there, "layer_types", None) or ()))
    if mixed and len(layers) > 1:
        options |= {"layer_types": layers, "num_hidden_layers": len(layers)}
    return options | OWN.get(kind, {})


def _has(there: Any, name: str, unset: bool) -> bool:
    try:
        return hasattr(there, name) if unset else getattr(there, name, None) is not None
    except Exception:  # a type that has it by layer, and does not say it of all
        return True
