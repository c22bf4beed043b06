"""A question set as a sheet: one row a question, a column for each choice, and edits read back as changes.

The sheet that an editor shows stays fixed while its user types; what comes back is a delta of cells. It is
applied by question id and is idempotent, so that a delta that arrives twice does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from e2lm_core.base.records import Question

MIN_CHOICE_COLUMNS = 4
TEXT_COLUMNS = ("question", "subject", "note")


def choice_columns(questions: Sequence[Question]) -> list[str]:
    """choice 0, choice 1, …: numbered as gold counts them."""
    width = max((len(q.choices) for q in questions), default=0)
    return [f"choice {i}" for i in range(max(width, MIN_CHOICE_COLUMNS))]


def to_frame(questions: Sequence[Question], taught: Mapping[str, bool] | None = None) -> pd.DataFrame:
    """Columns: id, question, choice 0 …, gold, subject, note, and taught where it is known."""
    columns = choice_columns(questions)
    rows = []
    for q in questions:
        row: dict[str, Any] = {"id": q.id, "question": q.question}
        row |= {c: q.choices[i] if i < len(q.choices) else None for i, c in enumerate(columns)}
        row |= {"gold": q.answer, "subject": q.subject, "note": q.note}
        if taught is not None:
            row["taught"] = taught.get(q.id, False)
        rows.append(row)
    names = ["id", "question", *columns, "gold", "subject", "note"] + (
        ["taught"] if taught is not None else []
    )
    return pd.DataFrame(rows, columns=names)


def changes(frame: pd.DataFrame, edited_rows: Mapping[int, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """`{question id: {field: value}}` of an editor's edited cells, on the sheet that it was given.

    Empty cells behind the last choice are no choices; an empty one before it is kept, so that the checks
    can name it and gold keeps its meaning.
    """
    edits: dict[str, dict[str, Any]] = {}
    for row, cells in edited_rows.items():
        before = frame.iloc[int(row)]
        fields: dict[str, Any] = {}
        for column, value in cells.items():
            if column == "gold":
                fields["answer"] = -1 if _blank(value) else int(value)
            elif column == "question":
                fields["question"] = "" if _blank(value) else str(value)
            elif column in TEXT_COLUMNS:
                fields[column] = None if _blank(value) else str(value)
        if any(column.startswith("choice ") for column in cells):
            names = [c for c in frame.columns if c.startswith("choice ")]
            values = [cells.get(name, before[name]) for name in names]
            while values and _blank(values[-1]):
                values.pop()
            fields["choices"] = tuple("" if _blank(v) else str(v) for v in values)
        if fields:
            edits[str(before["id"])] = fields
    return edits


def _blank(value: Any) -> bool:
    # NA first: it cannot be compared with anything.
    return value is None or value is pd.NA or value == "" or (isinstance(value, float) and math.isnan(value))
