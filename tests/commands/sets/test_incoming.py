"""`import` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from e2lm_core.base.settings import Settings
from tests.commands.conftest import Cli
from tests.support import studios


def test_ones_own_export_comes_back_with_equal_bytes(call: Cli, here: Settings, tmp_path: Path) -> None:
    call("export", "little", "--out", str(tmp_path / "a.zip"), "--json")
    made = call("import", str(tmp_path / "a.zip"), "--name", "guest", "--json")
    assert made["name"] == "guest"
    assert Path(made["path"]) == here.sets / "guest"
    refused = call("import", str(tmp_path / "a.zip"), "--name", "guest", "--json", code=2)
    assert "already a set 'guest'" in refused
    there = call("import", str(tmp_path / "a.zip"), "--into", str(tmp_path / "there"), "--json")
    assert studios.tree(Path(there["path"])) == studios.tree(here.tasks / "little")
    call("sets", "delete", "guest", "--yes")


def test_a_table_with_mapped_columns(call: Cli, tmp_path: Path) -> None:
    row = {"prompt": "Which is a metal?", "choices": ["iron", "wood"], "answer": "A"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    path, into = str(tmp_path / "rows.jsonl"), str(tmp_path / "out")
    made = call("import", path, "--map", "prompt=question", "--into", into, "--json")
    assert (made["name"], made["questions"], made["warnings"]) == ("rows", 1, [])
    assert "maps no column" in call("import", path, "--map", "prompt", code=2)
    assert "a second time" in call("import", path, "--map", "a=b", "--map", "c=b", code=2)
    assert "lacks the column" in call("import", path, code=2)
