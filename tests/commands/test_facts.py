"""The facts of the mini models by command, as an installed package has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.settings import ROOT, Settings
from tests.commands.conftest import Cli
from tests.support import studios


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home over the shipped ladder's files."""
    return studios.settings(tmp_path_factory.mktemp("facts"), ladder=ROOT / "ladder")


def test_facts_by_words_topic_and_field(call: Cli) -> None:
    rows = call("facts", "lion", "eat", "--json")["facts"]
    assert [(row["subject"], row["answer"]) for row in rows] == [("lion", "zebras")]
    assert rows[0]["choices"][rows[0]["gold"]] == "zebras"
    assert len(call("facts", "--json")["facts"]) == 1_596
    foods = call("facts", "--topic", "food of animals", "--json")["facts"]
    assert {row["topic"] for row in foods} == {"food of animals"}
    assert {row["field"] for row in call("facts", "--field", "physics", "--json")["facts"]} == {"physics"}
    assert "What does the lion eat?" in call("facts", "lion")
    assert "No fact has these words." in call("facts", "zzz")


def test_the_nearest_fact(call: Cli) -> None:
    asked = ("facts", "--nearest", "What do lions like to eat?", "--json")
    assert call(*asked, "--answer", "zebras")["known"] is True
    told = call(*asked, "--answer", "grass")
    assert told["known"] is False
    assert told["nearest"]["question"] == "What does the lion eat?"
    assert call("facts", "--nearest", "Quod?", "--json") == {"known": False, "nearest": None}


def test_unknown_topics_and_fields_are_one_sentence(call: Cli) -> None:
    assert "is no topic" in call("facts", "--topic", "cars", code=2)
    assert "is no field: use biology" in call("facts", "--field", "cars", code=2)


def test_without_a_list(call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_LADDER", str(tmp_path))
    assert "There is no list of facts" in call("facts", code=2)
