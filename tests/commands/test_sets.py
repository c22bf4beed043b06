"""`tasks` and `versions` on the command line."""

from __future__ import annotations

from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from tests.commands.conftest import Cli


def test_tasks(call: Cli, here: Settings) -> None:
    row = {"name": "little", "path": str(here.tasks / "little"), "example": True}
    assert call("tasks", "--json") == {"tasks": [row | {"questions": 6, "dev": 2, "problem": None}]}
    assert "little" in call("tasks")


def test_a_broken_set_is_listed_with_its_problem(call: Cli, here: Settings) -> None:
    folder = here.tasks / "broken"
    folder.mkdir()
    (folder / "broken.yaml").write_text("task: broken\n")
    try:
        rows = {row["name"]: row for row in call("tasks", "--json")["tasks"]}
    finally:
        (folder / "broken.yaml").unlink()
        folder.rmdir()
    assert rows["broken"]["questions"] is None
    assert rows["broken"]["problem"].endswith(".")


def test_versions(call: Cli, here: Settings) -> None:
    collection.copy_set(here, "little", "mine")
    authoring.delete_questions(here, "mine", ["q2"])
    document = call("versions", "mine", "--json")
    assert [v["action"] for v in document["versions"]] == ["open", "delete a question"]
    assert "delete a question" in call("versions", "mine")
    assert "no question set" in call("versions", "nobody", code=2)
    collection.delete_set(here, "mine")
