"""Configuration rules: model types and features that packed scoring does not support.

The self-check's probe is short: what shows at its length it finds by itself, whatever its name. What sets in
later (a window, a chunk, a choice among far tokens) is known here.
Tested in tests/engine/check/test_selfcheck.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from e2lm_core.engine.forward.attention import UnsupportedError

_DRIFTING_ROPE = {"dynamic", "longrope"}  # frequencies that depend on the longest text of the batch
_LAYERS = ("layer_types", "layers_block_type", "block_types", "layers_type")
_ATTENTION = {"full_attention", "sliding_attention", "chunked_attention", "attention"}
_CAPS = ("final_logit_softcapping", "logits_soft_cap", "output_logit_soft_cap")
_SCALES = (
    "logit_scale",
    "logits_scaling",
    "lm_head_multiplier",
    "output_multiplier",
    "logits_mup_width_multiplier",
)
# What turns with the place in the text beyond some thousands of tokens, or chooses among far tokens.
_LATE = ("attn_temperature_tuning", "llama_4_scaling_beta", "index_topk", "use_logn_attn")
_NO_WINDOWS = ("max_window_layers", "chunk_size_feed_forward", "sliding_window_pattern")

_CHOOSING = ("index_topk", "indexer_budget")  # tokens: up to so many all are attended to
_LATE_FROM = 4_096  # tokens before which nothing of `_LATE` sets in, but a choice
_SCANS = ("mamba_chunk_size", "chunk_size", "max_inference_chunksize")


def refuse_positions(config: Any) -> None:
    """Raises `UnsupportedError` for a text configuration whose positions depend on the batch."""
    for rope in _ropes(config):
        kind = rope.get("rope_type", "default")
        if kind in _DRIFTING_ROPE:
            raise UnsupportedError(f"their {kind} positions depend on the batch")


def refuse_layers(config: Any) -> None:
    """Raises `UnsupportedError` for what transformers' layers do beside full attention and a plain head."""
    for name in _LAYERS:
        for kind in getattr(config, name, None) or ():
            if isinstance(kind, str) and kind not in _ATTENTION:
                raise UnsupportedError(f"some of their layers are {kind}")
    for name in _CAPS:
        if getattr(config, name, None):
            raise UnsupportedError(f"their logits are capped ({name})")
    for name in _SCALES:
        if getattr(config, name, None) not in (None, 1, 1.0):
            raise UnsupportedError(f"their logits are scaled ({name})")
    refuse_late(config)


def reach(config: Any, scans: bool = True) -> int | None:
    """Tokens of the longest text in which no token is out of another's sight, by whatever the windows and
    chunks of a text configuration are called; None where it names none. Without `scans` the pieces in which a
    recurrence is computed count for nothing, and what sets in later does. Raises `UnsupportedError` for a choice
    among far tokens of which it is not known when it sets in."""
    slides = getattr(config, "use_sliding_window", True) is not False
    named = [
        value
        for name, value in config.to_dict().items()
        if slides
        if ("window" in name or "chunk" in name or name == "local_attention") and name not in _NO_WINDOWS
        if not name.startswith("_") and (scans or name not in _SCANS)
        if type(value) is int and value > 0
    ]
    if not scans:
        chosen = [v[n] for v in _dicts(config.to_dict()) for n in _CHOOSING if v.get(n)]
        if not chosen and any(
            "index" in str(kind) for name in _LAYERS for kind in getattr(config, name, None) or ()
        ):
            raise UnsupportedError("their attention chooses among far tokens")
        late = [
            n for v in (config.to_dict(), *_ropes(config)) for n in _LATE if v.get(n) and n not in _CHOOSING
        ]
        named += chosen + [_LATE_FROM] * bool(late)
    return min(named, default=None)


def refuse_late(config: Any) -> None:
    """Raises `UnsupportedError` for what no probe shows: a choice among far tokens flips by rounding."""
    for values in _dicts(config.to_dict()):
        for name in (*_LATE, *_CHOOSING):
            if values.get(name):
                raise UnsupportedError(f"their attention changes along the text ({name})")


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    """All dicts in a configuration's values, from the outermost: some types say a thing by layer."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _dicts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _dicts(part)


def _ropes(config: Any) -> Iterator[dict[str, Any]]:
    """The rotary parameters, one for all layers or one for each kind of them."""
    rope = getattr(config, "rope_parameters", None) or {}
    yield rope
    yield from (part for part in rope.values() if isinstance(part, dict))
