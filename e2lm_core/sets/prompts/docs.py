"""Questions as template docs.

Tested in tests/sets/prompts/test_render.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.memory.memo import Each
from e2lm_core.base.records import Question

OPTIONAL = ("subject", "source", "license", "note", "group")
_PLAIN = {"id", "question", "choices", "answer", *OPTIONAL}

Doc = Mapping[str, Any]
_NAMES: Each[tuple[str, ...]] = Each(40_000)  # the columns of a question


def row_of(question: Question) -> dict[str, Any]:
    """Question as a row of `test.jsonl`, without empty columns."""
    row: dict[str, Any] = {
        "id": question.id,
        "question": question.question,
        "choices": list(question.choices),
        "answer": question.answer,
    }
    for name in OPTIONAL:
        if (value := getattr(question, name)) is not None:
            row[name] = value
    return row | {name: value for name, value in question.extra.items() if value is not None}


def harness_rows(test: Sequence[Question], dev: Sequence[Question]) -> tuple[list[Doc], list[Doc]]:
    """Docs as the harness gets them from `sets/folder/loader.py`.

    Every row has every column, None if the row lacks it. A column with nested values or with several types of
    value holds JSON text.

    Args:
        test: Test questions.
        dev: Example questions.

    Returns:
        The docs of `test` and those of `dev`.
    """
    columns = columns_of_set(test, dev)
    return to_docs(test, columns), to_docs(dev, columns)


class Columns(NamedTuple):
    """Columns of a set.

    Attributes:
        names: All columns in their order.
        as_text: Those that are written as JSON text.
    """

    names: tuple[str, ...]
    as_text: frozenset[str]


def columns_of_set(test: Sequence[Question], dev: Sequence[Question]) -> Columns:
    """Columns of all questions of a set."""
    questions = (*test, *dev)
    kinds = dict.fromkeys(_NAMES.values_of(None, questions, lambda question: tuple(row_of(question))))
    names = tuple(dict.fromkeys(name for kind in kinds for name in kind))
    others = [name for name in names if name not in _PLAIN]
    return Columns(
        names, frozenset(c for c in others if not _is_uniform([q.extra.get(c) for q in questions]))
    )


def to_docs(questions: Sequence[Question], columns: Columns) -> list[Doc]:
    """Questions as docs of a set with these columns."""
    return [
        {
            name: _as_text(row.get(name)) if name in columns.as_text else row.get(name)
            for name in columns.names
        }
        for row in map(row_of, questions)
    ]


def _is_uniform(values: Sequence[Any]) -> bool:
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds <= {str} or kinds <= {bool} or kinds <= {float}:
        return True
    if kinds == {int}:
        return all(-(2**63) <= value < 2**63 for value in present)
    return kinds == {list} and all(isinstance(item, str) for value in present for item in value)


def _as_text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
