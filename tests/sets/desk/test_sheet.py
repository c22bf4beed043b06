"""A set as a sheet, and an editor's cells read back as changes."""

from __future__ import annotations

import pandas as pd

from e2lm_core.base.records import Question
from e2lm_core.sets.desk import sheet
from tests.support import studios

QUESTIONS = (studios.question(1), studios.question(2, choices=("a", "b"), answer=1, note="check"))


def apply(questions: tuple[Question, ...], changes: dict[str, dict]) -> list[Question]:
    return [q.model_copy(update=changes.get(q.id, {})) for q in questions]


def test_one_row_a_question_and_a_column_a_choice() -> None:
    frame = sheet.to_frame(QUESTIONS, {"q1": True})
    assert list(frame.columns) == [
        *[
            "id",
            "question",
            "choice 0",
            "choice 1",
            "choice 2",
            "choice 3",
            "gold",
            "subject",
            "note",
            "taught",
        ]
    ]
    assert frame["choice 2"][0] == "4"
    assert frame["choice 2"].isna().tolist() == [False, True]
    assert frame["gold"].tolist() == [0, 1]
    assert frame["taught"].tolist() == [True, False]


def test_an_empty_set_has_its_columns() -> None:
    frame = sheet.to_frame(())
    assert len(frame) == 0
    assert "choice 3" in frame.columns
    assert "taught" not in frame.columns


def test_a_set_with_many_choices_has_a_column_for_each() -> None:
    wide = studios.question(1, choices=tuple("abcdef"))
    assert sheet.choice_columns([wide])[-1] == "choice 5"


def test_cells_become_fields_by_question_id() -> None:
    frame = sheet.to_frame(QUESTIONS)
    found = sheet.changes(
        frame,
        {
            0: {"question": "New?", "gold": 2, "subject": ""},
            1: {"choice 2": "c", "note": None},
        },
    )
    assert found == {
        "q1": {"question": "New?", "answer": 2, "subject": None},
        "q2": {"choices": ("a", "b", "c"), "note": None},
    }


def test_what_is_cleared_is_said_and_never_guessed() -> None:
    frame = sheet.to_frame(QUESTIONS)
    found = sheet.changes(frame, {0: {"question": None, "gold": None, "choice 1": "", "choice 3": pd.NA}})
    # an empty choice in between stays, so that gold keeps its meaning; one behind the last goes
    assert found == {"q1": {"question": "", "answer": -1, "choices": ("2", "", "4")}}


def test_the_same_cells_twice_are_as_once() -> None:
    frame = sheet.to_frame(QUESTIONS)
    cells = {1: {"choice 0": "x", "gold": 0.0}}
    once = apply(QUESTIONS, sheet.changes(frame, cells))
    assert apply(tuple(once), sheet.changes(frame, cells)) == once
    assert once[1].choices == ("x", "b")


def test_nothing_edited_changes_nothing() -> None:
    assert sheet.changes(sheet.to_frame(QUESTIONS), {}) == {}
    assert sheet.changes(sheet.to_frame(QUESTIONS), {0: {}}) == {}
