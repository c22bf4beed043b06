"""Files of judgements, read in the sandbox: CSV, TSV, JSON and JSONL with id, judge, what, value and comment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.json_values import strip_csv_guard
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.titles import clean_title
from e2lm_core.base.untrusted import sandbox
from e2lm_core.sets.formats.encodings import decode
from e2lm_core.sets.formats.records import row_at
from e2lm_core.sets.formats.tables.delimited import MAX_LINES, MAX_SEPARATORS
from e2lm_core.sets.rows import both, check_size, objects_of, parse_json

COLUMNS = ("id", "judge", "what", "value", "comment")
NEEDED = COLUMNS[:-1]
MAX_ROWS = 200_000
_MAX_CELL = 20_000  # characters that are looked at


class JudgementRow(NamedTuple):
    """Row of a file, its texts not checked yet.

    Attributes:
        at: Place of the row, such as "Row 3".
        id: Id of the question.
        judge: Name of the judge.
        what: Aspect that is judged.
        value: Value of the judgement.
        comment: Comment of the judge; "" without one.
    """

    at: str
    id: str
    judge: str
    what: Any
    value: str
    comment: str = ""


def read_confined(data: bytes, filename: str, limits: Limits) -> list[JudgementRow]:
    """Read the rows of an untrusted file in the sandbox.

    Args:
        data: Bytes of the file.
        filename: Name of the file, whose end tells the format.
        limits: Bound on bytes.

    Raises:
        TaskError: The file as a whole cannot be used, as in `parse_file`.
        LimitError: The file takes too much memory or time.
    """
    name = PurePath(filename).name[:80] or Sentence("The file")
    check_size(data, name, limits)
    return sandbox.run_confined(
        parse_file,
        data,
        filename,
        limits,
        input_bytes=len(data),
        description=name,
        modules=("charset_normalizer",),
    )


def parse_file(data: bytes, filename: str, limits: Limits) -> list[JudgementRow]:
    """Read the rows of a file in this process; values are not checked.

    Raises:
        TaskError: The file is of another format, is no text, lacks a column or has too many rows.
    """
    name = PurePath(filename).name[:80] or Sentence("The file")
    check_size(data, name, limits)
    kind = PurePath(filename).suffix.lower()
    if kind not in (".csv", ".tsv", ".jsonl", ".json"):
        raise TaskError(
            Sentence(
                "{name} is no CSV, TSV, JSON or JSONL file: save the judgements as one of these.", name=name
            )
        )
    text, _ = decode(data, name)
    if kind == ".json":
        rows: Iterable[Mapping[str, Any]] = objects_of(parse_json(text, name), name)
    elif kind == ".jsonl":
        lines = text.split("\n")
        _check_rows(len(lines), name)
        rows = objects_of(
            [parse_json(line, name, n) for n, line in enumerate(lines, 1) if line.strip()], name
        )
    else:
        rows = _table(text, name, "\t" if kind == ".tsv" else ",")
    found = list(rows)
    _check_rows(len(found), name)
    columns = dict.fromkeys(column for row in found[:1000] for column in row)
    if found and (missing := [column for column in NEEDED if column not in columns]):
        raise TaskError(
            Sentence(
                "{name} lacks {missing}; its columns are {columns} and, if you like, comment.",
                name=name,
                missing=both(missing),
                columns=", ".join(NEEDED),
            )
        )
    return [
        JudgementRow(
            row_at(number),
            _text(row.get("id")),
            clean_title(_text(row.get("judge"))),
            _text(row.get("what")).casefold(),
            _value(row.get("what"), row.get("value")),
            clean_title(_text(row.get("comment"))),
        )
        for number, row in enumerate(found, 1)
    ]


def _table(text: str, name: str, separator: str) -> list[dict[str, str]]:
    first = text.split("\n", 1)[0]
    if separator == "," and first.count(";") > first.count(","):
        separator = ";"
    if text.count(separator) > MAX_SEPARATORS or text.count("\n") > MAX_LINES:
        raise TaskError(Sentence("{name} has too many cells: split it.", name=name))
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise TaskError(Sentence("{name} is no CSV ({problem}).", name=name, problem=str(error))) from error
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    if not lines:
        return []
    head = [cell.strip().casefold() for cell in lines[0]]
    return [dict(zip(head, map(strip_csv_guard, line), strict=False)) for line in lines[1:]]


def _check_rows(number: int, name: str) -> None:
    if number > MAX_ROWS:
        raise TaskError(
            Sentence(
                "{name} has {number} rows; at most {most} are read: split it.",
                name=name,
                number=number,
                most=MAX_ROWS,
            )
        )


def _text(value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return str(value)[:_MAX_CELL].strip()


def _value(what: Any, value: Any) -> str:
    """A value as text; true and false of JSON, 1 to 5 and capitals are read as the names of the values."""
    if isinstance(value, bool):
        yes, no = ("right", "wrong") if _text(what).casefold() == "key" else ("yes", "no")
        return yes if value else no
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _text(value).casefold()
