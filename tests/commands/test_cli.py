"""The command line: JSON in exactly the promised shapes, alone on stdout."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.records import METRICS
from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.sets import authoring, collection
from tests.conftest import ROOT, needs
from tests.support import studios

Cli = Callable[..., Any]


@pytest.fixture(scope="session")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studios.real_ladder(tmp_path_factory.mktemp("ladder") / "ladder")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, ladder: Path) -> Settings:
    settings = studios.settings(tmp_path_factory.mktemp("cli"), ladder=ladder)
    studios.write_example(settings)
    return settings


@pytest.fixture
def call(here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command that succeeds; its stdout, as JSON where that was asked for."""
    for name, value in studios.environment(here).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Any:
        with pytest.raises(SystemExit) as end:
            main_commands.main(arguments)
        out, err = capsys.readouterr()
        assert end.value.code == 0, err
        return json.loads(out) if "--json" in arguments else out

    return run


SMALL = "ladder-small-arch1"
SOME = ("--checkpoints", f"{SMALL}/iter_0000100", "--checkpoints", "ladder-large*/iter_00010*")


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


def test_evaluate(call: Cli) -> None:
    document = call("evaluate", "little", "--json")
    assert list(document) == ["task", "curves", "sq", "seconds", "computed", "reused"]
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


def test_checkpoints(call: Cli, here: Settings) -> None:
    rows = call("checkpoints", "--unpack", "--json")["checkpoints"]
    assert len(rows) == 40
    first = rows[0]
    path = Path(first.pop("path"))
    assert first == {
        "model": SMALL,
        "name": f"{SMALL}/iter_0000100",
        "step": 100,
        "tokens_seen": 100_000,
        "early": True,
    }
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {p.name for p in path.iterdir()}


def test_checkpoints_that_are_still_packed_have_no_path(
    call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("checkpoints", "--json")
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    rows = call("checkpoints", "--json")["checkpoints"]
    assert {row["path"] for row in rows} == {None}


def test_score(call: Cli) -> None:
    call("evaluate", "little", "--json")
    document = call("score", "little", "--json")
    assert list(document) == ["task", "metrics"]
    assert list(document["metrics"]) == list(METRICS)
    for found in document["metrics"].values():
        parts = ["sq", "rc", "cs", "score", "snr", "decision_accuracy", "finetasks", "snr_detrended"]
        assert list(found) == parts
        criteria = found["finetasks"]
        assert set(criteria) == {"monotonicity", "snr", "above_baseline", "ordering"}
        scores = [*found["sq"]["models"].values(), found["sq"]["overall"], *list(found.values())[1:6]]
        for value in (*scores, *criteria.values()):
            assert set(value) == {"value", "why", "interval", "coverage"}
            assert value["why"] or value["value"] is not None
        for value in scores:  # a value without an interval says why there is none
            assert bool(value["why"]) == (value["interval"] is None)
    assert document["metrics"]["bpb"]["score"]["value"] is None


def test_check(call: Cli, here: Settings) -> None:
    document = call("check", "little", "--json")
    assert list(document) == ["errors", "warnings"]
    assert document["errors"] == []
    assert {"code", "sentence", "question_id"} == set(document["warnings"][0])
    strict = call("check", "little", "--profile", "competition", "--json")
    assert "competition_size" in {finding["code"] for finding in strict["errors"]}


def test_export_gives_the_same_bytes_each_time(call: Cli, tmp_path: Path) -> None:
    paths = [tmp_path / "a.zip", tmp_path / "deep" / "b.zip"]
    for path in paths:
        assert call("export", "little", "--out", str(path), "--json") == {
            "path": str(path),
            "bytes": path.stat().st_size,
        }
    assert paths[0].read_bytes() == paths[1].read_bytes()
    names = zipfile.ZipFile(io.BytesIO(paths[0].read_bytes())).namelist()
    assert "little/little.yaml" in names
    assert "little/test.jsonl" in names


def test_sq(call: Cli) -> None:
    (file,) = sorted(needs("reference").rglob("*.json"))[:1]
    document = call("sq", str(file), "--json")
    assert list(document) == ["models"]
    for benchmarks in document["models"].values():
        for quality in benchmarks.values():
            assert list(quality) == ["rho", "autocorrelation", "sq", "points"]


def test_human_tables_name_what_they_show(call: Cli) -> None:
    out = call("evaluate", "little")
    assert SMALL in out
    assert "reused" in out
    assert "SQ(acc)" in out
    assert "norm_prob" in call("score", "little")
    assert "step" in call("checkpoints")


@pytest.mark.slow
def test_relevance(call: Cli, tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    lines = [
        {
            "question": "Which gas do plants take in for photosynthesis?",
            "choices": ["CO2", "N2"],
            "answer": 0,
        },
        {"id": "b", "question": "Which word rhymes with cat?"},
        {"id": "b", "question": "What does a line\u2028separator do?"},
    ]
    file.write_text(
        "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n\n", encoding="utf-8"
    )
    document = call("relevance", str(file), "--json")
    assert list(document) == ["questions", "accepted_share"]
    assert [q["id"] for q in document["questions"]] == ["1", "b", "b"]
    for question in document["questions"]:
        assert list(question) == ["id", "probability", "field"]
        assert 0 <= question["probability"] <= 1
    assert document["questions"][0]["probability"] > document["questions"][1]["probability"]
    assert len(call("relevance", "little", "--json")["questions"]) == 6


@pytest.mark.slow
def test_as_a_process_of_its_own_stdout_is_json_alone(here: Settings, ladder: Path, tmp_path: Path) -> None:
    environment = (
        os.environ | studios.environment(here) | {"E2LM_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    )
    command = [sys.executable, "-m", "e2lm_core", "evaluate", "little", *SOME, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["computed"] == 12


@pytest.mark.slow
def test_whoever_stops_reading_is_no_failure(here: Settings) -> None:
    command = f"{sys.executable} -m e2lm_core evaluate little --questions --json | head -c 10"
    environment = os.environ | studios.environment(here)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
