"""CSV and TSV."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.reading import parse_file
from e2lm_core.sets.formats.records import ReadOptions
from e2lm_core.sets.formats.tables import delimited
from tests.support import german

LIMITS = Limits()


@pytest.mark.parametrize("separator", delimited.SEPARATORS)
def test_the_separator_is_found(separator: str) -> None:
    lines = [
        ["question", "A", "B", "answer"],
        ["Which, of these; two?", "x", "y", "A"],
        ["Why?", "x", "y", "B"],
    ]
    quoted = [[f'"{c}"' if separator in c else c for c in line] for line in lines]
    rows = delimited.read("\n".join(map(separator.join, quoted)).encode(), "t", LIMITS, ReadOptions())
    assert rows.separator == separator
    assert [list(row.values.values()) for row in rows.rows] == lines[1:]


def test_one_column_has_the_usual_separator() -> None:
    assert delimited.read(b"question\nq\n", "t", LIMITS, ReadOptions()).separator == ","
    assert delimited.read(b"", "t", LIMITS, ReadOptions(), default_separator="\t").separator == "\t"


def test_a_cell_from_a_spreadsheet_keeps_its_own_quotes() -> None:
    text = 'Which is "salt"?\t"Salt" is\t"a ""b"" c"\t"two\nlines"\tA\r\n"never closed\tx\ty\tz\tB'
    rows = delimited.read(text.encode(), "t", LIMITS, ReadOptions(header=False), default_separator="\t")
    assert [list(row.values.values()) for row in rows.rows] == [
        ['Which is "salt"?', '"Salt" is', 'a "b" c', "two\nlines", "A"],
        ['"never closed', "x", "y", "z", "B"],
    ]
    assert rows.columns == [f"column {n}" for n in range(1, 6)]


def test_empty_cells_at_the_ends_of_lines() -> None:
    rows = delimited.read(
        b"a\tb\tc\n1\t\t\n\t2\t\n\n1\t2\t3\t4", "t", LIMITS, ReadOptions(header=True), default_separator="\t"
    )
    assert [list(row.values.values()) for row in rows.rows] == [["1", "", ""], ["", "2", ""], []]
    assert rows.rows[2].refused == (
        "its cell 4 ('4') stands under no name; name the column in the first line, or empty it."
    )
    assert [row.at for row in rows.rows] == ["Row 1", "Row 2", "Row 4"]


def test_too_much_is_counted_before_it_exists() -> None:
    for data, says in (
        (b"c," * 300 + b"\n", "more than 200 columns"),
        (b"c," * 30_000 + b"\n", "more than 200 columns"),
        (b"a,b\n" + b"\n" * 1_000_001, "cells"),
    ):
        with pytest.raises(TaskError, match=says) as refusal:
            delimited.read(data, "t.csv", LIMITS, ReadOptions(header=True))
        german.translated(refusal.value)


def test_a_column_that_is_no_text_goes_as_json() -> None:
    question = Question(
        id="1", question="q", choices=("a", "b"), answer=0, extra={"tags": ["x"], "level": 3, "ok": True}
    )
    assert delimited.write([question]).decode() == (
        'id,question,choice_1,choice_2,answer,tags,level,ok\n1,q,a,b,0,"[""x""]",3,true\n'
    )


def test_a_row_that_goes_on_behind_the_last_name_is_refused() -> None:
    data = b"question,1,2,3,answer\nFour, or so?,3,4,5,2\nWhich?,3,4,5,1,,\n"
    read = parse_file(data, "t.csv", LIMITS, ReadOptions(answers_from=1))
    assert [q.question for q in read.questions] == ["Which?"]
    assert [p.sentence for p in read.problems if p.severity == "error"] == [
        "Row 1: it has 6 cells for 5 columns; put a text that holds a separator into quotes."
    ]
    german.translated(read.problems[0].sentence)


def test_apostrophes_of_other_tables_are_text() -> None:
    text = "question,A,B,answer\nq,'+',-ing,A\n"
    assert parse_file(text.encode(), "t.csv", LIMITS).questions[0].choices == ("'+'", "-ing")
    own = Question(id="q1", question="=1", choices=("-ing", "'+'", "'-ing"), answer=0)
    assert parse_file(delimited.write([own]), "t.csv", LIMITS).questions == (own,)


def test_a_column_of_row_numbers_needs_no_name() -> None:
    text = ",question,A,B,answer\n0,q,x,y,A\n2,r,x,y,B\n"
    preview = parse_file(text.encode(), "t.csv", LIMITS)
    assert (len(preview.sound), preview.problems) == (2, ())
    (problem,) = parse_file(text.replace("2,r", "two,r").encode(), "t.csv", LIMITS).errors[1:]
    assert problem.sentence.startswith("Row 2: its cell 1 ('two') stands under no name")
