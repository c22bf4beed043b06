"""Whether the packed way gives a model's numbers: a few questions of the first batch are scored both ways.

    |packed − plain| ≤ absolute · √tokens + relative · |ll|        for every request looked at

One difference above that, and the configuration is scored plainly from then on, which is said in the run's
record. A model that the packed way cannot take at all is known by an exception and treated alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from . import attention, forward
from .models import LoadedModel
from .plan import Chunk, Plan, Row, plan_plain
from .tokenise import Encoded

# (absolute, relative): float32 is the parity bound of the tests; below it both ways round differently.
TOLERANCE = {torch.float32: (1e-4, 2e-6), torch.float16: (2e-2, 4e-3), torch.bfloat16: (1e-1, 3e-2)}
_ROWS = 3
_REQUESTS = 12
_DRIFTING_ROPE = {"dynamic", "longrope"}  # frequencies that depend on the longest text of the batch


@dataclass(frozen=True)
class Verdict:
    packed: bool
    sentence: str


def compare(
    model: LoadedModel, plan: Plan, encoded: Sequence[Encoded], device: torch.device, dtype: torch.dtype
) -> Verdict:
    """Score up to three rows of `plan` packed and their requests plainly."""
    kind = model.config.model_type
    try:
        worst, allowed = _worst(model, plan, encoded, device, dtype)
    except Exception as error:  # whatever an unknown architecture does with a packed row, plain still works
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return Verdict(False, f"{kind} models are scored in plain batches: {reason}.")
    if worst <= allowed:
        return Verdict(True, f"{kind} models are scored packed, within {worst:.1g} nats of plain batches.")
    return Verdict(
        False,
        f"{kind} models are scored in plain batches: packed rows differed from them by {worst:.2g} nats, "
        f"{allowed:.2g} are allowed.",
    )


def _worst(
    model: LoadedModel, plan: Plan, encoded: Sequence[Encoded], device: torch.device, dtype: torch.dtype
) -> tuple[float, float]:
    """The request that is furthest beyond its tolerance: (difference, tolerance)."""
    config = model.config.get_text_config()
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type", "default") in _DRIFTING_ROPE:
        raise attention.UnsupportedError(f"their {rope['rope_type']} positions depend on the batch")
    chunk = next((c for c in plan.chunks if c.trunk is not None), plan.chunks[0])
    rows = _sample(chunk)
    with model.module(attention.NAME) as module:
        if not getattr(module, "_supports_attention_backend", False):
            raise attention.UnsupportedError("their attention cannot be exchanged")
        states = None
        for index in _path(plan, chunk.trunk):
            states = forward.trunk_states(module, plan.trunks[index], states, device)
        by_packing = forward.packed(module, forward.prepare(rows, device, dtype), states)
    requests = np.concatenate([row.requests for row in rows])
    looked_at = sorted(set(requests.tolist()))[:_REQUESTS]
    absolute, relative = TOLERANCE[dtype]
    results = []
    with model.module() as module:
        for index in looked_at:
            (line,) = plan_plain([encoded[index]], 1).chunks[0].rows
            plainly = forward.plain(module, [line], device)
            ll = float(plainly.sum(dtype=np.float64))
            difference = abs(float(by_packing[requests == index].sum(dtype=np.float64)) - ll)
            results.append((difference, absolute * len(plainly) ** 0.5 + relative * abs(ll)))
    return max(results, key=lambda r: r[0] / r[1] if np.isfinite(r[0]) else np.inf)


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
