"""A small GGUF file of a Llama with SmolLM2's tokenizer, written by the package `gguf` itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS = 64, 96, 2, 4, 2
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["i r", "ir o", "iro n", "Ġ iron", "a n", "an d", "Ġ and"]


def vocabulary() -> list[str]:
    """Control tokens, the 256 bytes as byte-level BPE writes them, and what the merges make."""
    from tokenizers.pre_tokenizers import ByteLevel

    merged = [merge.replace(" ", "") for merge in MERGES]
    return [*CONTROL, *sorted(ByteLevel.alphabet()), *merged]


def write(file: Path, seed: int = 1, pre: str = "smollm", architecture: str = "llama") -> Path:
    """Write the file: matrices in Q4_1, the embedding in Q8_0, norms in float32, as in SmolLM2's."""
    gguf = pytest.importorskip("gguf", reason="gguf is missing: pip install gguf")
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(100_000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = vocabulary()
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(CONTROL) + [1] * (len(tokens) - len(CONTROL)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)

    def add(name: str, *shape: int, kind: str = "Q4_1") -> None:
        values = random.normal(0.0, 0.3, shape).astype(np.float32)
        if len(shape) == 1:
            writer.add_tensor(name, 1 + values)
            return
        quantised = getattr(gguf.GGMLQuantizationType, kind)
        writer.add_tensor(name, gguf.quantize(values, quantised), raw_dtype=quantised)

    add("token_embd.weight", len(tokens), HIDDEN, kind="Q8_0")
    narrow = HIDDEN * KV_HEADS // HEADS
    for layer in range(LAYERS):
        for name, shape in {
            "attn_norm": (HIDDEN,),
            "attn_q": (HIDDEN, HIDDEN),
            "attn_k": (narrow, HIDDEN),
            "attn_v": (narrow, HIDDEN),
            "attn_output": (HIDDEN, HIDDEN),
            "ffn_norm": (HIDDEN,),
            "ffn_gate": (INNER, HIDDEN),
            "ffn_up": (INNER, HIDDEN),
            "ffn_down": (HIDDEN, INNER),
        }.items():
            add(f"blk.{layer}.{name}.weight", *shape)
    add("output_norm.weight", HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
