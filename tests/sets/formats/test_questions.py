"""Rows as questions: answers in every way in which they are written."""

from __future__ import annotations

import io
import json

import openpyxl
import pyarrow
import pyarrow.parquet as parquet
import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats import answers, writing
from e2lm_core.sets.formats.columns import COUNTED
from e2lm_core.sets.formats.questions import UNCLEAR
from e2lm_core.sets.formats.reading import accept_questions, parse_file
from e2lm_core.sets.formats.records import ReadOptions
from e2lm_core.sets.formats.tables import parquet as parquet_table
from tests.support import german

LIMITS = Limits()


def golds(table: str, how: ReadOptions | None = None, name: str = "t.csv") -> list[int]:
    read = parse_file(table.encode(), name, LIMITS, how)
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


HEAD = "question,A,B,C,answer\n"


def test_numbers_count_from_what_fits_the_whole_column() -> None:
    assert golds(HEAD + "q,a,b,c,1\nr,a,b,c,3\n") == [0, 2]
    assert golds(HEAD + "q,a,b,c,1\nr,a,b,c,0\n") == [1, 0]
    assert golds(HEAD + "2+2?,3,4,5,4\n3+3?,6,7,9,6\n") == [1, 0]
    assert golds(HEAD + "q,a,b,c,1\nr,a,b,,2\n") == [0, 1], "the last of a row with fewer choices"


def asks(table: str, name: str = "t.csv") -> str:
    """The sentence that asks what numbers mean; nothing of the file is a question then."""
    read = parse_file(table.encode() if isinstance(table, str) else table, name, LIMITS)
    assert not read.questions
    assert len(read.readings) > 1
    assert read.problems[0].code == UNCLEAR
    for skip in (True, False):
        with pytest.raises(TaskError, match="--answers-from"):
            accept_questions(read, name, skip)
    german.translated(read.problems[0].sentence)
    return read.problems[0].sentence


def test_numbers_that_nothing_decides_are_asked_for() -> None:
    table = HEAD + "q,a,b,c,1\nr,d,e,f,2\n"
    assert asks(table) == (
        'Is "1" the first choice or the second? In Row 1 the answer 1 is "a" if it is the first and "b" if it is the second.'
    )
    assert asks(HEAD + "q,a,b,c,1\n")
    assert golds(table, ReadOptions(answers_from=1)) == [0, 1]
    assert golds(table, ReadOptions(answers_from=0)) == [1, 2]
    said = (
        r"t.csv: Is .1. the first .* second. Say it with --answers-from 1 \(the first\) or 0 \(the second\)."
    )
    with pytest.raises(TaskError, match=said):
        accept_questions(parse_file(table.encode(), "t.csv", LIMITS), "t.csv", False)


def test_numbers_that_contradict_each_other_are_asked_for() -> None:
    table = HEAD + "q,a,b,c,0\nr,a,b,c,3\ns,a,b,c,1\n"
    assert asks(table) == (
        'Is "1" the first choice or the second? The answer 3 of Row 2 fits only if it is the first, '
        "the answer 0 of Row 1 only if it is the second."
    )
    read = parse_file(table.encode(), "t.csv", LIMITS, ReadOptions(answers_from=0))
    assert read.problems[0].sentence == "Row 2: gold is 3, but it has 3 choices (use 0–2)."
    beyond = parse_file((HEAD + "q,a,b,c,0\nr,a,b,c,17\n").encode(), "t.csv", LIMITS)
    assert (beyond.readings, len(beyond.errors)) == ((), 1)


@pytest.mark.parametrize(
    ("names", "base"),
    [
        ("Option 1,Option 2,Option 3", 1),
        ("choice1,choice2,choice3", 1),
        ("1,2,3", 1),
        ("Option 0,Option 1,Option 2", 0),
        ("option_a,option_b,option_c", None),
        ("choice_1,choice_2,choice_3", None),
    ],
)
def test_names_of_the_choices_decide_where_rows_do_not(names: str, base: int | None) -> None:
    table = f"question,{names},answer\nq,a,b,c,1\nr,d,e,f,2\n"
    if base is None:
        assert asks(table)
        return
    assert golds(table) == [1 - base, 2 - base]
    assert golds(table + "s,g,h,i,0\n") == [1, 2, 0], "a 0 counts from 0 whatever the names are"


def test_numbers_that_are_the_text_of_a_choice_in_every_row() -> None:
    assert golds(HEAD + "1+2?,3,4,7,7\n2+2?,3,4,5,4\n") == [2, 1]
    assert golds(HEAD + "1+2?,3,4,5,3\n2+2?,x,2,y,2\ncapital?,Rome,Bonn,x,Bonn\n") == [0, 1, 1]
    assert golds("question,A,B,C,answer\nq,0,1,2,0\nr,0,1,2,1\n") == [0, 1], "both readings are one"
    table = "question,A,B,C,D,answer\n1+2?,2,3,4,5,3\n1+1?,2,0,7,1,2\n"
    assert asks(table) == (
        'Is "3" a choice\'s text or its number? In Row 1 it is "3" as a text, "4" counted from 1, "5" counted from 0.'
    )
    assert golds(table, ReadOptions(answers_from="text")) == [1, 0]
    assert golds(table, ReadOptions(answers_from=1)) == [2, 1]
    workbook = openpyxl.Workbook()
    for line in (["question", "A", "B", "C", "answer"], ["1+2?", 3, 4, 7, 7], ["2+2?", 3, 4.0, 5, 4]):
        workbook.active.append(line)
    buffer = io.BytesIO()
    workbook.save(buffer)
    assert [q.answer for q in parse_file(buffer.getvalue(), "t.xlsx", LIMITS).questions] == [2, 1]


def test_wrong_choices_by_their_name_leave_a_number_as_a_text() -> None:
    sciq = "question,distractor1,distractor2,correct_answer\n1+1?,1,3,2\n"
    read = parse_file(sciq.encode(), "t.csv", LIMITS)
    assert (read.questions[0].choices, read.questions[0].answer) == (("2", "1", "3"), 0)


@pytest.mark.parametrize(
    "row",
    [
        {"question": "q", "choices": ["a", "b", "c"], "answer": 1},
        {"id": "x", "question": "q", "choices": ["a", "b", "c"], "answer": 1},
        {"context": "c", "question": "q", "answerA": "a", "answerB": "b", "answerC": "c", "label": "1"},
        {"question": "q", "opa": "a", "opb": "b", "opc": "c", "opd": "d", "cop": 2},
    ],
)
def test_rows_of_json_are_asked_for_too(row: dict[str, object]) -> None:
    assert asks(json.dumps(row), "t.jsonl")
    assert asks(json.dumps([row]), "t.json")
    answer = next(name for name in ("answer", "label", "cop") if name in row)
    last = sum(isinstance(v, str) and v in "abcd" for v in row.values()) - ("context" in row) or 3
    told = [row, row | {"id": "y", answer: type(row[answer])(last)}]
    assert golds("\n".join(map(json.dumps, told)), name="t.jsonl")[1] == last - 1
    told = [row, row | {"id": "y", answer: type(row[answer])(0)}]
    assert golds("\n".join(map(json.dumps, told)), name="t.jsonl")[1] == 0


OWN = (
    Question(id="a", question="one", choices=("x", "y", "z"), answer=1, extra={"k": "v"}),
    Question(id="b", question="two", choices=("2", "1", "z"), answer=2, subject="s"),
)


@pytest.mark.parametrize("questions", [OWN[:1], OWN[1:], OWN], ids=["one", "a number as a choice", "both"])
@pytest.mark.parametrize("kind", writing.FORMS)
def test_downloads_come_back_without_a_question(kind: str, questions: tuple[Question, ...]) -> None:
    read = parse_file(writing.write_questions(questions, kind), f"t{writing.FORMS[kind].end}", LIMITS)
    assert [(q.question, q.choices, q.answer) for q in read.questions] == [
        (q.question, q.choices, q.answer) for q in questions
    ]
    if writing.FORMS[kind].holds is None:
        assert read.questions == questions
        assert not writing.lost_content(questions, kind)


@pytest.mark.parametrize("questions", [OWN[:1], OWN[1:], OWN], ids=["one", "a number as a choice", "both"])
def test_a_published_table_comes_back_and_its_columns_do_not_depend_on_its_answers(
    questions: tuple[Question, ...],
) -> None:
    data = parquet_table.write(questions)
    assert parse_file(data, "t.parquet", LIMITS).questions == questions
    assert COUNTED not in parquet.read_schema(pyarrow.BufferReader(data)).names


def test_a_column_says_what_numbers_count_from() -> None:
    assert golds("question,A,B,answer,answers_from\nq,a,b,1,1\n") == [0]
    assert golds("question,A,B,answer,answers_from\nq,a,b,1,0\n") == [1]
    read = parse_file(b"question,A,B,answer,answers_from\nq,a,b,B,7\n", "t.csv", LIMITS)
    assert read.questions[0].extra == {"answers_from": "7"}


def test_a_column_of_letters_means_letters_even_where_a_choice_is_one() -> None:
    head = "question,A,B,C,answer\n"
    assert golds(head + "Which letter is reactance?,Z,X,B,B\nr,a,b,c,C\n") == [1, 2]
    both = parse_file((head + "Which letter is reactance?,Z,X,B,B\n").encode(), "t.csv", LIMITS)
    assert both.problems[0].sentence == (
        "Row 1: its answer 'B' is the letter of one choice and the text of another; write both, as in \"C. B\"."
    )
    german.translated(both.problems[0].sentence)
    assert golds(head + "Which letter is reactance?,Z,X,B,C. B\n") == [2]
    assert golds(head + "Which letter is first?,A,B,C,B\n") == [1]
    read = parse_file((head + "q,Z,X,B,B\nr,a,b,c,C\n").encode(), "t.csv", LIMITS)
    assert read.problems[0].sentence.startswith(
        "Row 1: the answer is also the text of another choice; it is read as a"
    )
    german.translated(read.problems[0].sentence)


def test_choices_of_public_data_sets() -> None:
    arc = {"question": "q", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}
    assert golds(json.dumps(arc), name="t.jsonl") == [1]
    stem = {"stem": "q", "choices": [{"text": "x", "label": "1"}, {"text": "y", "label": "2"}]}
    read = parse_file(json.dumps({"id": "a", "question": stem, "answerKey": "1"}).encode(), "t.jsonl", LIMITS)
    assert [(q.question, q.choices, q.answer, q.extra) for q in read.questions] == [("q", ("x", "y"), 0, {})]
    keyed = {"question": "q", "choices": {"1": "x", "2": "y", "3": "z"}, "answer": 2}
    assert golds(json.dumps(keyed), name="t.jsonl") == [1]
    sciq = "question,distractor1,distractor2,correct_answer\nq,x,y,z\n"
    read = parse_file(sciq.encode(), "t.csv", LIMITS)
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
    read = parse_file(f"question,A,B,answer\n{row}\nr,a,b,A\n".encode(), "t.csv", LIMITS)
    assert says in read.errors[0].sentence
    german.translated(read.errors[0].sentence)
    assert [q.question for q in read.sound] == ["r"]


def test_rows_keep_their_numbers_where_some_are_empty() -> None:
    read = parse_file(b"question,A,B,answer\nq,a,b,A\n,,,\n\nr,a,b,X\n", "t.csv", LIMITS)
    assert read.rows == ("Row 1",)
    assert read.errors[0].sentence.startswith("Row 4: answer is 'X'")


def test_what_a_number_is() -> None:
    assert [answers.whole_number(v) for v in (2, 2.0, " 2 ", "-1")] == [2, 2, 2, -1]
    assert [answers.whole_number(v) for v in (True, 2.5, "2.0", "²", None, 1e300)] == [None] * 6
    assert answers.detect_encoding([]).numbers is None


def test_of_two_rows_with_one_id_the_first_is_sound() -> None:
    read = parse_file(b"id,question,A,B,answer\nx1,q,a,b,A\nx1,r,a,b,B\nx2,s,a,b,C\n", "t.csv", LIMITS)
    assert [q.question for q in read.sound] == ["q"]
    other = parse_file(b"id,question,A,B,answer\nx1,q,a,a,A\nx1,r,a,b,B\nx3,s,a,b,B\n", "t.csv", LIMITS)
    assert [q.question for q in other.sound] == ["s"]  # row 2 is left out with its own reason


def test_a_number_that_is_no_place_is_a_text_or_refused_in_its_own_count() -> None:
    rows = "q,6,9,12,3,9\nr,a,b,c,d,4\ns,a,b,c,d,1\nt,a,b,c,d,7\n"
    read = parse_file(f"question,A,B,C,D,answer\n{rows}".encode(), "t.csv", LIMITS)
    assert [(q.question, q.answer) for q in read.questions] == [("q", 1), ("r", 3), ("s", 0)]
    (problem,) = read.errors
    assert problem.sentence == "Row 4: its answer is 7, but it has 4 choices (use 1–4)."
    german.translated(problem.sentence)


def test_blanks_around_choices_are_kept_and_named() -> None:
    text = 'question,A,B,answer\nq," a",b,A\nr,a,b,B\ns,a,"b ",B\n'
    read = parse_file(text.encode(), "t.csv", LIMITS)
    assert [q.choices[0] for q in read.sound] == [" a", "a", "a"]
    (problem,) = read.problems
    assert problem.sentence == (
        "Row 1 (and in 1 more row): a choice begins or ends with a blank, which changes the models' answers; remove it."
    )
    german.translated(problem.sentence)


def test_the_question_about_numbers_shows_a_row_that_decides() -> None:
    rows = "q,6,9,12,3,99\nr,a,b,c,d,2\ns,a,b,c,d,3\n"
    read = parse_file(f"question,A,B,C,D,answer\n{rows}".encode(), "t.csv", LIMITS)
    assert read.readings == (1, 0)
    assert 'In Row 2 the answer 2 is "b" if it is the first' in read.problems[0].sentence


def test_labels_in_another_case_and_of_another_number() -> None:
    choices = [{"text": "gold", "label": "c"}, {"text": "iron", "label": "a"}, {"text": "tin", "label": "b"}]
    assert golds(json.dumps({"question": "q", "choices": choices, "answer": "A"}), name="t.jsonl") == [1]
    few = {"question": "q", "choices": {"text": ["x", "y", "z"], "label": ["A", "B"]}, "answer": "A"}
    (problem,) = parse_file(json.dumps(few).encode(), "t.jsonl", LIMITS).errors
    assert problem.sentence == "Row 1: its choices have 3 texts and 2 labels; give each text its own."
    german.translated(problem.sentence)


def test_a_wrong_answer_that_equals_the_right_one_is_an_error() -> None:
    read = parse_file(b"question,distractor1,distractor2,correct_answer\nq,x,z,z\n", "t.csv", LIMITS)
    assert read.errors[0].sentence == "Row 1: choices A and C are the same ('z'). Change one."
