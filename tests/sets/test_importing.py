"""Tables in and out."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.importing import read_rows, write_csv
from e2lm_core.sets.rows import write_jsonl

LIMITS = Limits()
MOON = Question(
    id="m", question="What orbits, the Earth?", choices=("the Moon", "Mars"), answer=0, subject="space"
)


def test_one_column_a_choice() -> None:
    data = b"question,choice_1,choice_2,choice_3,answer,subject,level\nWhy?,a,b,,1,,7\nHow?,c,d,e,C,x,\n"
    preview = read_rows(data, "t.csv", LIMITS)
    assert preview.problems == ()
    assert preview.columns == ("question", "choice_1", "choice_2", "choice_3", "answer", "subject", "level")
    assert preview.questions == (
        Question(id="q1", question="Why?", choices=("a", "b"), answer=1, extra={"level": "7"}),
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
    preview = read_rows(data.encode(), name, LIMITS)
    assert (preview.questions, preview.problems) == ((MOON,), ())


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("t.csv", b"question,answer\nq,0\n", "t.csv lacks the column choices (it has question, answer)"),
        (
            "t.csv",
            b"a,b\n1,2\n",
            "t.csv lacks the columns question, answer, choices (it has a, b); a table needs",
        ),
        ("t.csv", b"", "t.csv lacks the columns question, answer, choices (it has none)"),
        (
            "t.csv",
            b"question,A,B,answer\ncaf\xe9,a,b,0\n",
            "t.csv is not UTF-8 (byte 0xe9 in line 2); save it",
        ),
        ("t.csv", "question,answer".encode("utf-16"), "t.csv is not UTF-8 (byte 0xff in line 1)"),
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
        ("t.xlsx", b"PK", "t.xlsx is no file that can be imported; use .csv, .tsv, .jsonl, .json, .parquet."),
    ],
)
def test_a_file_of_no_use_is_one_sentence(name: str, data: bytes, says: str) -> None:
    with pytest.raises(TaskError) as refusal:
        read_rows(data, f"some/where/{name}", LIMITS)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_rows_that_cannot_be_read_and_rows_that_are_wrong_are_named() -> None:
    data = b"question,A,B,answer\nq,a,b,E\nq,a,b,2\nq,a,a,0\n,a,b,1\nq,a,,0\nq,a,b,\n"
    preview = read_rows(data, "t.csv", LIMITS)
    assert len(preview.questions) == 4
    assert [problem.sentence for problem in preview.problems] == [
        "Row 1: answer is 'E'; use the right choice's index from 0, its letter or its text.",
        "Row 6: answer is ''; use the right choice's index from 0, its letter or its text.",
        "Question 1: gold is 2, but it has 2 choices (use 0–1).",
        "Question 2: choices 0 and 1 are equal ('a'); make them differ.",
        "Question 3: the question is empty; write it or delete the row.",
        "Question 4: it has 1 choice; give it 2 to 26.",
    ]


def test_a_number_that_is_a_choice_too_is_pointed_out() -> None:
    preview = read_rows(b"question,A,B,C,answer\nq,1,2,3,2\nq,0,1,2,2\n", "t.csv", LIMITS)
    assert [question.answer for question in preview.questions] == [2, 2]
    (problem,) = preview.problems
    assert (problem.severity, problem.code) == ("warning", "ambiguous_answer")
    assert problem.sentence.startswith(
        "Row 1: the answer is a number that is also the text of another choice"
    )


def test_jsonl_keeps_every_column() -> None:
    question = MOON.model_copy(update={"extra": {"level": 3, "tags": ["a"]}})
    assert read_rows(write_jsonl([question]), "t.jsonl", LIMITS).questions == (question,)


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
    preview = read_rows(write_csv(questions), "t.csv", LIMITS)
    assert preview.questions == questions


def test_a_spreadsheet_runs_nothing_of_a_table_and_it_is_read_back() -> None:
    bad = '=HYPERLINK("http://127.0.0.1/x")'
    question = Question(
        id="@a", question=bad, choices=("-5", "+cmd|x", "'=1"), answer=1, subject="-s", extra={"=c": "\tx"}
    )
    table = write_csv([question])
    rows = list(csv.reader(io.StringIO(table.decode(), newline="")))
    assert rows[0][-1] == "'=c"
    assert rows[1] == ["'@a", f"'{bad}", "-5", "'+cmd|x", "''=1", "1", "'-s", "'\tx"]
    assert read_rows(table, "t.csv", LIMITS).questions == (question,)
