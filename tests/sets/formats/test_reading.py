"""Files of questions as they come: what they are found to be, what is wrong with them, what is there already."""

from __future__ import annotations

import csv
import datetime
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats import columns, messages, reading
from e2lm_core.sets.formats.reading import read_confined
from e2lm_core.sets.formats.records import ReadOptions
from e2lm_core.sets.formats.tables.delimited import write as write_csv
from e2lm_core.sets.rows import write_jsonl
from tests.support import german

LIMITS = Limits()
MOON = Question(
    id="m", question="What orbits, the Earth?", choices=("the Moon", "Mars"), answer=0, subject="space"
)


def test_one_column_a_choice() -> None:
    data = b"question,choice_1,choice_2,choice_3,answer,subject,level\nWhy?,a,b,,0,,7\nHow?,c,d,e,C,x,\n"
    preview = read_confined(data, "t.csv", LIMITS)
    assert preview.problems == ()
    assert tuple(c.name for c in preview.columns) == (
        "question",
        "choice_1",
        "choice_2",
        "choice_3",
        "answer",
        "subject",
        "level",
    )
    assert preview.questions == (
        Question(id="q1", question="Why?", choices=("a", "b"), answer=0, extra={"level": "7"}),
        Question(id="q2", question="How?", choices=("c", "d", "e"), answer=2, subject="x"),
    )


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (
            "t.csv",
            'id,question,choices,answer,subject\nm,"What orbits, the Earth?","[""the Moon"", ""Mars""]",the Moon,space\n',
        ),
        (
            "t.CSV",
            "\ufeffid;question;A;B;answer;subject\r\nm;What orbits, the Earth?;the Moon;Mars;A;space\r\n",
        ),
        (
            "t.tsv",
            "id\tquestion\toption a\toption b\tanswer\tsubject\nm\tWhat orbits, the Earth?\tthe Moon\tMars\t0\tspace\n",
        ),
        ("t.jsonl", json.dumps(MOON.model_dump(exclude={"extra"})) + "\n"),
        ("t.json", json.dumps([MOON.model_dump(exclude={"extra"})])),
        (
            "t.json",
            json.dumps({"questions": [MOON.model_dump(exclude={"extra"}) | {"answer": "Mars"[:0] + "a"}]}),
        ),
    ],
)
def test_the_forms_of_one_question(name: str, data: str) -> None:
    preview = read_confined(data.encode(), name, LIMITS)
    assert (preview.questions, preview.problems) == ((MOON,), ())


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        (
            "t.csv",
            b"question,A,B,answer\n" + b"q,a,b,0\n" * 200_000,
            "t.csv has 200,000 rows; a set may have at most 20,000",
        ),
        ("t.jsonl", b"{}\n" * 200_000, "t.jsonl has 200,000 rows"),
        ("t.json", b"[" + b"{}," * 199_999 + b"{}]", "t.json has 200,000 rows"),
        ("t.csv", b'question,A,B,answer\n"q,a,b,0\n', "is not valid CSV"),
        ("t.csv", b"question,A,A,answer\nq,a,b,0\n", "t.csv has the column 'A' twice"),
        ("t.json", b"{}", "t.json must be a list of JSON objects"),
        ("t.json", b"[1]", "t.json must be a list of JSON objects"),
        ("t.json", b"[" * 100_000, "t.json is not valid JSON"),
        ("t.jsonl", b"nope\n", "t.jsonl, line 1 is not valid JSON"),
        ("t.xlsx", b"PK", "t.xlsx is not a readable zip archive"),
        ("t.doc", b"x", "t.doc is no file that can be imported; use .csv, .tsv"),
        ("t.xls", b"x", "t.xls is an old workbook"),
        ("t.xml", b"<questestinterop/>", "t.xml is QTI 1, which is not read"),
        ("t.xml", b"<html/>", "t.xml is XML of the kind 'html'"),
        ("t.parquet", b"PAR1 but nothing else", "t.parquet is no Parquet table"),
    ],
)
def test_a_file_of_no_use_is_one_sentence(name: str, data: bytes, says: str) -> None:
    with pytest.raises(TaskError) as refusal:
        read_confined(data, f"some/where/{name}", LIMITS)
    assert says in str(refusal.value)
    german.translated(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"question,answer\nq,0\n", "t.csv lacks the column choices (it has question, answer)"),
        (b"a,b\n1,2\n", "t.csv lacks the columns question, answer (it has a, b); a table needs"),
        (b"", "t.csv lacks the columns question, answer, choices (it has none)"),
    ],
)
def test_columns_that_are_missing_are_said_and_can_still_be_mapped(data: bytes, says: str) -> None:
    preview = read_confined(data, "some/where/t.csv", LIMITS)
    assert (preview.questions, len(preview.problems)) == ((), 1)
    assert says in preview.problems[0].sentence
    german.translated(preview.problems[0].sentence)
    with pytest.raises(TaskError, match=r"t\.csv lacks"):
        reading.accept_questions(preview, "t.csv", skip_broken=True)


def test_rows_that_cannot_be_read_and_rows_that_are_wrong_are_named() -> None:
    data = b"question,A,B,answer\nq,a,b,E\nq,a,b,2\nq,a,a,0\n,a,b,1\nq,a,,0\nq,a,b,\nq,a,b,0\nq,a,b,0\n"
    preview = read_confined(data, "t.csv", LIMITS, ReadOptions(answers_from=0))
    assert len(preview.questions) == 6
    assert [problem.sentence for problem in preview.problems] == [
        "Row 1: answer is 'E', which is no choice; use the right answer's letter, its text or its number.",
        "Row 6: it has no answer; say which choice is right.",
        "Row 2: gold is 2, but it has 2 choices (use 0–1).",
        "Row 3: choices A and B are the same ('a'). Change one.",
        "Row 4: the question is empty; write it or delete the row.",
        "Row 5: it has 1 choice; give it 2 to 26.",
    ]
    assert [german.translated(problem.sentence) for problem in preview.problems][:2] == [
        "Zeile 1: 'E' ist keine der Antworten; nehmen Sie Buchstabe, Text oder Nummer der richtigen.",
        "Zeile 6: Die richtige Antwort fehlt; geben Sie an, welche es ist.",
    ]
    assert [q.id for q in preview.sound] == ["q7", "q8"]
    with pytest.raises(TaskError, match=r"Row 1: .*\(5 more errors\) Mend it"):
        reading.accept_questions(preview, "t.csv", skip_broken=False)
    assert len(reading.accept_questions(preview, "t.csv", skip_broken=True)[0]) == 2


def test_a_number_that_is_a_choice_too_is_pointed_out() -> None:
    preview = read_confined(b"question,A,B,C,answer\nq,1,2,3,2\nq,0,1,2,0\nq,a,b,c,1", "t.csv", LIMITS)
    assert [question.answer for question in preview.questions] == [2, 0, 1]
    (problem,) = preview.problems
    assert (problem.severity, problem.code) == ("warning", "ambiguous_answer")
    assert problem.sentence.startswith(
        "Row 1: the answer is also the text of another choice; it is read as a place counted from 0"
    )
    german.translated(problem.sentence)


def test_jsonl_keeps_every_column() -> None:
    question = MOON.model_copy(update={"extra": {"level": 3, "tags": ["a"]}})
    assert read_confined(write_jsonl([question]), "t.jsonl", LIMITS).questions == (question,)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() != "" and text == text.strip()
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(TEXT, min_size=3, max_size=5, unique=True), min_size=1, max_size=4))
def test_csv_is_read_back(texts: list[list[str]]) -> None:
    questions = tuple(
        Question(
            id=f"id{n}", question=own[0], choices=tuple(own[1:]), answer=len(own) - 2, extra={"k": own[0]}
        )
        for n, own in enumerate(texts)
    )
    preview = read_confined(write_csv(questions), "t.csv", LIMITS)
    assert preview.questions == questions


def test_a_spreadsheet_runs_nothing_of_a_table_and_it_is_read_back() -> None:
    bad = '=HYPERLINK("http://127.0.0.1/x")'
    question = Question(
        id="@a", question=bad, choices=("-5", "+cmd|x", "'=1"), answer=1, subject="-s", extra={"=c": "\tx"}
    )
    table = write_csv([question])
    rows = list(csv.reader(io.StringIO(table.decode(), newline="")))
    assert rows[0][-1] == "'=c"
    assert rows[1] == ["'@a", f"'{bad}", "-5", "'+cmd|x", "''=1", "1", "'-s", "0", "'\tx"]
    assert read_confined(table, "t.csv", LIMITS).questions == (question,)


def test_what_the_set_has_already_is_marked_and_what_the_file_has_twice() -> None:
    data = "question,A,B,answer\nwhat  orbits, the earth?,x,y,A\n".replace("orbits, the", "orbits the")
    data += "Which?,b,a,A\nWHICH?,A,B,B\n"
    there = Question(id="w", question="Which?", choices=("A", "B"), answer=0)
    preview = read_confined(data.encode(), "t.csv", LIMITS)
    found = reading.find_duplicates(preview, [there])
    assert found == {"q2": "w of the set", "q3": "w of the set"}
    assert messages.duplicates_sentence(preview, found).startswith(
        "2 questions of the file are there already: Row 2 repeats w of the set"
    )
    assert reading.find_duplicates(preview, []) == {"q3": "Row 2"}
    german.translated(messages.duplicates_sentence(preview, found))
    assert messages.duplicates_sentence(preview, {}) == ""


def test_how_a_file_was_read_is_said() -> None:
    data = "Frage;Antwort A;Antwort B;Lösung;Thema;Bild\nWelches Maß?;Länge;Kraft;2;Physik;x\n".encode(
        "cp1252"
    )
    preview = read_confined(data, "t.csv", LIMITS)
    assert (preview.encoding, preview.separator, preview.answers_from) == ("cp1252", ";", 1)
    assert messages.format_summary(preview) == (
        "CSV, a semicolon between cells, cp1252, which is a guess: 1 question; answers that are numbers count from 1."
    )
    chosen = read_confined(data, "t.csv", LIMITS, ReadOptions(encoding="cp1252"))
    assert messages.format_summary(chosen).startswith("CSV, a semicolon between cells, cp1252: 1 question;")
    assert messages.mapping_summary(preview) == (
        "Columns: question = Frage, choice 1 = Antwort A, choice 2 = Antwort B, right answer = Lösung, "
        "subject = Thema. Kept as extra columns: Bild."
    )
    assert preview.problems[0].code == "answers_from_one"
    german.translated(preview.problems[0].sentence)
    question = Question(
        id="q1", question="Welches Maß?", choices=("Länge", "Kraft"), answer=1, subject="Physik"
    )
    assert preview.questions == (question.model_copy(update={"extra": {"Bild": "x"}}),)
    other = read_confined(
        data, "t.csv", LIMITS, ReadOptions(answers_from=0, roles={"Bild": "-", "Thema": "group"})
    )
    assert other.problems[0].sentence == "Row 1: gold is 2, but it has 2 choices (use 0–1)."
    assert (other.questions[0].group, other.questions[0].extra) == ("Physik", {})


def test_parquet() -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    table = arrow.table({"question": ["Why?"], "choices": [["a", "b"]], "answer": [0], "level": [7]})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    preview = read_confined(buffer.getvalue(), "t.parquet", LIMITS)
    assert (preview.kind, preview.problems) == ("parquet", ())
    assert preview.questions == (
        Question(id="q1", question="Why?", choices=("a", "b"), answer=0, extra={"level": 7}),
    )


def test_parquet_with_values_that_json_lacks() -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    def written(**more: list[Any]) -> bytes:
        table = arrow.table({"question": ["Why?"], "choices": [["a", "b"]], "answer": [0], **more})
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        return buffer.getvalue()

    data = written(
        day=[datetime.date(2026, 12, 3)],
        at=[{"x": datetime.datetime(2026, 12, 3, 8)}],
        price=[Decimal("1.50")],
        none=[float("nan")],
    )
    preview = read_confined(data, "t.parquet", LIMITS)
    assert preview.questions[0].extra == {
        "day": "2026-12-03",
        "at": {"x": "2026-12-03T08:00:00"},
        "price": "1.50",
    }
    with pytest.raises(TaskError, match="The column 'photo' holds bytes") as error:
        read_confined(written(photo=[b"x"]), "t.parquet", LIMITS)
    german.translated(error.value)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (ReadOptions(kind="doc"), "There is no format 'doc' to read"),
        (ReadOptions(encoding="rot13"), "There is no encoding 'rot13'"),
        (ReadOptions(encoding="utf-16"), "is not written in utf-16"),
        (ReadOptions(separator="x"), "cannot be read with 'x' between cells"),
        (
            ReadOptions(roles={"none": "question"}),
            "has no column 'none' to map; it has question, A, B, answer",
        ),
        (ReadOptions(roles={"A": "colour"}), "A column cannot be read as 'colour'"),
        (
            ReadOptions(roles={"A": "question", "question": "question"}),
            "Two columns of t.csv are mapped to question",
        ),
    ],
)
def test_what_is_meant_and_is_not_there_is_one_sentence(how: ReadOptions, says: str) -> None:
    with pytest.raises(TaskError) as refusal:
        read_confined(b"question,A,B,answer\nq,a,b,0\n.", "t.csv", LIMITS, how)
    assert says in str(refusal.value)
    german.translated(refusal.value)


def test_every_role_of_a_column_has_a_label_that_can_be_translated() -> None:
    for role in columns.ROLES:
        assert isinstance(messages.role_label(role), Sentence), role
    assert messages.role_label("choice_2") == "choice 2"
    assert messages.role_label("license") == "license"
