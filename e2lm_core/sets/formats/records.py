"""Records of a file preview: options, rows, columns, problems.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field

from e2lm_core.base.records import Finding, Question, Record

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LEFT_OUT = "-"  # the role of a column that is not read
KEPT = ""  # the role of a column that is kept under its own name


class ReadOptions(Record):
    """How a file is to be read, where what is found in it is not what is meant; None is found.

    `roles` are what columns are (`{"Frage": "question"}`); those that it does not name are guessed. `answers_from` is
    what answers that are numbers count from, or "text" where they are a choice's text.
    """

    kind: str | None = None
    encoding: str | None = None
    separator: str | None = None
    header: bool | None = None
    sheet: str | None = None
    roles: dict[str, str] = Field(default_factory=dict)
    answers_from: Literal[0, 1, "text"] | None = None


class FileRow(NamedTuple):
    """One question as its file has it: where it stands there, its columns, or why it is none."""

    at: str
    values: Mapping[str, Any]
    refused: str = ""


class FileRows(NamedTuple):
    """What a reader gives: rows with the names of their columns, and how it came to them.

    `final` is whether its columns are roles already; `notes` are sentences on what was found out.
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
    """A column of the file: what it was taken for, and the first texts in it."""

    name: str
    role: str
    sample: tuple[str, ...]


class Preview(Record):
    """What was found in a file: how it was read, the questions, and what is wrong with rows, each by its number.

    `rows` says for each question where it stands in the file; `answers_from` is None where no answer is a number.
    `readings` are the ways to read such answers where neither names nor rows decide: then there are no questions
    before `How.answers_from` says one.
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
    problems: tuple[Finding, ...] = ()

    @property
    def sound(self) -> tuple[Question, ...]:
        """The questions that no error is said of."""
        broken = {p.question_id for p in self.problems if p.severity == "error"}
        return tuple(q for q in self.questions if q.id not in broken)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The problems that keep a row out."""
        return tuple(p for p in self.problems if p.severity == "error")
