"""The exemplars as the default model sees them, and what was fitted to them: a first visit waits for neither.

    x[n, d] ≈ scale[n] · q[n, d]        q in −127 … 127

A row is at most half a scale off in each place, which moves a cosine in its fourth digit. What was fitted is kept as
it is. Written by `python -m scripts.shipped_relevance`, which takes some minutes; of other exemplars, or of another
model, nothing is shipped. Tested in tests/relevance/test_shipped.py.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from e2lm_core.relevance.classifier import Array, Classifier

FILE = Path(__file__).parent / "shipped.npz"
_LEVELS = 127


@dataclass(frozen=True)
class Shipped:
    """`anchors` float32 [N, D]: unit vectors of the training exemplars with their choices, in their order."""

    anchors: Array
    classifier: Classifier


def load(key: bytes) -> Shipped | None:
    """What is shipped for a classifier's `key` (of the model, the exemplars and the fit); None for any other."""
    shipped = _read() if FILE.exists() else None
    return shipped[1] if shipped and shipped[0] == key else None


@functools.cache
def _read() -> tuple[bytes, Shipped]:
    with np.load(FILE, allow_pickle=False) as arrays:
        rows = arrays["q"].astype(np.float32) * arrays["scale"][:, None]
        anchors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return arrays["key"].tobytes(), Shipped(anchors, Classifier.from_arrays(arrays))


def packed(key: bytes, anchors: Array, fitted: Mapping[str, Array]) -> bytes:
    """The file's bytes, of unit vectors [N, D] and a classifier's arrays."""
    scale = (np.abs(anchors).max(axis=1) / _LEVELS).astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        key=np.frombuffer(key, np.uint8),
        q=np.round(anchors / scale[:, None]).astype(np.int8),
        scale=scale,
        **fitted,
    )
    return buffer.getvalue()
