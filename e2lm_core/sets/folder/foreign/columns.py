"""Rows as the harness's data sets give them: every column in every row, and one kind of value a column, nested ones too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from e2lm_core.base.errors import TaskError

Row = dict[str, Any]


def typed(rows: Sequence[Row], where: str) -> list[Row]:
    """The rows with the columns of all of them: None where a row lacks one, whole numbers beside fractions as fractions.

    Mappings within a column are columns of their own. Raises TaskError for a column that holds values of several
    kinds, which no data set of the harness's can.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: _column([row.get(name) for row in rows], name, where) for name in names}
    return [{name: columns[name][place] for name in names} for place in range(len(rows))]


def same(row: Row) -> str:
    """A text that two rows share where the harness takes them for the same document."""
    return json.dumps(row, sort_keys=True)


def _column(values: list[Any], name: str, where: str) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 and not kinds & {dict, list}:
        return values
    if kinds == {int, float}:
        return [float(value) if isinstance(value, int) else value for value in values]
    if kinds == {dict}:
        keys = list(dict.fromkeys(key for value in values if value is not None for key in value))
        inside = {
            key: _column([value.get(key) if value else None for value in values], f"{name}.{key}", where)
            for key in keys
        }
        return [
            None if value is None else {key: inside[key][place] for key in keys}
            for place, value in enumerate(values)
        ]
    if kinds == {list}:
        flat = _column([item for value in values if value is not None for item in value], name, where)
        result, at = [], 0
        for value in values:
            result.append(None if value is None else flat[at : at + len(value)])
            at += len(value) if value is not None else 0
        return result
    known = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise TaskError(
        f"{where}: the column {name[:60]!r} holds values of several kinds ({known}); use one kind a column."
    )
