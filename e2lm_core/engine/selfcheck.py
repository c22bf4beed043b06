"""The check of packed scoring: a few requests of the first batch are scored plainly as well.

    |packed − plain| ≤ absolute · √tokens + relative · |ll|        for every request looked at

The engine's own forward is tried first, then transformers' modules with the tree's attention. What differs
by more, or cannot take the model at all, is not used for that configuration, and the run's record says so.
Tested in tests/engine/test_scorer.py and tests/engine/forward/test_recipes.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from e2lm_core.engine.batches.plan import Chunk, Plan, Row, plan_plain
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.folder import first_line
from e2lm_core.engine.forward import attention, forward
from e2lm_core.engine.forward.decoder import Decoder, Rotary
from e2lm_core.engine.forward.recipes import NoRecipeError
from e2lm_core.engine.forward.tensors import prepare
from e2lm_core.engine.models import LoadedModel

# (absolute, relative): float32 is the parity bound of the tests; below it both ways round differently.
TOLERANCE = {torch.float32: (1e-4, 2e-6), torch.float16: (2e-2, 4e-3), torch.bfloat16: (1e-1, 3e-2)}
# The engine's forward, transformers' layers with the tree's attention, or transformers' forward as it is.
Way = Literal["engine", "library", "plain"]
_ROWS = 3
_REQUESTS = 12
_DRIFTING_ROPE = {"dynamic", "longrope"}  # frequencies that depend on the longest text of the batch


@dataclass(frozen=True)
class Verdict:
    """How a configuration is scored, in a sentence for the run's record, with its rotary frequencies."""

    way: Way
    sentence: str
    rotary: Rotary | None = None

    @property
    def packed(self) -> bool:
        """Whether rows of a prefix tree are scored, by whichever forward."""
        return self.way != "plain"

    @contextmanager
    def body(self, model: LoadedModel, plan: Plan) -> Iterator[forward.Body]:
        """The model as the packed way computes it, for batches of `plan` and as long as the context is open.

        Raises `NoRecipeError` where the engine has no forward for it.
        """
        if self.way == "engine":
            yield Decoder(model, self.rotary, plan)
        else:
            with model.module(attention.NAME) as module:
                yield forward.LibraryBody(module)


@dataclass(frozen=True)
class _Plainly:
    """Log-likelihoods of some requests by the reference, and how many tokens each has."""

    ll_nats: dict[int, float]
    tokens: dict[int, int]


def compare(
    model: LoadedModel, plan: Plan, encoded: Sequence[Encoded], device: torch.device, dtype: torch.dtype
) -> Verdict:
    """The first packed way that agrees with plain batches, else the plain one; raises what that does.

    Up to three rows of `plan`, whose requests are `encoded`, are scored by each packed way, and their
    requests plainly.
    """
    kind = model.config.model_type
    chunk = next((c for c in plan.chunks if c.trunk is not None), plan.chunks[0])
    rows = _sample(chunk)
    reference, rotary = _plainly(model, rows, encoded, device)
    reasons: list[str] = []
    for verdict in (
        Verdict("engine", f"{kind} models are scored by the engine's own forward.", rotary),
        Verdict("library", f"{kind} models are scored packed through transformers' own layers: "),
    ):
        try:
            _refuse_unsuitable(model, verdict.way)
            with verdict.body(model, plan) as body:
                worst, allowed = _worst(body, plan, chunk.trunk, rows, reference, device, dtype)
        # Whatever an unknown architecture does with a packed row, plain still works.
        except Exception as error:
            reasons.append(_reason(error))
            continue
        if worst <= allowed:
            return Verdict(verdict.way, verdict.sentence + "".join(f"{r}." for r in reasons), verdict.rotary)
        by_engine = verdict.way == "engine"
        what = "the engine's own forward" if by_engine else "packed rows"
        than = "plain batches" if by_engine else "them"
        reasons.append(f"{what} differed from {than} by {worst:.2g} nats, {allowed:.2g} are allowed")
    return Verdict("plain", f"{kind} models are scored in plain batches: {reasons[-1]}.")


def _plainly(
    model: LoadedModel, rows: Sequence[Row], encoded: Sequence[Encoded], device: torch.device
) -> tuple[_Plainly, Rotary | None]:
    requests = np.concatenate([row.requests for row in rows])
    reference = _Plainly({}, {})
    with model.module() as module:
        for index in sorted(set(requests.tolist()))[:_REQUESTS]:
            (line,) = plan_plain([encoded[index]], 1).chunks[0].rows
            plainly = forward.plain(module, [line], device)
            reference.ll_nats[index] = float(plainly.sum(dtype=np.float64))
            reference.tokens[index] = len(plainly)
        return reference, Rotary.of(module)


def _refuse_unsuitable(model: LoadedModel, way: Way) -> None:
    rope = getattr(model.config.get_text_config(), "rope_parameters", None) or {}
    if rope.get("rope_type", "default") in _DRIFTING_ROPE:
        raise attention.UnsupportedError(f"their {rope['rope_type']} positions depend on the batch")
    if way == "library":
        with model.module(attention.NAME) as module:
            if not getattr(module, "_supports_attention_backend", False):
                raise attention.UnsupportedError("their attention cannot be exchanged")


def _worst(
    body: forward.Body,
    plan: Plan,
    trunk: int | None,
    rows: Sequence[Row],
    reference: _Plainly,
    device: torch.device,
    dtype: torch.dtype,
) -> tuple[float, float]:
    """The request that is furthest beyond its tolerance: (difference, tolerance)."""
    states = None
    for index in _path(plan, trunk):
        states = forward.trunk_states(body, plan.trunks[index], states, device)
    by_packing = forward.packed(body, prepare(rows, device, dtype), states)
    requests = np.concatenate([row.requests for row in rows])
    absolute, relative = TOLERANCE[dtype]
    results = []
    for index, ll in reference.ll_nats.items():
        difference = abs(float(by_packing[requests == index].sum(dtype=np.float64)) - ll)
        results.append((difference, absolute * reference.tokens[index] ** 0.5 + relative * abs(ll)))
    return max(results, key=lambda r: r[0] / r[1] if np.isfinite(r[0]) else np.inf)


def _reason(error: Exception) -> str:
    if isinstance(error, NoRecipeError | attention.UnsupportedError):
        return str(error)
    return first_line(error)


def _sample(chunk: Chunk) -> list[Row]:
    """The longest row, one from the middle and the shortest."""
    places = sorted({0, len(chunk.rows) // 2, len(chunk.rows) - 1})[:_ROWS]
    return [chunk.rows[place] for place in places]


def _path(plan: Plan, trunk: int | None) -> list[int]:
    """The trunk and those above it, topmost first."""
    path: list[int] = []
    while trunk is not None:
        path.insert(0, trunk)
        trunk = plan.trunks[trunk].parent
    return path
