"""Guest workspace ends some hours after the last visit, with all that was in it, and goes along at a sign-in."""

from __future__ import annotations

import time
from typing import get_args

import pytest

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, accounts, sharing, visitors
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.editing import drafts
from tests.support import studios

ONE, OTHER = "0123456789ab", "ba9876543210"


@pytest.fixture
def home(tmp_path) -> Settings:
    chosen = studios.settings(tmp_path).model_copy(update={"auth": "oidc", "sandbox_hours": 2.0})
    studios.write_example(chosen)
    return chosen


def last_seen(home: Settings, identity: str, hours: float) -> None:
    with accounts.accounts_database(home).transaction() as connection:
        connection.execute("UPDATE people SET seen_at = seen_at - ? WHERE id = ?", (hours * 3600, identity))


def test_a_sandbox_ends_hours_after_the_last_visit_with_everything_in_it(home):
    one = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    other = home.for_person(accounts.sign_in(home, "https://id.example", "1", "Ada").id)
    collection.copy_set(one, "little", "tried")
    sharing.share(one, "tried", "ada")
    last_seen(home, one.person or "", 1.9)
    assert visitors.end_expired(home) == []
    last_seen(home, one.person or "", 0.2)
    assert visitors.end_expired(home) == [one.person]
    assert not one.workspace.exists()
    assert sharing.sets_shared_with_caller(other) == []
    assert [person.id for person in accounts.list_people(home)] == [other.person]
    assert [path.name for path in (home.home / "people").iterdir()] == [other.person]
    again = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    assert [info.name for info in collection.list_sets(again)] == ["little"]


def test_a_sandbox_in_which_nothing_was_made_ends_within_the_hour(home):
    kept = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    collection.create_set(kept, "tried")
    empty = visitors.open_visitor_workspace(home, OTHER).id
    for identity in (kept.person or "", empty):
        last_seen(home, identity, 1.1)
    assert visitors.end_expired(home) == [empty]


def test_sandboxes_have_an_end(home, monkeypatch):
    monkeypatch.setattr(visitors, "MAX_WORKSPACES", 1)
    visitors.open_visitor_workspace(home, ONE)
    with pytest.raises(LimitError, match="All 1 guest workspaces are in use"):
        visitors.open_visitor_workspace(home, OTHER)
    assert visitors.open_visitor_workspace(home, ONE).visitor


def test_people_who_signed_in_are_never_swept(home):
    person = accounts.sign_in(home, "https://id.example", "1", "Ada")
    last_seen(home, person.id, 10_000)
    assert visitors.end_expired(home) == []


def test_what_a_visitor_made_goes_with_them_and_takes_nothing_of_theirs(home):
    one = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    collection.copy_set(one, "little", "tried")
    collection.create_set(one, "mine")
    typed = drafts.Draft(
        task="tried", place="new", form="0" * 32, at=time.time(), fields={"question": "Why?"}
    )
    assert drafts.save_draft(one, typed)
    ada = home.for_person(accounts.sign_in(home, "https://id.example", "1", "Ada").id)
    collection.copy_set(ada, "little", "mine")
    person = accounts.get_person(home, "ada")
    assert person is not None
    assert not visitors.transfer_to_account(home, ONE, person)
    assert [info.name for info in collection.list_sets(ada) if not info.example] == ["mine", "tried"]
    assert collection.open_set(ada, "mine").questions
    assert drafts.find_draft(ada, "tried", "new") == typed
    assert accounts.get_person(home, one.person or "") is not None
    collection.delete_set(one, "mine")
    assert visitors.transfer_to_account(home, ONE, person)
    assert accounts.get_person(home, one.person or "") is None
    assert visitors.transfer_to_account(home, ONE, person)  # once more is nothing


def test_what_a_visitor_shared_stays_shared_and_its_links_hold(home):
    guest = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    ada, bob = (
        accounts.sign_in(home, "https://id.example", name, name, username=name) for name in ("ada", "bob")
    )
    collection.copy_set(guest, "little", "tried")
    for person in (ada, bob):
        sharing.share(guest, "tried", person.id, "editor")
    link = sharing.create_link(guest, "tried", "reader")
    assert visitors.transfer_to_account(home, ONE, ada)
    (grant,) = sharing.shared_with(home.for_person(ada.id), "tried")
    assert (grant.person, grant.role) == (bob.id, "editor")
    assert access.role_of(home.for_person(bob.id), ada.id, "tried") == "editor"
    eve = home.for_person(accounts.sign_in(home, "https://id.example", "eve", "eve", username="eve").id)
    followed = sharing.redeem_link(eve, link.key)
    assert followed is not None
    assert (followed.owner, followed.set_name, followed.role) == (ada.id, "tried", "reader")


def test_a_history_goes_to_no_other_set_of_the_name(home):
    one = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    ada = home.for_person(accounts.sign_in(home, "https://id.example", "1", "Ada").id)
    for workspace in (one, ada):
        collection.copy_set(workspace, "little", "tried")
    authoring.update_questions(one, "tried", {"q1": {"question": "Of a guest?"}})
    person = accounts.get_person(home, "ada")
    assert person is not None
    visitors.transfer_to_account(home, ONE, person)
    assert versions.list_versions(ada, "tried") == []


def test_files_of_a_name_that_the_person_has_come_along_too(home):
    guest = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    person = accounts.sign_in(home, "https://id.example", "1", "Ada")
    ada = home.for_person(person.id)
    for workspace in (guest, ada):
        for name in ("results/run.json", "results/removed/run.json", "shelf/mine.columns", "tried/0.jsonl"):
            path = workspace.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{workspace.person}\n")
        for number, place in enumerate(("new", f"question/{workspace.person}")):
            task = "ada/little" if number else f"{workspace.person}s"
            draft = drafts.Draft(
                task=task, place=place, form=f"{number}" * 32, at=time.time(), fields={"question": "Why?"}
            )
            assert drafts.save_draft(workspace, draft)
    assert visitors.transfer_to_account(home, ONE, person)
    texts = {
        path.relative_to(ada.workspace).as_posix(): path.read_text()
        for name in ("results", "shelf", "tried")
        for path in (ada.workspace / name).rglob("*.*")
    }
    assert texts == {
        "results/run.json": "ada\n",
        "results/run_2.json": f"{guest.person}\n",
        "results/removed/run.json": "ada\n",
        "results/removed/run_2.json": f"{guest.person}\n",
        "shelf/mine.columns": "ada\n",
        "shelf/mine_2.columns": f"{guest.person}\n",
        "tried/0.jsonl": f"ada\n{guest.person}\n",
    }
    assert {draft.place for draft in drafts.list_drafts(ada, "ada/little")} == {
        "question/ada",
        f"question/{guest.person}",
    }
    assert not guest.workspace.exists()


def test_a_guest_workspace_stays_until_all_of_it_came_along(home):
    guest = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    person = accounts.sign_in(home, "https://id.example", "1", "Ada")
    for workspace in (guest, home.for_person(person.id)):
        collection.copy_set(workspace, "little", "tried")
    assert not visitors.transfer_to_account(home, ONE, person)
    assert collection.open_set(guest, "tried").questions
    collection.rename_set(guest, "tried", "other")
    assert visitors.transfer_to_account(home, ONE, person)
    assert not guest.workspace.exists()


def test_a_link_and_a_share_are_for_who_has_signed_in(home):
    ada = home.for_person(accounts.sign_in(home, "https://id.example", "1", "Ada").id)
    collection.copy_set(ada, "little", "hers")
    guest = home.for_person(visitors.open_visitor_workspace(home, ONE).id)
    for role in get_args(access.Role):
        with pytest.raises(TaskError, match="for people who have signed in"):
            sharing.redeem_link(guest, sharing.create_link(ada, "hers", role).key)
        with pytest.raises(StudioError, match="has not signed in"):
            sharing.share(ada, "hers", guest.person or "", role)
    assert sharing.shared_with(ada, "hers") == []
    assert access.role_of(guest, "ada", "hers") is None
