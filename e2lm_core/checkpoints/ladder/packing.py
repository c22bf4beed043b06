"""Packed weights: quantised rows with LZMA compression.

    w ≈ scale[row] · q,   q = round(w / scale[row]) ∈ [−L, L],   scale[row] = max|w[row]| / L

A tensor of two or more dimensions is cut into rows along its last one; a vector keeps its float32 values.
Scales are bfloat16, rounded up: at most 1/128 larger. The worst error of a weight is half its row's scale,
so with L = 63 it is about max|w[row]| / 126.

Layout of a blob, little-endian: the magic `E2LMPACK`, the format's version (u16), the length of a JSON
header (u32), the sha256 of everything that follows it, the header, and one LZMA stream that holds the
vectors, every row's scale and its integers in the header's order. The same state dict gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import struct
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson

MAGIC = b"E2LMPACK"
VERSION = 2
DEFAULT_LEVELS = 63
MAX_UNPACKED_BYTES = 200 * 2**20
_HEAD = struct.Struct("<8sHI32s")
# No literal context and no position bits: neighbouring integers of a weight matrix are independent, and LZMA
# then comes closest to their plain entropy.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "lc": 0, "lp": 0, "pb": 0}]


def pack(state_dict: Mapping[str, torch.Tensor], levels: int = DEFAULT_LEVELS) -> bytes:
    """Pack float tensors into a blob.

    Args:
        state_dict: Name → tensor [...] of floats of any dtype; quantised by rows along the last axis.
        levels: L of the formula above, 1 to 127: 127 is int8, 63 seven bits, 31 six bits.

    Raises:
        CheckpointError: `levels` is out of range, a tensor is not of floats, or a value is not finite.
    """
    if not 1 <= levels <= 127:
        raise CheckpointError(
            Sentence("Cannot pack weights in {levels} levels (use 1 to 127).", levels=levels)
        )
    entries: list[dict[str, object]] = []
    vectors: list[bytes] = []
    scales: list[bytes] = []
    integers: list[bytes] = []
    for name in sorted(state_dict):
        tensor = state_dict[name].detach().to("cpu")
        if not tensor.is_floating_point():
            raise CheckpointError(
                Sentence(
                    "Cannot pack {name}: it holds {dtype}, only floats are packed.",
                    name=name,
                    dtype=tensor.dtype,
                )
            )
        values = tensor.to(torch.float32).numpy()
        if not np.isfinite(values).all():
            raise CheckpointError(
                Sentence("Cannot pack {name}: it holds a value that is not finite.", name=name)
            )
        if values.ndim < 2:
            entries.append({"name": name, "shape": list(values.shape), "kind": "float"})
            vectors.append(values.astype("<f4").tobytes())
            continue
        rows = values.reshape(-1, values.shape[-1])
        scale = _rounded_up((np.abs(rows).max(axis=1) / levels).astype("<f4"))
        divisor = np.where(scale > 0, scale, 1)[:, None]
        entries.append({"name": name, "shape": list(values.shape), "kind": "rows"})
        scales.append((scale.view("<u4") >> 16).astype("<u2").tobytes())
        integers.append(np.clip(np.rint(rows / divisor), -levels, levels).astype(np.int8).tobytes())
    header = json.dumps({"levels": levels, "tensors": entries}, separators=(",", ":")).encode()
    body = lzma.compress(b"".join(vectors + scales + integers), format=lzma.FORMAT_RAW, filters=_FILTERS)
    digest = hashlib.sha256(header + body).digest()
    return _HEAD.pack(MAGIC, VERSION, len(header), digest) + header + body


def unpack(blob: bytes) -> dict[str, torch.Tensor]:
    """Tensors of a blob.

    Returns:
        Name → tensor [...] float32, contiguous and writable.

    Raises:
        CheckpointError: The blob is of another kind or version, truncated or altered, or too large when
            unpacked.
    """
    if len(blob) < _HEAD.size or not blob.startswith(MAGIC):
        raise CheckpointError(
            Sentence("Not packed weights: the file does not begin as one, or it is cut short.")
        )
    _, version, header_bytes, digest = _HEAD.unpack_from(blob)
    if version != VERSION:
        raise CheckpointError(
            Sentence(
                "The packed weights are of format {version}; this version reads {current}: update the studio.",
                version=version,
                current=VERSION,
            )
        )
    payload = blob[_HEAD.size :]
    if hashlib.sha256(payload).digest() != digest:
        raise CheckpointError(Sentence("The packed weights are cut short or altered: fetch the file again."))
    try:
        header = safejson.loads(payload[:header_bytes].decode())
        entries = [(str(t["name"]), tuple(int(n) for n in t["shape"]), t["kind"]) for t in header["tensors"]]
        if any(n < 0 or n > MAX_UNPACKED_BYTES for _, shape, _ in entries for n in shape):
            raise ValueError("no shape")
        counts = [_rows(shape) if kind == "rows" else _size(shape) for _, shape, kind in entries]
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise CheckpointError(
            Sentence("The packed weights have no usable header: fetch the file again.")
        ) from error
    kinds = [kind for *_, kind in entries]
    n_floats = sum(n for n, kind in zip(counts, kinds, strict=True) if kind != "rows")
    n_scales = sum(counts) - n_floats
    n_integers = sum(_size(shape) for _, shape, kind in entries if kind == "rows")
    expected = 4 * n_floats + 2 * n_scales + n_integers
    if not 0 <= expected <= MAX_UNPACKED_BYTES:
        raise CheckpointError(
            Sentence(
                "The packed weights would take {expected} bytes (at most {max_unpacked_bytes} are read).",
                expected=expected,
                max_unpacked_bytes=MAX_UNPACKED_BYTES,
            )
        )
    raw = _decompress(payload[header_bytes:], expected)
    floats = np.frombuffer(raw, dtype="<f4", count=n_floats)
    halves = np.frombuffer(raw, dtype="<u2", count=n_scales, offset=4 * n_floats)
    scales = (halves.astype("<u4") << 16).view("<f4")
    integers = np.frombuffer(raw, dtype=np.int8, offset=4 * n_floats + 2 * n_scales)
    tensors: dict[str, torch.Tensor] = {}
    float_at = scale_at = integer_at = 0
    for (name, shape, kind), count in zip(entries, counts, strict=True):
        if kind == "rows":
            q = integers[integer_at : integer_at + _size(shape)].astype(np.float32)
            integer_at += q.size
            values = q.reshape(count, -1) * scales[scale_at : scale_at + count, None]
            scale_at += count
        else:
            values = floats[float_at : float_at + count].astype(np.float32)
            float_at += count
        tensors[name] = torch.from_numpy(np.ascontiguousarray(values.reshape(shape)))
    return tensors


def _rounded_up(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scales as float32 whose lower half is zero, none smaller than it was."""
    return ((scale.view("<u4") + np.uint32(0xFFFF)) & np.uint32(0xFFFF0000)).view("<f4")


def _decompress(body: bytes, expected: int) -> bytes:
    """Exactly `expected` bytes, never more in memory whatever the stream claims."""
    try:
        raw = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS).decompress(body, max_length=expected)
    except lzma.LZMAError as error:
        raise CheckpointError(
            Sentence("The packed weights are cut short or altered: fetch the file again.")
        ) from error
    if len(raw) != expected:
        raise CheckpointError(
            Sentence(
                "The packed weights hold {raw} of {expected} bytes: fetch the file again.",
                raw=len(raw),
                expected=expected,
            )
        )
    return raw


def _size(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


def _rows(shape: tuple[int, ...]) -> int:
    return math.prod(shape[:-1])
