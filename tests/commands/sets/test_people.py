"""`people …`, the sharing of `sets …`, and as whom commands act."""

from __future__ import annotations

import os

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts
from e2lm_core.sets import collection, versions
from tests.commands.conftest import Cli


@pytest.fixture
def people(here: Settings) -> Settings:
    """Ada, who administers and has `mine`, and Bob."""
    named = here.model_copy(update={"admins": ("sub:1",)})
    accounts.sign_in(named, "https://id.example", "1", "Ada")
    accounts.sign_in(named, "https://id.example", "2", "Bob", email="bob@example.org")
    return here


def test_commands_act_as_the_first_administrator_or_as_whom_is_named(
    call: Cli, people: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names(*before: str) -> list[str]:
        return [row["name"] for row in call(*before, "tasks", "--json")["tasks"]]

    assert names() == ["mine", "little"]
    assert names("--as", "bob@example.org") == ["little"]
    assert "E2LM_AS" not in os.environ
    monkeypatch.setenv("E2LM_AS", "Bob")
    assert names() == ["little"]
    assert names("--as", "ada") == ["mine", "little"]
    assert os.environ["E2LM_AS"] == "Bob"
    assert "Nobody called 'eve' has signed in here" in call("--as", "eve", "tasks", code=2)


def test_a_set_is_shared_edited_by_another_and_taken_back(call: Cli, people: Settings) -> None:
    assert "that you may open" in call("--as", "bob", "question", "list", "ada/mine", code=2)
    assert call("sets", "share", "mine", "bob", "--json") == {
        "set": "ada/mine",
        "person": "bob",
        "role": "reader",
    }
    assert "to read" in call("--as", "bob", "question", "edit", "ada/mine", "q1", "--set", "note=x", code=2)
    call("sets", "share", "mine", "Bob", "--role", "editor")
    call("--as", "bob", "question", "edit", "ada/mine", "q1", "--set", "note=bob's")
    ada = people.for_person("ada")
    assert {q.id: q.note for q in collection.open_set(ada, "mine").questions}["q1"] == "bob's"
    assert len(versions.list_versions(ada, "mine")) == 2
    assert [row["name"] for row in call("--as", "bob", "tasks", "--json")["tasks"]] == ["ada/mine", "little"]
    assert "is not your set" in call("--as", "bob", "sets", "shares", "ada/mine", code=2)
    link = call("sets", "link", "mine", "--json")["link"]
    rows = call("sets", "shares", "mine", "--json")["shares"]
    assert [row["with"] for row in rows] == ["bob", link]
    assert call("sets", "link", "mine", "--close", "--json") == {"closed": 1}
    call("sets", "unshare", "mine", "bob")
    assert call("sets", "shares", "mine", "--json") == {"shares": []}
    assert "no role 'owner'" in call("sets", "share", "mine", "bob", "--role", "owner", code=2)


def test_people_and_their_quotas(call: Cli, people: Settings) -> None:
    rows = {row["id"]: row for row in call("people", "list", "--json")["people"]}
    assert (rows["ada"]["administrator"], rows["ada"]["sets"], rows["bob"]["administrator"]) == (
        True,
        1,
        False,
    )
    assert "Only an administrator may list people" in call("--as", "bob", "people", "list", code=2)
    quotas = call("people", "quota", "sets", "1", "--person", "bob", "--json")["quotas"]
    assert quotas[0]["people"] == {"bob": 1}
    call("--as", "bob", "sets", "create", "one")
    assert "a limit of 1" in call("--as", "bob", "sets", "create", "two", code=2)
    call("people", "quota", "sets", "--person", "bob", "--unset")
    call("--as", "bob", "sets", "create", "two")
    assert "Only an administrator may change quotas" in call(
        "--as", "bob", "people", "quota", "sets", "9", code=2
    )
    assert "and not both" in call("people", "quota", "sets", "9", "--unset", code=2)
    assert call("people", "administrator", "bob", "--json") == {"id": "bob", "administrator": True}
    assert call("people", "administrator", "bob", "--no", "--json") == {"id": "bob", "administrator": False}
    assert "100" in call("people", "quota")


def test_where_nobody_signs_in_there_is_nobody_to_be(call: Cli, here: Settings) -> None:
    assert call("people", "list", "--json") == {"people": []}
    assert "Nobody called 'ada'" in call("--as", "ada", "tasks", code=2)
    assert "Nobody signs in to this studio" in call("sets", "share", "mine", "ada", code=2)
    assert not (here.home / "people").exists()
