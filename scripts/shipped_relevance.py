"""Write what relevance ships: the exemplars as models see them, and the classifiers fitted to them.

python -m scripts.shipped_relevance     # some minutes a model; after a change of the exemplars or of the fit

Of the default model and of the larger one, which requirements-embedder.txt installs.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np

from e2lm_core.base.settings import Settings
from e2lm_core.relevance import embeddings, pretrained
from e2lm_core.relevance.classifier import Array, Classifier
from e2lm_core.relevance.embedders.packaged import JOINT, MPNET

LEVELS = 127  # of a quantised number, on either side of 0
SHIPPED: dict[tuple[str, embeddings.Form], str] = {
    (JOINT, "answer"): "joint_answer.npz",
    (JOINT, "whole"): "joint.npz",
    (MPNET, "answer"): "mpnet_answer.npz",
    (MPNET, "whole"): "mpnet.npz",
}


def quantise(anchors: Array) -> Array:
    """Quantised unit vectors float32 [N, D], as a shipped classifier is fitted to them."""
    return pretrained.unpack_vectors(*_packed(anchors))


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
    scale = (np.abs(anchors).max(axis=1) / LEVELS).astype(np.float32)
    return np.round(anchors / scale[:, None]).astype(np.int8), scale


def main() -> None:
    """Embed, fit and write, a model and a form after the other."""
    for (model, form), name in SHIPPED.items():
        with tempfile.TemporaryDirectory() as home:
            embedder = embeddings.Embedder(Settings(home=Path(home)), model)
            vectors = embedder.embed(embeddings.training_texts(form))
            classifier = embeddings.fit_on_vectors(quantise(vectors))
            data = pack_classifier(embeddings.classifier_key(embedder, form), classifier)
        (pretrained.VIEWS / name).write_bytes(data)
        print(f"{name}: {model}, {len(vectors):,} exemplars, {len(data) / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
