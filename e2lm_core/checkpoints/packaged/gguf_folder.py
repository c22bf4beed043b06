"""Checkpoint folder from a GGUF file of a Llama with SmolLM2's tokenizer.

    Q4_1: w = d · q + m      Q8_0: w = d · q        in blocks of 32 weights, d and m in float16

The package `gguf` reads the file and computes w in float32, which the folder keeps. The folder's bytes follow from
the file alone, whatever libraries are installed, so results have the same keys on every machine.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.sentences import Sentence

_OUTER = {"token_embd": "embed_tokens", "output_norm": "norm"}
_INNER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_CONTROL = 3  # type of a token that is never part of a text
_ALIGNMENT = 8  # of the tensors in a safetensors file
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def convert_gguf(
    file: Path, folder: Path, progress: Callable[[int, int], object] = lambda done, total: None
) -> None:
    """Write the weights, configuration and tokenizer of a GGUF file into an existing folder.

    Weights are read and written one tensor at a time.

    Args:
        file: The GGUF file.
        folder: Folder for the files.
        progress: Called with the bytes of weights written and their total.

    Raises:
        CheckpointError: The file is no GGUF file, or of another kind of model.
        OSError: The file cannot be read, or the disk cannot be written.
        ImportError: The package `gguf` is not installed.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
        values = {name: field.contents() for name, field in reader.fields.items()}
        if (values["general.architecture"], values["tokenizer.ggml.pre"]) != ("llama", "smollm"):
            raise ValueError("not a Llama with SmolLM2's tokenizer")
        config, names = _config(values), [_name(tensor.name) for tensor in reader.tensors]
        tokenizer, tokenizer_config = _tokenizer(values)
    except (ValueError, KeyError, IndexError) as error:
        raise CheckpointError(
            Sentence(
                "{file} is not the GGUF file that is read here ({error}): fetch it again.",
                file=file,
                error=str(error),
            )
        ) from error
    _write_json(folder / "config.json", config)
    _write_json(folder / "tokenizer.json", tokenizer)
    _write_json(folder / "tokenizer_config.json", tokenizer_config)
    _write_weights(folder / "model.safetensors", reader.tensors, names, config, progress)


def _name(gguf_name: str) -> str:
    """Name of a tensor in transformers."""
    stem = gguf_name.removesuffix(".weight")
    if stem in _OUTER:
        return f"model.{_OUTER[stem]}.weight"
    found = re.fullmatch(r"blk\.(\d+)\.(\w+)", stem)
    if found is None or found[2] not in _INNER:
        raise ValueError(f"the tensor {gguf_name} is unknown")
    return f"model.layers.{found[1]}.{_INNER[found[2]]}.weight"


def _config(values: dict[str, Any]) -> dict[str, Any]:
    """Content of config.json."""

    def of(key: str) -> Any:
        return values[f"llama.{key}"]

    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(values["tokenizer.ggml.tokens"]),
        "hidden_size": of("embedding_length"),
        "intermediate_size": of("feed_forward_length"),
        "num_hidden_layers": of("block_count"),
        "num_attention_heads": of("attention.head_count"),
        "num_key_value_heads": of("attention.head_count_kv"),
        "head_dim": of("embedding_length") // of("attention.head_count"),
        "max_position_embeddings": of("context_length"),
        "rms_norm_eps": float(f"{of('attention.layer_norm_rms_epsilon'):.6g}"),  # stored in float32
        "rope_parameters": {"rope_theta": of("rope.freq_base"), "rope_type": "default"},
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": values["tokenizer.ggml.bos_token_id"],
        "eos_token_id": values["tokenizer.ggml.eos_token_id"],
        "pad_token_id": values["tokenizer.ggml.padding_token_id"],
        "dtype": "float32",
    }


def _tokenizer(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Contents of tokenizer.json and tokenizer_config.json: byte-level BPE with single digits, no BOS."""
    tokens = values["tokenizer.ggml.tokens"]
    types = values["tokenizer.ggml.token_type"]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    digits = {"type": "Digits", "individual_digits": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, **plain}
            for i, (token, kind) in enumerate(zip(tokens, types, strict=True))
            if kind == _CONTROL
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, _BYTE_LEVEL]},
        "post_processor": None,
        "decoder": _BYTE_LEVEL,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": values["tokenizer.ggml.merges"],
        },
    }
    special = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    return tokenizer, {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{
            f"{name}_token": tokens[values[f"tokenizer.ggml.{key}_token_id"]] for name, key in special.items()
        },
        "chat_template": values.get("tokenizer.chat_template"),
        "clean_up_tokenization_spaces": False,
        "model_max_length": values["llama.context_length"],
    }


def _write_weights(
    file: Path,
    tensors: list[Any],
    names: list[str],
    config: dict[str, Any],
    progress: Callable[[int, int], object],
) -> None:
    """Write a safetensors file tensor by tensor, which takes no more memory than the largest one."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    total = 0
    for name, tensor in zip(names, tensors, strict=True):
        shape = [int(length) for length in reversed(tensor.shape)]
        end = total + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [total, end]}
        total = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with file.open("wb") as opened:
        opened.write(len(text).to_bytes(8, "little") + text)
        for name, tensor in zip(names, tensors, strict=True):
            opened.write(_weights(name, tensor, config).astype("<f4", copy=False).tobytes())
            progress(header[name]["data_offsets"][1], total)


def _weights(name: str, tensor: Any, config: dict[str, Any]) -> NDArray[np.float32]:
    """Weights of a tensor in transformers' order of rows, float32 [...]."""
    from gguf import dequantize

    weights: NDArray[np.float32] = dequantize(tensor.data, tensor.tensor_type)
    # GGUF pairs the rows of a head that rotate together; transformers has all first ones, then all second ones.
    heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}
    if (kind := name.split(".")[-2]) in heads:
        paired = weights.reshape(config[heads[kind]], -1, 2, weights.shape[-1])
        weights = paired.swapaxes(1, 2).reshape(weights.shape)
    return np.ascontiguousarray(weights)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
