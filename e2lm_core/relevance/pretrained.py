"""Pretrained classifier and exemplar embeddings shipped with the package.

    x[n, d] ≈ scale[n] · q[n, d]        q in −127 … 127

Quantisation is off by at most half a scale in each dimension, which changes a cosine in its fourth digit.
Fitted numbers are not quantised. Each file of `views` is of one model; nothing is shipped for other
exemplars, another fit or another model. Written by `python -m scripts.shipped_relevance`, which takes some
minutes.

Tested in tests/relevance/test_pretrained.py.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path

import numpy as np

from e2lm_core.relevance.classifier import Array, Classifier

VIEWS = Path(__file__).parent / "views"
_LEVELS = 127


def load_pretrained(key: bytes) -> Classifier | None:
    """Shipped classifier for a key of the model, the exemplars and the fit; None for any other key.

    Its anchors are unit vectors float32 [N, D] in the exemplars' order.
    """
    file = _files().get(key)
    return _read(file) if file else None


@functools.cache
def _files() -> dict[bytes, Path]:
    """File of each shipped classifier by its key; only the key is read of each archive."""
    found = {}
    for file in sorted(VIEWS.glob("*.npz")):
        with np.load(file, allow_pickle=False) as arrays:
            found[arrays["key"].tobytes()] = file
    return found


@functools.cache
def _read(file: Path) -> Classifier:
    with np.load(file, allow_pickle=False) as arrays:
        return Classifier.from_arrays(_unpacked(arrays["q"], arrays["scale"]), arrays)


def quantise(anchors: Array) -> Array:
    """Quantised unit vectors float32 [N, D], as a shipped classifier is fitted to them."""
    return _unpacked(*_packed(anchors))


def pack_classifier(key: bytes, classifier: Classifier) -> bytes:
    """Bytes of the file of a shipped classifier."""
    q, scale = _packed(classifier.anchors)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        key=np.frombuffer(key, np.uint8),
        q=q,
        scale=scale,
        **classifier.to_arrays(),
    )
    return buffer.getvalue()


def _packed(anchors: Array) -> tuple[Array, Array]:
    scale = (np.abs(anchors).max(axis=1) / _LEVELS).astype(np.float32)
    return np.round(anchors / scale[:, None]).astype(np.int8), scale


def _unpacked(q: Array, scale: Array) -> Array:
    rows = q.astype(np.float32) * scale[:, None]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
