"""Probe requests of the self-check.

The probe is the same for every checkpoint with the same vocabulary and window, whatever was scored before.
Tested in tests/engine/check/test_selfcheck.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from e2lm_core.engine.batches.contexts import plan_contexts
from e2lm_core.engine.batches.plan import Plan
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.batches.tree import plan_below
from e2lm_core.engine.models import LoadedModel, Skeletons

_WORDS = 24  # distinct tokens: few, so that the look-up of the first layer's projections is used
_SHARED, _CONTEXTS, _CHOICES = 20, (5, 3, 4), ((0, 1), (0, 2, 3), (4,))  # tokens; choices by word
_MIN_GAIN, _GAIN = 0.5, 2.0  # of a matrix: deviation · √(number of inputs)
_FAR = 2**31  # tokens: more than a probe has
_FLOAT32_BYTES = 4 * 10**9  # of a copy in float32


@dataclass(frozen=True)
class Probe:
    """Requests of the self-check, with plans of them.

    Attributes:
        encoded: The requests.
        plans: Two plans: below two trunks, one after the other, and without a trunk.
        contexts: Two plans for models that continue from a state: below a trunk, and without one.
    """

    encoded: list[Encoded]
    plans: tuple[Plan, ...]
    contexts: tuple[Plan, ...]


def probe_of(config: Any, vocabulary: int, window: int, shared: int = _SHARED) -> Probe:
    """Make the probe for a model.

    Args:
        config: The model's text configuration; its special tokens are left out.
        vocabulary: Number of tokens in its vocabulary.
        window: Its context window in tokens, at least eight.
        shared: Number of tokens that all requests share at the beginning, as far as the window allows.
    """
    random = np.random.default_rng(2026)
    special = _special(config)
    known = np.array([token for token in range(min(vocabulary, 50_000)) if token not in special])
    words = random.choice(known, min(_WORDS, len(known)), replace=False).astype(np.int32)
    longest = max(map(len, _CHOICES))
    contexts = [min(size, max(1, window // 4 - i)) for i, size in enumerate(_CONTEXTS)]
    shared = max(2, min(shared, window - max(contexts) - longest))
    trunk = random.choice(words, shared)
    encoded = []
    for size in contexts:
        context = np.concatenate([trunk, random.choice(words, size)])
        for choice in _CHOICES:
            targets = words[[place % len(words) for place in choice]]
            encoded.append(Encoded(np.concatenate([context, targets])[:-1], targets))
    below = plan_below(encoded, (shared // 3, shared)), plan_below(encoded, ())
    return Probe(encoded, below, tuple(plan_contexts(encoded, _FAR, saved) for saved in (1, _FAR)))


def as_if_trained(model: LoadedModel) -> LoadedModel:
    """A copy of the model for the probe, in float32 and with usable matrices.

    Matrices near zero (a checkpoint of step 0), with which every way of computing gives the same, and
    matrices with numbers that are not finite are replaced. Tensors that need no change are not copied, and a
    model whose copy would be too large stays in its own dtype.
    """
    skeletons, weights = model.skeletons, dict(model.weights)
    dtype = torch.float32 if 4 * model.parameters <= _FLOAT32_BYTES else skeletons.dtype
    if dtype != skeletons.dtype:
        skeletons = Skeletons(skeletons.device, dtype)
    generator = torch.Generator().manual_seed(2026)
    for name, weight in weights.items():
        if weight.is_floating_point():
            weights[name] = _with_gain(weight, generator).to(dtype)
    return replace(model, weights=weights, skeletons=skeletons)


def _with_gain(weight: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if weight.dim() < 2:
        return weight if torch.isfinite(weight).all() else torch.ones_like(weight)
    gain = float(weight.float().square().mean().sqrt()) * weight.shape[-1] ** 0.5
    if np.isfinite(gain) and gain >= _MIN_GAIN:
        return weight
    drawn = torch.randn(weight.shape, generator=generator) * (_GAIN / weight.shape[-1] ** 0.5)
    return drawn.to(weight)


def _special(config: Any) -> set[int]:
    """Tokens that a model may treat specially, such as those of an image or of padding."""
    found: set[int] = set()
    for name, value in config.to_dict().items():
        if name.endswith(("token_id", "token_index")):
            found.update(value if isinstance(value, list) else [value])
    return found
