"""Questions as rows: each problem is named with its file and line."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.rows import parse_jsonl, to_questions, write_jsonl
from tests.support import german

LIMITS = Limits()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (b'{"question": "caf\xe9"}\n', "test.jsonl is not UTF-8 (byte 0xe9 in line 1); save it as UTF-8."),
        (b"\n{]\n", "test.jsonl, line 2 is not valid JSON"),
        (b'{"a": NaN}\n', "test.jsonl, line 1 is not valid JSON (NaN is not JSON)"),
        (b"[1]\n", "test.jsonl, line 1 is a list; each line must be one JSON object."),
        (b'{"question": "q"}\n', "test.jsonl, row 1 lacks choices and answer"),
        (b'{"question": 3, "choices": ["a", "b"], "answer": 0}\n', "question must be text, not a number"),
        (b'{"question": "q", "choices": "ab", "answer": 0}\n', "choices must be a list of texts"),
        (b'{"question": "q", "choices": ["a", 1], "answer": 0}\n', "choices must be a list of texts"),
        (
            b'{"question": "q", "choices": ["a", "b"], "answer": "A"}\n',
            "answer must be the right answer's index",
        ),
        (b'{"question": "q", "choices": ["a", "b"], "answer": true}\n', "index, from 0, not true or false"),
        (
            b'{"question": "q", "choices": ["a", "b"], "answer": 0, "subject": []}\n',
            "subject must be text, not a list",
        ),
        (
            b'{"question": "q", "choices": ["a", "b"], "answer": 0, "x": ' + b"[" * 99 + b"]" * 99 + b"}\n",
            "'x' is nested more than 16 levels",
        ),
        (b"[" * 100_000 + b"\n", "test.jsonl, line 1 is not valid JSON"),
        (b"{}\n" * 200_000, "test.jsonl has 200,000 rows; a set may have at most 20,000 questions"),
    ],
)
def test_rows_that_are_refused(rows: bytes, says: str) -> None:
    with pytest.raises(TaskError) as refusal:
        to_questions(parse_jsonl(rows, "test.jsonl", LIMITS), "test.jsonl", "q")
    assert says in str(refusal.value)
    german.translated(refusal.value)
    assert "\n" not in str(refusal.value)


def test_rows_are_read_back() -> None:
    question = Question(
        id="q", question="π?", choices=("a", "b"), answer=1, note="n", extra={"level": [1, {"x": None}]}
    )
    again = to_questions(parse_jsonl(write_jsonl([question]), "test.jsonl", LIMITS), "test.jsonl", "q")
    assert again == (question,)


def test_a_row_without_an_id_gets_a_free_one() -> None:
    row = {"question": "q", "choices": ["a", "b"], "answer": 0}
    assert [q.id for q in to_questions([row, row | {"id": "q1"}, row], "x", "q")] == ["q1_", "q1", "q3"]


def test_a_repeated_id_is_replaced_by_a_free_one() -> None:
    ids = ["a", "a_", "a", None, "q4", "a", 7, "7"]
    given = [{"id": i, "question": "Which?", "choices": ["x", "y"], "answer": 0} for i in ids]
    read = [question.id for question in to_questions(given, "a file", "q")]
    assert read == ["a", "a_", "a__", "q4_", "q4", "a___", "7", "7_"]
