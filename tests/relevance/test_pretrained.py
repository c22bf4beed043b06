"""What is shipped of the exemplars is what the default model and the fit make of them today."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.relevance import pretrained
from e2lm_core.relevance.classifier import Classifier
from e2lm_core.relevance.embeddings import (
    FORMS,
    WORDS,
    Embedder,
    Form,
    is_shipped,
    load_exemplars,
    training_vectors,
)
from scripts.shipped_relevance import SHIPPED, pack_classifier, quantise

SAMPLE = slice(0, None, 60)


@pytest.fixture
def default(tmp_path: Path) -> Embedder:
    return Embedder(Settings(home=tmp_path))


@pytest.mark.parametrize(("model", "form"), SHIPPED)
def test_it_is_of_todays_exemplars_and_fit(default: Embedder, model: str, form: Form) -> None:
    embedder = Embedder(default.settings, model)
    assert is_shipped(embedder, form), (
        "run python -m scripts.shipped_relevance: exemplars, model or fit have changed"
    )
    assert len(training_vectors(embedder, form)) == len(load_exemplars("train"))
    assert not embedder.cache.path.exists()  # nothing was embedded


def test_the_default_is_among_them(default: Embedder) -> None:
    assert all((default.model_name, form) in SHIPPED for form in FORMS)
    assert sorted(path.name for path in pretrained.VIEWS.iterdir()) == sorted(SHIPPED.values())


def test_nothing_is_shipped_for_another_model(default: Embedder) -> None:
    assert not any(is_shipped(Embedder(default.settings, WORDS), form) for form in FORMS)
    assert pretrained.load_pretrained(b"another key") is None


def test_a_row_is_half_a_step_off_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 24)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = np.arange(40) % 2 == 0
    fields = [("physics" if n % 4 else "biology") if ok else "none" for n, ok in enumerate(labels)]
    fit = Classifier.fit(quantise(rows), labels, fields)
    (tmp_path / "one.npz").write_bytes(pack_classifier(b"k" * 32, fit))
    monkeypatch.setattr(pretrained, "VIEWS", tmp_path)
    monkeypatch.setattr(pretrained, "_files", pretrained._files.__wrapped__)
    back = pretrained.load_pretrained(b"k" * 32)
    assert back is not None
    assert np.abs(back.anchors - rows).max() <= np.abs(rows).max() / 254 * 1.1
    np.testing.assert_allclose(back.probability(rows), fit.probability(rows), atol=1e-6)
    assert back.field(rows) == fit.field(rows)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_real_model_sees_a_sample_so(default: Embedder, form: Form) -> None:
    now = default.embed_questions([e.question for e in load_exemplars("train")][SAMPLE], form)
    assert (now * training_vectors(default, form)[SAMPLE]).sum(axis=1).min() > 0.9995
