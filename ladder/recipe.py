"""The numbers of the recipe: models, data shares, optimisation and checkpoints, each in one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    checkpoint_steps: tuple[int, ...]
    draw: Literal["a", "b"] = "a"
    role: Literal["science", "web"] = "science"
    seed: int = 1
    twin_of: str | None = None
    seed_of: str | None = None
    extra_steps: tuple[int, ...] = ()  # of its checkpoints, those that the studio's default fleet leaves out
    pack_levels: int = 15  # see PACK_LEVELS

    @property
    def stream(self) -> str:
        """The name of the text that it reads."""
        return f"{self.role}-{self.draw}"


@dataclass(frozen=True)
class Recipe:
    """Everything that the weights depend on, but for the facts and WordNet."""

    members: tuple[Member, ...]
    steps: int
    early_end_step: int
    shares: dict[str, dict[str, float]]  # of tokens, by role and source
    vocabulary: int = 2_048
    context: int = 1_024  # positions that the config allows: five-shot prompts fit
    trained_context: int = 256
    batch: int = 4  # sequences of `trained_context` tokens a step
    data_seed: str = "ladder-3"  # of both draws
    seed: int = 100  # added to every member's: trials were made with smaller ones
    muon_lr: float = 0.02
    muon_weight_decay: float = 0.05
    adamw_lr: float = 0.02
    warm_up: float = 0.03
    decay_from: float = 0.60
    decay_to: float = 0.02
    averaging: float = 0.985  # what a step leaves of the moving average of the weights, which is what is kept
    sample_filler: bool = False  # the filler that ships with the recipe instead of WordNet's files

    @property
    def streams(self) -> dict[str, tuple[str, str]]:
        """{name of a text: its role and draw}, of every text that a member reads."""
        return {member.stream: (member.role, member.draw) for member in self.members}

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


# The first shape is made worse on purpose, by a third to a half of the second's parameters: a comparison of architectures
# with a known answer.
SHAPES = {
    "large": {"arch1": Shape(96, 3, 184, 4), "arch2": Shape(128, 3, 304, 4)},
    "medium": {"arch1": Shape(64, 2, 184, 4), "arch2": Shape(88, 2, 224, 4)},
    "small": {"arch1": Shape(40, 2, 96, 4), "arch2": Shape(64, 2, 160, 4)},
}
# Levels of a packed weight on either side of zero: as few as cost no more than 0.01 of accuracy at the last step.
PACK_LEVELS = {
    "large": {"arch1": 15, "arch2": 11},
    "medium": {"arch1": 19, "arch2": 15},
    "small": {"arch1": 23, "arch2": 23},
}

_SHARES = {
    "science": {"science": 0.76, "general": 0.11, "filler": 0.13},
    # As many of the general facts as the science models read: they then learn these alike.
    "web": {"science": 0.0, "general": 0.11, "filler": 0.89},
}

EARLY = tuple(range(300, 1_001, 100))
EVERY = (*EARLY, *range(1_125, 2_001, 125))  # of the first seeds
TWINS = (400, 600, 800, 1_000, 1_500, 2_000)
SEEDS = (*EARLY, 2_000)  # of further seeds
SEEDS_SHOWN = (600, 1_000, 2_000)  # in the default fleet
# Three seeds of every model read both draws, one shape the first draw twice and the other the second.
DRAWS: dict[str, tuple[Literal["a", "b"], ...]] = {"arch1": ("a", "b", "a"), "arch2": ("b", "a", "b")}


def _trained(size: str, arch: str) -> Iterator[Member]:
    """A size and shape: its first seed, for the medium size the twin that reads no science, two more seeds."""
    first, *others = DRAWS[arch]
    name = f"ladder-{size}-{arch}"
    member = Member(name, size, arch, SHAPES[size][arch], EVERY, first, pack_levels=PACK_LEVELS[size][arch])
    yield member
    if size == "medium":
        yield replace(member, name=f"{name}-web", checkpoint_steps=TWINS, role="web", twin_of=name)
    extra = tuple(step for step in SEEDS if step not in SEEDS_SHOWN)
    for seed, draw in enumerate(others, start=2):
        yield replace(
            member,
            name=f"{name}-seed{seed}",
            checkpoint_steps=SEEDS,
            draw=draw,
            seed=seed,
            seed_of=name,
            extra_steps=extra,
        )


# Slow models first: two processes then end at about the same time.
LADDER = Recipe(
    members=tuple(
        member for size, archs in SHAPES.items() for arch in archs for member in _trained(size, arch)
    ),
    steps=2_000,
    early_end_step=1_000,
    shares=_SHARES,
)

_TINY = Shape(24, 2, 48, 2)
_TINY_STEPS = tuple(range(20, 121, 20))
SMOKE = Recipe(
    members=(
        Member("ladder-tiny-arch1", "small", "arch1", _TINY, _TINY_STEPS),
        Member(
            "ladder-tiny-arch1-web",
            "small",
            "arch1",
            _TINY,
            _TINY_STEPS,
            role="web",
            twin_of="ladder-tiny-arch1",
        ),
    ),
    steps=120,
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
