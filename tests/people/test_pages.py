"""On the pages: sharing a set, leaving one, who uses what, and quotas. What a provider says of a person is put in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, quotas, sharing
from e2lm_core.sets import collection
from e2lm_core.ui.requests import sign_in
from tests.conftest import ROOT
from tests.support import studios
from tests.support.visits import Visit, app_in

pytestmark = pytest.mark.slow
ISSUER = "https://id.example"


@pytest.fixture
def claims(monkeypatch) -> dict[str, object]:
    """Who is signed in; may be changed."""
    said: dict[str, object] = {"iss": ISSUER, "sub": "ada", "name": "Ada", "preferred_username": "ada"}
    monkeypatch.setattr(sign_in, "_claims", lambda: said or None)
    return said


@pytest.fixture
def visit(tmp_path, monkeypatch, claims, request) -> Iterator[Visit]:
    """Ada, who administers and has `mine`; Bob has signed in before."""
    monkeypatch.setenv("E2LM_AUTH", "oidc")
    monkeypatch.setenv("E2LM_ADMINS", "sub:ada")
    monkeypatch.setenv("E2LM_VISITORS", getattr(request, "param", "sandbox"))
    chosen = studios.settings(tmp_path, studios.real_ladder(tmp_path / "ladder", (100, 200)))
    studios.write_example(chosen)
    accounts.sign_in(chosen, ISSUER, "bob", "Bob", username="bob")
    yield from app_in(tmp_path, monkeypatch, chosen.ladder)


@pytest.fixture
def ada(visit) -> Settings:
    settings = visit.studio.settings
    collection.copy_set(settings, "little", "mine")
    visit.choose("mine")
    return settings


def press(visit: Visit, key: str) -> None:
    visit.at.button(key=key).click().run()
    assert not visit.at.exception


def test_a_set_is_shared_taken_back_and_given_a_link(visit, ada):
    visit.open("share")
    visit.at.text_input(key="share_who").input("Bob").run()
    press(visit, "share_go")
    assert [(g.person, g.role) for g in sharing.shared_with(ada, "mine")] == [("bob", "reader")]
    assert "bob, to read" in visit.said
    press(visit, "share_end_bob")
    assert sharing.shared_with(ada, "mine") == []
    press(visit, "share_link")
    (link,) = sharing.list_links(ada, "mine")
    assert any(link.query in code.value for code in visit.at.code)
    press(visit, "share_close")
    assert sharing.list_links(ada, "mine") == []
    visit.at.text_input(key="share_who").input("eve").run()
    press(visit, "share_go")
    assert "Nobody called 'eve' has signed in here" in visit.said


def test_a_reader_sees_the_set_as_an_example_and_may_leave_it(visit, ada, claims):
    sharing.share(ada, "mine", "bob")
    claims |= {"sub": "bob", "name": "Bob", "preferred_username": "bob"}
    visit.choose("ada/mine").open("write")
    assert "You can view this set of ada." in visit.said
    assert "Delete this set" not in visit.labels()
    assert "Undo" not in visit.labels()
    visit.open("share")
    assert visit.at.button(key="share_leave")
    press(visit, "share_leave")
    assert sharing.shared_with(ada, "mine") == []
    assert visit.at.session_state["set"] == "little"


def test_an_administrator_sees_who_uses_what_and_changes_quotas(visit, ada, claims):
    visit.open("checkpoints")
    table = next(d.value for d in visit.at.dataframe if "administrator" in d.value.columns)
    rows = table.set_index("id")
    assert rows["question sets"].to_dict() == {"bob": "0 of 100", "ada": "1"}
    visit.at.selectbox(key="quota_whose").select("bob").run()
    visit.at.number_input(key="quota_most_bob_sets").set_value(3).run()
    press(visit, "quota_save")
    assert [(who, kind.key, most) for who, kind, most in quotas.limit_overrides(ada)] == [("bob", "sets", 3)]
    claims |= {"sub": "bob", "name": "Bob", "preferred_username": "bob"}
    visit.choose("little").open("checkpoints")
    assert "Yours to use: question sets 0 of 3" in visit.said
    assert not any("administrator" in d.value.columns for d in visit.at.dataframe)


def test_what_is_uploaded_counts_once_for_the_day(visit, ada, claims):
    quotas.set_limit(ada, "uploads", 1000, "bob")
    claims |= {"sub": "bob", "name": "Bob", "preferred_username": "bob"}
    bob = ada.for_person("bob")
    collection.copy_set(bob, "little", "his")
    visit.choose("his").open("write")
    visit.at.segmented_control(key="author_view").set_value("Import").run()
    row = b'{"question": "Why?", "choices": ["a", "b"], "answer": 0}\n'
    for _ in range(2):  # the page is drawn again with the same file
        visit.at.file_uploader(key="import_file").set_value(("rows.jsonl", row, "application/jsonl")).run()
        assert visit.at.button(key="import_go")
    used = {quota.kind.key: quota.used for quota in quotas.quotas_of(bob, "bob")}
    assert used["uploads"] in (len(row), 2 * len(row))  # set anew it may be another file
    visit.at.file_uploader(key="import_file").set_value(("more.jsonl", row * 20, "application/jsonl")).run()
    assert "You have uploaded" in visit.said
    assert "go on tomorrow" in visit.said


@pytest.mark.parametrize("visit", ["readonly"], indirect=True)
def test_a_visitor_who_may_only_read(visit, claims):
    claims.clear()
    visit.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert visit.at.button(key="sign_in")
    assert "Guests can view. Sign in" in visit.said
    visit.choose("little").open("write")
    visit.at.button(key="copy_go").click().run()
    assert "Guests can only view" in visit.said


@pytest.mark.parametrize("visit", ["readonly"], indirect=True)
def test_a_guest_of_a_german_studio_is_told_in_german(visit, claims, monkeypatch):
    claims.clear()
    monkeypatch.setenv("E2LM_LANGUAGE", "de")
    visit.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert visit.at.button(key="sign_in").label == "Anmelden"
    visit.choose("little").open("write")
    visit.at.button(key="copy_go").click().run()
    assert "Gäste können nur ansehen" in visit.said


def test_in_a_spaces_frame_sign_in_opens_a_tab_of_its_own(visit, claims, monkeypatch):
    claims.clear()
    monkeypatch.setenv("SPACE_HOST", "owner-name.hub.example")
    visit.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    (link,) = visit.at.get("link_button")
    assert link.proto.url == "https://owner-name.hub.example/?sign_in=1"
    assert "deleted 24 hours after your last visit" in visit.said
    visit.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    visit.at.query_params["set"], visit.at.query_params["key"] = "ada/mine", "k"
    visit.at.run()
    (link,) = visit.at.get("link_button")
    assert link.proto.url == "https://owner-name.hub.example/?sign_in=1&set=ada%2Fmine&key=k"


@pytest.mark.parametrize("visit", ["refused"], indirect=True)
def test_a_visitor_who_is_refused(visit, claims):
    claims.clear()
    visit.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert [title.value for title in visit.at.title] == ["Sign in"]
    assert not visit.at.selectbox


def test_a_sign_in_that_was_ended_is_none_in_any_tab_and_a_new_one_is_another(visit, ada, claims):
    def drawn() -> str:
        visit.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        return visit.said

    assert "Ada (ada), administrator" in drawn()
    accounts.end_sign_in(ada, sign_in._digest(claims))
    assert "Ada (ada)" not in drawn()
    assert visit.at.button(key="sign_in")
    claims |= {"iat": 2}
    assert "Ada (ada), administrator" in drawn()


def test_a_page_names_no_place_of_the_machine(visit, ada, claims, tmp_path):
    locks = ada.home / "people" / "ada" / "locks"
    shutil.rmtree(locks, ignore_errors=True)
    locks.write_text("a file where a folder is needed")
    visit.choose("little").open("write")
    visit.at.button(key="copy_go").click().run()
    assert "E2LM_HOME/people/ada/locks cannot be written" in visit.said
    assert str(tmp_path) not in visit.said


def account_menu() -> AppTest:
    """The account's popover, opened; tests of pages draw them without the sidebar."""

    def drawn() -> None:
        from e2lm_core.ui.app import account

        account.account_popover()

    at = AppTest.from_function(drawn)
    at.session_state["account_menu"] = True
    return at.run()


def test_own_data_and_the_account_are_two_clicks_away(visit, ada, claims):
    claims |= {"sub": "bob", "name": "Bob", "preferred_username": "bob"}
    bob = ada.for_person("bob")
    collection.copy_set(bob, "little", "his")
    at = account_menu()
    assert [d.proto.label for d in at.get("download_button")] == ["Download your data"]
    assert at.button(key="account_delete").disabled
    at.text_input(key="account_typed").set_value("ada").run()
    assert at.button(key="account_delete").disabled
    at.text_input(key="account_typed").set_value("bob").run()
    at.button(key="account_delete").click().run()
    assert accounts.get_person(ada, "bob") is None
    assert not bob.workspace.exists()
    assert collection.open_set(ada, "mine").questions
    signed_in = account_menu()  # the sign-in has ended, so that no page makes the account anew
    assert not [button for button in signed_in.button if button.key == "account_delete"]
    assert accounts.get_person(ada, "bob") is None


def test_a_guest_has_no_account_to_delete(visit, claims):
    claims.clear()
    assert "account_delete" not in [button.key for button in account_menu().button]
