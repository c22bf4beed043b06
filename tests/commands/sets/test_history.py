"""`undo`, `redo` and `versions` on the command line."""

from __future__ import annotations

from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from tests.commands.conftest import Cli


def test_versions(call: Cli, here: Settings) -> None:
    authoring.delete_questions(here, "mine", ["q2"])
    document = call("versions", "mine", "--json")
    assert [v["action"] for v in document["versions"]] == ["open", "delete a question"]
    assert "delete a question" in call("versions", "mine")
    assert "no question set" in call("versions", "nobody", code=2)


def test_undo_and_redo(call: Cli, here: Settings) -> None:
    assert "nothing to undo" in call("undo", "mine", code=2)
    authoring.delete_questions(here, "mine", ["q2"])
    assert "nothing to redo" in call("redo", "mine", code=2)
    assert call("undo", "mine", "--json") == {
        "task": "mine",
        "undone": "delete a question",
        "left": None,
        "questions": 6,
    }
    assert "`undo mine` takes it back" in call("redo", "mine")
    assert [q.id for q in collection.open_set(here, "mine").questions] == ["q1", "q3", "q4", "q5", "q6"]
    assert "delete a question" in call("undo", str(here.sets / "mine"))
    for command in ("undo", "redo"):
        assert "is an example" in call(command, "little", code=2)
        assert "no question set" in call(command, "nobody", code=2)


def test_a_version_is_named_compared_and_restored(call: Cli, here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "What is thrice the number 1?"}})
    authoring.delete_questions(here, "mine", ["q2"])
    assert call("version", "name", "mine", "1", "before the cut", "--json") == {
        "task": "mine",
        "number": 1,
        "name": "before the cut",
    }
    assert call("versions", "mine", "--json")["versions"][1]["name"] == "before the cut"
    assert (
        call("version", "diff", "mine", "0", "1")
        == "q1, question: What is [-twice-]{+thrice+} the number 1?\n"
    )
    document = call("version", "diff", "mine", "before the cut", "--json")
    assert (document["first"], document["second"]) == (1, None)
    (gone,) = document["differences"]
    assert (gone["question"], gone["field"], gone["after"]) == ("q2", None, None)
    assert call("version", "diff", "mine", "2") == "Nothing differs.\n"
    assert call("version", "restore", "mine", "before the cut", "--preview").startswith(
        "Restoring version 1 brings back 1 question.\nq2: {+"
    )
    assert call("version", "restore", "mine", "1", "--preview", "--json")["added"][0]["question"] == "q2"
    assert len(collection.open_set(here, "mine").questions) == 5
    assert "`undo mine` takes that back" in call("version", "restore", "mine", "before the cut")
    assert len(collection.open_set(here, "mine").questions) == 6
    call("undo", "mine")
    assert call("version", "restore", "mine", "0", "--json") == {
        "task": "mine",
        "restored": 0,
        "questions": 6,
    }
    assert collection.open_set(here, "mine").questions == collection.open_set(here, "little").questions
    assert "has no name" in call("version", "name", "mine", "1", "")


def test_versions_that_there_are_not(call: Cli, here: Settings) -> None:
    assert "never edited" in call("version", "diff", "mine", "0", code=2)
    authoring.delete_questions(here, "mine", ["q2"])
    authoring.delete_questions(here, "mine", ["q3"])
    call("version", "name", "mine", "1", "one")
    for words, says in (
        (("diff", "mine", "7"), "no version '7': it has 0 to 2; see `versions mine`"),
        (("diff", "mine", "0", "x" * 200_000), "no version 'xxx"),
        (("restore", "mine", "²"), "no version '²'"),
        (("restore", "mine", "-1"), "-1"),
        (("restore", "little", "0"), "little"),
        (("name", "mine", "9", "x"), "no version '9'"),
        (("name", "mine", "2", "one"), "called 'one' already"),
        (("name", "mine", "2", "x" * 200_000), "at most 80 characters"),
        (("diff", "nobody", "0"), "no question set"),
    ):
        said = call("version", *words, code=2)
        assert says in said
        assert len(said) <= 301
