"""A researcher's day: six models trained with transformers' Trainer, evaluated, scored, compared, reported, exported.

By command and in the browser, beside the built-in ladder, which none of it may touch.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.base.settings import Settings
from e2lm_core.charts import palette
from e2lm_core.commands import main as main_commands
from e2lm_core.commands import progress
from e2lm_core.runs.studio import open_studio
from e2lm_core.ui import run_launcher, session
from tests.conftest import ROOT
from tests.support import studios, trainer
from tests.support.visits import Visit

pytestmark = pytest.mark.slow
MODELS = {"llama-s1", "llama-s2", "llama-s3", "neox-s1", "neox-s2", "neox-s3"}
GROUP = "Model group: models of the last run (6 models, 48 checkpoints)."


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a small ladder and its example, a folder of trained models, and a file of questions."""
    folder = tmp_path_factory.mktemp("day")
    chosen = studios.settings(folder, studios.real_ladder(folder / "ladder", steps=(100, 200)))
    studios.write_example(chosen)
    trainer.train(folder / "runs")
    lines = [
        json.dumps({"id": q.id, "question": q.question, "choices": q.choices, "answer": q.answer})
        for q in trainer.questions()
    ]
    (folder / "colours.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def settings(day: Path) -> Settings:
    return studios.settings(day, day / "ladder")


@pytest.fixture
def call(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(progress, "QUIET_S", 3_600.0)

    def run(*arguments: str):
        with pytest.raises(SystemExit) as end:
            main_commands.main(arguments)
        out, err = capsys.readouterr()
        assert end.value.code == 0, err
        return json.loads(out) if "--json" in arguments else out

    return run


@pytest.fixture
def visit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(run_launcher, "ensure_worker", lambda: None)
    monkeypatch.setattr(session, "redraw_through_app", lambda: None)
    st.cache_resource.clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    yield Visit(at, session.studio()).choose("colours")
    session.studio().store.database.close()
    st.cache_resource.clear()


def test_evaluate_is_remembered_by_every_command(call, day: Path) -> None:
    call("evaluate", "little")
    before = call("score", "little", "--json")
    call("folders", "add", str(day / "runs"))
    assert call("score", "little", "--json") == before, "a folder that is added changes no number"
    call("import", str(day / "colours.jsonl"), "--name", "colours", "--answers-from", "0")
    ran = call("evaluate", "colours", "--checkpoints", "llama-*/*", "--checkpoints", "neox-*/*", "--json")
    assert (set(ran["fleet"]["models"]), ran["fleet"]["checkpoints"], ran["fleet"]["name"]) == (
        MODELS,
        48,
        None,
    )

    scores = call("score", "colours", "--json")
    assert scores["fleet"] == ran["fleet"]
    assert scores["metrics"]["norm_prob"]["sq"]["overall"]["value"] > 0.8
    seeds = scores["metrics"]["norm_prob"]["sq"]["seeds"]
    assert {name: len(own) for name, own in seeds["seeds"].items()} == {"llama-s1": 3, "neox-s1": 3}
    assert seeds["low"] <= seeds["mean"] <= seeds["high"], "seeds are told as seeds"
    printed = call("score", "colours")
    assert GROUP in printed
    assert "the mean over 3 seeds" in printed
    assert "run one, which checkpoints.json declares by role: web and twin_of" in printed, "a dash says why"
    assert set(call("ranks", "colours", "--json")["models"]) == {"llama-s1", "neox-s1"}, (
        "seeds are not ranked"
    )
    for command in ("ranks", "parting", "questions", "suspects"):
        printed = call(command, "colours")
        assert GROUP in printed
        assert "ladder" not in printed
    planned = call("plan", "colours", "--workers", "2", "--json")
    assert (planned["checkpoints"], planned["hours"] > 0) == (48, True), "the pace is that of the run"
    assert call("score", "little", "--json") == before


def test_report_and_exports_are_of_the_same_models(call, day: Path) -> None:
    document = call("report", "colours", "--out", str(day / "r.html"), "--json")
    assert {curve["model"]["name"] for curve in document["curves"]} == MODELS
    assert (document["complete_checkpoints"], document["checkpoints"]) == (48, 48)
    assert document["scores"]["acc"]["sq"] == call("score", "colours", "--json")["metrics"]["acc"]["sq"]
    assert document["fleet"]["sentence"] == GROUP
    assert "--checkpoints 'llama-s1/*'" in document["commands"][1]
    html = (day / "r.html").read_text()
    assert GROUP in html
    assert "ladder-small" not in html
    printed = call("results", "export", "colours", "--out", str(day / "r.zip"))
    assert GROUP in printed
    with zipfile.ZipFile(day / "r.zip") as archive:
        assert len([name for name in archive.namelist() if "results_" in name]) == 48
    one = call("export", "colours", "--out", str(day / "colours.zip"), "--json")
    call("fleet", "make", "My runs", "--checkpoints", "llama-*/*", "--checkpoints", "neox-*/*")
    call("fleet", "use", "colours", "My runs")
    two = call("export", "colours", "--out", str(day / "again.zip"), "--json")
    assert one["bytes"] == two["bytes"]
    assert (day / "colours.zip").read_bytes() == (day / "again.zip").read_bytes(), (
        "a set's bytes know no group"
    )


def test_a_copy_is_compared_on_the_same_models(call) -> None:
    call("sets", "copy", "colours", "fewer")
    call("question", "delete", "fewer", "c1", "--yes")
    assert call("evaluate", "fewer", "--json")["fleet"]["name"] == "My runs", "a copy has its source's group"
    document = call("compare", "colours", "fewer", "--metric", "norm_prob", "--json")
    assert set(document["fleet"]["models"]) == MODELS
    assert {mean["model"] for mean in document["metrics"]["norm_prob"]["means"]} >= MODELS


def test_every_place_is_of_these_models(visit: Visit) -> None:
    for place in ("result", "accuracy", "ranking", "questions", "suspects", "compare", "share", "run"):
        visit.open(place)
        assert "up to date · My runs" in visit.said, place
        for untrue in (
            "did not reach its end",
            "25% done",
            "mini models never learned",
            "Run the rest",
        ):
            assert untrue not in visit.said, place
    visit.open("run")
    assert "6 models, 48 checkpoints." in visit.said
    assert "Run 6 models" in visit.labels()
    pills = next(p for p in visit.at.button_group if p.label == "Models")
    assert set(pills.value) == {"llama-s1", "neox-s1"}, "other seeds come with their model"


EVERY = {
    "score": ("--json",),
    "ranks": ("--json",),
    "parting": ("--json",),
    "questions": ("--json",),
    "suspects": ("--json",),
    "plan": ("--workers", "2", "--pace", "0.01", "--json"),
}


@pytest.mark.parametrize("example", ["ladder_science", "ladder_general"])
def test_a_folder_and_a_cache_change_no_number_of_an_example(
    example: str,
    day: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("E2LM_SHIPPED", "1")
    for name in ("E2LM_TASKS", "E2LM_LADDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(progress, "QUIET_S", 3_600.0)

    def numbers() -> dict[str, str]:
        told = {}
        for command, options in EVERY.items():
            with pytest.raises(SystemExit) as end:
                main_commands.main([command, example, *options])
            told[command], err = capsys.readouterr()
            assert end.value.code == 0, err
        return told

    def folders(*words: str) -> None:
        with pytest.raises(SystemExit) as end:
            main_commands.main(["folders", *words])
        assert end.value.code == 0, capsys.readouterr().err
        capsys.readouterr()

    before = numbers()
    commit, model = "c0ffee" * 6 + "c0ff", tmp_path / "hf" / "hub" / "models--me--toy"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "step20").write_text(commit)
    shutil.copytree(day / "runs" / "llama-s1" / "checkpoint-20", model / "snapshots" / commit)
    folders("add", str(day / "runs"))
    assert numbers() == before
    shutil.rmtree(tmp_path / "hf")
    folders("remove", str(day / "runs"))
    assert numbers() == before


def test_the_ladder_knows_nothing_of_it(settings: Settings) -> None:
    studio = open_studio(settings)
    assert len(studio.local_checkpoints) == 48 + 8
    own = {c.model.name: c.model for c in studio.local_checkpoints if c.packed is None}
    looks = palette.assign_looks(own.values())
    assert len({(look.hue, look.dash, look.symbol) for look in looks.values()}) == 6, "curves are told apart"
    studio.store.database.close()
