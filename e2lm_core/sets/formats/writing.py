"""Writes questions to a file and reports lost content."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.formatting import count, join_words
from e2lm_core.base.records import ORIGIN_KEY, Question, SelectionOrigin
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.formats import columns
from e2lm_core.sets.formats.markup import qti
from e2lm_core.sets.formats.tables import delimited, xlsx
from e2lm_core.sets.formats.texts import gift, lists
from e2lm_core.sets.prompts.docs import OPTIONAL
from e2lm_core.sets.rows import write_jsonl


class OutputFormat(NamedTuple):
    """Format for writing questions.

    Attributes:
        end: End of the file's name, with the dot.
        mime: Media type.
        write: Function that writes questions as a file's bytes.
        held: Function that gives a text as it comes back from the file.
        holds: Fields with a place in the file besides question, choices and answer; None for all.
        sequence: Function that gives the questions which the format can hold.
    """

    end: str
    mime: str
    write: Callable[[Iterable[Question]], bytes]
    held: Callable[[str], str] = str
    holds: frozenset[str] | None = None
    sequence: Callable[[Sequence[Question]], Sequence[Question]] = list


FORMS = {
    "csv": OutputFormat(".csv", "text/csv", delimited.write),
    "jsonl": OutputFormat(
        ".jsonl", "application/jsonl", lambda qs: write_jsonl(columns.add_base_column(list(qs)))
    ),
    "xlsx": OutputFormat(
        ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        xlsx.write,
        xlsx.round_trip,
    ),
    "gift": OutputFormat(".gift", "text/plain", gift.write, gift.round_trip, gift.HOLDS),
    "aiken": OutputFormat(
        ".txt", "text/plain", lists.write, lists.round_trip, lists.HOLDS, lists.storable_questions
    ),
    "qti": OutputFormat(".zip", "application/zip", qti.write, qti.round_trip, qti.HOLDS),
}
_TABLES = ("csv", "xlsx")


def add_origin(questions: Iterable[Question], origin: SelectionOrigin | None, kind: str) -> list[Question]:
    """Questions with the rule that chose them in a column `chosen_by`; unchanged without an origin."""
    if origin is None:
        return list(questions)
    value: Any = origin.model_dump(mode="json", exclude_none=True)
    if kind != "jsonl":  # a cell holds text
        value = json.dumps(value, ensure_ascii=False)
    return [q.model_copy(update={"extra": {**q.extra, ORIGIN_KEY: value}}) for q in questions]


def write_questions(questions: Iterable[Question], kind: str) -> bytes:
    """Write questions as a file in one format of `FORMS`."""
    return FORMS[kind].write(questions)


def lost_content(questions: Sequence[Question], kind: str) -> tuple[str, ...]:
    """Sentences on content that such a file cannot hold; none if all questions come back unchanged."""
    form = FORMS[kind]
    return tuple(
        said for said in (*_of_questions(questions, form), *_of_columns(questions, kind, form)) if said
    )


def _of_questions(questions: Sequence[Question], form: OutputFormat) -> Iterable[str]:
    taken = form.sequence(questions)
    if len(taken) < len(questions):
        kept = {q.id for q in taken}
        gone = [q.id for q in questions if q.id not in kept]
        yield Sentence(
            "{number} question cannot be told from an answer or a choice there and is left out: {names}.",
            "{number} questions cannot be told from an answer or a choice there and are left out: {names}.",
            number=len(gone),
            names=join_words(gone),
        )
    changed = [q.id for q in taken if any(form.held(text) != text for text in _texts(q, form))]
    if changed:
        yield Sentence(
            "In {questions}, line breaks, spaces at the ends or special characters are changed or lost: {names}.",
            questions=count(len(changed), "question"),
            names=join_words(changed),
        )
    if form.holds is not None:
        names = dict.fromkeys(name for q in questions for name in _beside(q) if name not in form.holds)
        if ORIGIN_KEY in names:
            del names[ORIGIN_KEY]
            yield Sentence(
                "There is no place for the rule that chose these questions: a set made of the file shows its scores as if "
                "nobody had chosen them, so share CSV, JSONL, XLSX or the bundle instead."
            )
        if names:
            yield Sentence("There is no place for {names}.", names=join_words(list(names), 6))


def _of_columns(questions: Sequence[Question], kind: str, form: OutputFormat) -> Iterable[str]:
    """Sentences on columns that a table changes, by the kind of their values or by their names."""
    if kind not in _TABLES:
        return
    extra = dict.fromkeys(name for q in questions for name in q.extra)
    odd = dict.fromkeys(n for q in questions for n, value in q.extra.items() if not _is_cell(value, kind))
    if odd:
        yield Sentence("What is no text in {names} comes back as text.", names=join_words(list(odd), 6))
    widest = max((len(q.choices) for q in questions), default=0)
    optional = [name for name in OPTIONAL if any(getattr(q, name) is not None for q in questions)]
    head = ["id", "question", *(f"choice_{n}" for n in range(1, widest + 1)), "answer", *optional, *extra]
    meant = columns.roles_by_name(head)
    other = [
        n for n in extra if meant.get(n) or n != n.strip() or not n or form.held(n) != n or head.count(n) > 1
    ]
    if other:
        yield Sentence(
            "Columns of these names are read as something else, so rename them: {names}.",
            names=join_words(other, 6),
        )


def _is_cell(value: object, kind: str) -> bool:
    if isinstance(value, str):
        return True
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15
    return kind == "xlsx" and whole


def _beside(q: Question) -> list[str]:
    known = [name for name in OPTIONAL if getattr(q, name) is not None]
    return ["id", *known, *q.extra]


def _texts(q: Question, form: OutputFormat) -> Iterable[str]:
    yield q.question
    yield from q.choices
    if form.holds is None or "id" in form.holds:
        yield q.id
    for name in OPTIONAL:
        if getattr(q, name) is not None and (form.holds is None or name in form.holds):
            yield getattr(q, name)
    if form.holds is None:
        yield from (value for value in q.extra.values() if isinstance(value, str))
