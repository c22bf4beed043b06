"""`POST /drafts` and `/presence`: the studio's own pages alone, each for its own author, within limits."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from e2lm_core.base.settings import Settings
from e2lm_core.sets.editing import drafts
from e2lm_core.ui.requests import component_requests
from e2lm_core.ui.requests.middleware.browser_cookie import COOKIE, author
from e2lm_core.ui.server import asgi

BROWSER = "0123456789abcdef" * 2
FORM = "a" * 32


@pytest.fixture
def ada(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    return Settings.from_env().for_person(None, author(BROWSER))


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=list(asgi.routes())))


def typed(settings: Settings, text: str = "What is pH?", **more: object) -> dict:
    body = {
        "pass": component_requests.issue_token(settings, "mine"),
        "place": "question/q1",
        "form": FORM,
        "turn": 1,
    }
    return {**body, "fields": {"question": text}, "seen": {"question": "Old?"}, **more}


def kept(settings: Settings) -> dict | None:
    draft = drafts.find_draft(settings, "mine", "question/q1")
    return None if draft is None else draft.fields


def test_text_is_kept_for_whom_the_pass_names(client, ada):
    assert client.post("/drafts", json=typed(ada)).status_code == 204
    assert kept(ada) == {"question": "What is pH?"}
    assert kept(ada.for_person(None, "another")) is None


def test_the_table_says_that_it_was_typed_there(client, ada):
    assert client.post("/drafts", json=typed(ada, view="Table")).status_code == 204
    draft = drafts.find_draft(ada, "mine", "question/q1")
    assert draft is not None
    assert draft.view == "Table"
    assert client.post("/drafts", json=typed(ada, view="elsewhere")).status_code == 400


def test_what_is_not_kept_is_said(client, ada):
    """A browser that took it for kept would drop its own."""
    client.post("/drafts", json=typed(ada, "Later", turn=2))
    answer = client.post("/drafts", json=typed(ada, "Overtaken", turn=1))
    assert (answer.status_code, answer.json()) == (200, {"over": False})
    drafts.discard_draft(ada, "mine", "question/q1")
    answer = client.post("/drafts", json=typed(ada, "Late", turn=3))
    assert (answer.status_code, answer.json()) == (200, {"over": True})
    assert kept(ada) is None


def test_the_cookie_where_there_is_one_must_agree(client, ada):
    own = {"cookie": f"{COOKIE}={BROWSER}"}
    assert client.post("/drafts", json=typed(ada), headers=own).status_code == 204
    foreign = {"cookie": f"{COOKIE}={BROWSER[::-1]}"}
    assert client.post("/drafts", json=typed(ada, "Stolen?"), headers=foreign).status_code == 403
    assert kept(ada) == {"question": "What is pH?"}


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_another_site_is_refused(client, ada, headers):
    answer = client.post(
        "/drafts", content=json.dumps(typed(ada)), headers={"content-type": "application/json", **headers}
    )
    assert answer.status_code in (403, 415)
    assert kept(ada) is None


def test_a_proxys_host_does_not_matter_where_the_browser_says_same_origin(client, ada):
    said = {"sec-fetch-site": "same-origin", "origin": "https://owner-studio.hf.space"}
    assert client.post("/drafts", json=typed(ada), headers=said).status_code == 204


def test_a_pass_that_was_not_given_is_refused(client, ada, tmp_path, monkeypatch):
    given = component_requests.issue_token(ada, "mine")
    said, _, signature = given.partition(".")
    elsewhere = component_requests.issue_token(ada.model_copy(update={"home": tmp_path / "other"}), "mine")
    for made_up in (
        "",
        "x",
        ".",
        f"{said}.",
        f"{said[:-4]}AAAA.{signature}",
        f"ü.{signature}",
        elsewhere,
        None,
        7,
    ):
        assert client.post("/drafts", json=typed(ada, **{"pass": made_up})).status_code == 403
    monkeypatch.setattr(component_requests, "GOOD_FOR_S", -10 * 24 * 3600)
    assert client.post("/drafts", json=typed(ada)).status_code == 403
    assert kept(ada) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_object_is_refused(client, ada, body):
    answer = client.post("/drafts", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize(
    "more",
    [
        {"form": "../x"},
        {"place": ""},
        {"place": "x" * 5000},
        {"turn": "x"},
        {"turn": 1e400},
        {"fields": []},
        {"fields": {str(n): "" for n in range(200)}},
    ],
)
def test_what_is_no_draft_is_refused(client, ada, more):
    body = json.dumps(typed(ada, **more)).replace("Infinity", "1e400")
    answer = client.post("/drafts", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert kept(ada) is None


def test_half_a_character_is_kept_as_a_question_mark(client, ada):
    body = json.dumps(typed(ada, "What is \ud800?"))
    headers = {"content-type": "application/json"}
    assert client.post("/drafts", content=body, headers=headers).status_code == 204
    assert kept(ada) == {"question": "What is ??"}


def test_what_is_too_long_is_said(client, ada):
    answer = client.post("/drafts", json=typed(ada, "x" * (drafts.MAX_BYTES + 1)))
    assert answer.status_code == 413
    assert "too long to be kept" in answer.json()["sentence"]
    assert client.post("/drafts", json=typed(ada, "x" * (3 * drafts.MAX_BYTES))).status_code == 413


def test_the_key_is_the_servers_alone_and_a_half_written_one_is_made_anew(client, ada):
    first = component_requests.issue_token(ada, "mine")
    key = ada.home / "pages.key"
    assert key.stat().st_mode & 0o077 == 0
    key.write_bytes(b"half")
    assert client.post("/drafts", json=typed(ada)).status_code == 204
    assert client.post("/drafts", json=typed(ada, **{"pass": first})).status_code == 403


def test_a_home_that_cannot_be_written_has_passes_all_the_same(ada):
    nowhere = ada.model_copy(update={"home": ada.home / "pages.key" / "below"})
    (ada.home / "pages.key").write_bytes(b"a file")
    assert component_requests.issue_token(nowhere, "mine") == component_requests.issue_token(nowhere, "mine")


def test_presence_says_who_else_is_there_and_what_stamp_the_set_has(client, ada):
    bob = ada.for_person("bob")
    ask = {"pass": component_requests.issue_token(ada, "mine")}
    before = client.post("/presence", json=ask).json()
    assert (before["stamp"], before["others"]) == ("", [])
    other = ada.for_person(None, "other")
    client.post("/presence", json={"pass": component_requests.issue_token(other, "mine")})
    client.post(
        "/presence", json={"pass": component_requests.issue_token(bob, "mine")}
    )  # in a workspace of his own
    assert client.post("/presence", json=ask).json()["others"] == ["other"]
    drafts.save_draft(
        ada,
        drafts.Draft(task="mine", place="new", form="f" * 32, at=1.0, fields={"question": "Mine?"}, seen={}),
    )
    assert client.post("/presence", json=ask).json()["typed"] != before["typed"]
    client.post("/presence", json={"pass": component_requests.issue_token(other, "mine"), "leaving": True})
    assert client.post("/presence", json=ask).json()["others"] == []
