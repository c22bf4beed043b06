"""The app and its workers killed under editing and a run: the script that shows it, and that it sees what is lost."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from benchmarks import killed, kills
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.folder.files import write_task
from tests.support.short import IS_CI

KILLS = 2 if IS_CI else 3  # 50 by `make proof`


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    rng = random.Random(0)
    studio = kills.studio_of(tmp_path, "home")
    task = kills.make_set([f"w{n}" for n in range(500)], rng)
    write_task(task, tmp_path / "tasks" / "made", studio.settings.limits)
    collection.copy_set(studio.settings, "made", killed.SHARED)
    return studio


def test_an_acknowledged_edit_that_is_gone_is_seen(studio: Studio) -> None:
    rows, found = {0: killed.Row(saved="Who?", sent="Whom?"), 1: killed.Row()}, killed.Found()
    authoring.update_questions(studio.settings, killed.SHARED, {"q0": {"question": "Whom?"}})
    killed._look(studio, rows, found)
    assert found.sound  # what was under way may be there
    authoring.update_questions(studio.settings, killed.SHARED, {"q0": {"question": "What?"}})
    killed._look(studio, rows, found)
    assert (found.lost, found.sound) == (1, False)


def test_a_draft_that_is_gone_is_seen(studio: Studio) -> None:
    found = killed.Found()
    killed._look_at_draft(studio, killed.Row(saved="Half a thought", sent="Half a thought"), found)
    assert (found.lost, found.sound) == (1, False)


def test_what_is_left_behind_and_versions_that_do_not_open_are_seen(studio: Studio) -> None:
    authoring.update_questions(studio.settings, killed.SHARED, {"q0": {"question": "Whom?"}})
    sound = killed.Found()
    killed._last_look(studio, sound)
    assert sound.sound
    (studio.settings.home / "cache").mkdir(exist_ok=True)
    (studio.settings.home / "cache" / "x.part").write_text("half")
    found = killed.Found()
    killed._last_look(studio, found)
    assert found.left == 1


@pytest.mark.slow
def test_of_what_was_acknowledged_nothing_is_lost(tmp_path: Path) -> None:
    found = killed.kill(tmp_path, KILLS, random.Random(1), 2)
    assert found.sound, json.dumps(found.errors, indent=1)
    assert found.acknowledged
    assert found.drafts
