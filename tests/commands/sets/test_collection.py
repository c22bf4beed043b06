"""`tasks` and `sets …` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.records import PromptStyle
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, sharing
from e2lm_core.sets import authoring, collection, versions
from tests.commands.conftest import Cli
from tests.commands.sets.conftest import Pipe
from tests.support import studios


def test_tasks_and_sets_list(call: Cli, here: Settings) -> None:
    counts = {"questions": 6, "dev": 2, "problem": None}
    rows = [
        {"name": "mine", "title": None, "path": str(here.sets / "mine"), "example": False} | counts,
        {"name": "little", "title": None, "path": str(here.tasks / "little"), "example": True} | counts,
    ]
    assert call("tasks", "--json") == {"tasks": rows}
    assert call("sets", "list", "--json") == {"sets": rows, "deleted": []}
    assert "little" in call("tasks")
    assert "Deleted" not in call("sets", "list")


def test_a_broken_set_is_listed_with_its_problem(call: Cli, here: Settings) -> None:
    folder = here.tasks / "broken"
    folder.mkdir()
    (folder / "broken.yaml").write_text("task: broken\n")
    rows = {row["name"]: row for row in call("tasks", "--json")["tasks"]}
    assert rows["broken"]["questions"] is None
    assert rows["broken"]["problem"].endswith(".")


def test_create_copy_rename_delete_and_restore(call: Cli, here: Settings, tmp_path: Path) -> None:
    assert call("sets", "create", "fresh", "--json") == {
        "name": "fresh",
        "path": str(here.sets / "fresh"),
        "questions": 0,
        "dev": 0,
    }
    assert call("sets", "copy", "little", "second") == "Copied little to second: 6 questions.\n"
    authoring.delete_questions(here, "second", ["q2"])
    assert call("sets", "rename", "second", "third", "--json")["name"] == "third"
    assert [v.action for v in versions.list_versions(here, "third")] == ["open", "delete a question"]
    assert call("sets", "delete", "third", "--yes", "--json") == {
        "deleted": "third",
        "back": "sets restore third",
    }
    assert call("sets", "list", "--json")["deleted"] == ["third"]
    assert "brings back: third." in call("sets", "list")
    assert call("sets", "restore", "third", "--json")["questions"] == 5
    assert versions.available_undo(here, "third") == ("delete a question", None)


def test_create_with_the_questions_of_a_file(call: Cli, here: Settings, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("question,A,B,answer,subject\nWhich is a metal?,iron,wood,A,chemistry\nWhy?,a,b,1,\n")
    assert "--answers-from" in call("sets", "create", "fresh", "--file", str(table), code=2)
    assert "give its rows with --file" in call("sets", "create", "fresh", "--answers-from", "1", code=2)
    table.write_text(table.read_text() + "How?,a,b,0,\n")
    assert call("sets", "create", "fresh", "--file", str(table), "--json")["questions"] == 3
    assert collection.open_set(here, "fresh").questions[0].subject == "chemistry"
    table.write_text("question,A,B,answer\nWhy?,a,b,1\nWhy not?,a,a,0\n")
    said = call("sets", "create", "again", "--file", str(table), code=2)
    assert "choices A and B are the same" in said
    assert "--skip-broken" in said
    assert call("sets", "create", "again", "--file", str(table), "--skip-broken", "--json")["questions"] == 1


def test_create_with_a_layout_or_with_that_of_another_set(call: Cli, here: Settings) -> None:
    call("sets", "create", "lettered", "--layout", "letters")
    assert collection.open_set(here, "lettered").config.style is PromptStyle.LETTERS
    call("sets", "create", "alike", "--layout", "lettered")
    assert collection.open_set(here, "alike").config.style is PromptStyle.LETTERS
    said = call("sets", "create", "none", "--layout", "nothing", code=2)
    assert "neither a set nor cloze, letters, ending" in said


def test_delete_asks_and_says_what_brings_it_back(call: Cli, here: Settings, pipe: Pipe) -> None:
    pipe("n\n")
    said = call("sets", "delete", "mine", code=2)
    assert "`sets restore mine` brings it back" in said
    assert said.endswith("Nothing was changed.\n")
    pipe("")
    assert "say --yes" in call("sets", "delete", "mine", code=2)
    assert collection.open_set(here, "mine")
    pipe("y\n")
    assert "`sets restore mine`" in call("sets", "delete", "mine")
    assert collection.deleted_sets(here) == ["mine"]


def test_a_set_that_is_shared_is_written_by_its_address(
    call: Cli, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, _ = (
        here.for_person(accounts.sign_in(here, "https://id.example", name, name, username=name).id)
        for name in ("ada", "bob")
    )
    collection.copy_set(ada, "little", "hers")
    sharing.share(ada, "hers", "bob", "editor")
    monkeypatch.setenv("E2LM_AS", "bob")
    assert [row["name"] for row in call("sets", "list", "--json")["sets"]] == ["ada/hers", "little"]
    said = call("question", "edit", "ada/hers", "q1", "--set", "note=his")
    assert said == "Changed question 'q1' of ada/hers; `undo ada/hers` takes it back.\n"
    assert collection.open_set(ada, "hers").questions[0].note == "his"
    assert "`redo ada/hers`" in call("undo", "ada/hers")
    for refused in (("rename", "ada/hers", "mine"), ("delete", "ada/hers", "--yes"), ("restore", "ada/hers")):
        assert "only its owner" in call("sets", *refused, code=2)
    sharing.unshare(ada, "hers", "bob")
    for words in (
        ("question", "list", "ada/hers"),
        ("question", "edit", "ada/hers", "q1", "--set", "note=x"),
        ("question", "delete", "ada/hers", "q1", "--yes"),
        ("undo", "ada/hers"),
        ("versions", "ada/hers"),
        ("sets", "copy", "ada/hers", "stolen"),
    ):
        assert "ask ada to share it with you" in call(*words, code=2)


def test_what_cannot_be_is_one_sentence_and_harms_nothing(call: Cli, here: Settings) -> None:
    before = studios.tree(here.home)
    for arguments, says in (
        (("sets", "create", "mine"), "already a set 'mine'"),
        (("sets", "create", "Not A Name"), "cannot be used"),
        (("sets", "copy", "nobody", "other"), "no question set 'nobody'"),
        (("sets", "copy", "little", "mine"), "already a set"),
        (("sets", "rename", "little", "other"), "is an example"),
        (("sets", "rename", "mine", "little"), "already a set"),
        (("sets", "delete", "little", "--yes"), "is an example"),
        (("sets", "delete", "nobody", "--yes"), "no question set"),
        (("sets", "restore", "mine"), "no deleted set"),
        (("sets", "restore", "../../x"), "no deleted set"),
        (("sets", "create", "other", "--file", "/no/such.csv"), "cannot be read"),
    ):
        assert says in call(*arguments, code=2)
    after = {path: data for path, data in studios.tree(here.home).items() if "locks" not in str(path)}
    assert after == {path: data for path, data in before.items() if "locks" not in str(path)}


def test_a_set_is_made_from_its_title_and_titled_again(call: Cli, here: Settings) -> None:
    assert call("sets", "create", "--title", "Über Kräfte", "--json")["name"] == "uber_krafte"
    assert call("sets", "create", "--title", "Über Kräfte", "--json")["name"] == "uber_krafte_2"
    titled = call("sets", "title", "uber_krafte", "物理", "--json")
    assert titled == {"name": "uber_krafte", "title": "物理"}
    rows = {row["name"]: row["title"] for row in call("sets", "list", "--json")["sets"]}
    assert rows == {"mine": None, "little": None, "uber_krafte": "物理", "uber_krafte_2": "Über Kräfte"}
    assert (
        call("sets", "title", "uber_krafte", "")
        == "uber_krafte has no title; `undo uber_krafte` takes that back.\n"
    )
    assert "A new set needs a name or a --title" in call("sets", "create", code=2)
