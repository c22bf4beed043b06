"""What is shipped of the exemplars is what the default model and the fit make of them today."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.relevance import shipped
from e2lm_core.relevance.classifier import Classifier
from e2lm_core.relevance.embeddings import (
    WORDS,
    Embedder,
    anchors,
    is_shipped,
    load_exemplars,
)

SAMPLE = slice(0, None, 60)


@pytest.fixture
def default(tmp_path: Path) -> Embedder:
    return Embedder(Settings(home=tmp_path))


def test_it_is_of_todays_exemplars_and_fit(default: Embedder) -> None:
    assert is_shipped(default), (
        "run python -m scripts.shipped_relevance: exemplars, model or fit have changed"
    )
    assert len(anchors(default)) == len(load_exemplars("train"))
    assert not default.cache.path.exists()  # nothing was embedded


def test_nothing_is_shipped_for_another_model(default: Embedder) -> None:
    assert not is_shipped(Embedder(default.settings, WORDS))
    assert shipped.load(b"another key") is None


def test_a_row_is_half_a_step_off_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 24)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = np.arange(40) % 2 == 0
    fields = [("physics" if n % 4 else "biology") if ok else "none" for n, ok in enumerate(labels)]
    fit = Classifier.fit(rows, labels, fields)
    file = tmp_path / "shipped.npz"
    file.write_bytes(shipped.packed(b"k" * 32, rows, fit.to_arrays()))
    monkeypatch.setattr(shipped, "FILE", file)
    monkeypatch.setattr(shipped, "_read", shipped._read.__wrapped__)
    back = shipped.load(b"k" * 32)
    assert back is not None
    assert np.abs(back.anchors - rows).max() <= np.abs(rows).max() / 254 * 1.1
    assert back.classifier.probability(rows).tolist() == fit.probability(rows).tolist()


@pytest.mark.slow
def test_the_real_model_sees_a_sample_so(default: Embedder) -> None:
    now = default.embed_questions([e.question for e in load_exemplars("train")][SAMPLE])
    assert (now * anchors(default)[SAMPLE]).sum(axis=1).min() > 0.9995
