"""CSV and TSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from e2lm_core.base.errors import TaskError
from e2lm_core.base.json_values import guard_csv_cell, strip_csv_guard
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.columns import add_base_column
from e2lm_core.sets.formats.encodings import decode
from e2lm_core.sets.formats.records import FileRows, ReadOptions
from e2lm_core.sets.formats.tables.grid import MAX_COLUMNS, check_columns, rows_of, too_many_cells
from e2lm_core.sets.prompts.docs import OPTIONAL
from e2lm_core.sets.rows import line_of

SEPARATORS = {
    ",": Sentence("comma"),
    ";": Sentence("semicolon"),
    "\t": Sentence("tab"),
    "|": Sentence("bar"),
}
MAX_SEPARATORS = 4_000_000  # separators in a file, within quoted text too
MAX_LINES = 1_000_000
_TABBED = re.compile(r'"((?:[^"]++|"")*+)"(?=[\t\r\n]|\Z)|[^\t\r\n]*+')
_HEAD = re.compile(r"id question choice_1 (?:choice_\d+ )+answer\b")  # of a table that `write` wrote
_LOOKED_AT = 20  # records that decide on a separator


def read(
    data: bytes, name: str, limits: Limits, options: ReadOptions, default_separator: str = ","
) -> FileRows:
    """Read a table with commas, semicolons, tabs or bars between its cells.

    Args:
        data: Bytes of the file.
        name: The file's name, for error sentences.
        limits: Bound on questions.
        options: The user's settings for the file.
        default_separator: Separator if the file's first records do not decide.

    Raises:
        TaskError: The separator is another character, a line is no CSV, or there are too many columns, cells
            or rows.
    """
    text, encoding = decode(data, name, options.encoding)
    separator = options.separator or _separator(text, default_separator)
    if separator not in SEPARATORS:
        raise TaskError(
            Sentence(
                "{name} cannot be read with {separator} between cells: use a comma, a semicolon, a tab or a bar.",
                name=name,
                separator=repr(separator),
            )
        )
    # A quoted text may hold separators.
    check_columns(text[:1_000_000].split("\n", 1)[0].count(separator), name, MAX_COLUMNS * 20)
    if text.count(separator) > MAX_SEPARATORS or text.count("\n") > MAX_LINES:
        raise too_many_cells(name)
    found = rows_of(
        _unguarded(_lines(text, separator, name)), name, limits, options, quoted=separator != "\t"
    )
    return found._replace(encoding=encoding, separator=separator)


def write(questions: Iterable[Question]) -> bytes:
    """Write questions as CSV that `read` reads back; UTF-8.

    There is one column for each choice; `answer` is the index from 0.
    """
    lines = _Lines()
    # The writer's end of a line is \r\n, so that it quotes a text with either character.
    writer = csv.writer(lines)
    for line in lines_of(list(questions)):
        writer.writerow([guard_csv_cell(cell_to_text(value)) for value in line])
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines).encode()


class _Lines(list[str]):
    """List of the lines that a CSV writer writes."""

    write = list.append


def lines_of(questions: Sequence[Question]) -> Iterator[list[Any]]:
    """Lines of a table of questions, the names of its columns first; None where a question has no value."""
    questions = add_base_column(questions)
    widest = max((len(q.choices) for q in questions), default=0)
    extra = list(dict.fromkeys(name for q in questions for name in q.extra))
    optional = [name for name in OPTIONAL if any(getattr(q, name) is not None for q in questions)]
    yield ["id", "question", *(f"choice_{n}" for n in range(1, widest + 1)), "answer", *optional, *extra]
    for q in questions:
        choices = [*q.choices, *[None] * (widest - len(q.choices))]
        known = [getattr(q, name) for name in optional]
        yield [q.id, q.question, *choices, q.answer, *known, *(q.extra.get(name) for name in extra)]


def cell_to_text(value: Any) -> Any:
    """Value as a cell: text and whole numbers unchanged, None as "", everything else as JSON."""
    if value is None:
        return ""
    is_plain = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def _lines(text: str, separator: str, name: str) -> Iterator[list[str]]:
    if separator == "\t":
        yield from _tabbed(text)
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise TaskError(
            Sentence(
                "{where} is not valid CSV ({problem}).",
                where=line_of(name, reader.line_num),
                problem=str(error),
            )
        ) from error


def _unguarded(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    """Lines without the apostrophes that `write` puts before formulas; those of other tables are text."""
    head = next(lines, [])
    own = _HEAD.match(" ".join(head)) is not None
    for line in chain([head], lines):
        yield [strip_csv_guard(cell) for cell in line] if own else line


def _tabbed(text: str) -> Iterator[list[str]]:
    """Lines of cells as spreadsheets copy them.

    A cell is quoted if its last quote ends it; otherwise its quotes are part of the text.
    """
    line: list[str] = []
    at = 0
    while at < len(text):
        found = _TABBED.match(text, at)
        assert found is not None  # an empty cell matches everywhere
        quoted = found[1]
        line.append(found[0] if quoted is None else quoted.replace('""', '"'))
        end = text[found.end() : found.end() + 2]
        at = found.end() + (2 if end == "\r\n" else 1)
        if end[:1] != "\t":
            yield line
            line = []
    if line:
        yield [*line, ""]


def _separator(text: str, usual: str) -> str:
    """Separator that cuts the first records into the most cells of equal number, else `usual`."""
    begin = text[:20_000]
    best, most = usual, 1.0
    for separator in sorted(SEPARATORS, key=lambda one: one != usual):
        try:
            records = list(
                islice(csv.reader(io.StringIO(begin, newline=""), delimiter=separator), _LOOKED_AT)
            )
        except csv.Error:
            continue
        widths = [len(record) for record in records if record]
        if not widths or widths[0] < 2:
            continue
        alike = widths[0] * sum(width == widths[0] for width in widths) / len(widths)
        if alike > most:
            best, most = separator, alike
    return best
