"""Model groups in the browser: which models the numbers are of, saved groups, the set on two of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints import user_folders
from e2lm_core.runs import evaluate, fleets, start, state
from e2lm_core.runs.fleets import Fleet
from e2lm_core.sets import collection
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.places.models import groups
from tests.conftest import ROOT
from tests.support import studios, tiny_models
from tests.support.visits import Visit, touched


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the results of `little` on the ladder and on a folder of two own models, six checkpoints."""
    folder = tmp_path_factory.mktemp("groups")
    chosen = studios.settings(folder, studios.real_ladder(folder / "ladder", steps=(100, 200)))
    studios.write_example(chosen)
    for name in ("llama-s1", "llama-s2"):
        for step in (50, 100, 150):
            tiny_models.make(folder / "runs" / name / f"checkpoint-{step}", seed=step + len(name))
    user_folders.add_folder(chosen, folder / "runs")
    from e2lm_core.runs.studio import open_studio

    studio = open_studio(chosen)
    task = collection.open_set(chosen, "little")
    evaluate.evaluate(studio, task, studio.local_checkpoints)
    studio.store.database.close()
    return folder


@pytest.fixture
def visit(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    shutil.copytree(home / "home", tmp_path / "home")
    chosen = studios.settings(home, home / "ladder").model_copy(update={"home": tmp_path / "home"})
    for name, value in studios.environment(chosen).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(run_launcher, "ensure_worker", lambda: None)
    monkeypatch.setattr(session, "redraw_through_app", lambda: None)
    st.cache_resource.clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    yield Visit(at, session.studio()).choose("little")
    session.studio().store.database.close()
    st.cache_resource.clear()


def own(visit: Visit, *globs: str) -> tuple[str, ...]:
    return tuple(c.name for c in visit.studio.catalogue.match_globs(globs))


def group(visit: Visit):
    return next(box for box in visit.at.selectbox if box.label == "Model group")


def test_the_group_is_named_on_every_place_and_a_folder_changes_nothing(visit: Visit) -> None:
    for place in ("result", "accuracy", "compare", "share", "run"):
        visit.open(place)
        assert "up to date · built-in models" in visit.said
    visit.open("run")
    assert "4 models, 8 checkpoints." in visit.said
    assert group(visit).options == ["built-in models"]


def test_a_commands_run_is_the_group_and_the_ladder_can_be_taken_back(visit: Visit) -> None:
    some = visit.studio.catalogue.match_globs(["llama-*/*"])
    start.record_run(visit.studio, "little", some, None, (), 0.0)
    visit.open("run")
    assert "up to date · models of the last run" in visit.said
    pills = next(p for p in visit.at.button_group if p.label == "Models")
    assert [str(value) for value in pills.value] == ["llama-s1", "llama-s2"]
    group(visit).select("ladder").run()
    assert not visit.at.exception
    assert state.fleet_of_set(visit.studio, "little").name == "ladder"
    pills = next(p for p in visit.at.button_group if p.label == "Models")
    assert "llama-s1" not in pills.value


def test_selected_models_are_saved_as_a_group_and_deleted(visit: Visit) -> None:
    start.record_run(visit.studio, "little", visit.studio.catalogue.match_globs(["llama-*/*"]), None, (), 0.0)
    visit.open("run")
    visit.at.text_input(key="group_name").input("My runs").run()
    visit.at.button(key="group_save").click().run()
    assert not visit.at.exception
    assert state.fleet_of_set(visit.studio, "little").name == "My runs"
    assert group(visit).value == "My runs"
    visit.at.button(key="group_delete").click().run()
    assert not visit.at.exception
    left = state.fleet_of_set(visit.studio, "little")
    assert (left.name, left.models) == ("", ("llama-s1", "llama-s2"))


def test_a_name_that_is_taken_is_refused(visit: Visit) -> None:
    visit.open("run")
    visit.at.text_input(key="group_name").input("ladder").run()
    visit.at.button(key="group_save").click().run()
    assert "'ladder' is a built-in model group" in visit.said


def test_the_card_of_a_set_names_the_group_of_its_score_and_what_has_left(visit: Visit) -> None:
    visit.open("sets")
    assert "up to date · " not in visit.said  # the built-in models go without saying
    missing = Fleet(name="My runs", checkpoints=(*own(visit, "llama-*/*"), "gone/checkpoint-1"))
    fleets.choose_fleet(visit.studio, "little", missing)
    visit.at.run()
    assert "up to date · My runs" in visit.said
    assert "Not on this computer any more: gone (1 checkpoint)" in visit.said


def test_two_groups_stand_side_by_side(visit: Visit) -> None:
    fleets.save_fleet(visit.studio, Fleet(name="My runs", checkpoints=own(visit, "llama-*/*")))
    visit.open("groups")
    assert "complete results on 2 of 2 model groups" in visit.said
    table = next(t.value for t in visit.at.dataframe if "group" in t.value)
    assert list(table["group"]) == ["built-in models", "My runs"]
    assert list(table["complete"]) == [8, 6]
    visit.open("accuracy")
    visit.at.selectbox(key="curves_group").select("My runs").run()
    assert not visit.at.exception
    assert len(touched(visit.at)) == 2


def test_one_group_says_how_to_make_another(visit: Visit) -> None:
    visit.open("groups")
    assert "save another on Models and runs" in visit.said


def test_what_left_is_named_on_every_place(visit: Visit, home: Path) -> None:
    start.record_run(visit.studio, "little", visit.studio.catalogue.match_globs(["llama-*/*"]), None, (), 0.0)
    user_folders.remove_folder(visit.studio.settings, home / "runs")
    st.cache_resource.clear()
    visit.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    visit.choose("little").open("result")
    assert (
        "Not on this computer any more: llama-s1 (3 checkpoints) and llama-s2 (3 checkpoints)" in visit.said
    )


def test_roles_that_differ_from_the_catalogues_are_the_groups(visit: Visit) -> None:
    checkpoints = visit.studio.catalogue.match_globs(["llama-*/*"])
    frame = groups._role_frame(checkpoints)
    assert groups.read_roles(checkpoints, frame) == {}
    edited = frame.copy()
    edited.loc[1, "seed_of"], edited.loc[1, "arch"] = "llama-s1", "llama"
    edited.loc[0, "early_end_step"] = 100
    read = groups.read_roles(checkpoints, edited)
    assert {name: roles.model_dump(exclude_unset=True) for name, roles in read.items()} == {
        "llama-s1": {"early_end_step": 100},
        "llama-s2": {"arch": "llama", "seed_of": "llama-s1"},
    }
    edited.loc[0, "tokens_per_step"] = 0
    with pytest.raises(CheckpointError, match="llama-s1: tokens_per_step"):
        groups.read_roles(checkpoints, edited)
    assert isinstance(frame, pd.DataFrame)
