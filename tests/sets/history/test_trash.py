"""Deleted sets: none takes another's place, and a kill between the set and its history parts them for good in no case."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.history.journal import Journal
from tests.support import studios


def deleted(settings: Settings, note: str) -> None:
    if not (settings.sets / "mine").exists():
        collection.create_set(settings, "mine", studios.task().questions)
    authoring.update_questions(settings, "mine", {"q1": {"note": note}})
    collection.delete_set(settings, "mine")


def note(settings: Settings) -> str | None:
    return collection.open_set(settings, "mine").questions[0].note


def test_deleting_twice_keeps_both_and_restoring_takes_the_newest(here: Settings) -> None:
    deleted(here, "first")
    deleted(here, "second")
    assert collection.deleted_sets(here) == ["mine"]
    second, first = collection.list_deleted(here)
    assert second.at > first.at
    assert abs((datetime.now(UTC) - datetime.fromisoformat(second.at)).total_seconds()) < 60
    collection.restore_set(here, "mine")
    assert note(here) == "second"
    assert versions.undo(here, "mine").questions[0].note is None
    collection.delete_set(here, "mine")
    collection.restore_set(here, "mine", first.at)
    assert note(here) == "first"
    with pytest.raises(TaskError, match="no deleted set"):
        collection.restore_set(here, "mine", "2020-01-01T00:00:00.000Z")
    assert [gone.name for gone in collection.list_deleted(here)] == ["mine"]


@pytest.mark.parametrize("then", ["restored", "made anew"])
def test_a_history_that_a_kill_left_behind_goes_to_its_set(here: Settings, monkeypatch, then: str) -> None:
    monkeypatch.setattr(Journal, "move", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        deleted(here, "mine")
    monkeypatch.undo()
    if then == "made anew":
        collection.create_set(here, "mine")
        assert versions.list_versions(here, "mine") == []
        collection.rename_set(here, "mine", "other")
    collection.restore_set(here, "mine")
    assert (note(here), versions.available_undo(here, "mine")[0]) == ("mine", "edit question q1")


def test_a_restoring_that_a_kill_cut_short_is_done_again(here: Settings, monkeypatch) -> None:
    deleted(here, "mine")
    move = Journal.move

    def killed(log: Journal, folder: Path) -> None:
        move(log, folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        collection.restore_set(here, "mine")
    monkeypatch.undo()
    collection.restore_set(here, "mine")
    assert (note(here), versions.available_undo(here, "mine")[0]) == ("mine", "edit question q1")
    assert collection.list_deleted(here) == []
