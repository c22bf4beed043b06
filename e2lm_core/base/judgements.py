"""Judgements of a question by people and by judge models, kept in a column of the question.

The column is one of those that files, copies, bundles and versions carry with a question. No prompt reads it, and a
set without judgements has no such column: its files and the digests of its results stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from e2lm_core.base.records import Question, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.titles import clean_title
from e2lm_core.base.untrusted import safejson

COLUMN = "judgements"
MAX_JUDGEMENTS = 60  # of a question
MAX_JUDGE_CHARS, MAX_COMMENT_CHARS = 80, 500
_MAX_COLUMN_CHARS = 100_000  # of JSON text in the column, which a table's file may bring

What = Literal["scientific", "key", "difficulty", "review"]
By = Literal["person", "model"]
VALUES: dict[What, tuple[str, ...]] = {
    "scientific": ("yes", "no"),
    "key": ("right", "wrong"),
    "difficulty": ("1", "2", "3", "4", "5"),
    "review": ("asked", "accepted", "sent back"),
}
LABELS: dict[What, str] = {
    "scientific": Sentence("Scientific"),
    "key": Sentence("Answer key"),
    "difficulty": Sentence("Difficulty"),
    "review": Sentence("Review"),
}
SAID: dict[str, str] = {  # values that are words, as people read them
    "yes": Sentence("yes"),
    "no": Sentence("no"),
    "right": Sentence("right"),
    "wrong": Sentence("wrong"),
    "asked": Sentence("asked"),
    "accepted": Sentence("accepted"),
    "sent back": Sentence("sent back"),
}
NAMES: dict[What, str] = {  # within a sentence, and of columns
    "scientific": Sentence("scientific"),
    "key": Sentence("answer key"),
    "difficulty": Sentence("difficulty"),
    "review": Sentence("review"),
}


class Judgement(Record):
    """Judgement of one question.

    Attributes:
        judge: Name of the person or of the model.
        by: Kind of the judge.
        what: Aspect that is judged; a review is a person's.
        value: One of `VALUES` of the aspect.
        comment: Comment of the judge; "" without one.
        of: Digest of the question as it was judged, see `judged_digest`.
    """

    judge: str
    by: By
    what: What
    value: str
    comment: str = ""
    of: str


def judged_digest(question: Question) -> str:
    """Digest of a question's text, choices in any order and right answer: it changes when a judgement may."""
    right = question.choices[question.answer] if 0 <= question.answer < len(question.choices) else None
    content = repr((question.question, sorted(question.choices), right))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def judgements_of(question: Question) -> tuple[Judgement, ...]:
    """Judgements in a question's column, oldest first; what is no judgement there is left out."""
    column = question.extra.get(COLUMN)
    if column is None:
        return ()
    if isinstance(column, str):
        try:
            column = safejson.loads(column) if len(column) <= _MAX_COLUMN_CHARS else None
        except ValueError:
            return ()
    if not isinstance(column, list):
        return ()
    found: dict[tuple[str, By, What], Judgement] = {}
    for entry in column[:MAX_JUDGEMENTS]:
        if (one := _read(entry)) is not None:
            found[one.judge, one.by, one.what] = one
    return tuple(found.values())


def current_judgements(question: Question) -> tuple[Judgement, ...]:
    """Judgements of the question as it is now, without those of an earlier text."""
    if COLUMN not in question.extra:
        return ()
    now = judged_digest(question)
    return tuple(one for one in judgements_of(question) if one.of == now)


def with_judgements(question: Question, judgements: Sequence[Judgement]) -> Question:
    """Question with these judgements in place of its own; without the column for none."""
    extra = {name: value for name, value in question.extra.items() if name != COLUMN}
    if judgements:
        extra[COLUMN] = [one.model_dump(exclude_defaults=True) for one in judgements]
    return question.model_copy(update={"extra": extra})


def _read(entry: Any) -> Judgement | None:
    if not isinstance(entry, Mapping):
        return None
    texts = {name: entry.get(name, "") for name in ("judge", "by", "what", "value", "comment", "of")}
    if not all(isinstance(value, str) for value in texts.values()):
        return None
    judge, what, by = clean_title(texts["judge"])[:MAX_JUDGE_CHARS].strip(), texts["what"], texts["by"]
    if not judge or texts["value"] not in VALUES.get(what, ()) or by not in ("person", "model"):
        return None
    if what == "review" and by != "person":
        return None
    comment = clean_title(texts["comment"])[:MAX_COMMENT_CHARS].strip()
    return Judgement(
        judge=judge, by=by, what=what, value=texts["value"], comment=comment, of=texts["of"][:12]
    )


def has_judgements(questions: Sequence[Question]) -> bool:
    """Whether any question has the column."""
    return any(COLUMN in question.extra for question in questions)
