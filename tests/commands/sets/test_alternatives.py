"""`question alternatives`."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection, versions
from tests.commands.conftest import Cli
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path, ladder: Path) -> Settings:
    """A home over real, tiny models, with an own set that was run."""
    settings = studios.settings(tmp_path, ladder=ladder)
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    studio = open_studio(settings)
    evaluate.evaluate(studio, collection.open_set(settings, "mine"), studio.catalogue.checkpoints)
    studio.store.database.close()
    return settings


def test_texts_are_tried_and_one_is_taken(call: Cli, here: Settings) -> None:
    question = collection.open_set(here, "mine").questions[0]
    place = (question.answer + 1) % 4
    asked = ("question", "alternatives", "mine", question.id, "--choice", "abcd"[place])
    document = call(*asked, "--try", "seven", "--json")
    assert document["question"] == question.id
    assert "seven" in {one["text"] for one in document["tried"]}
    assert len(document["tried"]) > 1
    assert document["present"]["text"] == question.choices[place]
    assert document["fleet"]
    said = call(*asked, "--try", "seven", "--only-mine")
    assert "These are proposals" in said
    assert collection.open_set(here, "mine").questions[0] == question
    call(*asked, "--try", "seven", "--only-mine", "--take", "seven")
    assert collection.open_set(here, "mine").questions[0].choices[place] == "seven"
    versions.undo(here, "mine")
    assert collection.open_set(here, "mine").questions[0] == question


def test_refusals_in_one_sentence(call: Cli, here: Settings) -> None:
    asked = ("question", "alternatives", "mine", "q1", "--choice")
    assert "by its letter" in call(*asked, "7", code=2)
    assert "at least one" in call(*asked, "A", "--only-mine", code=2)
    right = "ABCD"[collection.open_set(here, "mine").questions[0].answer]
    assert "is the right answer" in call(*asked, right, code=2)
    wrong = "ABCD"[(collection.open_set(here, "mine").questions[0].answer + 1) % 4]
    assert "was not tried" in call(*asked, wrong, "--take", "nowhere", code=2)
