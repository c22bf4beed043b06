"""Notes below a table: why its cells are undefined, and what would define them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence, joined

MAX_NAMES = 6  # rows or columns that a note names; of more it tells the number


class UndefinedCell(NamedTuple):
    """A cell of a table without a value.

    Attributes:
        row: Name of its row; empty for a reason of the whole column.
        column: Name of its column; empty for a reason that holds for the row as a whole.
        why: Reason why it has no value.
    """

    row: str
    column: str
    why: str


def undefined_notes(cells: Iterable[UndefinedCell]) -> list[str]:
    """One line for each distinct reason, with the columns and rows that it leaves undefined.

    Example: "– cs of margin and bpb: Bits per byte has no chance level."
    """
    by_reason: dict[str, dict[str, dict[str, None]]] = {}
    for cell in cells:
        by_reason.setdefault(cell.why, {}).setdefault(cell.column, {})[cell.row] = None
    return [
        Sentence("{dash} {places}: {why}", dash=formatting.DASH, places=_places(columns), why=why)
        for why, columns in by_reason.items()
    ]


def _places(columns: Mapping[str, Mapping[str, None]]) -> str:
    """Columns and rows of one reason, columns with the same rows together."""
    by_rows: dict[tuple[str, ...], list[str]] = {}
    for column, rows in columns.items():
        by_rows.setdefault(tuple(rows), []).append(column)
    parts = []
    for of_rows, names in by_rows.items():
        of = formatting.join_words([row for row in of_rows if row], MAX_NAMES)
        named = formatting.join_words([name for name in names if name], MAX_NAMES)
        both = Sentence("{columns} of {rows}", columns=named, rows=of) if named and of else named or of
        parts.append(both)
    return joined(parts, "; ")


def undefined_scores(row: str, values: Mapping[str, Mapping[str, Any]]) -> list[UndefinedCell]:
    """Undefined scores of one row of a table.

    The Score names the parts that it lacks, whose own reasons stand beside it.

    Args:
        row: Name of the row, for example a metric.
        values: Scores by column, as in a document: `{value, why, …}`.
    """
    lacking = [name for name in ("sq", "rc", "cs") if name in values and values[name]["value"] is None]
    needs = (
        Sentence("it needs {names}.", names=formatting.join_words([name.upper() for name in lacking]))
        if lacking
        else None
    )
    return [
        UndefinedCell(
            row, column, (needs if column == "score" and needs else value["why"]) or Sentence("not known.")
        )
        for column, value in values.items()
        if value["value"] is None
    ]


def undefined_rows(frame: pd.DataFrame, name: str | Sequence[str], why: str = "why") -> list[UndefinedCell]:
    """Reasons of a table that has a column of them, one for each row that has one and lacks a value.

    Args:
        frame: The table.
        name: Column, or columns, that name a row.
        why: Column of the reasons.
    """
    names = [name] if isinstance(name, str) else list(name)
    if why not in frame or frame.empty:
        return []
    lacking = frame.drop(columns=[why, *names]).isna().any(axis=1) & frame[why].notna()
    return [
        UndefinedCell(" ".join(map(str, row[:-1])), "", row[-1])
        for row in frame.loc[lacking, [*names, why]].itertuples(index=False)
    ]


def undefined_columns(frame: pd.DataFrame, why: Mapping[str, str | None]) -> list[UndefinedCell]:
    """Reasons of whole columns, for those that lack a value.

    Args:
        frame: The table.
        why: Reason by column; None without one.
    """
    return [
        UndefinedCell("", Sentence(column), reason)
        for column, reason in why.items()
        if reason and column in frame and frame[column].isna().any()
    ]
