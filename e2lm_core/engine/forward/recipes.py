"""Recipes that build decoder blocks from a model family's weights.

A recipe reads weights by name and has to use every one of them: a checkpoint with one more than the recipe
knows is another architecture and is left to transformers, and so is every family without a recipe. The
references are transformers' modelling files of Llama, OLMo, OLMo 2 and GPT-NeoX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from e2lm_core.engine.forward.blocks import (
    Block,
    GatedMlp,
    JointProjection,
    LayerNorm,
    Linear,
    Norm,
    PlainMlp,
    RmsNorm,
    SeparateProjection,
    StackedLinear,
    StackedRmsNorm,
)


class NoRecipeError(Exception):
    """The engine has no forward of its own for this model; the text is the reason."""


@dataclass(frozen=True)
class Parts:
    """The parts of a decoder.

    Attributes:
        embedding: Embeddings [V, H] of V tokens, with H hidden numbers.
        blocks: The decoder blocks.
        norm: The norm after the blocks.
        head: The LM head.
        head_rows: Number of logits of a token.
    """

    embedding: Tensor
    blocks: tuple[Block, ...]
    norm: Norm
    head: Linear
    head_rows: int


class Weights:
    """A checkpoint's weights by name, with a record of those that were used.

    `packed` copies large matrices into a faster layout (see `blocks.Linear`).
    """

    def __init__(self, weights: dict[str, Tensor], packed: bool) -> None:
        self._weights, self._packed = weights, packed
        self._used: set[str] = set()

    def get(self, name: str) -> Tensor | None:
        """Weight [...] of a name, which counts as used; None if there is none."""
        self._used.add(name)
        return self._weights.get(name)

    def __getitem__(self, name: str) -> Tensor:
        return self._found(name)

    def _found(self, name: str) -> Tensor:
        if (tensor := self.get(name)) is None:
            raise NoRecipeError(f"{name} is not among its weights")
        return tensor

    def linear(self, name: str) -> Linear:
        """Product with the weight and the bias of a name; raises NoRecipeError without the weight."""
        return self._product(self._found(f"{name}.weight"), self.get(f"{name}.bias"))

    def _product(self, weight: Tensor, bias: Tensor | None) -> Linear:
        return Linear(weight, bias, self._packed)

    def rms(self, name: str, eps: float) -> Norm:
        """RMS norm with the weight of a name; raises NoRecipeError without it."""
        return RmsNorm(self[f"{name}.weight"], eps)

    def layer(self, name: str, eps: float) -> Norm:
        """Layer norm with the weight and the bias of a name; raises NoRecipeError without the weight."""
        return LayerNorm(self[f"{name}.weight"], self.get(f"{name}.bias"), eps)

    def head(self, name: str, embedding: str, config: Any) -> tuple[Linear, int]:
        """The LM head and its number of logits; tied to the weights `embedding` if it has none of its own.

        Args:
            name: Name of the head's weights, without suffix.
            embedding: Name of the embedding's weights.
            config: transformers' configuration.
        """
        there = self.get(f"{name}.weight") is not None and not config.tie_word_embeddings
        weight = self._found(f"{name}.weight" if there else embedding)
        return self._product(weight, self.get(f"{name}.bias")), weight.shape[-2]

    def unused(self) -> set[str]:
        """Names of the weights that were not used."""
        return self._weights.keys() - self._used


class StackedWeights(Weights):
    """The weights of K checkpoints by name, [K, ...]; an embedding's are [K · V, H]."""

    def __init__(self, of: Sequence[dict[str, Tensor]]) -> None:
        super().__init__({name: torch.stack([one[name] for one in of]) for name in of[0]}, packed=False)

    def __getitem__(self, name: str) -> Tensor:
        return super().__getitem__(name).flatten(0, 1)

    def _product(self, weight: Tensor, bias: Tensor | None) -> StackedLinear:
        return StackedLinear(weight, None if bias is None else bias[:, None])

    def rms(self, name: str, eps: float) -> Norm:
        return StackedRmsNorm(self._found(f"{name}.weight")[:, None], eps)

    def layer(self, name: str, eps: float) -> Norm:
        raise NoRecipeError(f"{name} is a norm that is not stacked")


def parts_of(config: Any, weights: Weights) -> Parts:
    """The parts of a model, by the recipe of its family.

    Args:
        config: transformers' text configuration.
        weights: The weights.

    Raises:
        NoRecipeError: The family has no recipe, its attention slides, its activation is unknown, or the
            weights are not exactly those of the recipe.
    """
    recipe = _RECIPES.get(config.model_type)
    if recipe is None:
        raise NoRecipeError("the engine has no forward of its own for them")
    if getattr(config, "sliding_window", None) is not None:
        raise NoRecipeError("their attention slides")
    if config.hidden_act not in _ACTIVATIONS:
        raise NoRecipeError(f"their activation is {config.hidden_act}")
    parts = recipe(config, weights)
    if unused := weights.unused():
        raise NoRecipeError(f"{min(unused)} is a weight that their recipe does not use")
    return parts


def _decoder(
    config: Any,
    weights: Weights,
    norm: Callable[[str], Norm],
    block: Callable[[str, int], Block],
    names: tuple[str, str, str] = ("model.embed_tokens", "model.layers", "model.norm"),
) -> Parts:
    """Parts by the names of the embedding, the layers and the last norm."""
    embedding, layers, last = names
    blocks = tuple(block(f"{layers}.{i}", i) for i in range(config.num_hidden_layers))
    head, rows = weights.head("lm_head", f"{embedding}.weight", config)
    return Parts(weights[f"{embedding}.weight"], blocks, norm(last), head, rows)


def _gated(config: Any, weights: Weights, at: str) -> GatedMlp:
    gate, up, down = (weights.linear(f"{at}.mlp.{part}_proj") for part in ("gate", "up", "down"))
    return GatedMlp(gate, up, down, _ACTIVATIONS[config.hidden_act])


def _separate(config: Any, weights: Weights, at: str, **options: Any) -> SeparateProjection:
    q, k, v = (weights.linear(f"{at}.self_attn.{part}_proj") for part in "qkv")
    return SeparateProjection(q, k, v, _head_size(config), **options)


def _pre_norm(config: Any, weights: Weights, norm: Callable[[str], Norm], **options: Any) -> Parts:
    """Parts with blocks x + attention(norm x), then x + mlp(norm x)."""
    no_rotation = getattr(config, "no_rope_layers", None)  # despite the name, 1 means with rotation

    def block(at: str, layer: int) -> Block:
        return Block(
            before_attention=norm(f"{at}.input_layernorm"),
            project=_separate(config, weights, at, **options),
            out=weights.linear(f"{at}.self_attn.o_proj"),
            after_attention=None,
            before_mlp=norm(f"{at}.post_attention_layernorm"),
            mlp=_gated(config, weights, at),
            after_mlp=None,
            rotates=no_rotation is None or bool(no_rotation[layer]),
        )

    return _decoder(config, weights, norm, block)


def _llama(config: Any, weights: Weights) -> Parts:
    return _pre_norm(config, weights, lambda name: weights.rms(name, config.rms_norm_eps))


def _olmo(config: Any, weights: Weights) -> Parts:
    """Parts of OLMo: Llama's, with norms that have no weights and clipped projections."""
    return _pre_norm(config, weights, lambda _: LayerNorm(None, None, 1e-5), clip=config.clip_qkv)


def _olmo2(config: Any, weights: Weights) -> Parts:
    """Parts of OLMo 2: x + norm(attention x), then x + norm(mlp x).

    Norms go over all heads' queries, and over all keys.
    """

    def norm(name: str) -> Norm:
        return weights.rms(name, config.rms_norm_eps)

    def block(at: str, layer: int) -> Block:
        query_norm, key_norm = norm(f"{at}.self_attn.q_norm"), norm(f"{at}.self_attn.k_norm")
        return Block(
            before_attention=None,
            project=_separate(config, weights, at, query_norm=query_norm, key_norm=key_norm),
            out=weights.linear(f"{at}.self_attn.o_proj"),
            after_attention=norm(f"{at}.post_attention_layernorm"),
            before_mlp=None,
            mlp=_gated(config, weights, at),
            after_mlp=norm(f"{at}.post_feedforward_layernorm"),
        )

    return _decoder(config, weights, norm, block)


def _neox(config: Any, weights: Weights) -> Parts:
    """Parts of GPT-NeoX: x + attention(norm x) + mlp(norm x), or one after the other.

    One projection serves all heads.
    """

    def norm(name: str) -> Norm:
        return weights.layer(name, config.layer_norm_eps)

    def block(at: str, _: int) -> Block:
        return Block(
            before_attention=norm(f"{at}.input_layernorm"),
            project=JointProjection(weights.linear(f"{at}.attention.query_key_value"), _head_size(config)),
            out=weights.linear(f"{at}.attention.dense"),
            after_attention=None,
            before_mlp=norm(f"{at}.post_attention_layernorm"),
            mlp=PlainMlp(
                weights.linear(f"{at}.mlp.dense_h_to_4h"),
                weights.linear(f"{at}.mlp.dense_4h_to_h"),
                _ACTIVATIONS[config.hidden_act],
            ),
            after_mlp=None,
            parallel=config.use_parallel_residual,
        )

    names = ("gpt_neox.embed_in", "gpt_neox.layers", "gpt_neox.final_layer_norm")
    return _decoder(config, weights, norm, block, names)


def _head_size(config: Any) -> int:
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


_RECIPES: dict[str, Callable[[Any, Weights], Parts]] = {
    "llama": _llama,
    "mistral": _llama,
    "qwen2": _llama,
    "smollm3": _llama,
    "olmo": _olmo,
    "olmo2": _olmo2,
    "gpt_neox": _neox,
}
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": partial(functional.silu, inplace=True),
    "gelu": functional.gelu,
    "gelu_new": partial(functional.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(functional.gelu, approximate="tanh"),
}
