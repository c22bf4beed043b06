"""Sentence embeddings with a disk cache.

The default model is two that come as packages (`packaged`), so that it works offline. `WORDS` knows no language: it
counts words and pieces of words. It is there to be compared with, everywhere and at once: where it judges like the
default, words alone decide; where the two part, a question deserves a look. A model is loaded, which takes seconds of
one that needs sentence_transformers, when the first text that is not cached is met.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from e2lm_core.base.records import Question, Record
from e2lm_core.base.settings import Settings, expand_home
from e2lm_core.relevance import pretrained
from e2lm_core.relevance.classifier import Array, Classifier
from e2lm_core.relevance.embedders.cache import EmbeddingCache, EmbeddingError
from e2lm_core.relevance.embedders.packaged import (
    JOINT,
    MINILM,
    MPNET,
    PACKAGED,
    Encode,
    sentence_transformer,
)

DEFAULT_MODEL = JOINT
WORDS = "words"
_WORD_DIMENSIONS = 1024

EXEMPLARS = Path(__file__).parent / "exemplars.jsonl"
_CLASSIFIER_VERSION = 3  # raise it when `Classifier.fit` or the rows that it is fitted on change

_CHUNK = 256  # texts kept on disk at a time: a stopped run loses at most these
_HUB_TIMEOUT_S = 3.0


def comparison_models(model_name: str) -> tuple[str, ...]:
    """What a model can be compared with here: `WORDS`, and what judges by itself and is installed."""
    there = (name for name in (JOINT, MPNET, MINILM) if PACKAGED[name].installed)
    return tuple(name for name in (WORDS, *there) if name != model_name)


class Exemplar(Record):
    """A labelled question: what the organisers' rubric would say of it, its field (`none` if rejected)."""

    question: Question
    accepted: bool
    field: str
    split: Literal["train", "heldout"]


def question_text(question: Question) -> str:
    """The question and its choices, a line each: what is embedded; without choices the question."""
    return "\n".join([question.question, *question.choices])


def load_exemplars(split: Literal["train", "heldout"] | None = None) -> tuple[Exemplar, ...]:
    """The project's own labelled exemplars, all of them or one split."""
    exemplars = []
    for line in EXEMPLARS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        question = Question(
            id=row["id"], question=row["question"], choices=tuple(row["choices"]), answer=row["answer"]
        )
        exemplars.append(
            Exemplar(question=question, accepted=row["accepted"], field=row["field"], split=row["split"])
        )
    return tuple(e for e in exemplars if split in (None, e.split))


class Embedder:
    """Normalised embeddings by one model.

    `model_name` is None for that of the settings, or the default, the name of another packaged one, `WORDS`, a folder, or the name of a model that
    sentence-transformers knows (`organisation/model`, with `@revision` to pin it). Safe for several threads and processes.
    """

    def __init__(self, settings: Settings, model_name: str | None = None) -> None:
        self.settings = settings
        self.model_name = model_name or settings.embedder or DEFAULT_MODEL
        self.cache = EmbeddingCache(settings.cache / "embeddings.sqlite")
        self._lock = threading.Lock()
        self._encoder: Encode | None = None

    @cached_property
    def fingerprint(self) -> str:
        """What the cache is keyed by: the weights' digest, or the name (and revision) of a hub model."""
        if self.model_name in PACKAGED:
            return PACKAGED[self.model_name].fingerprint
        if self.model_name == WORDS:
            return f"{WORDS}:{_WORD_DIMENSIONS}"
        if folder := self._folder():
            return f"sha256:{_digest_of_files(folder)}"
        return f"name:{self.model_name}"

    def embed(
        self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors float32 [N, D] of `texts`, in their order; [0, 0] for none.

        `progress(done, total)` is called after each chunk of those that were not cached; what it raises
        stops the run, and the chunks before are kept. Raises EmbeddingError.
        """
        keys = [self._key(text) for text in texts]
        vectors = self.cache.get(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
        todo = list(missing.items())
        for start in range(0, len(todo), _CHUNK):
            chunk = todo[start : start + _CHUNK]
            encoded = self._encode([text for _, text in chunk])
            fresh = dict(zip([key for key, _ in chunk], encoded, strict=True))
            self.cache.put(fresh)
            vectors.update(fresh)
            if progress:
                progress(start + len(chunk), len(todo))
        if not keys:
            return np.empty((0, 0), dtype=np.float32)
        return np.stack([vectors[key] for key in keys])

    def missing_texts(self, texts: Sequence[str]) -> list[str]:
        """Those that were never embedded, each once, in their order."""
        keys = [self._key(text) for text in texts]
        known = self.cache.get(keys)
        return list(dict.fromkeys(t for k, t in zip(keys, texts, strict=True) if k not in known))

    def embed_questions(self, questions: Sequence[Question]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """`embed` of each question with its choices."""
        return self.embed([question_text(question) for question in questions])

    def _key(self, text: str) -> bytes:
        # The length in front keeps (model, text) pairs apart whatever their bytes.
        model = self.fingerprint.encode()
        return hashlib.sha256(b"%d:" % len(model) + model + text.encode("utf-8", "surrogatepass")).digest()

    def _folder(self) -> Path | None:
        """The model's folder; None for the name of a hub model."""
        path = expand_home(self.model_name)
        if path.is_dir():
            if not (path / "config.json").is_file() and not (path / "modules.json").is_file():
                raise EmbeddingError(
                    f"The folder {path} holds no embedding model: "
                    "use one that holds a modules.json or a config.json beside its weights."
                )
            return path
        if path.is_absolute() or self.model_name.startswith((".", "~")) or self.model_name.count("/") > 1:
            raise EmbeddingError(
                f"There is no folder {path} with an embedding model: "
                f"name an existing folder, or leave it out to use {DEFAULT_MODEL}."
            )
        return None

    def _encode(self, texts: list[str]) -> Array:
        if self.model_name == WORDS:
            return _counted(texts)
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load()
            return self._encoder(texts)

    def _load(self) -> Encode:
        if model := PACKAGED.get(self.model_name):
            return model.loaded(self.settings)
        folder = self._folder()
        name, _, revision = self.model_name.partition("@")
        try:
            device, threads = self.settings.device, self.settings.threads
            if folder:
                return sentence_transformer(str(folder), device, threads)
            return sentence_transformer(name, device, threads, revision or None, not _hub_answers())
        except EmbeddingError:
            raise
        except Exception as error:  # the library raises whatever its parts raise, offline and on broken files
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise EmbeddingError(
                f"The embedding model {self.model_name} could not be loaded ({reason}): name a folder or a "
                f"model that can be downloaded from here, or leave it out to use {DEFAULT_MODEL}."
            ) from error


def training_texts() -> list[str]:
    """What the classifier is fitted on: each exemplar with its choices."""
    return [question_text(e.question) for e in load_exemplars("train")]


def classifier_key(embedder: Embedder) -> bytes:
    """Of the model, the exemplars and the fit: what is kept or shipped for one key serves no other."""
    return _key_of(embedder.fingerprint)


@cache
def _key_of(
    fingerprint: str,
) -> bytes:  # asked for at every judgement, of half a megabyte that stays as it is
    head = f"classifier {_CLASSIFIER_VERSION} {fingerprint} ".encode()
    return hashlib.sha256(head + EXEMPLARS.read_bytes()).digest()


def is_shipped(embedder: Embedder) -> bool:
    """Whether no exemplar needs to be embedded: this model's view of them comes with the studio."""
    return pretrained.load_pretrained(classifier_key(embedder)) is not None


def training_vectors(embedder: Embedder) -> Array:
    """The training exemplars as `embedder` sees them: unit vectors float32 [N, D]."""
    if (ready := pretrained.load_pretrained(classifier_key(embedder))) is not None:
        return ready.anchors
    return embedder.embed(training_texts())


def relevance_classifier(embedder: Embedder) -> Classifier:
    """The classifier fitted on the training exemplars as `embedder` sees them: shipped, or fitted once and cached."""
    key = classifier_key(embedder)
    if (ready := pretrained.load_pretrained(key)) is not None:
        return ready
    if (blob := embedder.cache.get_fit(key)) is not None:
        with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
            return Classifier.from_arrays(training_vectors(embedder), arrays)
    classifier = fit_classifier(embedder)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **classifier.to_arrays())
    embedder.cache.put_fit(key, buffer.getvalue())
    return classifier


def fit_classifier(embedder: Embedder) -> Classifier:
    """The classifier, fitted now."""
    return fit_on_vectors(training_vectors(embedder))


def fit_on_vectors(vectors: Array) -> Classifier:
    """The classifier fitted to the training exemplars, of which these are the vectors [N, D]."""
    exemplars = load_exemplars("train")
    return Classifier.fit(vectors, [e.accepted for e in exemplars], [e.field for e in exemplars])


def _counted(texts: list[str]) -> Array:
    """Counts of words and of pieces of words, in as many places as a hash gives; unit length."""
    from sklearn.feature_extraction.text import HashingVectorizer

    counted = [
        HashingVectorizer(analyzer=kind, ngram_range=span, n_features=_WORD_DIMENSIONS // 2).transform(texts)
        for kind, span in (("word", (1, 2)), ("char_wb", (3, 5)))
    ]
    rows = np.concatenate([part.toarray() for part in counted], axis=1).astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _hub_answers() -> bool:
    """Whether a hub can be asked at all, found out in seconds: the library tries each file of a model again
    and again for more than a minute. Without one it loads what was downloaded before."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        HfApi().model_info(f"sentence-transformers/{MINILM}", timeout=_HUB_TIMEOUT_S)
    except (httpx2.TransportError, OfflineModeIsEnabled):
        return False
    except (httpx2.HTTPError, ValueError):
        return True  # it answers, whatever it says of that model
    return True


def _digest_of_files(folder: Path) -> str:
    """sha256 over names and contents of all files of a model folder: any change makes another model."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()
