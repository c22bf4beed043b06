"""Words of a history in German: of every action that the studio writes into one."""

from __future__ import annotations

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.editing import bulk_edit
from e2lm_core.ui.editor.version_words import action_words
from tests.support import studios
from tests.support.visits import OWN


@pytest.fixture(autouse=True)
def german(monkeypatch) -> None:
    monkeypatch.setenv("E2LM_LANGUAGE", "de")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("edit question q3", "Frage q3 geändert"),
        ("edit 2 questions", "2 Fragen geändert"),
        ("undo delete a question", "Rückgängig: eine Frage gelöscht"),
        ("redo shuffle the choices of 1 question", "Wiederholt: Antworten gemischt: 1 Frage"),
        ("replace 6 questions by 4", "6 Fragen durch 4 ersetzt"),
        ("open", "vor der ersten Änderung"),
        ("restore version 12", "Version 12 wiederhergestellt"),
        ("a name of a later studio", "a name of a later studio"),
    ],
)
def test_an_action_is_said_in_german(action: str, said: str) -> None:
    assert action_words(action) == said


def test_every_action_of_an_edit_is_known(tmp_path) -> None:
    settings: Settings = studios.settings(tmp_path, studios.fake_ladder(tmp_path / "ladder"))
    studios.write_example(settings)
    collection.copy_set(settings, "little", OWN)
    ids = [question.id for question in collection.open_set(settings, OWN).questions]
    bulk_edit.retag(settings, OWN, ids[:2], "physics")
    bulk_edit.duplicate(settings, OWN, ids[:1])
    bulk_edit.balance(settings, OWN, ids)
    authoring.change_title(settings, OWN, "Mine")
    authoring.delete_questions(settings, OWN, ids[:2])
    authoring.update_config(settings, OWN, description="Answer.")
    versions.undo(settings, OWN)
    kept = [version.action for version in versions.list_versions(settings, OWN)][1:]
    assert len(kept) > 5
    assert not [action for action in kept if action_words(action) == action]
