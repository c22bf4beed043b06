"""Two people edit one question: all pairs of ten kinds of edit as requests, ten of them in two real browsers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.people import pairs
from benchmarks.people.pairs import Case, asked, edit, faults
from e2lm_core.base.settings import Settings

IN_A_BROWSER = (
    ("mark", "reorder"),
    ("mark", "shuffle"),
    ("mark", "remove"),
    ("mark", "reword"),
    ("mark", "add"),
    ("mark", "replace"),
    ("mark", "mark"),
    ("text", "text"),
    ("reorder", "reword"),
    ("subject", "delete"),
)


def test_there_are_fifty_five_pairs_of_ten_kinds() -> None:
    assert (len(pairs.KINDS), len(pairs.PAIRS), len(set(pairs.PAIRS))) == (10, 55, 55)
    assert len(set(pairs.cases())) == 2 * (2 * 45 + 10)


def test_after_no_pair_is_another_text_right_or_an_edit_lost(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)  # thousands of them, and nobody pulls the plug
    home = Settings(home=tmp_path)
    found = {case: pairs.by_services(home, f"set{n}", case) for n, case in enumerate(pairs.cases())}
    assert not {str(case): wrong for case, wrong in found.items() if wrong}


@pytest.mark.parametrize(
    ("first", "second", "saved", "changes", "said"),
    [
        ("mark", "reorder", True, {"choices": ("alder", "cedar", "birch", "dogwood"), "answer": 2}, "lost"),
        ("reorder", "mark", True, {"choices": ("alder", "cedar", "birch", "dogwood"), "answer": 3}, "nobody"),
        ("text", "subject", True, {"question": "Which tree has number 0001? (Ada)"}, "subject of subject is lost"),
        ("reword", "reword", False, {"choices": ("alder", "birch", "cedar of Ada", "dogwood")}, "no draft"),
        ("add", "remove", False, {"choices": ("alder", "birch", "cedar", "dogwood")}, "a new choice of add"),
        ("reorder", "text", False, {}, "the order of reorder is lost"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(first: str, second: str, saved: bool, changes: dict, said: str) -> None:
    was = asked(1)
    edits = edit(first, was, "Ada"), edit(second, was, "Bob", first == second)
    assert said in "; ".join(faults(*edits, False, saved, was.model_copy(update=changes), False))


def test_a_deletion_of_an_edited_question_is_found() -> None:
    edits = edit("text", asked(1), "Ada"), edit("delete", asked(1), "Bob")
    assert faults(*edits, False, True, None, False) == ["all of text is lost"]
    assert faults(*edits, True, True, None, False) == []


@pytest.mark.slow
def test_two_browsers_lose_nothing_and_mark_no_other_text(chromium, tmp_path: Path) -> None:
    wanted = [Case(*pair, online=False) for pair in IN_A_BROWSER]
    found = pairs.swept(chromium, tmp_path / "home", [*wanted, Case("shuffle", "mark", online=True)])
    assert not {str(case): wrong for case, wrong in found.items() if wrong}
