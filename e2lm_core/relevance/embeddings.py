"""Sentence embeddings with a disk cache.

The default model joins two that come as packages (`packaged`), so that it works offline. `WORDS` uses no
language model: it counts words and pieces of words. It is for comparison, available everywhere and fast:
where it agrees with the default, words alone decide; where the two disagree, the question deserves a look. A
model is loaded at the first text that is not cached, which takes seconds for one that needs
sentence_transformers.
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
from e2lm_core.base.sentences import Sentence
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
# Texts that a question is judged by: with its right answer alone (the verdict), or with all its choices.
Form = Literal["answer", "whole"]
FORMS: tuple[Form, ...] = ("answer", "whole")
_CLASSIFIER_VERSION = 3  # raise it when `Classifier.fit` or the rows that it is fitted on change

_CHUNK = 256  # texts written to the cache at a time: a stopped run loses at most these
_HUB_TIMEOUT_S = 3.0


def comparison_models(model_name: str) -> tuple[str, ...]:
    """Models to compare a model with: `WORDS`, and the installed ones that can judge alone."""
    there = (name for name in (JOINT, MPNET, MINILM) if PACKAGED[name].installed)
    return tuple(name for name in (WORDS, *there) if name != model_name)


class Exemplar(Record):
    """Labelled question of the reference list.

    Attributes:
        question: The question.
        accepted: True if the organisers' rubric would accept it.
        field: Its field; `none` if rejected.
        split: `train` for the fit, `heldout` for tests.
    """

    question: Question
    accepted: bool
    field: str
    split: Literal["train", "heldout"]


def question_text(question: Question, form: Form) -> str:
    """Text of a question that is embedded: the question and its right answer, or all choices, one per line."""
    choices = question.choices
    if form == "answer":
        choices = choices[question.answer : question.answer + 1]
    return "\n".join([question.question, *choices])


def load_exemplars(split: Literal["train", "heldout"] | None = None) -> tuple[Exemplar, ...]:
    """Labelled exemplars of the project, all of them or one split."""
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
    """Normalised embeddings by one model, cached on disk. Safe for several threads and processes.

    `model_name` is the name of a packaged model, `WORDS`, a folder, or the name of a model that
    sentence-transformers knows (`organisation/model`, with `@revision` to pin it). None stands for the model
    of the settings, else for the default.
    """

    def __init__(self, settings: Settings, model_name: str | None = None) -> None:
        self.settings = settings
        self.model_name = model_name or settings.embedder or DEFAULT_MODEL
        self.cache = EmbeddingCache(settings.cache / "embeddings.sqlite")
        self._lock = threading.Lock()
        self._encoder: Encode | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Cache key of the model: a digest of its weights, or the name (and revision) of a hub model.

        Raises:
            EmbeddingError: The model is named by a folder that does not exist or holds no embedding model.
        """
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
        """Unit vectors of texts, from the cache or embedded now.

        Args:
            texts: N texts.
            progress: Called with (done, total) after each chunk of texts that were not cached. An exception
                that it raises stops the run, and earlier chunks stay cached.

        Returns:
            Vectors float32 [N, D] in the order of `texts`; [0, 0] for no text.

        Raises:
            EmbeddingError: The model or the cache is not usable.
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
        """Texts that are not cached yet, each once, in their order.

        Raises:
            EmbeddingError: The model's folder or the cache is not usable.
        """
        keys = [self._key(text) for text in texts]
        known = self.cache.get(keys)
        return list(dict.fromkeys(t for k, t in zip(keys, texts, strict=True) if k not in known))

    def embed_questions(
        self, questions: Sequence[Question], form: Form
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors float32 [Q, D] of questions in one form.

        Raises:
            EmbeddingError: The model or the cache is not usable.
        """
        return self.embed([question_text(question, form) for question in questions])

    def _key(self, text: str) -> bytes:
        # The length in front makes the key unambiguous for all (model, text) pairs.
        model = self.fingerprint.encode()
        return hashlib.sha256(b"%d:" % len(model) + model + text.encode("utf-8", "surrogatepass")).digest()

    def _folder(self) -> Path | None:
        """Folder of the model; None for the name of a hub model."""
        path = expand_home(self.model_name)
        if path.is_dir():
            if not (path / "config.json").is_file() and not (path / "modules.json").is_file():
                raise EmbeddingError(
                    Sentence(
                        "The folder {path} holds no embedding model: use one that holds a modules.json or a "
                        "config.json beside its weights.",
                        path=path,
                    )
                )
            return path
        if path.is_absolute() or self.model_name.startswith((".", "~")) or self.model_name.count("/") > 1:
            raise EmbeddingError(
                Sentence(
                    "There is no folder {path} with an embedding model: name an existing folder, or leave it out to "
                    "use {default_model}.",
                    path=path,
                    default_model=DEFAULT_MODEL,
                )
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
        except Exception as error:  # any error of the library's parts, offline and on broken files
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise EmbeddingError(
                Sentence(
                    "The embedding model {model_name} could not be loaded ({reason}): name a folder or a model that "
                    "can be downloaded from here, or leave it out to use {default_model}.",
                    model_name=self.model_name,
                    reason=reason,
                    default_model=DEFAULT_MODEL,
                )
            ) from error


def training_texts(form: Form) -> list[str]:
    """Texts that the classifier of one form is fitted on: the training exemplars in that form."""
    return [question_text(e.question, form) for e in load_exemplars("train")]


def classifier_key(embedder: Embedder, form: Form) -> bytes:
    """Key of a fitted classifier: a digest of the model, the exemplars, their form and the version of the fit.

    Cached and shipped classifiers are found by it, so that none is used for another model or other exemplars.
    """
    return _key_of(embedder.fingerprint, form)


@cache
def _key_of(
    fingerprint: str, form: Form
) -> bytes:  # cached, because every judgement needs it and it hashes half a megabyte
    # The key of whole questions is that from before there were two forms: their classifier has not changed.
    named = "" if form == "whole" else f"{form} "
    head = f"classifier {_CLASSIFIER_VERSION} {named}{fingerprint} ".encode()
    return hashlib.sha256(head + EXEMPLARS.read_bytes()).digest()


def is_shipped(embedder: Embedder, form: Form) -> bool:
    """Whether the exemplars' embeddings by this model are shipped, so that none has to be embedded."""
    return pretrained.load_pretrained(classifier_key(embedder, form)) is not None


def training_vectors(embedder: Embedder, form: Form) -> Array:
    """Unit vectors float32 [N, D] of the training exemplars in one form, shipped or embedded now.

    Raises:
        EmbeddingError: The model or the cache is not usable.
    """
    if (ready := pretrained.load_pretrained(classifier_key(embedder, form))) is not None:
        return ready.anchors
    return embedder.embed(training_texts(form))


def relevance_classifier(embedder: Embedder, form: Form) -> Classifier:
    """Classifier for one model and form, fitted on the training exemplars: shipped, or fitted once and cached.

    Raises:
        EmbeddingError: The model or the cache is not usable.
    """
    key = classifier_key(embedder, form)
    if (ready := pretrained.load_pretrained(key)) is not None:
        return ready
    if (blob := embedder.cache.get_fit(key)) is not None:
        with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
            return Classifier.from_arrays(training_vectors(embedder, form), arrays)
    classifier = fit_on_vectors(training_vectors(embedder, form))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **classifier.to_arrays())
    embedder.cache.put_fit(key, buffer.getvalue())
    return classifier


def fit_on_vectors(vectors: Array) -> Classifier:
    """Fit the classifier to given vectors [N, D] of the training exemplars.

    Raises:
        ValueError: There are not as many vectors as training exemplars.
    """
    exemplars = load_exemplars("train")
    return Classifier.fit(vectors, [e.accepted for e in exemplars], [e.field for e in exemplars])


def _counted(texts: list[str]) -> Array:
    """Hashed counts of words and of pieces of words, scaled to unit length."""
    from sklearn.feature_extraction.text import HashingVectorizer

    counted = [
        HashingVectorizer(analyzer=kind, ngram_range=span, n_features=_WORD_DIMENSIONS // 2).transform(texts)
        for kind, span in (("word", (1, 2)), ("char_wb", (3, 5)))
    ]
    rows = np.concatenate([part.toarray() for part in counted], axis=1).astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _hub_answers() -> bool:
    """Whether a hub can be reached, found out within seconds.

    The library tries each file of a model again and again for more than a minute. If no hub can be reached,
    it loads the files downloaded before.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        HfApi().model_info(f"sentence-transformers/{MINILM}", timeout=_HUB_TIMEOUT_S)
    except (httpx2.TransportError, OfflineModeIsEnabled):
        return False
    except (httpx2.HTTPError, ValueError):
        return True  # any answer shows that the hub can be reached
    return True


def _digest_of_files(folder: Path) -> str:
    """SHA-256 over names and contents of all files of a model folder: any change makes another model."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()
