"""A person's own data as an archive and their account away: theirs alone, and whole."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.deploy.home import own_data
from e2lm_core.people import accounts, sharing
from e2lm_core.runs import start
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.folder import source
from tests.support import studios

ISSUER = "https://id.example"


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Ada administers; Bob and Eve have a set each, Bob's is shared with Eve."""
    settings = studios.settings(tmp_path, studios.real_ladder(tmp_path / "ladder", (100,)))
    settings = settings.model_copy(update={"auth": "oidc", "admins": ("sub:ada",), "paths": False})
    studios.write_example(settings)
    for name in ("ada", "bob", "eve"):
        accounts.sign_in(settings, ISSUER, name, name.capitalize(), username=name)
    for name in ("bob", "eve"):
        collection.copy_set(settings.for_person(name, paths=False), "little", f"of_{name}")
    sharing.share(settings.for_person("bob", paths=False), "of_bob", "eve")
    return open_studio(settings)


def of(studio: Studio, person: str) -> Studio:
    return replace(studio, settings=studio.settings.for_person(person, paths=False))


def test_the_archive_holds_ones_own_sets_and_nothing_of_others(studio: Studio, tmp_path: Path) -> None:
    bob = of(studio, "bob").settings
    authoring.update_questions(bob, "of_bob", {"q1": {"note": "mine alone"}})
    os.symlink(bob.home / "people" / "eve", bob.sets / "link")
    os.symlink(
        bob.home / "people" / "eve" / "sets" / "of_eve" / "test.jsonl", bob.sets / "of_bob" / "link.jsonl"
    )
    with zipfile.ZipFile(io.BytesIO(own_data.archive_own_data(bob, "bob"))) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert "sets/of_bob/test.jsonl" in names
    assert any(name.startswith("history/of_bob/") for name in names)
    assert not [name for name in names if "eve" in name or "link" in name or "lock" in name]
    local = studio.settings.model_copy(update={"auth": "none", "paths": True})
    again = source.read_source(local, str(tmp_path / "out" / "sets" / "of_bob"))
    assert again.task.questions == collection.open_set(bob, "of_bob").questions


@pytest.mark.parametrize("who", ["bob", "nobody"])
def test_others_get_neither(studio: Studio, who: str) -> None:
    for attempt in (
        lambda: own_data.archive_own_data(of(studio, "eve").settings, who),
        lambda: own_data.delete_account(of(studio, "eve"), who),
    ):
        with pytest.raises(StudioError, match="Only an administrator may"):
            attempt()
    assert accounts.get_person(studio.settings, "bob") is not None


def test_an_account_goes_with_all_that_is_its_own(studio: Studio) -> None:
    bob, eve = of(studio, "bob"), of(studio, "eve")
    checkpoints = bob.catalogue.checkpoints
    task = collection.open_set(bob.settings, "of_bob")
    start.submit_run(bob, task, checkpoints, num_fewshot=0)
    assert [i.address for i in collection.list_sets(eve.settings)] == ["of_eve", "bob/of_bob", "little"]
    own_data.delete_account(bob, "bob")
    assert accounts.get_person(studio.settings, "bob") is None
    assert not list((studio.settings.home / "people").glob("*bob*"))
    assert [i.address for i in collection.list_sets(eve.settings)] == ["of_eve", "little"]
    assert not [job for job in studio.jobs.open_jobs() if job.payload.get("owner") == "bob"]
    again = accounts.sign_in(studio.settings, ISSUER, "bob", "Bob", username="bob")
    assert [i.name for i in collection.list_sets(studio.settings.for_person(again.id)) if not i.example] == []


def test_the_only_administrator_stays(studio: Studio) -> None:
    with pytest.raises(StudioError, match="You are the only administrator"):
        own_data.delete_account(of(studio, "ada"), "ada")
    accounts.set_administrator(of(studio, "ada").settings, "eve", True)
    own_data.delete_account(of(studio, "ada"), "ada")
    assert accounts.get_person(studio.settings, "ada") is None


def test_what_is_no_account_is_one_sentence(studio: Studio) -> None:
    with pytest.raises(StudioError, match="no account 'nobody'"):
        own_data.delete_account(of(studio, "ada"), "nobody")
