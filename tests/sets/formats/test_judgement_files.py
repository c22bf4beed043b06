"""Files of judgements: rows of every format, hostile files within limits."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats import judgement_files
from tests.support import german

HEAD = b"id,judge,what,value,comment\n"


def rows(data, filename="x.csv", limits=None):
    return judgement_files.parse_file(data, filename, limits or Limits())


def test_texts_are_cleaned_and_values_are_read_as_their_names():
    (row,) = rows(HEAD + "q1, gpt\u202e\n,KEY,Wrong,<b>a</b>\n".replace("\n,", ",").encode())
    assert row == ("Row 1", "q1", "gpt", "key", "wrong", "<b>a</b>")
    (row,) = rows(b'{"id": 7, "judge": "m", "what": "scientific", "value": true, "comment": null}', "x.jsonl")
    assert row == ("Row 1", "7", "m", "scientific", "yes", "")
    (row,) = rows(b'[{"id": "q", "judge": {"a": 1}, "what": "difficulty", "value": 4.0}]', "x.json")
    assert row == ("Row 1", "q", "", "difficulty", "4", "")


def test_a_cell_that_was_guarded_against_formulas_is_read_without_its_guard():
    (row,) = rows(HEAD + b"q1,m,key,right,'=1+1\n")
    assert row.comment == "=1+1"


def test_too_many_rows_and_bytes_are_refused(monkeypatch):
    monkeypatch.setattr(judgement_files, "MAX_ROWS", 2)
    with pytest.raises(TaskError, match="3 rows; at most 2 are read") as refusal:
        rows(HEAD + b"q,m,key,right,\n" * 3)
    german.translated(refusal.value)
    with pytest.raises(TaskError, match="at most 10 bytes") as refusal:
        rows(HEAD, limits=Limits().model_copy(update={"max_file_bytes": 10}))
    german.translated(refusal.value)


@pytest.mark.parametrize("filename", ["x.csv", "x.tsv", "x.json", "x.jsonl"])
@pytest.mark.parametrize(
    "data", [b"\0" * 4000, b"[" * 50_000, b'"' * 9999, b"\xff\xfe\xfd", b"PK\x03\x04" * 99]
)
def test_hostile_files_end_in_a_sentence_or_in_no_rows(data, filename):
    said = ""
    try:
        found = judgement_files.read_confined(data, filename, Limits())
    except StudioError as refused:
        found, said = [], str(refused)
        german.translated(refused)
    assert found == []
    assert len(said) < 500
