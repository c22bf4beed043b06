"""JSON and JSONL.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.encodings import decode
from e2lm_core.sets.formats.records import FileRow, FileRows, ReadOptions, row_at
from e2lm_core.sets.formats.tables.grid import check_columns
from e2lm_core.sets.rows import check_count, objects_of, parse_json, parse_jsonl


def read_lines(data: bytes, name: str, limits: Limits, options: ReadOptions) -> FileRows:
    """Read the rows of a JSONL file.

    Raises:
        TaskError: A line is no object, or there are too many rows or columns.
    """
    text, encoding = decode(data, name, options.encoding)
    return with_columns(
        parse_jsonl(data if encoding == "utf-8" else text.encode(), name, limits), name, encoding
    )


def read_list(data: bytes, name: str, limits: Limits, options: ReadOptions) -> FileRows:
    """Read the rows of a JSON list of objects, which may stand under `questions`.

    Raises:
        TaskError: The file is no list of objects, or there are too many rows or columns.
    """
    text, encoding = decode(data, name, options.encoding)
    value = parse_json(text, name)
    if isinstance(value, dict) and isinstance(value.get("questions"), list):
        value = value["questions"]
    rows = objects_of(value, name)
    check_count(len(rows), name, limits)
    return with_columns(rows, name, encoding)


def with_columns(rows: Sequence[Mapping[str, Any]], name: str, encoding: str = "") -> FileRows:
    """Rows of objects, with all keys as columns in the order of their first occurrence.

    Args:
        rows: The objects.
        name: The file's name, for error sentences.
        encoding: Encoding that the file was read in.

    Raises:
        TaskError: There are too many columns.
    """
    rows = [_flat(row) for row in rows]
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
        check_columns(len(columns), name)
    numbered = [FileRow(row_at(number), row) for number, row in enumerate(rows, start=1)]
    return FileRows(list(columns), numbered, encoding)


def _flat(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Row with the parts of an object in `question` as columns of their own.

    AI2's data sets have such objects: `{"stem": "Why?", "choices": […]}`.
    """
    asked = row.get("question")
    if (
        not isinstance(asked, dict)
        or not isinstance(asked.get("stem"), str)
        or asked.keys() & (row.keys() - {"question"})
    ):
        return row
    inside = {("question" if name == "stem" else name): value for name, value in asked.items()}
    return {**row, **inside}
