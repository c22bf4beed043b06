"""Scientific relevance of a set's questions: how probably the rubric would accept each, and its field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import quoted
from e2lm_core.base.records import Question, Record
from e2lm_core.base.settings import Settings
from e2lm_core.base.strangers.regular import read_regular
from e2lm_core.people import access
from e2lm_core.relevance.classifier import ACCEPT_AT, map_2d
from e2lm_core.relevance.embeddings import Embedder, load_exemplars, relevance_classifier
from e2lm_core.sets.collection import find_set
from e2lm_core.sets.folder.files import read_task
from e2lm_core.sets.rows import parse_jsonl


class Relevance(Record):
    """`probability` [Q] that the rubric accepts a question, its nearest `field`, and a map in the plane.

    `map` [Q, 2] and `exemplar_map` [N, 2] share their axes; `exemplars` are (field, accepted, question).
    """

    ids: tuple[str, ...]
    probability: np.ndarray
    fields: tuple[str, ...]
    map: np.ndarray
    exemplar_map: np.ndarray
    exemplars: tuple[tuple[str, bool, str], ...]

    @property
    def accepted_share(self) -> float | None:
        """Share of the questions with a probability of at least `ACCEPT_AT`; None without questions."""
        return float(np.mean(self.probability >= ACCEPT_AT)) if len(self.ids) else None


def relevance_of(settings: Settings, questions: Sequence[Question]) -> Relevance:
    """Embed and judge the questions; what was embedded before comes from the cache.

    Raises `TaskError` for text that cannot be encoded, `EmbeddingError` where no embedding model can be
    loaded.
    """
    for number, question in enumerate(questions, start=1):
        try:
            "".join((question.question, *question.choices)).encode()
        except UnicodeEncodeError as error:
            raise TaskError(
                f"Question {number} holds a half character (a lone surrogate), which no model reads; retype it."
            ) from error
    embedder = _embedder(settings)
    classifier = relevance_classifier(embedder)
    exemplars = load_exemplars("train")
    anchors = embedder.embed_questions([e.question for e in exemplars])
    vectors = embedder.embed_questions(questions).reshape(len(questions), anchors.shape[1])
    exemplar_map, question_map = map_2d(anchors, vectors)
    return Relevance(
        ids=tuple(q.id for q in questions),
        probability=classifier.probability(vectors),
        fields=tuple(classifier.field(vectors)),
        map=question_map,
        exemplar_map=exemplar_map,
        exemplars=tuple((e.field, e.accepted, e.question.question) for e in exemplars),
    )


_KEPT: list[tuple[tuple[object, ...], Embedder]] = []


def _embedder(settings: Settings) -> Embedder:
    """That of the last call where it would be the same: its model is loaded once."""
    key = (Embedder, settings.cache, settings.device, settings.threads)
    if not _KEPT or _KEPT[0][0] != key:
        _KEPT[:] = [(key, Embedder(settings))]
    return _KEPT[0][1]


def assess(settings: Settings, questions: Sequence[Question]) -> dict[str, Any]:
    """`{questions: [{id, probability, field}], accepted_share}`, in the order given."""
    relevance = relevance_of(settings, questions)
    return {
        "questions": [
            {"id": identity, "probability": float(p), "field": field}
            for identity, p, field in zip(relevance.ids, relevance.probability, relevance.fields, strict=True)
        ],
        "accepted_share": relevance.accepted_share,
    }


def read_questions(settings: Settings, task_or_jsonl: str) -> tuple[Question, ...]:
    """A set's questions, or the lines of a JSONL file; a line needs only `question`. Raises `TaskError`."""
    if not task_or_jsonl.endswith(".jsonl"):
        info = find_set(settings, task_or_jsonl)
        return read_task(info.folder, settings.limits, yaml=info.yaml).task.questions
    where = f"The file {quoted(task_or_jsonl)}"
    try:
        path = Path(task_or_jsonl).expanduser()
        access.require_path(settings, path.resolve())
        data = read_regular(path, settings.limits.max_file_bytes)
    except (OSError, RuntimeError, ValueError) as error:  # `~somebody` who is not here; a nil in the name
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise TaskError(f"{where} cannot be read ({reason}): check its path.") from error
    rows = parse_jsonl(data, path.name, settings.limits)
    if not rows:
        raise TaskError(f"{path.name} is empty: give it one JSON object a line, each with a `question`.")
    return tuple(_question(f"{path.name}, question {n}", n, row) for n, row in enumerate(rows, 1))


def _question(where: str, number: int, row: dict[str, Any]) -> Question:
    text, choices, identity = row.get("question"), row.get("choices"), row.get("id")
    if not isinstance(text, str) or not text.strip():
        raise TaskError(f"{where}: it needs a `question`, which is text.")
    if choices is not None and not isinstance(choices, list):
        raise TaskError(f"{where}: `choices` must be a list of texts, or left out.")
    return Question(
        id=str(number) if identity is None else str(identity),
        question=text,
        choices=tuple(map(str, choices or ())),
        answer=row["answer"] if isinstance(row.get("answer"), int) else 0,
    )
