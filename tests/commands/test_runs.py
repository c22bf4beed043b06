"""`evaluate` on the command line: JSON in exactly the promised shape, alone on stdout."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2lm_core.base import database
from e2lm_core.base.records import METRICS, Checkpoint, ScoredChunk
from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.engine.local import LocalBackend
from e2lm_core.runs import evaluate
from e2lm_core.sets import authoring, collection
from tests.commands.conftest import Cli
from tests.conftest import ROOT
from tests.support import studios

SMALL = "ladder-small-arch1"
SOME = ("--checkpoints", f"{SMALL}/iter_0000100", "--checkpoints", "ladder-large*/iter_00010*")


def test_evaluate(call: Cli) -> None:
    document = call("evaluate", "little", "--json")
    assert list(document) == [
        "task",
        "taught",
        "curves",
        "sq",
        "seconds",
        "computed",
        "reused",
        "shipped",
        "fleet",
    ]
    assert document["task"] == "little"
    assert set(document["curves"]) == set(document["sq"]) == set(studios.MODELS)
    for model, curve in document["curves"].items():
        assert list(curve) == ["steps", "tokens_seen", *METRICS]
        assert curve["steps"] == list(studios.STEPS)
        assert all(isinstance(v, float) for metric in METRICS for v in curve[metric])
        for metric in METRICS:
            assert set(document["sq"][model][metric]) == {"rho", "autocorrelation", "sq", "points"}
            assert document["sq"][model][metric]["points"] == 8
    assert document["computed"] + document["reused"] == 6 * 40
    again = call("evaluate", "little", "--json")
    assert (again["computed"], again["reused"]) == (0, 6 * 40)
    assert again["curves"] == document["curves"]


def test_evaluate_takes_a_folder_globs_and_few_shot(call: Cli, here: Settings) -> None:
    document = call("evaluate", str(here.tasks / "little"), *SOME, "--num-fewshot", "2", "--json")
    assert {model: curve["steps"] for model, curve in document["curves"].items()} == {
        SMALL: [100],
        "ladder-large-arch1": [1000],
    }
    assert document["sq"][SMALL]["acc"] == {"rho": None, "autocorrelation": None, "sq": None, "points": 1}
    assert document["computed"] == 12


def test_a_models_name_alone_means_all_of_it(call: Cli) -> None:
    document = call("evaluate", "little", "--checkpoints", SMALL, "--json")
    assert document["curves"].keys() == {SMALL}
    assert len(document["curves"][SMALL]["steps"]) == 10


def test_evaluate_with_questions_in_nats(call: Cli) -> None:
    document = call("evaluate", "little", *SOME, "--questions", "--json")
    assert [q["id"] for q in document["questions"]] == [f"q{n}" for n in range(1, 7)]
    for question in document["questions"]:
        assert list(question) == ["id", "loglikelihoods"]
        ((values,),) = [question["loglikelihoods"][SMALL]]
        assert len(values) == 4
        assert all(v < 0 for v in values)
    best = [max(range(4), key=q["loglikelihoods"][SMALL][0].__getitem__) for q in document["questions"]]
    gold = [q.answer for q in studios.task().questions]
    share = sum(a == b for a, b in zip(best, gold, strict=True)) / 6
    assert document["curves"][SMALL]["acc"] == [pytest.approx(share)]


def test_an_edit_computes_only_the_edited_question(call: Cli, here: Settings) -> None:
    collection.copy_set(here, "little", "edited")
    call("evaluate", "edited", "--json")
    authoring.update_questions(here, "edited", {"q3": {"question": "Twice three is what?"}})
    document = call("evaluate", "edited", "--json")
    assert (document["computed"], document["reused"]) == (40, 5 * 40)
    collection.delete_set(here, "edited")


def test_a_table_for_people(call: Cli) -> None:
    out = call("evaluate", "little")
    assert SMALL in out
    assert "reused" in out
    assert "SQ(acc)" in out


@pytest.mark.slow
def test_as_a_process_of_its_own_stdout_is_json_alone(here: Settings, ladder: Path, tmp_path: Path) -> None:
    environment = (
        os.environ | studios.environment(here) | {"E2LM_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    )
    command = [sys.executable, "-m", "e2lm_core", "evaluate", "little", *SOME, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["computed"] == 12


@pytest.mark.parametrize(("words", "gave_way"), [((), []), (("--parent", str(os.getpid())), [True])])
def test_a_worker_gives_way_to_the_process_that_started_it_alone(
    call: Cli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], gave_way: list[bool]
) -> None:
    given: list[bool] = []  # this process itself stays as it is
    monkeypatch.setattr("e2lm_core.runs.worker.lower_priority", lambda: given.append(True))
    call("worker", "--once", *words)
    assert given == gave_way


def test_shares_of_a_run_are_merged(
    call: Cli, here: Settings, ladder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = call("evaluate", "little", "--fleet", "ladder", "--shard", "1/2", "--json")
    assert (first["shard"], first["file"]) == ({"number": 1, "of": 2}, "little.1-of-2.jsonl")
    call("evaluate", "little", "--shard", "2/2", "--out", "second.jsonl")
    elsewhere = studios.settings(tmp_path / "elsewhere", ladder=ladder)
    for name, value in studios.environment(elsewhere).items():
        monkeypatch.setenv(name, value)
    merged = call("results", "merge", "little.1-of-2.jsonl", "--json")
    assert "20 checkpoints of 40 in none of the files" in merged["lacking"][0]
    merged = call("results", "merge", "little.1-of-2.jsonl", "second.jsonl", "--json")
    assert not merged["lacking"]
    assert sum(row["new"] for row in merged["checkpoints"]) == 20 * 6 * 4
    assert sum(row["same"] for row in merged["checkpoints"]) == 20 * 6 * 4


def elsewhere(tmp_path: Path, ladder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home of its own with the set `little`, which commands use from now on."""
    settings = studios.settings(tmp_path / "elsewhere", ladder=ladder)
    studios.write_example(settings)
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    return settings


def test_merged_shares_leave_the_model_group_of_their_run(
    call: Cli, here: Settings, ladder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    large = ("--checkpoints", "ladder-large-arch1/*", "--checkpoints", "ladder-small-arch1/*")
    for share in ("1/2", "2/2"):
        call("evaluate", "little", *large, "--num-fewshot", "1", "--shard", share)
    run = {command: call(command, "little", "--json") for command in ("score", "ranks", "parting")}
    report = call("report", "little", "--out", "run.html", "--json")
    files = ("little.1-of-2.jsonl", "little.2-of-2.jsonl")
    elsewhere(tmp_path, ladder, monkeypatch)
    before = call("score", "little", "--json", code=2)
    call("results", "merge", *files, "--dry-run", "--json")
    assert call("score", "little", "--json", code=2) == before, "a dry run remembers nothing"
    merged = call("results", "merge", *files, "--json")
    assert merged["groups"] == []
    assert run["score"]["fleet"]["models"] == ["ladder-small-arch1", "ladder-large-arch1"]
    assert {command: call(command, "little", "--json") for command in run} == run
    assert call("report", "little", "--out", "merged.html", "--json")["fleet"] == report["fleet"]


def test_a_merge_leaves_a_group_that_was_chosen_and_says_so(
    call: Cli, here: Settings, ladder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call("evaluate", "little", "--fleet", "ladder", "--shard", "1/1", "--out", "all.jsonl")
    call("evaluate", "little", "--checkpoints", SMALL, "--shard", "1/1", "--out", "small.jsonl")
    settings = elsewhere(tmp_path, ladder, monkeypatch)
    assert (
        "several runs of little"
        in call("results", "merge", "all.jsonl", "small.jsonl", "--json")["groups"][0]
    )
    call("fleet", "use", "little", "ladder")
    assert call("results", "merge", "all.jsonl", "--json")["groups"] == []
    assert (
        "little keeps its model group built-in models"
        in (call("results", "merge", "small.jsonl", "--json")["groups"][0])
    )
    assert call("score", "little", "--json")["fleet"]["name"] == "ladder"
    collection.create_set(settings, "other")
    text = (tmp_path / "small.jsonl").read_text(encoding="utf-8")
    for name, says in (
        ("other", "other here has other questions"),
        ("nobodys", "There is no set 'nobodys' here"),
    ):
        renamed = text.replace('"set": "little"', f'"set": "{name}"', 1)
        lines = renamed.encode().splitlines(keepends=True)[:-1]
        end = json.dumps({"end": True, "sha256": hashlib.sha256(b"".join(lines)).hexdigest()})
        Path("renamed.jsonl").write_bytes(b"".join(lines) + end.encode() + b"\n")
        assert says in call("results", "merge", "renamed.jsonl", "--json")["groups"][0]


def test_a_share_that_cannot_be_is_refused(call: Cli) -> None:
    assert "use i/n" in call("evaluate", "little", "--shard", "3/2", code=2)
    assert "use fewer shares" in call("evaluate", "little", *SOME, "--shard", "3/3", code=2)
    assert "both write to stdout" in call("evaluate", "little", "--out", "-", "--json", code=2)


def test_what_could_not_be_saved_is_not_computed(
    call: Cli, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection.copy_set(here, "little", "locked")
    call("score", "locked")  # the database is there
    monkeypatch.setattr(database, "PATIENCE_S", 0.1)
    monkeypatch.setattr(evaluate, "evaluate", lambda *_: pytest.fail("it was computed"))
    with closing(sqlite3.connect(here.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "held by another program" in call("evaluate", "locked", code=2)


def test_the_keyboards_stop_says_what_is_kept(
    call: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("tasks")  # sets the environment
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    chunks, begun = LocalBackend.chunks, []

    def stopped(
        self: LocalBackend, checkpoint: Checkpoint, *rest: object, **more: object
    ) -> Iterator[ScoredChunk]:
        begun.append(checkpoint.name)
        if len(begun) == 4:
            raise KeyboardInterrupt
        yield from chunks(self, checkpoint, *rest, **more)

    monkeypatch.setattr(LocalBackend, "chunks", stopped)
    monkeypatch.setattr(LocalBackend, "together", lambda self, some, _: [(one,) for one in some])
    monkeypatch.setattr(LocalBackend, "at_once", 1)
    with pytest.raises(SystemExit) as end:
        main_commands.main(["evaluate", "little", "--checkpoints", SMALL])
    assert end.value.code == 130
    assert capsys.readouterr().err == (
        "Stopped: 18 of 60 results are kept; the same command goes on from there.\n"
    )
