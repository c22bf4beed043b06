"""Folders added by hand: what they hold, what a step means where nothing tells it, and for whom they are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import user_folders
from e2lm_core.checkpoints.catalogue import open_catalogue
from tests.support.fake_hub import checkpoint


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", ladder=tmp_path / "none")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of one's own beside one of Pythia's, whose family tells what a step means."""
    for place in ("mine/checkpoint-500", "mine/checkpoint-1000", "pythia-14m/step1000"):
        (tmp_path / "runs" / place).mkdir(parents=True)
        for name, data in checkpoint(1).items():
            (tmp_path / "runs" / place / name).write_bytes(data)
    return tmp_path / "runs"


def test_a_folder_is_added_read_where_it_lies_and_taken_away(settings, folder):
    path, found = user_folders.inspect_folder(str(folder))
    assert user_folders.models_without_tokens(found) == ["mine"]
    assert user_folders.change_stamp(settings) is None
    user_folders.add_folder(settings, path)
    first = user_folders.change_stamp(settings)
    assert [c.tokens_seen for c in open_catalogue(settings).checkpoints_of("mine")] == [None, None]
    user_folders.add_folder(settings, path, {"mine": 2**20})
    assert user_folders.change_stamp(settings) != first
    catalogue = open_catalogue(settings)
    assert [c.tokens_seen for c in catalogue.checkpoints_of("mine")] == [500 * 2**20, 1_000 * 2**20]
    assert catalogue.checkpoints_of("pythia-14m")[0].tokens_seen == 1_000 * 2_097_152
    assert catalogue.checkpoints_of("mine")[0].directory == folder / "mine" / "checkpoint-500"
    user_folders.remove_folder(settings, path)
    assert user_folders.folders(settings) == ()
    assert (folder / "mine" / "checkpoint-500" / "model.safetensors").is_file()


def test_a_folder_inside_another_is_one_model_and_another_of_its_name_is_told(settings, folder, tmp_path):
    user_folders.add_folder(settings, folder / "mine")
    user_folders.add_folder(settings, folder)
    catalogue = open_catalogue(settings)
    assert not [problem for problem in catalogue.problems if "is left out" in problem]
    assert [c.step for c in catalogue.checkpoints_of("mine")] == [500, 1000]
    shutil.copytree(folder / "mine", tmp_path / "elsewhere" / "mine")
    path, found = user_folders.inspect_folder(tmp_path / "elsewhere")
    [told] = catalogue.name_conflicts(path, found)
    said = "there is another of that name: rename its folder."
    assert told == f"The model 'mine' in {path} is left out, since {said}"
    user_folders.add_folder(settings, path)
    assert told in open_catalogue(settings).problems
    assert catalogue.name_conflicts(*user_folders.inspect_folder(folder)) == []


def test_models_whose_place_or_name_tells_no_step_are_named(folder):
    path, found = user_folders.inspect_folder(folder)
    assert user_folders.skipped_sentence(path, found) is None
    whole = folder / "mine" / "checkpoint-500"
    for place in (
        "mine/last",
        "mine/checkpoint-500/adapter",
        "final",
        "epochs/epoch-1",
        "deep/one/step10",
        "mine",
    ):
        shutil.copytree(whole, folder / place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("adapter"))
    path, found = user_folders.inspect_folder(folder)
    assert [model.name for model, _ in found.models] == ["mine", "pythia-14m"]
    assert user_folders.skipped_sentence(path, found) == (
        "Left out, since a checkpoint's folder tells its step (MODEL/step1000, iter_…, checkpoint-… or global_step…): "
        "final, epochs/epoch-1, mine/last and 1 more. Rename them to add them."
    )


def test_of_two_folders_the_one_that_is_named_goes(settings, folder, tmp_path, monkeypatch):
    for name in ("other", "third"):
        shutil.copytree(folder, tmp_path / name)
        user_folders.add_folder(settings, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    user_folders.remove_folder(settings, "third")  # as a command names it
    assert [one.path for one in user_folders.folders(settings)] == [tmp_path / "other"]


@pytest.mark.parametrize(
    ("path", "rules", "said"),
    [
        ("nothing", {}, "There is no folder"),
        ("a\0b", {}, "There is no folder"),
        ("empty", {}, "holds no checkpoints"),
        ("runs", {"other": 5}, "has no model 'other': it has mine and pythia-14m"),
        ("runs", {"mine": 0}, "cannot mean 0 tokens"),
    ],
)
def test_what_cannot_be_added_is_said(settings, folder, tmp_path, path, rules, said):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudioError, match=said):
        user_folders.add_folder(settings, f"{tmp_path}/{path}", rules)
    with pytest.raises(StudioError, match="was not added"):
        user_folders.remove_folder(settings, f"{tmp_path}/{path}")


def test_visitors_do_not_say_what_is_read_of_the_disk(settings, folder):
    with pytest.raises(StudioError, match="sign in first"):
        user_folders.add_folder(settings.for_person(None, readonly=True), folder)


def test_a_list_that_cannot_be_read_is_a_problem_and_the_rest_is_there(settings):
    settings.home.mkdir()
    (settings.home / "folders.json").write_text("{")
    assert "is not a list of folders" in open_catalogue(settings).problems[-1]
