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
    assert call("undo", "mine", "--json") == {"task": "mine", "undone": "delete a question", "questions": 6}
    assert "`undo mine` takes it back" in call("redo", "mine")
    assert [q.id for q in collection.open_set(here, "mine").questions] == ["q1", "q3", "q4", "q5", "q6"]
    assert "delete a question" in call("undo", str(here.sets / "mine"))
    for command in ("undo", "redo"):
        assert "is an example" in call(command, "little", code=2)
        assert "no question set" in call(command, "nobody", code=2)
