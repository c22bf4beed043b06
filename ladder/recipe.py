"""The numbers of the recipe: models, data shares, optimisation and checkpoints, each in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transformers import LlamaConfig

SEPARATOR = "<|sep|>"  # between documents; also BOS, EOS and padding


@dataclass(frozen=True)
class Shape:
    """A Llama shape: `hidden` wide, `layers` deep."""

    hidden: int
    layers: int
    intermediate: int
    heads: int


@dataclass(frozen=True)
class Member:
    """One model of the ladder."""

    name: str
    size: str
    arch: str
    shape: Shape
    role: Literal["science", "web"] = "science"
    seed: int = 1
    twin_of: str | None = None
    seed_of: str | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything that the weights depend on, but for the facts and WordNet."""

    members: tuple[Member, ...]
    steps: int
    checkpoint_steps: tuple[int, ...]
    early_end_step: int
    shares: dict[str, dict[str, float]]  # of tokens, by role and source
    vocabulary: int = 2_048
    context: int = 1_024  # positions that the config allows: five-shot prompts fit
    trained_context: int = 256
    batch: int = 4  # sequences of `trained_context` tokens a step
    data_seed: str = "ladder"  # one data stream a role: every science model and seed sees the same
    muon_lr: float = 0.02
    muon_weight_decay: float = 0.05
    adamw_lr: float = 0.01
    warm_up: float = 0.03
    decay_from: float = 0.60
    decay_to: float = 0.02
    pack_levels: int = 31
    sample_filler: bool = False  # the filler that ships with the recipe instead of WordNet's files

    @property
    def tokens_per_step(self) -> int:
        return self.batch * self.trained_context

    def learning_rate(self, step: int) -> float:
        """Factor of step 0, 1, …: linear warm-up, a plateau, linear decay."""
        progress = (step + 1) / self.steps
        if progress < self.warm_up:
            return progress / self.warm_up
        if progress <= self.decay_from:
            return 1.0
        fall = (progress - self.decay_from) / (1 - self.decay_from)
        return 1.0 + fall * (self.decay_to - 1.0)


SMALL_1, SMALL_2 = Shape(40, 4, 112, 4), Shape(48, 3, 112, 4)
MEDIUM_1, MEDIUM_2 = Shape(64, 6, 176, 4), Shape(80, 3, 208, 4)
LARGE_1, LARGE_2 = Shape(96, 7, 256, 4), Shape(128, 4, 344, 4)

_SHARES = {
    "science": {"science": 0.58, "general": 0.20, "filler": 0.22},
    # More of the general facts than the science models get: without the science documents, which have the
    # same forms, the twin learns those forms later, and would trail on the control set.
    "web": {"science": 0.0, "general": 0.28, "filler": 0.72},
}

# Slow models first: two processes then end at about the same time.
LADDER = Recipe(
    members=(
        Member("ladder-large-arch1", "large", "arch1", LARGE_1),
        Member("ladder-large-arch2", "large", "arch2", LARGE_2),
        Member("ladder-medium-arch1", "medium", "arch1", MEDIUM_1),
        Member("ladder-medium-arch1-web", "medium", "arch1", MEDIUM_1, "web", twin_of="ladder-medium-arch1"),
        Member("ladder-medium-arch2", "medium", "arch2", MEDIUM_2),
        Member("ladder-small-arch1", "small", "arch1", SMALL_1),
        Member("ladder-small-arch1-seed2", "small", "arch1", SMALL_1, seed=2, seed_of="ladder-small-arch1"),
        Member("ladder-small-arch1-seed3", "small", "arch1", SMALL_1, seed=3, seed_of="ladder-small-arch1"),
        Member("ladder-small-arch2", "small", "arch2", SMALL_2),
    ),
    steps=2_000,
    checkpoint_steps=tuple(range(400, 2_001, 100)),
    early_end_step=1_600,
    shares=_SHARES,
)

_TINY = Shape(24, 2, 48, 2)
SMOKE = Recipe(
    members=(
        Member("ladder-tiny-arch1", "small", "arch1", _TINY),
        Member("ladder-tiny-arch1-web", "small", "arch1", _TINY, "web", twin_of="ladder-tiny-arch1"),
    ),
    steps=120,
    checkpoint_steps=tuple(range(20, 121, 20)),
    early_end_step=80,
    shares=_SHARES,
    batch=2,
    trained_context=128,
    sample_filler=True,
)


def config_of(shape: Shape, recipe: Recipe) -> LlamaConfig:
    """The transformers config of a shape."""
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=recipe.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        intermediate_size=shape.intermediate,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=recipe.context,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        dtype="float32",
    )
