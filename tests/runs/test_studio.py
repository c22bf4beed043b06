"""A studio is opened once: what it makes, what it shares, what it leaves out, and what it refuses."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from e2lm_core.base.errors import StoreError
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import user_folders
from e2lm_core.engine.local import LocalBackend
from e2lm_core.runs.studio import open_studio
from tests.base.memory import unwritable
from tests.support import studios
from tests.support.fake_backend import FakeBackend
from tests.support.fake_hub import checkpoint


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return studios.settings(tmp_path)


def test_opening_makes_the_home_and_its_database(chosen: Settings) -> None:
    assert not chosen.home.exists()
    studio = open_studio(chosen, FakeBackend())
    assert chosen.database.is_file()
    assert {model.name for model in studio.catalogue.models} == set(studios.MODELS)
    assert studio.jobs.recent() == []


def test_the_reason_told_is_of_one_checkpoint_where_each_has_its_own(
    chosen: Settings, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "mine"
    for step in (1, 2):
        (run / f"step{step}").mkdir(parents=True)
        for name, data in checkpoint(1).items():
            (run / f"step{step}" / name).write_bytes(data)
    for path in (run / "step1").glob("tokenizer*"):
        path.unlink()
    (run / "step2" / "model.safetensors").write_bytes(b"cut")
    user_folders.add_folder(chosen, tmp_path / "runs")
    (said,) = open_studio(chosen, FakeBackend()).unusable_notes
    assert said.startswith("2 checkpoints of mine left out (step1 and step2); step1: The checkpoint ")
    assert "has no tokenizer" in said


def test_results_and_jobs_share_one_database_so_that_they_are_saved_together(chosen: Settings) -> None:
    studio = open_studio(chosen, FakeBackend())
    assert studio.store.database is studio.jobs.database


def test_what_one_studio_queued_another_of_the_same_home_sees(chosen: Settings) -> None:
    job = open_studio(chosen, FakeBackend()).jobs.submit("evaluate", {"set": "little"})
    assert [seen.id for seen in open_studio(chosen, FakeBackend()).jobs.recent()] == [job]


READ_ONLY = """
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import open_studio
studio = open_studio(Settings.from_env())
copy = studio.with_results_copy
with copy.store.database.transaction() as connection:
    connection.execute("INSERT INTO scopes VALUES (9, 'f', 'float32', 10, 'none', 1)")
print(copy.store.database.is_writable, copy.settings == studio.settings, copy.jobs is studio.jobs)
"""


def test_on_a_disk_that_cannot_be_written_results_go_to_a_copy(chosen: Settings) -> None:
    studio = open_studio(chosen, FakeBackend())
    assert studio.with_results_copy is studio
    studio.store.database.close()
    before = studios.tree(chosen.home)
    said = unwritable.run_in(chosen.home, READ_ONLY, os.environ | studios.environment(chosen))
    assert said.split() == ["True"] * 3
    assert studios.tree(chosen.home) == before


def test_without_settings_and_backend_they_are_the_environments_and_the_local_one(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in studios.environment(chosen).items():
        monkeypatch.setenv(variable, value)
    studio = open_studio()
    assert studio.settings == chosen.model_copy(update={"threads": 2})
    assert isinstance(studio.backend, LocalBackend)


def test_checkpoints_of_a_hub_are_at_hand_only_once_they_are_downloaded(chosen: Settings) -> None:
    studio = open_studio(chosen, FakeBackend())
    mine = studio.catalogue.checkpoints
    assert studio.local_checkpoints == mine
    remote = Checkpoint(
        model=mine[0].model, step=1, repo="tiiuae/dense", revision="0" * 40, subfolder="iter_0000001"
    )
    more = replace(studio, catalogue=replace(studio.catalogue, checkpoints=(remote, *mine)))
    assert more.local_checkpoints == mine


def test_a_database_that_is_none_is_one_sentence_and_stays_as_it_is(chosen: Settings) -> None:
    chosen.home.mkdir()
    chosen.database.write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError, match="damaged or not a database") as refused:
        open_studio(chosen, FakeBackend())
    studios.sentence(refused)
    assert chosen.database.read_bytes() == b"no database" * 1_000


def test_a_home_that_is_a_file_is_one_sentence(chosen: Settings) -> None:
    chosen.home.write_text("")
    with pytest.raises(StoreError, match="E2LM_HOME") as refused:
        open_studio(chosen, FakeBackend())
    studios.sentence(refused)
