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
    made = call("import", path, "--map", "question=prompt", "--into", into, "--json")
    assert (made["name"], made["questions"], made["warnings"]) == ("rows", 1, [])
    assert "maps no column" in call("import", path, "--map", "prompt", code=2)
    assert "a second time" in call("import", path, "--map", "a=b", "--map", "c=b", code=2)
    assert "cannot be read as 'prompt'" in call("import", path, "--map", "prompt=answer", code=2)


def test_a_table_has_its_file_s_name_or_is_refused_where_that_is_taken(
    call: Cli, here: Settings, tmp_path: Path
) -> None:
    """The same rule for every source: nothing gets a number behind it, and what is there stays."""
    (tmp_path / "quiz.csv").write_text("question,choice_1,choice_2,answer\nWhich is a metal?,iron,wood,0\n")
    path, into = str(tmp_path / "quiz.csv"), tmp_path / "out"
    assert call("import", path, "--json")["name"] == "quiz"
    assert "There is already a set 'quiz'" in call("import", path, code=2)
    there = call("import", path, "--into", str(into), "--json")
    assert (there["name"], Path(there["path"])) == ("quiz", into / "quiz")
    refused = call("import", path, "--into", str(into), code=2)
    assert "is there already: choose another --name or another place" in refused
    assert [folder.name for folder in into.iterdir()] == ["quiz"]
    assert call("import", path, "--into", str(into), "--name", "second", "--json")["name"] == "second"
    call("sets", "delete", "quiz", "--yes")


def test_a_task_of_somebody_else_s_with_rows_from_elsewhere(
    call: Cli, here: Settings, tmp_path: Path
) -> None:
    keys = {
        "task": "goals",
        "dataset_path": "somebody/goals",
        "output_type": "multiple_choice",
        "validation_split": "validation",
        "doc_to_text": "Goal: {{goal}}",
        "doc_to_choice": "{{[sol1, sol2]}}",
        "doc_to_target": "label",
        "num_fewshot": 2,
    }
    (tmp_path / "goals.yaml").write_text(json.dumps(keys))
    path, rows = str(tmp_path / "goals.yaml"), tmp_path / "rows"
    assert "names the hub dataset 'somebody/goals', which is not fetched" in call("import", path, code=2)
    rows.mkdir()
    lines = [{"goal": f"g{n}", "sol1": "a", "sol2": "b" if n else "a", "label": n % 2} for n in range(3)]
    (rows / "validation.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "choices A and B are the same" in call("import", path, "--rows", str(rows), code=2)
    made = call("import", path, "--rows", str(rows), "--skip-broken", "--json")
    assert (made["name"], made["questions"]) == ("goals", 2)
    assert any("Left out: Question 1" in warning for warning in made["warnings"])
    shown = call("question", "list", "goals", "--json")
    assert shown["questions"][0]["question"] == "g1"
    call("sets", "delete", "goals", "--yes")


def test_numbers_that_nothing_decides_stop_an_import(call: Cli, here: Settings, tmp_path: Path) -> None:
    row = {
        "question": "What does a thermometer measure?",
        "choices": ["heat", "force", "weight"],
        "answer": 1,
    }
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps(row) + "\n")
    for more in ((), ("--skip-broken",)):
        said = call("import", str(path), *more, code=2)
        assert said == (
            'odd.jsonl: Is "1" the first choice or the second? In Row 1 the answer 1 is "heat" if it is the first '
            'and "force" if it is the second. Say it with --answers-from 1 (the first) or 0 (the second).\n'
        )
        assert not (here.tasks / "odd").exists()
    for base, key in (("1", 0), ("0", 1)):
        into = tmp_path / base
        made = call("import", str(path), "--answers-from", base, "--into", str(into), "--json")
        assert json.loads((Path(made["path"]) / "test.jsonl").read_text())["answer"] == key
    assert call("import", str(into / "odd"), "--json")["warnings"] == [], "a set's own folder asks nothing"
    assert "counted" not in call("export", "odd", "--as", "csv", "--out", str(tmp_path / "odd.csv"))
    call("sets", "delete", "odd", "--yes")
    again = call("import", str(tmp_path / "odd.csv"), "--json")
    assert (again["questions"], again["warnings"]) == (1, [])
    call("sets", "delete", "odd", "--yes")


def test_how_a_file_is_read_may_be_said(call: Cli, tmp_path: Path) -> None:
    path, into = tmp_path / "Quiz.csv", str(tmp_path / "out")
    lines = ["Maß;x;y;1", "Ångström;x;y;2", "Länge;x;y;1"]
    path.write_bytes("\n".join(lines).encode("cp1252"))
    options = ("--no-header", "--encoding", "cp1252", "--answers-from", "1", "--map", "question=column 1")
    made = call("import", str(path), *options, "--into", into, "--json")
    assert (made["name"], made["questions"]) == ("quiz", 3)
    row = json.loads((Path(made["path"]) / "test.jsonl").read_text().splitlines()[1])
    assert row == {"id": "q2", "question": "Ångström", "choices": ["x", "y"], "answer": 1}
    assert "use --answers-from 0, 1 and text" in call("import", str(path), "--answers-from", "2", code=2)
    assert "no sheet" not in call("import", str(path), "--format", "gift", code=2)
