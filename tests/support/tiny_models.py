"""What engine and parity score with: tiny models of random weights."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    Olmo2Config,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

from e2lm_core.base.records import Checkpoint, ModelInfo

VOCABULARY = 384
_CORPUS = [
    "Question: What is the chemical symbol of iron?\nAnswer: Fe",
    "Question: Which planet is the largest of the solar system?\nAnswer: Jupiter, a gas giant",
    "The heart pumps blood through the body, and lungs take in oxygen from the air.",
    "Question: How many legs has an insect?\nAnswer: six legs; a spider has eight.",
    "Water boils at one hundred degrees Celsius and freezes at zero degrees.",
] * 4


@lru_cache
def _bpe() -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|bos|>", "<|eos|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    return str(tokenizer.to_str())


def tokenizer(adds_bos: bool = False, has_bos: bool = True) -> PreTrainedTokenizerFast:
    inner = Tokenizer.from_str(_bpe())
    if adds_bos:
        inner.post_processor = processors.TemplateProcessing(
            single="<|bos|> $A", pair="<|bos|> $A $B", special_tokens=[("<|bos|>", 0)]
        )
    names: dict[str, Any] = {"eos_token": "<|eos|>"} | ({"bos_token": "<|bos|>"} if has_bos else {})
    return PreTrainedTokenizerFast(tokenizer_object=inner, **names)


def config(architecture: str, window: int = 256) -> PreTrainedConfig:
    shared: dict[str, Any] = {
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "intermediate_size": 96,
        "num_attention_heads": 4,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": window,
    }
    match architecture:
        case "llama":
            return LlamaConfig(**shared, num_key_value_heads=2, tie_word_embeddings=True)
        case "neox":
            return GPTNeoXConfig(**shared, rotary_pct=0.25)
        case "olmo2":
            return Olmo2Config(**shared)
        case "mistral":
            return MistralConfig(**shared, num_key_value_heads=2, sliding_window=16)
        case "gpt2":
            return GPT2Config(
                n_embd=48, n_layer=2, n_head=4, vocab_size=VOCABULARY, n_positions=window, bos_token_id=0
            )
    raise ValueError(architecture)


def make(
    folder: Path,
    architecture: str = "llama",
    window: int = 256,
    seed: int = 0,
    spread: float = 0.3,
    **tokenizer_options: bool,
) -> Path:
    """A checkpoint folder; `spread` is the deviation of its weights, wide enough that choices differ."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config(architecture, window))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, spread)
    model.save_pretrained(folder)
    tokenizer(**tokenizer_options).save_pretrained(folder)
    return folder


def checkpoint(folder: Path, step: int = 100, model: str = "tiny") -> Checkpoint:
    return Checkpoint(model=ModelInfo(name=model, family="local"), step=step, directory=folder)
