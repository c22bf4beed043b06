"""Write what relevance ships: the exemplars as models see them, and the classifiers fitted to them.

python -m scripts.shipped_relevance     # some minutes a model; after a change of the exemplars or of the fit

Of the default model and of the larger one, which requirements-embedder.txt installs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from e2lm_core.base.settings import Settings
from e2lm_core.relevance import embeddings, pretrained
from e2lm_core.relevance.embedders.packaged import JOINT, MPNET

SHIPPED = {JOINT: "joint.npz", MPNET: "mpnet.npz"}


def main() -> None:
    """Embed, fit and write, a model after the other."""
    for model, name in SHIPPED.items():
        with tempfile.TemporaryDirectory() as home:
            embedder = embeddings.Embedder(Settings(home=Path(home)), model)
            vectors = embedder.embed(embeddings.training_texts())
            classifier = embeddings.fit_on_vectors(pretrained.quantise(vectors))
            data = pretrained.pack_classifier(embeddings.classifier_key(embedder), classifier)
        (pretrained.VIEWS / name).write_bytes(data)
        print(f"{name}: {model}, {len(vectors):,} exemplars, {len(data) / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
