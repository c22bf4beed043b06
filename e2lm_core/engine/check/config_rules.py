"""Configuration rules: model types and features that packed scoring does not support.

The self-check's probe is short and finds by itself any feature that shows at its length. Features that begin
later in a text (a window, a chunk, a choice among far tokens) are listed here.
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
# Features that change attention with the position after some thousands of tokens, or choose among far tokens.
_LATE = ("attn_temperature_tuning", "llama_4_scaling_beta", "index_topk", "use_logn_attn")
_NO_WINDOWS = ("max_window_layers", "chunk_size_feed_forward", "sliding_window_pattern")

_CHOOSING = ("index_topk", "indexer_budget")  # tokens: in a text of at most so many, all are attended to
_LATE_FROM = 4_096  # tokens before which no feature of `_LATE` begins, except a choice
_SCANS = ("mamba_chunk_size", "chunk_size", "max_inference_chunksize")


def refuse_positions(config: Any) -> None:
    """Refuse a text configuration with positions that depend on the batch.

    Raises:
        UnsupportedError: The rotary frequencies depend on the batch.
    """
    for rope in _ropes(config):
        kind = rope.get("rope_type", "default")
        if kind in _DRIFTING_ROPE:
            raise UnsupportedError(f"their {kind} positions depend on the batch")


def refuse_layers(config: Any) -> None:
    """Refuse layers of transformers other than full attention, and heads that are not plain.

    Raises:
        UnsupportedError: A layer has no plain attention, logits are capped or scaled, or attention changes
            along the text.
    """
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
    """Tokens of the longest text in which every token sees all earlier ones; None without a limit.

    It is the smallest window or chunk of a text configuration, by any of its names.

    Args:
        config: A text configuration of transformers.
        scans: Whether the pieces of a recurrence count. If not, features that begin later in a text count
            instead.

    Raises:
        UnsupportedError: Attention chooses among far tokens from an unknown length on.
    """
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
    """Refuse features that no probe shows: a choice among far tokens may flip by rounding.

    Raises:
        UnsupportedError: Attention changes along the text.
    """
    for values in _dicts(config.to_dict()):
        for name in (*_LATE, *_CHOOSING):
            if values.get(name):
                raise UnsupportedError(f"their attention changes along the text ({name})")


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    """All dicts in a configuration's values, from the outermost, because some types set a value by layer."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _dicts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _dicts(part)


def _ropes(config: Any) -> Iterator[dict[str, Any]]:
    """The rotary parameters, one for all layers or one for each kind of layer."""
    rope = getattr(config, "rope_parameters", None) or {}
    yield rope
    yield from (part for part in rope.values() if isinstance(part, dict))
