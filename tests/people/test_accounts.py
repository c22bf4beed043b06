"""Who has signed in: ids that are safe and nobody else's, administrators, and what a home held before."""

from __future__ import annotations

import re

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import PERSON, Settings
from e2lm_core.people import accounts
from e2lm_core.sets import authoring, collection, versions
from tests.support import studios

ISSUER = "https://id.example"


@pytest.fixture
def home(tmp_path) -> Settings:
    chosen = studios.settings(tmp_path).model_copy(
        update={"auth": "oidc", "admins": ("ada@example.org", "sub:7", "grace")}
    )
    studios.write_example(chosen)
    return chosen


def test_nobody_is_known_and_nothing_is_opened_before_the_first_sign_in(home):
    assert not accounts.has_accounts(home)
    assert accounts.list_people(home) == []
    assert accounts.get_person(home, "ada") is None
    assert accounts.first_administrator(home) is None
    assert accounts.is_administrator(home)
    assert not home.database.exists()


def test_a_person_keeps_their_id_when_their_name_changes(home):
    first = accounts.sign_in(home, ISSUER, "1", "Ada Lovelace")
    again = accounts.sign_in(home, ISSUER, "1", "Ada King")
    assert (first.id, again.id, again.name) == ("ada-lovelace", "ada-lovelace", "Ada King")
    assert home.for_person(first.id).workspace.is_dir()


def test_of_a_long_name_the_id_has_24_characters(home):
    assert (
        accounts.sign_in(home, ISSUER, "1", "Wolfeschlegelsteinhausenbergerdorff").id
        == "wolfeschlegelsteinhausen"
    )


def test_two_of_one_name_and_of_two_providers_are_two(home):
    ids = [
        accounts.sign_in(home, ISSUER, "1", "Ada").id,
        accounts.sign_in(home, ISSUER, "2", "Ada").id,
        accounts.sign_in(home, "https://other.example", "1", "Ada").id,
    ]
    assert ids == ["ada", "ada-2", "ada-3"]


@pytest.mark.parametrize(
    "name",
    ["", "../../etc", "空", "visitor", "visitor-0123456789ab", "1984", "a/b", "é" * 200, "\ud800", "con\x00"],
)
def test_whatever_the_name_the_id_is_safe_as_a_folder(home, name):
    person = accounts.sign_in(home, ISSUER, "1", name)
    assert re.fullmatch(PERSON, person.id)
    assert not person.id.startswith("visitor")
    assert home.for_person(person.id).workspace.parent == home.home / "people"


def test_a_folder_that_is_left_is_given_to_nobody_else(home):
    accounts.sign_in(home, ISSUER, "1", "Ada")
    accounts.delete_person(home, "ada")
    assert accounts.sign_in(home, ISSUER, "2", "Ada").id == "ada-2"


def test_an_administrator_is_named_by_verified_e_mail_or_by_subject(home):
    assert accounts.sign_in(home, ISSUER, "1", "x", email="Ada@Example.org").administrator
    assert accounts.sign_in(home, ISSUER, "7", "y").administrator
    assert not accounts.sign_in(home, ISSUER, "3", "grace").administrator


@pytest.mark.parametrize(
    "claims",
    [
        {"username": "ada@example.org", "email": "mal@example.org"},
        {"username": "sub:7"},
        {"name": "ada@example.org"},
        {"name": "sub:7"},
        {"email": "sub:7"},
        {"email": "7"},
        {"username": "7"},
        {"email": "ada@example.org\x01"},
        {"email": " ada@example.org"},
        {"email": "ad\N{KELVIN SIGN}@example.org"},
        {"email": "ada@example.or\N{FULLWIDTH LATIN SMALL LETTER G}"},
    ],
)
def test_a_name_that_looks_like_an_administrators_makes_none(home, claims):
    for issuer in (ISSUER, accounts.HUB):
        told = {"name": "Mal", **claims}
        assert not accounts.sign_in(home, issuer, "mal", **told).administrator


def test_an_e_mail_with_a_letter_that_folds_to_an_administrators_is_another(home):
    named = home.model_copy(update={"admins": ("mark@example.org", "mark")})
    kelvin = "mar\N{KELVIN SIGN}"
    for issuer in (ISSUER, accounts.HUB):
        assert not accounts.sign_in(named, issuer, "1", "x", email=f"{kelvin}@example.org").administrator
        for username in (kelvin, "MARK", "mark\x01", "mark ", "\ud800mark"):
            assert not accounts.sign_in(named, issuer, username, "x", username=username).administrator


def test_a_user_name_names_an_administrator_at_the_hub_alone_and_its_first_account_alone(home):
    assert not accounts.sign_in(home, ISSUER, "1", "Grace", username="grace").administrator
    assert accounts.sign_in(home, accounts.HUB, "1", "Grace", username="grace").administrator
    # The account was deleted, and another has its name.
    assert not accounts.sign_in(home, accounts.HUB, "2", "Grace", username="grace").administrator
    assert accounts.sign_in(home, accounts.HUB, "1", "Grace", username="hopper").administrator


def test_a_subject_that_a_database_would_change_is_not_anothers(home):
    ids = {accounts.sign_in(home, ISSUER, subject, "x").id for subject in ("7", "7\x01", " 7", "\ud8007")}
    assert len(ids) == 4
    assert [person.administrator for person in accounts.list_people(home)].count(True) == 1


@pytest.mark.parametrize(
    ("issuer", "claims"),
    [
        (ISSUER, {"email": "ada@example.org"}),
        (accounts.HUB, {"username": "grace"}),
        (ISSUER, {"subject": "7"}),
    ],
)
def test_who_was_demoted_stays_so_at_the_next_sign_in(home, issuer, claims):
    told = {"subject": "1", "name": "Mal", **claims}
    person = accounts.sign_in(home, issuer, **told)
    assert person.administrator
    accounts.set_administrator(home, person.id, False)
    assert not accounts.sign_in(home, issuer, **told).administrator
    accounts.set_administrator(home, person.id, True)
    assert accounts.sign_in(home, issuer, **told).administrator


def test_who_was_demoted_before_E2LM_ADMINS_named_them_stays_so(home):
    accounts.sign_in(home, ISSUER, "1", "Ada")
    accounts.set_administrator(home, "ada", True)
    accounts.set_administrator(home, "ada", False)
    assert not accounts.sign_in(home, ISSUER, "1", "Ada", email="ada@example.org").administrator


def test_the_first_administrator_gets_what_the_home_held(home):
    collection.copy_set(home, "little", "mine")
    question = collection.open_set(home, "mine").questions[0].id
    authoring.update_questions(home, "mine", {question: {"note": "old"}})
    collection.copy_set(home, "little", "gone")
    collection.delete_set(home, "gone")
    other = home.for_person(accounts.sign_in(home, ISSUER, "1", "Bob").id)
    assert "mine" not in [info.name for info in collection.list_sets(other)]
    ada = home.for_person(accounts.sign_in(home, ISSUER, "2", "Ada", email="ada@example.org").id)
    assert [info.name for info in collection.list_sets(ada) if not info.example] == ["mine"]
    assert len(versions.list_versions(ada, "mine")) == 2
    assert collection.deleted_sets(ada) == ["gone"]
    assert [info.name for info in collection.list_sets(home)] == ["little"]
    second = home.for_person(accounts.sign_in(home, ISSUER, "7", "Grace").id)
    assert [info.name for info in collection.list_sets(second)] == ["little"]
    first = accounts.first_administrator(home)
    assert first is not None
    assert first.id == "ada"


def test_only_an_administrator_makes_another(home):
    ada = home.for_person(accounts.sign_in(home, ISSUER, "1", "Ada", email="ada@example.org").id)
    bob = home.for_person(accounts.sign_in(home, ISSUER, "2", "Bob").id)
    with pytest.raises(StudioError, match="Only an administrator may say who is an administrator"):
        accounts.set_administrator(bob, "bob", True)
    assert accounts.set_administrator(ada, "bob", True).administrator
    assert accounts.is_administrator(bob)
    assert not accounts.set_administrator(home, "bob", False).administrator


def test_people_are_found_by_id_e_mail_and_a_name_that_one_has(home):
    accounts.sign_in(home, ISSUER, "1", "Ada", email="one@example.org")
    accounts.sign_in(home, ISSUER, "2", "Ada", email="two@example.org")
    accounts.sign_in(home, ISSUER, "3", "Bob")
    assert accounts.find_person(home, "ada-2").subject == "2"
    assert accounts.find_person(home, "TWO@example.org").subject == "2"
    assert accounts.find_person(home, "bob").subject == "3"
    with pytest.raises(StudioError, match="2 people are called"):
        accounts.find_person(home, "Ada ".strip().upper())
    with pytest.raises(StudioError, match="Nobody called 'eve' has signed in here"):
        accounts.find_person(home, "eve")


@pytest.mark.parametrize("name", ["carol@example.org", "Carol@Example.org", "carol@example.org\x01", "a @ b"])
def test_what_holds_an_at_sign_is_a_verified_e_mail_and_never_a_name(home, name):
    mallory = accounts.sign_in(home, ISSUER, "1", name, username=name)
    for who in (name, "carol@example.org"):
        with pytest.raises(StudioError, match="has signed in here"):
            accounts.find_person(home, who)
    accounts.sign_in(home, ISSUER, "2", "Carol", email="carol@example.org")
    assert accounts.find_person(home, "CAROL@example.org").subject == "2"
    assert accounts.find_person(home, mallory.id).subject == "1"


def test_an_e_mail_with_what_no_page_shows_is_nobodys(home):
    assert accounts.sign_in(home, ISSUER, "1", "Mal", email="carol\x01@example.org").email is None


def test_a_visitor_is_the_same_in_the_same_browser_and_no_administrator(home):
    first = accounts.get_or_create_visitor(home, "0123456789ab")
    assert accounts.get_or_create_visitor(home, "0123456789ab").id == first.id == "visitor-0123456789ab"
    assert first.visitor
    assert not first.administrator
    with pytest.raises(StudioError, match="sign in first"):
        accounts.set_administrator(home, first.id, True)


def test_a_sign_out_is_kept_for_40_days(home, monkeypatch):
    """Streamlit's cookie lasts 30 days; what is kept longer than it needs is forgotten."""
    accounts.sign_in(home, ISSUER, "1", "Ada Lovelace")
    day, now = 24 * 3600.0, 1_800_000_000.0
    monkeypatch.setattr(accounts, "_signed_out", set())  # another process
    monkeypatch.setattr(accounts.time, "time", lambda: now)
    accounts.end_sign_in(home, "first")
    for days, kept in ((30, True), (39.5, True), (40.5, False)):
        monkeypatch.setattr(accounts.time, "time", lambda days=days: now + days * day)
        accounts.end_sign_in(home, "another")
        monkeypatch.setattr(accounts, "_signed_out", set())
        assert accounts.is_sign_in_ended(home, "first") is kept, days
