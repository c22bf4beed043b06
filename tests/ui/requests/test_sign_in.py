"""What Streamlit is told of the provider: from our variables, or from a Space's own; or a sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, visitors
from e2lm_core.runs import fleets
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.editing import drafts, ignored_problems
from e2lm_core.ui.requests import sign_in
from tests.support import german, studios

OURS = {
    "E2LM_OIDC_ISSUER": "https://id.example/realm/",
    "E2LM_OIDC_CLIENT_ID": "studio",
    "E2LM_OIDC_CLIENT_SECRET": "s3cret",
    "E2LM_OIDC_URL": "https://studio.example/e2lm/",
}
SPACE = {
    "OPENID_PROVIDER_URL": "https://hub.example",
    "OAUTH_CLIENT_ID": "c",
    "OAUTH_CLIENT_SECRET": "s",
    "OAUTH_SCOPES": "openid profile",
    "SPACE_HOST": "owner-name.hub.example",
}


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path / "home", auth="oidc")


def test_nobody_signs_in_unless_it_is_wished(settings):
    assert sign_in.secrets(settings.model_copy(update={"auth": "none"}), OURS) is None
    assert not settings.home.exists()


def test_any_provider_from_our_variables(settings):
    given = sign_in.secrets(settings, OURS)
    assert given is not None
    auth = given["auth"]
    assert auth.pop("cookie_secret")
    assert auth == {
        "redirect_uri": "https://studio.example/e2lm/oauth2callback",
        "client_id": "studio",
        "client_secret": "s3cret",
        "server_metadata_url": "https://id.example/realm/.well-known/openid-configuration",
        "client_kwargs": {"scope": "openid email profile"},
    }


def test_a_space_needs_no_file_of_secrets(settings):
    given = sign_in.secrets(settings, SPACE)
    assert given is not None
    auth = given["auth"]
    assert auth["redirect_uri"] == "https://owner-name.hub.example/oauth2callback"
    assert auth["server_metadata_url"] == "https://hub.example/.well-known/openid-configuration"
    assert auth["client_kwargs"] == {"scope": "openid profile"}


def test_cookies_are_signed_with_one_secret_that_the_home_keeps_to_itself(settings):
    first, second = sign_in.secrets(settings, OURS), sign_in.secrets(settings, OURS)
    assert first is not None
    assert first == second
    assert len(first["auth"]["cookie_secret"]) == 64
    assert [path.name for path in settings.home.iterdir()] == ["cookie.key"]
    assert (settings.home / "cookie.key").stat().st_mode & 0o777 == 0o600
    own = sign_in.secrets(settings, OURS | {"E2LM_COOKIE_SECRET": "x" * 32})
    assert own is not None
    assert own["auth"]["cookie_secret"] == "x" * 32


@pytest.mark.parametrize(
    ("claims", "person", "readonly"),
    [
        ({"iss": "https://id.example", "sub": "7", "preferred_username": "ada"}, "ada", False),
        (None, "visitor-0123456789ab", True),
    ],
)
def test_who_signed_in_has_a_workspace_and_who_did_not_reads(settings, monkeypatch, claims, person, readonly):
    monkeypatch.setattr(sign_in, "_claims", lambda: claims)  # of the browser's cookie
    monkeypatch.setattr(sign_in.st, "session_state", {})
    asked = sign_in.current_person(settings.model_copy(update={"visitors": "readonly"}), "0123456789ab")
    assert (asked.person, asked.readonly) == (person, readonly)


@pytest.mark.parametrize("name", OURS)
def test_what_is_missing_is_named(settings, name):
    with pytest.raises(StudioError, match=f"E2LM_AUTH is oidc and {name} is not set"):
        sign_in.secrets(settings, {key: value for key, value in OURS.items() if key != name})


@pytest.mark.parametrize("value", ["ftp://id.example", "https://", "https://id.example?x=1"])
def test_what_is_no_address_is_refused(settings, value):
    with pytest.raises(StudioError, match=r"E2LM_OIDC_ISSUER is .*; use an address with https://"):
        sign_in.secrets(settings, OURS | {"E2LM_OIDC_ISSUER": value})


@pytest.mark.parametrize("admins", ["grace", "ada@example.org,grace", "grace,sub:1"])
def test_a_bare_name_is_refused_at_the_start_where_the_provider_is_not_the_hub(settings, admins):
    named = Settings.from_env({"E2LM_HOME": str(settings.home), "E2LM_AUTH": "oidc", "E2LM_ADMINS": admins})
    with pytest.raises(StudioError, match="E2LM_ADMINS names 'grace'") as error:
        sign_in.secrets(named, OURS)
    assert f"E2LM_ADMINS={admins.replace('grace', 'sub:ID')}" in studios.sentence(error)
    assert sign_in.secrets(named, OURS | {"E2LM_OIDC_ISSUER": "https://huggingface.co/"})
    assert sign_in.secrets(named, SPACE | {"OPENID_PROVIDER_URL": "https://huggingface.co"})
    with pytest.raises(StudioError):
        sign_in.secrets(named, OURS | {"E2LM_OIDC_ISSUER": "http://huggingface.co"})


def test_an_administrators_name_is_kept_as_it_is_written(settings):
    named = Settings.from_env(
        {"E2LM_HOME": str(settings.home), "E2LM_ADMINS": " Ada@example.org , sub:A1,Grace,"}
    )
    assert named.admins == ("Ada@example.org", "sub:A1", "Grace")


def test_a_guest_s_set_comes_along_under_another_name_where_the_account_has_one(tmp_path, monkeypatch):
    home = studios.settings(tmp_path).model_copy(update={"auth": "oidc"})
    studios.write_example(home)
    said: list[str] = []
    monkeypatch.setattr(sign_in.st, "session_state", {})
    monkeypatch.setattr(sign_in.markdown, "toast", lambda text, **_: said.append(text))
    ada = home.for_person(accounts.sign_in(home, "https://id.example", "7", "", username="ada").id)
    guest = home.for_person(visitors.open_visitor_workspace(home, "0123456789ab").id)
    for workspace, text in ((ada, "Ada's?"), (guest, "The guest's?")):
        collection.copy_set(workspace, "little", "tried")
        authoring.update_questions(workspace, "tried", {"q1": {"question": text}})
        draft = drafts.Draft(task="tried", place="prompt", form="0" * 32, at=1.0, fields={"fewshot": text})
        assert drafts.save_draft(workspace, draft)
        ignored_problems.ignore_problems(workspace, "tried", (text,))
        fleet = fleets.Fleet(name="mine", checkpoints=(text,))
        fleet_file = workspace.workspace / "fleets" / "mine.json"
        fleet_file.parent.mkdir(parents=True)
        fleet_file.write_text(fleet.model_dump_json())
        fleets.choose_fleet(SimpleNamespace(settings=workspace), "tried", fleet)
    collection.copy_set(guest, "little", "alone")
    collection.copy_set(ada, "little", "tried_2")
    authoring.update_questions(ada, "tried_2", {"q1": {"question": "Deleted?"}})
    collection.delete_set(ada, "tried_2")
    monkeypatch.setattr(
        sign_in,
        "_claims",
        lambda: {"iss": "https://id.example", "sub": "7", "preferred_username": "ada"},
    )
    for _ in range(2):  # once more is nothing
        sign_in.current_person(home, "0123456789ab")
        sign_in.st.session_state.pop("person", None)
    assert sign_in.st.session_state[sign_in._RENAMED] == {"tried": said[0].split()[-1].rstrip(".")}
    names = [info.name for info in collection.list_sets(ada) if not info.example]
    assert names == ["alone", "tried", said[0].split()[-1].rstrip(".")]
    texts = [collection.open_set(ada, name).questions[0].question for name in names[1:]]
    assert texts == ["Ada's?", "The guest's?"]
    assert [len(versions.list_versions(ada, name)) for name in names[1:]] == [2, 2]
    for name, text, fleet_name in zip(names[1:], ("Ada's?", "The guest's?"), ("mine", "mine 2"), strict=True):
        draft = drafts.find_draft(ada, name, "prompt")
        assert draft is not None
        assert (draft.task, draft.fields) == (name, {"fewshot": text})
        assert ignored_problems.ignored_problems(ada, name) == (text,)
        chosen = fleets.chosen_fleet(ada, name)
        assert chosen is not None
        assert (chosen.fleet.name, chosen.fleet.checkpoints) == (fleet_name, (text,))
    assert len(said) == 2
    assert said[0].startswith(
        "You have a set tried already: the one that you made as a guest is now called tried_"
    )
    assert said[1] == (
        "You have a model group mine already: the one that you made as a guest is now called mine 2."
    )
    for sentence in said:
        german.translated(sentence)


def test_an_open_page_of_a_removed_account_is_signed_out_and_says_so(settings, monkeypatch):
    home = settings.model_copy(update={"visitors": "readonly"})
    said: list[str] = []
    claims = {"iss": "https://id.example", "sub": "7", "preferred_username": "ada", "iat": "1"}
    monkeypatch.setattr(sign_in, "_claims", lambda: claims)
    monkeypatch.setattr(sign_in, "_LOOK_AGAIN_S", 0)
    monkeypatch.setattr(sign_in.st, "session_state", {})
    monkeypatch.setattr(sign_in.markdown, "toast", lambda text, **_: said.append(text))
    assert sign_in.current_person(home, "0123456789ab").person == "ada"
    accounts.delete_person(home, "ada")
    for _ in range(2):
        assert sign_in.current_person(home, "0123456789ab").readonly
    assert accounts.list_people(home) == []
    assert said == [
        "Your account was removed from this studio. If you sign in again, you get a new, empty one."
    ]
    german.translated(said[0])
    claims["iat"] = "2"  # they sign in once more
    again = sign_in.current_person(home, "0123456789ab").person
    assert again == "ada-2"  # the folder of the first account is still there


def test_guest_work_that_could_not_be_moved_is_said_and_stays(tmp_path, monkeypatch):
    home = studios.settings(tmp_path).model_copy(update={"auth": "oidc"})
    studios.write_example(home)
    said: list[str] = []
    monkeypatch.setattr(sign_in.st, "session_state", {})
    monkeypatch.setattr(sign_in.markdown, "toast", lambda text, **_: said.append(text))
    person = accounts.sign_in(home, "https://id.example", "7", "", username="ada")
    guest = home.for_person(visitors.open_visitor_workspace(home, "0123456789ab").id)
    for workspace in (home.for_person(person.id), guest):
        collection.copy_set(workspace, "little", "tried")

    def refuse(*_: object) -> None:
        raise StudioError("full")

    monkeypatch.setattr(sign_in.collection, "rename_set", refuse)
    monkeypatch.setattr(
        sign_in, "_claims", lambda: {"iss": "https://id.example", "sub": "7", "preferred_username": "ada"}
    )
    sign_in.current_person(home, "0123456789ab")
    assert [text.split(":")[0] for text in said] == [
        "Some of what you made as a guest could not be moved to your account"
    ]
    german.translated(said[0])
    assert collection.open_set(guest, "tried").questions
