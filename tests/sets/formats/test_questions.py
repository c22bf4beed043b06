"""Rows as questions: answers in every way in which they are written."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats import answers
from e2lm_core.sets.formats.reading import parse
from e2lm_core.sets.formats.records import How

LIMITS = Limits()


def golds(table: str, how: How | None = None, name: str = "t.csv") -> list[int]:
    read = parse(table.encode(), name, LIMITS, how)
    assert not read.errors, read.errors
    return [q.answer for q in read.questions]


@pytest.mark.parametrize(
    ("given", "gold"),
    [
        ("B", 1),
        ("b", 1),
        ("(b)", 1),
        ("B.", 1),
        ("iron", 1),
        (" IRON ", 1),
        ("B. iron", 1),
        ("1", 1),
        ("b) Iron", 1),
    ],
)
def test_an_answer_is_a_letter_a_text_or_a_number(given: str, gold: int) -> None:
    assert golds(f"question,A,B,C,answer\nq,gold,iron,b,{given}\nr,x,y,z,0\n".replace("b,(b", "d,(b")) == [
        2 if given == "b" else gold,
        0,
    ]


def test_numbers_count_from_what_fits_the_whole_column() -> None:
    head = "question,A,B,C,answer\n"
    assert golds(head + "q,a,b,c,1\nr,a,b,c,3\n") == [0, 2]
    assert golds(head + "q,a,b,c,1\nr,a,b,c,0\n") == [1, 0]
    assert golds(head + "q,a,b,c,1\nr,a,b,c,2\n") == [1, 2]
    assert golds(head + "q,a,b,c,1\nr,a,b,c,2\n", How(answers_from=1)) == [0, 1]
    assert golds(head + "2+2?,3,4,5,4\n3+3?,6,7,9,6\n") == [1, 0]
    read = parse((head + "q,a,b,c,1\n" * 2 + "r,x,y,z,2\ns,x,b,z,2\n").encode(), "t.csv", LIMITS)
    assert "say it where they count from 1" in read.problems[0].sentence


def test_a_column_of_letters_means_letters_even_where_a_choice_is_one() -> None:
    head = "question,A,B,C,answer\n"
    assert golds(head + "Which letter is reactance?,Z,X,B,B\nr,a,b,c,C\n") == [1, 2]
    assert golds(head + "Which letter is reactance?,Z,X,B,B\n") == [2]
    read = parse((head + "q,Z,X,B,B\nr,a,b,c,C\n").encode(), "t.csv", LIMITS)
    assert read.problems[0].sentence.startswith(
        "Row 1: the answer is also the text of another choice; it is read as a"
    )


def test_rows_of_json_count_from_0_as_the_format_says() -> None:
    row = {"question": "q", "choices": ["a", "b"], "answer": 2}
    read = parse(json.dumps(row).encode(), "t.jsonl", LIMITS)
    assert read.problems[0].sentence == "Row 1: gold is 2, but it has 2 choices (use 0–1)."
    other = {"question": "q", "choices": ["a", "b"], "label": 2}
    assert golds(json.dumps(other), name="t.jsonl") == [1]


def test_choices_of_public_data_sets() -> None:
    arc = {"question": "q", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}
    assert golds(json.dumps(arc), name="t.jsonl") == [1]
    sciq = "question,distractor1,distractor2,correct_answer\nq,x,y,z\n"
    read = parse(sciq.encode(), "t.csv", LIMITS)
    assert (read.questions[0].choices, read.questions[0].answer) == (("z", "x", "y"), 0)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("q,a,b,", "Row 1: it has no answer; say which choice is right."),
        ("q,a,b,A and B", "Row 1: its answer is 'A and B', which is more than one choice"),
        ("q,a,b,c", "Row 1: answer is 'c', which is no choice"),
        (",a,b,A", "Row 1: the question is empty"),
    ],
)
def test_a_row_that_is_none_is_named_with_its_reason(row: str, says: str) -> None:
    read = parse(f"question,A,B,answer\n{row}\nr,a,b,A\n".encode(), "t.csv", LIMITS)
    assert says in read.errors[0].sentence
    assert [q.question for q in read.sound] == ["r"]


def test_rows_keep_their_numbers_where_some_are_empty() -> None:
    read = parse(b"question,A,B,answer\nq,a,b,A\n,,,\n\nr,a,b,X\n", "t.csv", LIMITS)
    assert read.rows == ("Row 1",)
    assert read.errors[0].sentence.startswith("Row 4: answer is 'X'")


def test_what_a_number_is() -> None:
    assert [answers.number_of(v) for v in (2, 2.0, " 2 ", "-1")] == [2, 2, 2, -1]
    assert [answers.number_of(v) for v in (True, 2.5, "2.0", "²", None, 1e300)] == [None] * 6
    assert answers.meaning([]).numbers is None
