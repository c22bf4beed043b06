"""What a question was written with, as a column that goes with the set."""

from __future__ import annotations

from e2lm_core.sets.written_with import MAX_NAME, WRITTEN_WITH, add_note, writers
from tests.support import studios


def test_notes_add_up_and_each_stands_once() -> None:
    extra = add_note({"other": 1}, "choice B proposed", "m")
    extra = add_note(add_note(extra, "question in other words", "n"), "choice B proposed", "m")
    assert extra == {"other": 1, WRITTEN_WITH: "choice B proposed by m; question in other words by n"}


def test_questions_are_counted_by_whose_proposal_they_have() -> None:
    notes = (
        "choice B proposed by m; choice C proposed by m",
        "question in other words by n; choice A proposed by m",
    )
    made = [studios.question(k, extra={WRITTEN_WITH: note}) for k, note in enumerate(notes)]
    assert writers([*made, studios.question(9)]) == {"m": 2, "n": 1}


def test_anything_may_stand_in_the_column_of_a_file() -> None:
    odd = [
        studios.question(k, extra={WRITTEN_WITH: value})
        for k, value in enumerate(("x" * 10**5, 7, None, [1], ""))
    ]
    found = writers(odd)
    assert sum(found.values()) == 3
    assert all(len(name) <= MAX_NAME for name in found)
