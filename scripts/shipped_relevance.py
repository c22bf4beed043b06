"""Write what relevance ships: the exemplars as the default model sees them, and the classifier fitted to them.

python -m scripts.shipped_relevance     # some minutes; after a change of the exemplars or of the fit
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from e2lm_core.base.settings import Settings
from e2lm_core.relevance import embeddings, shipped


def main() -> None:
    """Embed, fit and write."""
    with tempfile.TemporaryDirectory() as home:
        embedder = embeddings.Embedder(Settings(home=Path(home)))
        anchors = embedder.embed_questions([e.question for e in embeddings.load_exemplars("train")])
        fitted = embeddings.fitted(embedder).to_arrays()
        data = shipped.packed(embeddings.classifier_key(embedder), anchors, fitted)
    shipped.FILE.write_bytes(data)
    print(f"{shipped.FILE.name}: {len(anchors)} exemplars, {len(data) / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
