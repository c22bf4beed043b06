"""Rows as the harness's `datasets` would give them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from e2lm_core.base.errors import TaskError
from e2lm_core.base.sentences import Sentence

Row = dict[str, Any]
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T](?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)


def typed(rows: Sequence[Row], where: str) -> list[Row]:
    """Rows with the columns of all rows and one kind of value in each column.

    A missing value is None; whole numbers beside fractions become fractions. Mappings within a column are
    columns of their own.

    Raises:
        TaskError: A column holds values of several kinds, which no data set of the harness's can.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: _column([row.get(name) for row in rows], name, where) for name in names}
    return [{name: columns[name][place] for name in names} for place in range(len(rows))]


def require_same_as_datasets(
    rows: Sequence[Row], used: Collection[str] | None, where: str, is_list: bool
) -> None:
    """Check that the JSON reader of `datasets` gives the values that a file holds.

    Args:
        rows: Rows of one file.
        used: Columns to check; None for all.
        where: The file's name.
        is_list: Whether the file is a JSON list: then the reader writes its numbers again, to ten decimals.

    Raises:
        TaskError: The reader gives other values of a column.
    """
    for name in dict.fromkeys(name for row in rows for name in row):
        if used is not None and name not in used:
            continue
        why = _otherwise([row[name] for row in rows if row.get(name) is not None], is_list)
        if why:
            raise TaskError(
                Sentence(
                    "{where}: the column {name} {why}; change it, or leave it out of the prompt.",
                    where=where,
                    name=repr(name[:60]),
                    why=why,
                )
            )


def _otherwise(values: Sequence[Any], is_list: bool) -> str:
    """Reason why the reader would give other values of a column; "" if it would not."""
    if not values:
        return ""
    if all(isinstance(value, str) for value in values):
        if all(map(_is_time, values)):
            return Sentence(
                "holds dates alone, such as {date}, which lm_eval's reader of JSON turns into times",
                date=repr(values[0]),
            )
        return ""
    if all(isinstance(value, dict) for value in values):
        if any(value.keys() != values[0].keys() for value in values) or not values[0]:
            return Sentence(
                "holds mappings of different keys, which versions of lm_eval's reader of JSON read differently"
            )
        inner = [[value[key] for value in values if value[key] is not None] for key in values[0]]
        return next(filter(None, (_otherwise(own, is_list) for own in inner)), "")
    if all(isinstance(value, list) for value in values):
        return _otherwise([item for value in values for item in value if item is not None], is_list)
    if is_list and any(isinstance(value, float) and not _is_short(value) for value in values):
        return Sentence(
            "holds numbers of more than ten digits, which lm_eval's reader of a JSON list shortens"
        )
    return ""


def _is_time(text: str) -> bool:
    """Whether the reader takes a text for a time: a date, alone or with a time of whole seconds behind it."""
    if not _TIME.fullmatch(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _is_short(value: float) -> bool:
    digits = repr(abs(value))
    return "e" not in digits and len(digits.replace(".", "").strip("0")) <= 10 and round(value, 10) == value


def same(row: Row) -> str:
    """Text that two rows share if the harness takes them for the same document."""
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
        Sentence(
            "{where}: the column {name} holds values of several kinds ({known}); use one kind a column.",
            where=where,
            name=repr(name[:60]),
            known=known,
        )
    )
