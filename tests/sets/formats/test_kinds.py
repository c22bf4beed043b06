"""Which format a file is."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats import writing
from e2lm_core.sets.formats.kinds import detect_format
from e2lm_core.sets.formats.reading import parse_file
from tests.support import german

TEXTS = {
    "json": '[{"question": "q"}]',
    "jsonl": '{"question": "q"}\n{"question": "r"}\n',
    "gift": "// of today\n::q1:: Why? {\n=a\n~b\n}\n",
    "aiken": "Why?\nA) a\nB) b\nANSWER: A\n",
    "markdown": "1. Why?\n   - [x] a\n   - [ ] b\n",
    "tsv": "Why?\ta\tb\tA\n",
    "csv": "question;A;B;answer\nWhy?;a;b;A\n",
    "moodle": "<?xml version='1.0'?>\n<quiz></quiz>",
    "qti": '<qti-assessment-item xmlns="x"/>',
}


@pytest.mark.parametrize("kind", TEXTS)
def test_pasted_text_is_known_by_what_stands_in_it(kind: str) -> None:
    assert detect_format(TEXTS[kind].encode(), "") == kind
    assert detect_format(TEXTS[kind].encode(), "quiz.txt") == kind


def test_a_files_name_tells_and_its_first_bytes_tell_better() -> None:
    for name, kind in {
        "a.CSV": "csv",
        "a.tab": "tsv",
        "a.ndjson": "jsonl",
        "a.md": "markdown",
        "a.gift": "gift",
    }.items():
        assert detect_format(b"x", name) == kind
    assert detect_format(b'{\n"questions": []\n}', "") == "json"
    assert detect_format(b"PAR1", "a.csv") == "parquet"
    assert detect_format(b"PK\3\4 [Content_Types].xml xl/workbook.xml", "a.zip") == "xlsx"
    assert detect_format(b"PK\3\4 imsmanifest.xml", "a.zip") == "qti"
    assert detect_format(TEXTS["qti"].encode("utf-16"), "a.xml") == "qti"


def test_what_is_none_of_them_is_said() -> None:
    for data, name, says in (
        (b"x", "notes.docx", r"notes.docx is no file that can be imported; use .csv"),
        (b"<", "a.xml", r"is not valid XML"),
        (b"<!DOCTYPE quiz [<!ENTITY a 'b'>]><quiz/>", "a.xml", r"declares a document type"),
    ):
        with pytest.raises(TaskError, match=says) as refusal:
            detect_format(data, name)
        german.translated(refusal.value)


@pytest.mark.parametrize(
    "begins", ["{x} is", "<b> is", "::title:: is", "[1] is", "{=a ~b} is", "<?xml is", '{"a": 1} is']
)
def test_an_aiken_file_is_one_whatever_its_first_question_begins_with(begins: str) -> None:
    questions = [
        Question(id="q1", question=f"{begins} what?", choices=("a mark", "a word"), answer=1),
        Question(id="q2", question="Why?", choices=("a", "b"), answer=0),
    ]
    data = writing.write_questions(questions, "aiken")
    assert detect_format(data, "t.txt") == "aiken"
    read = parse_file(data, "t.txt", Limits())
    assert [(q.question, q.choices, q.answer) for q in read.questions] == [
        (q.question, q.choices, q.answer) for q in questions
    ]
