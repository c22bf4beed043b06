"""XLSX."""

from __future__ import annotations

import datetime
import io
import zipfile
from typing import Any

import openpyxl
import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.reading import parse_file, read_confined
from e2lm_core.sets.formats.records import ReadOptions
from e2lm_core.sets.formats.tables import xlsx
from tests.support import german

LIMITS = Limits()


def book(**sheets: list[list[Any]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, lines in sheets.items():
        sheet = made.create_sheet(name)
        for line in lines:
            sheet.append(line)
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


LINES = [["Frage", "A", "B", "Lösung", "Punkte"], ["Wie viel?", 3, 2.5, 2, 7], ["Wann?", "x", "y", "B", None]]


def test_numbers_are_text_as_they_are_shown() -> None:
    preview = read_confined(book(Quiz=LINES), "t.xlsx", LIMITS)
    assert (preview.kind, preview.sheets, preview.answers_from) == ("xlsx", ("Quiz",), 1)
    assert [(q.question, q.choices, q.answer, q.extra) for q in preview.questions] == [
        ("Wie viel?", ("3", "2.5"), 1, {"Punkte": 7}),
        ("Wann?", ("x", "y"), 1, {}),
    ]


def test_dates_shares_and_truths_are_what_people_read() -> None:
    made = openpyxl.Workbook()
    made.active.append(["question", "A", "B", "C", "answer"])
    made.active.append(["q", datetime.date(1990, 5, 1), 0.125, True, "A"])
    made.active.cell(2, 3).number_format = "0.0%"
    buffer = io.BytesIO()
    made.save(buffer)
    assert parse_file(buffer.getvalue(), "t.xlsx", LIMITS).questions[0].choices == (
        "1990-05-01",
        "12.5%",
        "TRUE",
    )


def test_the_first_sheet_that_holds_rows_or_the_one_that_is_named() -> None:
    data = book(Cover=[], Quiz=LINES, Old=[["question", "A", "B", "answer"], ["q", "a", "b", "A"]])
    assert parse_file(data, "t.xlsx", LIMITS).sheets == ("Quiz", "Cover", "Old")
    assert [q.question for q in parse_file(data, "t.xlsx", LIMITS, ReadOptions(sheet="Old")).questions] == [
        "q"
    ]
    for how, says in (
        (ReadOptions(sheet="None"), "has no sheet 'None'; it has Cover, Quiz and Old"),
        (ReadOptions(sheet="Cover"), ""),
    ):
        if says:
            with pytest.raises(StudioError, match=says) as refusal:
                parse_file(data, "t.xlsx", LIMITS, how)
            german.translated(refusal.value)
        else:
            assert parse_file(data, "t.xlsx", LIMITS, how).problems[0].code == "missing_columns"


def test_nothing_that_is_written_is_a_formula_and_it_is_the_same_on_every_day() -> None:
    bad = '=HYPERLINK("http://127.0.0.1/x")'
    question = Question(
        id="@a", question=bad, choices=("-5", "+c", " '=1 "), answer=1, extra={"n": 3, "=c": "\tx"}
    )
    data = xlsx.write([question])
    assert data == xlsx.write([question])
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert parse_file(data, "t.xlsx", LIMITS).questions == (question,)


def test_what_a_cell_cannot_hold() -> None:
    assert xlsx.round_trip("a\r\nb\x01\ufffe") == "a\nb"
    assert len(xlsx.round_trip("x" * 40_000)) == xlsx.MAX_CHARACTERS


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0", "is an old .xls or has a password"),
        (b"PK\3\4", "is not a readable zip archive"),
        (book(Empty=[]), "holds no row"),
    ],
)
def test_what_is_no_workbook_is_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(StudioError, match=says) as refusal:
        read_confined(data, "t.xlsx", LIMITS)
    german.translated(refusal.value)


def test_a_formula_without_its_value_is_refused() -> None:
    data = book(Quiz=[["question", "A", "B", "C", "D", "answer"], ["q", "1", "2", "3", "=1+3", "A"]])
    with pytest.raises(StudioError, match="formula without its value in cell E2") as error:
        read_confined(data, "t.xlsx", LIMITS)
    german.translated(error.value.sentence)


def test_hidden_sheets_come_last_and_unread_ones_are_named() -> None:
    made = openpyxl.load_workbook(io.BytesIO(book(Old=LINES[:2], Quiz=LINES, More=LINES, Empty=[[]])))
    made["Old"].sheet_state = "hidden"
    made["Quiz"].merge_cells("E2:E3")
    buffer = io.BytesIO()
    made.save(buffer)
    preview = read_confined(buffer.getvalue(), "t.xlsx", LIMITS)
    assert (preview.sheets[0], len(preview.questions)) == ("Quiz", 2)
    notes = [german.translated(problem.sentence) and problem.sentence for problem in preview.problems]
    assert "Only the sheet 'Quiz' was read, not More and Old." in notes
    assert "Some cells are merged: only the first of them holds their text." in notes
    old = read_confined(buffer.getvalue(), "t.xlsx", LIMITS, ReadOptions(sheet="Old"))
    assert not any("sheet" in problem.sentence for problem in old.problems)  # it was asked for


def test_empty_lines_may_stand_above_the_names() -> None:
    lines = [[], [None, None], *LINES]
    assert read_confined(book(Quiz=lines), "t.xlsx", LIMITS).questions == (
        read_confined(book(Quiz=LINES), "t.xlsx", LIMITS).questions
    )


def test_a_cell_under_no_name_is_refused() -> None:
    lines = [
        ["question", "A", "B", None, "answer"],
        ["q", "x", "y", "z", "A", "note"],
        ["q", "x", "y", None, "A"],
    ]
    preview = read_confined(book(Quiz=lines), "t.xlsx", LIMITS)
    assert [problem.sentence for problem in preview.problems] == [
        "Row 1: its cell 4 ('z') stands under no name; name the column in the first line, or empty it."
    ]
    assert len(preview.sound) == 1
