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
from pathlib import Path

import numpy as np

from e2lm_core.relevance.classifier import Array, Classifier

VIEWS = Path(__file__).parent / "views"


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
        return Classifier.from_arrays(unpack_vectors(arrays["q"], arrays["scale"]), arrays)


def unpack_vectors(q: Array, scale: Array) -> Array:
    """Unit vectors float32 [N, D] of quantised ones: int8 [N, D] and the scale of each row [N]."""
    rows = q.astype(np.float32) * scale[:, None]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
