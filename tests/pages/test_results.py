"""The Results page as a visitor uses it: files dropped in, curves drawn, imports kept, removed and brought back."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.imported import saved_imports
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection
from e2lm_core.ui import run_launcher, session
from tests.conftest import ROOT
from tests.support import harness_files, studios
from tests.support.visits import Visit, touched


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Two of a set's questions have results on two checkpoints each of two models."""
    folder = tmp_path_factory.mktemp("results")
    models = ("ladder-small-arch1", "ladder-large-arch1")
    chosen = studios.settings(folder, studios.real_ladder(folder / "real", steps=(100, 200), models=models))
    studios.write_example(chosen, studios.task(2))
    studio = open_studio(chosen)
    evaluate.evaluate(studio, collection.open_set(chosen, "little"), studio.catalogue.checkpoints)
    studio.store.database.close()
    return folder


@pytest.fixture
def visit(home, monkeypatch) -> Iterator[Visit]:
    settings = studios.settings(home, home / "real")
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(run_launcher, "ensure_worker", lambda: None)
    monkeypatch.setattr(session, "redraw_through_app", lambda: None)
    st.cache_resource.clear()
    opened = Visit(AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run(), session.studio())
    for name in saved_imports.saved_names(settings):
        saved_imports.remove_import(settings, name)
    opened.open("results")
    yield opened
    session.studio().store.database.close()
    st.cache_resource.clear()


def give(visit: Visit, files: dict[str, bytes]) -> AppTest:
    visit.at.file_uploader(key="results_files").set_value(
        [(name, data, "application/octet-stream") for name, data in files.items()]
    ).run()
    assert not visit.at.exception
    return visit.at


def archive(files: dict[str, bytes]) -> dict[str, bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return {"mine.zip": buffer.getvalue()}


def press(visit: Visit, key: str) -> None:
    visit.at.button(key=key).click().run()
    assert not visit.at.exception


def lines(visit: Visit) -> list[str]:
    spec = json.loads(touched(visit.at)[0].proto.spec)
    return [trace["name"] for trace in spec["data"] if trace.get("name")]


def test_before_anything_is_given(visit):
    assert "No imported results yet" in visit.said
    assert "No saved results" in visit.said


def test_a_zip_gives_curves_scores_and_what_is_to_be_known(visit):
    give(visit, archive(harness_files.folder() | {"readme.txt": b"x"}))
    assert "1 model on 1 task: 5 curves of 10 points" in visit.said
    assert "1 file could not be read" in visit.said
    assert "has no result at 152 of its 154 known checkpoints" in visit.said
    assert lines(visit) == ["pythia-70m"]
    assert set(visit.numbers) == {"SQ", "RC", "SNR", "Decision accuracy"}
    tables = [frame.value for frame in visit.at.dataframe]
    assert any("why not" in table.columns and "readme.txt" in set(table["file"]) for table in tables)


def test_several_files_of_one_name_lose_nothing(visit):
    first = harness_files.results(revision="step1000")
    second = harness_files.results(revision="step2000")
    files = [("results_x.json", first, "application/json"), ("results_x.json", second, "application/json")]
    visit.at.file_uploader(key="results_files").set_value(files).run()
    assert not visit.at.exception
    assert "1 curve of 2 points" in visit.said


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (archive({}), "holds no files"),
        ({"x.json": b'{"results": '}, "half-written"),
        ({"x.zip": b"no zip"}, "not a readable zip"),
        ({"x.csv": b"a,b\n1,2\n"}, "lacks the columns"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(visit, files, said):
    give(visit, files)
    assert said in visit.said
    visit.at.run()
    assert said in visit.said, "and it stays while the file does"
    assert "No imported results yet" in visit.said


@pytest.mark.parametrize(("models", "opened"), [(("70m", "160m"), True), (("70m", "160m", "410m"), False)])
def test_three_things_to_know_are_open_and_more_are_folded(visit, models, opened):
    rows = [f"pythia-{size},t,acc,{step},0.5\n" for size in models for step in (1_000, 2_000)]
    give(visit, {"x.csv": f"model,task,metric,step,score\n{''.join(rows)}".encode()})
    (panel,) = (e for e in visit.at.expander if "to know about these results" in e.label)
    # The checkpoints that each model lacks, and that there are no samples.
    assert panel.label.startswith(f"{len(models) + 1} things")
    assert panel.proto.expanded is opened


def test_one_point_draws(visit):
    give(visit, {"x.csv": b"model,task,metric,step,score\nm,t,acc,100,0.5\n"})
    assert "There is one point a curve" in visit.said
    assert lines(visit) == ["m"]


def test_the_studios_own_runs_stand_beside(visit):
    rows = b"model,task,metric,step,tokens_seen,score\n" + b"".join(
        f"ladder-small-arch1,little,acc,{k},{k * 1000},0.5\n".encode() for k in (100, 200)
    )
    give(visit, {"x.csv": rows})
    visit.at.toggle(key="results_own").set_value(True).run()
    assert not visit.at.exception
    assert lines(visit) == ["ladder-small-arch1", "studio: small-arch1"]
    own = next(m for m in visit.at.multiselect if m.label == "Own runs")
    own.set_value(["ladder-small-arch1", "ladder-large-arch1"]).run()
    assert lines(visit) == ["ladder-small-arch1", "studio: small-arch1", "studio: large-arch1"]


def test_keeping_opening_removing_and_bringing_back(visit):
    give(visit, harness_files.folder(with_samples=False))
    visit.at.text_input(key="results_name").input("mine").run()
    press(visit, "results_keep")
    assert [row.name for row in saved_imports.list_saved(visit.studio.settings)] == ["mine"]
    visit.at.file_uploader(key="results_files").set_value([]).run()
    press(visit, "results_open_mine")
    assert lines(visit) == ["pythia-70m"]
    press(visit, "results_remove_mine")  # in the popover that asks
    assert saved_imports.saved_names(visit.studio.settings) == []
    press(visit, "results_undo")
    assert saved_imports.saved_names(visit.studio.settings) == ["mine"]


def test_a_name_that_is_taken_is_one_sentence(visit):
    kept = harness_files.import_files(harness_files.folder(with_samples=False), (), "x")
    saved_imports.save_import(visit.studio.settings, "mine", kept)
    give(visit, harness_files.folder(with_samples=False))
    visit.at.text_input(key="results_name").input("mine").run()
    press(visit, "results_keep")
    assert "kept already" in visit.said


def test_a_damaged_import_is_listed_with_its_reason(visit):
    path = saved_imports.imports_folder(visit.studio.settings)
    path.mkdir(parents=True, exist_ok=True)
    (path / "broken.json").write_text("{")
    visit.at.run()
    assert not visit.at.exception
    assert "cannot be read: remove them" in visit.said.replace("\\", "")


def test_names_of_files_are_text(visit):
    give(visit, archive(harness_files.folder() | {"<b>$x$ [a](b).json": b"{"}))
    drawn = "\n".join(markdown.value for markdown in visit.at.markdown)
    assert r"\<b>\$x\$ \[a\](b).json" in drawn
    assert "<b>$x$ [a](b).json" in visit.said


def test_the_export_page_offers_the_report(visit):
    visit.open("share")
    labels = [button.proto.label for button in visit.at.get("download_button")]
    assert {"Download the report", "Download as JSON"} <= set(labels)
