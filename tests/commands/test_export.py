"""`check` and `export` on the command line; `report` is tested in tests/whole/test_same_numbers.py."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.commands.export import KINDS
from e2lm_core.sets import collection
from e2lm_core.sets.folder.files import read_task
from e2lm_core.sets.formats import writing
from tests.commands.conftest import Cli
from tests.support import studios


def test_check(call: Cli) -> None:
    document = call("check", "little", "--json")
    assert list(document) == ["errors", "warnings", "shifted"]
    assert document["shifted"] is None
    assert document["errors"] == []
    assert {"code", "sentence", "question_id"} == set(document["warnings"][0])


def test_check_says_what_suspects_says_of_shifted_keys(
    call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = studios.settings(tmp_path, studios.real_ladder(tmp_path / "ladder"))
    right = studios.write_example(own, studios.task(40))
    studios.learn(own)
    for name, value in studios.environment(own).items():
        monkeypatch.setenv(name, value)
    assert call("check", "little", "--json")["shifted"] is None
    assert "Nothing here yet" not in call("check", "little")
    moved = tuple(q.model_copy(update={"answer": (q.answer + 1) % 4}) for q in right.questions)
    studios.write_example(own, right.model_copy(update={"questions": moved}))
    sentence = call("suspects", "little", "--json")["shifted"]
    assert "the choice before the key" in sentence
    assert call("check", "little", "--json")["shifted"] == sentence
    assert sentence in call("check", "little")


def test_check_ends_with_1_where_there_is_an_error(call: Cli) -> None:
    strict = call("check", "little", "--profile", "competition", "--json", code=1)
    assert "competition_size" in {finding["code"] for finding in strict["errors"]}
    assert "100 to 15,000" in call("check", "little", "--profile", "competition", code=1)


def test_export_gives_the_same_bytes_each_time(call: Cli, tmp_path: Path) -> None:
    paths = [tmp_path / "a.zip", tmp_path / "deep" / "b.zip"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        assert call("export", "little", "--out", str(path), "--json") == {
            "path": str(path),
            "bytes": path.stat().st_size,
        }
    assert paths[0].read_bytes() == paths[1].read_bytes()
    names = zipfile.ZipFile(io.BytesIO(paths[0].read_bytes())).namelist()
    assert "little/little.yaml" in names
    assert "little/test.jsonl" in names


def test_a_patch_holds_to_the_competitions_rules_unless_told(call: Cli, tmp_path: Path) -> None:
    out = str(tmp_path / "submission.zip")
    assert "cannot be exported yet" in call("export", "little", "--as", "patch", "--out", out, code=2)
    call("export", "little", "--as", "patch", "--profile", "plain", "--out", out, "--json")
    assert zipfile.ZipFile(out).namelist() == ["evaluation.patch", "metadata.yaml"]
    refused = call(
        *("export", "little", "--as", "patch", "--profile", "plain", "--metric", "bpb", "--out", out), code=2
    )
    assert "use acc or acc_norm" in refused


@pytest.fixture(scope="module")
def chosen(computed: Settings) -> Settings:
    """The home with `kept`, which a rule chose of `little`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in studios.environment(computed).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit):
            main_commands.main(["choose", "little", "--rule", "easiest-half", "--out", "kept", "--json"])
    return computed


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_keeps_the_rule_that_chose_or_says_that_it_does_not(
    call: Cli, chosen: Settings, tmp_path: Path, kind: str
) -> None:
    ours = collection.open_set(chosen, "kept")
    assert ours.config.chosen_by is not None
    end = writing.FORMS[kind].end if kind in writing.FORMS else ".zip"
    out = tmp_path / f"kept{end}"
    rules = ("--profile", "plain") if kind == "patch" else ()
    written = call("export", "kept", "--as", kind, *rules, "--out", str(out), "--json")
    if kind in ("patch", "upstream"):  # the files of a task folder in another wrapping
        data = zipfile.ZipFile(out)
        assert any(b"easiest-half" in data.read(name) for name in data.namelist())
        return
    back = call("import", str(out), "--into", str(tmp_path / "back"), "--name", "back", "--json")
    theirs = read_task(Path(back["path"]), chosen.limits).task
    if lost := [one for one in written.get("lost", ()) if "the rule that chose these questions" in one]:
        assert kind in ("gift", "aiken", "qti")
        assert theirs.config.chosen_by is None
        assert "bundle instead" in lost[0]
    else:
        assert theirs.config.chosen_by == ours.config.chosen_by
        assert [q.extra for q in theirs.questions] == [q.extra for q in ours.questions]
    call("import", str(out), "--name", f"from_{kind}")
    if not lost:
        sentence = call("score", f"from_{kind}", "--json")["chosen"]["sentence"]
        assert sentence == call("score", "kept", "--json")["chosen"]["sentence"]


def test_questions_chosen_to_stdout_carry_the_rule(
    call: Cli, chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = call("choose", "little", "--rule", "easiest-half", "--out", "-")
    file = tmp_path / "piped.jsonl"
    file.write_text(lines, encoding="utf-8")
    ours = collection.open_set(chosen, "kept").config.chosen_by
    call("import", str(file))
    call("sets", "create", "piped_too", "--file", str(file))
    call("sets", "create", "piped_in")
    call("question", "add", "piped_in", "--file", str(file))
    for name in ("piped", "piped_too", "piped_in"):
        task = collection.open_set(chosen, name)
        assert task.config.chosen_by == ours
        assert not any(q.extra for q in task.questions)
    collection.copy_set(chosen, "little", "own")
    call("question", "add", "own", "--file", str(file))
    own = collection.open_set(chosen, "own")
    assert own.config.chosen_by is None
    assert [bool(q.extra) for q in own.questions].count(True) == len(lines.splitlines()), "kept in the column"


def test_a_column_that_is_no_origin_stays_a_column(call: Cli, here: Settings, tmp_path: Path) -> None:
    rows = [
        {"question": f"Sum {n}?", "choices": ["one", "two"], "answer": "B", "chosen_by": value}
        for n, value in enumerate(["Ann", "[" * 5_000, {"rule": 3}])
    ]
    file = tmp_path / "by_hand.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    call("import", str(file))
    task = collection.open_set(here, "by_hand")
    assert task.config.chosen_by is None
    assert [q.extra["chosen_by"] for q in task.questions] == [row["chosen_by"] for row in rows]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_a_table_is_read_back(call: Cli, tmp_path: Path, kind: str) -> None:
    out = str(tmp_path / f"little.{kind}")
    call("export", "little", "--as", kind, "--out", out, "--json")
    back = call("import", out, "--into", str(tmp_path / "back"), "--name", "little", "--json")
    [ours] = list(Path(back["path"]).glob("test.jsonl"))
    call("export", "little", "--as", "jsonl", "--out", str(tmp_path / "again.jsonl"), "--json")
    assert ours.read_bytes() == (tmp_path / "again.jsonl").read_bytes()
    assert "use bundle, patch, upstream, csv, jsonl, xlsx" in call(
        "export", "little", "--as", "pdf", "--out", out, code=2
    )


@pytest.mark.parametrize(
    ("kind", "end", "lost"),
    [
        ("gift", "gift", None),
        ("aiken", "txt", ["There is no place for id and subject."]),
        ("qti", "zip", ["There is no place for subject."]),
    ],
)
def test_a_quiz_is_read_back_and_what_it_cannot_hold_is_said(
    call: Cli, here: Settings, tmp_path: Path, kind: str, end: str, lost: list[str] | None
) -> None:
    out = str(tmp_path / f"little.{end}")
    made = call("export", "little", "--as", kind, "--out", out, "--json")
    assert made.get("lost") == lost
    back = call("import", out, "--into", str(tmp_path / "back"), "--json")
    rows = [json.loads(line) for line in (Path(back["path"]) / "test.jsonl").read_text().splitlines()]
    ours = collection.open_set(here, "little").questions
    assert [(r["question"], tuple(r["choices"]), r["answer"]) for r in rows] == [
        (q.question, q.choices, q.answer) for q in ours
    ]


def test_out_may_be_stdout(call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("export", "little", "--out", str(tmp_path / "a.zip"), "--json")
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding="utf-8"))
    with pytest.raises(SystemExit):
        main_commands.main(["export", "little", "--out", "-"])
    assert printed.getvalue() == (tmp_path / "a.zip").read_bytes()
    assert not Path("-").exists()


@pytest.mark.parametrize("command", [("export",), ("report",), ("results", "export"), ("evaluate",)])
def test_a_file_needs_a_name_and_a_folder(call: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    assert "is a folder: give the path of a file" in call(*command, "little", "--out", "", code=2)
    assert "is a folder: give the path of a file" in call(*command, "little", "--out", str(tmp_path), code=2)
    said = call(*command, "little", "--out", str(tmp_path / "none" / "x.zip"), code=2)
    assert said.startswith("There is no folder '")
    assert said.endswith("none' to write x.zip in: make it, or write elsewhere.\n")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["export", "report"])
def test_stdout_is_for_one_thing(call: Cli, command: str) -> None:
    assert "--json both write to stdout" in call(command, "little", "--out", "-", "--json", code=2)


def test_verify_says_in_one_sentence_what_it_cannot_run(call: Cli, tmp_path: Path) -> None:
    assert "cannot be read" in call("verify", str(tmp_path / "none.zip"), "--json", code=2)
    (tmp_path / "a.zip").write_bytes(b"no archive")
    assert "Python" in call("verify", str(tmp_path / "a.zip"), "--python", str(tmp_path), code=2)
    said = call("verify", str(tmp_path / "a.zip"), "--checkpoint", "none/iter_1", code=2)
    assert "none/iter_1" in said
