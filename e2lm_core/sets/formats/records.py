"""Records of a file preview: options, rows, columns, problems.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field

from e2lm_core.base.records import Finding, Question, Record
from e2lm_core.base.sentences import Sentence

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LEFT_OUT = "-"  # the role of a column that is not read
KEPT = ""  # the role of a column that is kept under its own name


class ReadOptions(Record):
    """The user's settings for reading a file; a setting that is None is detected.

    Attributes:
        kind: The format's key in `KINDS`.
        encoding: One of `ENCODINGS`.
        separator: Character between the cells of a table.
        header: Whether the first line names the columns.
        sheet: Name of the workbook's sheet.
        roles: Roles of columns (`{"Frage": "question"}`); those of other columns are guessed.
        answers_from: Base of answers that are numbers, or "text" if they are a choice's text.
    """

    kind: str | None = None
    encoding: str | None = None
    separator: str | None = None
    header: bool | None = None
    sheet: str | None = None
    roles: dict[str, str] = Field(default_factory=dict)
    answers_from: Literal[0, 1, "text"] | None = None


def row_at(number: int) -> str:
    """Place of a row in a table, by its number from 1."""
    return Sentence("Row {number}", number=str(number))


def line_at(number: int) -> str:
    """Place of a question in a text, by the number of its first line."""
    return Sentence("Line {number}", number=str(number))


class FileRow(NamedTuple):
    """Row of a file with one question, or the reason why it is none.

    Attributes:
        at: Place in the file, such as "Row 3".
        values: Cells by column; empty if the row is refused.
        refused: Reason why the row is no question; "" if it may be one.
    """

    at: str
    values: Mapping[str, Any]
    refused: str = ""


class FileRows(NamedTuple):
    """Rows that a reader found in a file, with their columns.

    Attributes:
        columns: Names of the columns.
        rows: Rows in the file's order.
        encoding: Encoding that the text was read in; "" for a format without one.
        separator: Character between cells; "" for a format without one.
        header: Whether the first line named the columns.
        sheets: Names of the workbook's sheets, the one that was read first; empty for other formats.
        final: Whether the columns are roles already.
        notes: Sentences on detected settings.
    """

    columns: list[str]
    rows: list[FileRow]
    encoding: str = ""
    separator: str = ""
    header: bool = True
    sheets: tuple[str, ...] = ()
    final: bool = False
    notes: tuple[str, ...] = ()


class Column(Record):
    """Column of a file, with its role and the first texts in it."""

    name: str
    role: str
    sample: tuple[str, ...]


class Preview(Record):
    """Questions found in a file, with the settings that it was read by and the problems of its rows.

    Attributes:
        kind: The format's key in `KINDS`.
        encoding: Encoding that the text was read in; "" for a format without one.
        is_encoding_guessed: Whether neither the file nor the user says the encoding.
        separator: Character between cells; "" for a format without one.
        header: Whether the first line named the columns.
        sheets: Names of the workbook's sheets, the one that was read first; empty for other formats.
        columns: Columns of the file with their roles.
        answers_from: Base of answers that are numbers; None if none is.
        readings: Possible readings of such answers if neither names nor rows decide: there are no questions
            then until `ReadOptions.answers_from` names one.
        questions: Questions of the file.
        rows: Place of each question in the file.
        broken: Indexes of the questions with an error.
        problems: Errors and warnings, each with the place of its row.
    """

    kind: str
    encoding: str
    separator: str
    header: bool
    sheets: tuple[str, ...]
    columns: tuple[Column, ...]
    answers_from: Literal[0, 1] | None = None
    readings: tuple[Literal[0, 1, "text"], ...] = ()
    questions: tuple[Question, ...] = ()
    rows: tuple[str, ...] = ()
    broken: tuple[int, ...] = ()
    problems: tuple[Finding, ...] = ()
    is_encoding_guessed: bool = False

    @property
    def sound(self) -> tuple[Question, ...]:
        """Questions without an error."""
        return tuple(q for n, q in enumerate(self.questions) if n not in self.broken)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Problems that keep a row out."""
        return tuple(p for p in self.problems if p.severity == "error")
