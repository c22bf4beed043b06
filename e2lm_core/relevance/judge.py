"""Scientific relevance of a set's questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted.regular_files import read_regular
from e2lm_core.people import access
from e2lm_core.relevance.classifier import ACCEPT_AT, map_2d
from e2lm_core.relevance.embeddings import (
    DEFAULT_MODEL,
    FORMS,
    Embedder,
    is_shipped,
    load_exemplars,
    question_text,
    relevance_classifier,
    training_texts,
    training_vectors,
)
from e2lm_core.sets.collection import find_set
from e2lm_core.sets.folder.files import read_task
from e2lm_core.sets.rows import parse_jsonl

NEAREST = 5  # exemplars shown as the reason for a question's probability


class Relevance(Record):
    """Judgement of a set's Q questions by one embedding model, with N exemplars for comparison.

    The verdict is of the question and its right answer: wrong answers, which anybody may write without a
    thought, cannot turn it. The judgement of the whole, with all choices, stands beside it.

    Attributes:
        ids: Ids of the questions [Q].
        probability: Probability [Q] that the rubric accepts the question with its right answer: the verdict.
        whole_probability: The same [Q] of the question with all its choices.
        fields: Nearest field of each question [Q]; `none` where it would be rejected.
        map: Coordinates of the questions in the plane [Q, 2].
        exemplar_map: Coordinates of the exemplars [N, 2] on the same axes.
        exemplars: (field, accepted, question) of each exemplar [N].
        nearest: Indices [Q, `NEAREST`], int, of the exemplars most similar to each question.
        likeness: Their cosines with the question [Q, `NEAREST`].
        folded: Probabilities of the exemplars [N] by fits without them, see `Classifier`.
        labels: True for an accepted exemplar [N], bool.
        embedder: Name of the embedding model.
    """

    ids: tuple[str, ...]
    probability: np.ndarray
    whole_probability: np.ndarray
    fields: tuple[str, ...]
    map: np.ndarray
    exemplar_map: np.ndarray
    exemplars: tuple[tuple[str, bool, str], ...]
    nearest: np.ndarray
    likeness: np.ndarray
    folded: np.ndarray
    labels: np.ndarray
    embedder: str = DEFAULT_MODEL

    @property
    def accepted_share(self) -> float | None:
        """Share of the questions with a probability of at least `ACCEPT_AT`; None without questions."""
        return float(np.mean(self.probability >= ACCEPT_AT)) if len(self.ids) else None

    @property
    def whole_accepted_share(self) -> float | None:
        """The same share by `whole_probability`."""
        return float(np.mean(self.whole_probability >= ACCEPT_AT)) if len(self.ids) else None

    @property
    def turned(self) -> np.ndarray:
        """Mask [Q], bool, of the questions of which the wrong answers turn the verdict."""
        return (self.probability >= ACCEPT_AT) != (self.whole_probability >= ACCEPT_AT)


def judge_relevance(settings: Settings, questions: Sequence[Question], model: str | None = None) -> Relevance:
    """Embed and judge questions; texts that were embedded before come from the cache.

    Args:
        settings: Place of the cache, and the default model.
        questions: Q questions.
        model: Name of the embedding model, see `Embedder`.

    Raises:
        TaskError: A question holds text that cannot be encoded.
        EmbeddingError: The embedding model or its cache is not usable.
    """
    _require_text(questions)
    embedder = _embedder(settings, model)
    classifier = relevance_classifier(embedder, "answer")
    exemplars = load_exemplars("train")
    known = training_vectors(embedder, "answer")
    vectors, wholes = (
        embedder.embed_questions(questions, form).reshape(len(questions), known.shape[1]) for form in FORMS
    )
    exemplar_map, question_map = map_2d(known, vectors)
    cosines = vectors @ known.T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    return Relevance(
        ids=tuple(q.id for q in questions),
        probability=classifier.probability(vectors),
        whole_probability=relevance_classifier(embedder, "whole").probability(wholes),
        fields=tuple(classifier.field(vectors)),
        map=question_map,
        exemplar_map=exemplar_map,
        exemplars=tuple((e.field, e.accepted, e.question.question) for e in exemplars),
        nearest=nearest,
        likeness=np.take_along_axis(cosines, nearest, axis=1),
        folded=classifier.folded,
        labels=classifier.labels,
        embedder=embedder.model_name,
    )


def missing_texts(settings: Settings, questions: Sequence[Question], model: str | None = None) -> list[str]:
    """Texts to embed before the questions can be judged.

    They are the set's, and the exemplars' where this model's embeddings of them are not shipped.

    Args:
        settings: Place of the cache, and the default model.
        questions: Questions of the set.
        model: Name of the embedding model, see `Embedder`.

    Raises:
        TaskError: A question holds text that cannot be encoded.
        EmbeddingError: The embedding model's folder or the cache is not usable.
    """
    _require_text(questions)
    embedder = _embedder(settings, model)
    before = [text for form in FORMS if not is_shipped(embedder, form) for text in training_texts(form)]
    own = [question_text(question, form) for form in FORMS for question in questions]
    return embedder.missing_texts([*before, *own])


def embed(settings: Settings, texts: Sequence[str], model: str | None = None) -> None:
    """Embed texts into the cache, as a part of `judge_relevance` for callers that report progress.

    Raises:
        EmbeddingError: The embedding model or its cache is not usable.
    """
    _embedder(settings, model).embed(texts)


def _require_text(questions: Sequence[Question]) -> None:
    for number, question in enumerate(questions, start=1):
        try:
            "".join((question.question, *question.choices)).encode()
        except UnicodeEncodeError as error:
            raise TaskError(
                Sentence(
                    "Question {number} holds a half character (a lone surrogate), which no model reads; retype it.",
                    number=number,
                )
            ) from error


_KEPT: list[tuple[tuple[object, ...], Embedder]] = []


def _embedder(settings: Settings, model: str | None = None) -> Embedder:
    """Embedder of an earlier call with the same model and settings, so that a model is loaded once.

    The last two are kept, for comparisons.
    """
    asked = Embedder(settings, model)
    key = (Embedder, settings.cache, settings.device, settings.threads, asked.model_name)
    known = next((embedder for other, embedder in _KEPT if other == key), asked)
    _KEPT[:] = [(key, known), *((other, one) for other, one in _KEPT if other != key)][:2]
    return known


def assess(settings: Settings, questions: Sequence[Question], model: str | None = None) -> dict[str, Any]:
    """Judgement of questions as plain data, in the order given.

    Args:
        settings: Place of the cache, and the default model.
        questions: Questions to judge.
        model: Name of the embedding model, see `Embedder`.

    Returns:
        `{questions: [{id, probability, whole_probability, field, nearest}], accepted_share,
        whole_accepted_share, embedder}`; `nearest` are the exemplars most similar to the question,
        `[{question, accepted, field, likeness}]`.

    Raises:
        TaskError: A question holds text that cannot be encoded.
        EmbeddingError: The embedding model or its cache is not usable.
    """
    relevance = judge_relevance(settings, questions, model)
    return {
        "questions": [
            {
                "id": identity,
                "probability": float(relevance.probability[q]),
                "whole_probability": float(relevance.whole_probability[q]),
                "field": relevance.fields[q],
                "nearest": nearest_exemplars(relevance, q),
            }
            for q, identity in enumerate(relevance.ids)
        ],
        "accepted_share": relevance.accepted_share,
        "whole_accepted_share": relevance.whole_accepted_share,
        "embedder": relevance.embedder,
    }


def nearest_exemplars(relevance: Relevance, index: int) -> list[dict[str, Any]]:
    """Exemplars most similar to one question, the nearest first: question, accepted, field, likeness."""
    rows = []
    for at, likeness in zip(relevance.nearest[index], relevance.likeness[index], strict=True):
        field, accepted, text = relevance.exemplars[at]
        rows.append(
            {"question": text, "accepted": accepted, "field": field, "likeness": round(float(likeness), 4)}
        )
    return rows


def read_questions(settings: Settings, task_or_jsonl: str) -> tuple[Question, ...]:
    """Questions of a set, or of a JSONL file.

    Args:
        settings: The caller's settings.
        task_or_jsonl: Name of a set, or path of a file that ends in .jsonl; a line of it needs only
            `question`. Without `answer` its first choice counts as the right one.

    Raises:
        TaskError: There is no such set, the caller may not read it or the file, or the file cannot be read,
            is empty, or has a line without a question.
    """
    if not task_or_jsonl.endswith(".jsonl"):
        info = find_set(settings, task_or_jsonl)
        return read_task(info.folder, settings.limits, yaml=info.yaml).task.questions
    where = Sentence("The file {name}", name=quote(task_or_jsonl))
    try:
        path = Path(task_or_jsonl).expanduser()
        access.require_path(settings, path.resolve())
        data = read_regular(path, settings.limits.max_file_bytes)
    except (OSError, RuntimeError, ValueError) as error:  # an unknown `~user`, or a NUL in the path
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise TaskError(
            Sentence("{where} cannot be read ({reason}): check its path.", where=where, reason=reason)
        ) from error
    rows = parse_jsonl(data, path.name, settings.limits)
    if not rows:
        raise TaskError(
            Sentence(
                "{name} is empty: give it one JSON object a line, each with a `question`.", name=path.name
            )
        )
    return tuple(_question(f"{path.name}, question {n}", n, row) for n, row in enumerate(rows, 1))


def _question(where: str, number: int, row: dict[str, Any]) -> Question:
    text, choices, identity = row.get("question"), row.get("choices"), row.get("id")
    if not isinstance(text, str) or not text.strip():
        raise TaskError(Sentence("{where}: it needs a `question`, which is text.", where=where))
    if choices is not None and not isinstance(choices, list):
        raise TaskError(Sentence("{where}: `choices` must be a list of texts, or left out.", where=where))
    return Question(
        id=str(number) if identity is None else str(identity),
        question=text,
        choices=tuple(map(str, choices or ())),
        answer=row["answer"] if isinstance(row.get("answer"), int) else 0,
    )
