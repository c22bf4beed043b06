"""`groups` on the command line: proposed, weighed, accepted, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from tests.commands.conftest import Cli
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path, ladder: Path) -> Settings:
    """`little` and a copy of one's own beside a real, small ladder."""
    settings = studios.settings(tmp_path, ladder=ladder)
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    return settings


def test_groups_are_proposed_and_accepted_and_taken_back(call: Cli, here: Settings) -> None:
    document = call("groups", "mine", "--json")
    assert document["known"] is None
    assert document["assumption"].startswith("Intervals treat all questions as independent")
    (template, answer) = document["proposals"]
    assert template["kind"] == "template"
    assert template["labels"] == ["what is twice the number …"] * 6
    assert answer["grouped"] == 0
    assert "6 of 6 questions share a template, in 1 group" in call("groups", "mine")
    accepted = call("groups", "mine", "--accept", "template", "--json")
    assert accepted["known"]["groups"] == 1
    assert accepted["assumption"] is None
    assert {q.group for q in collection.open_set(here, "mine").questions} == {"what is twice the number …"}
    call("groups", "mine", "--accept", "independent")
    opened = collection.open_set(here, "mine")
    assert {q.group for q in opened.questions} == {None}
    assert call("groups", "mine", "--json")["independent"] is True
    call("groups", "mine", "--accept", "none")
    assert call("groups", "mine", "--json")["independent"] is False


def test_what_cannot_be_is_said_in_a_sentence(call: Cli, here: Settings) -> None:
    assert "use template, answer, meaning" in call("groups", "mine", "--by", "smell", code=2)
    assert "cannot be accepted" in call("groups", "mine", "--accept", "smell", code=2)
    assert "nothing to accept" in call("groups", "mine", "--accept", "answer", code=2)
    assert "example" in call("groups", "little", "--accept", "template", code=2)
