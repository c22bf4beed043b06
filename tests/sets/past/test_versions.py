"""Undo and redo walk through the edits of a set, and any kept state opens by its number."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions


def test_undo_and_redo_walk_through_every_edit(here: Settings) -> None:
    states = [collection.open_set(here, "mine")]
    states += [
        authoring.update_questions(here, "mine", {f"q{n}": {"question": f"New {n}?"}}) for n in (1, 2, 3)
    ]
    for state in states[-2::-1]:
        assert versions.undo(here, "mine") == state == collection.open_set(here, "mine")
    with pytest.raises(StudioError, match="nothing to undo"):
        versions.undo(here, "mine")
    for state in states[1:]:
        assert versions.redo(here, "mine") == state == collection.open_set(here, "mine")
    with pytest.raises(StudioError, match="nothing to redo"):
        versions.redo(here, "mine")


def test_an_edit_after_undo_drops_what_was_undone(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    versions.undo(here, "mine")
    authoring.update_questions(here, "mine", {"q2": {"question": "Two?"}})
    assert versions.undoable(here, "mine") == ("edit question q2", None)


def test_undo_outlives_the_session(here: Settings) -> None:
    authoring.delete_questions(here, "mine", ["q1"])
    later = Settings(home=here.home, tasks=here.tasks, ladder=here.ladder)
    assert versions.undoable(later, "mine") == ("delete a question", None)
    assert len(versions.undo(later, "mine").questions) == 6


def test_versions_are_listed_and_opened(here: Settings) -> None:
    assert versions.list_versions(here, "mine") == []
    with pytest.raises(TaskError, match="never edited"):
        versions.open_version(here, "mine", 0)
    before = collection.open_set(here, "mine")
    authoring.update_questions(here, "mine", {"q1": {"question": "What is one and one?"}})
    assert [(v.number, v.action, v.shown) for v in versions.list_versions(here, "mine")] == [
        (0, "open", False),
        (1, "edit question q1", True),
    ]
    assert versions.open_version(here, "mine", 0) == before
    with pytest.raises(TaskError, match="it has 0 to 1"):
        versions.open_version(here, "mine", 7)
