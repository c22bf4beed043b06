"""What a page's script may ask: passes of other people, sign-ins and modes do nothing, and no body is an error of ours."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, visitors
from e2lm_core.sets import collection
from e2lm_core.ui.requests import component_requests
from e2lm_core.ui.requests.middleware.browser_cookie import COOKIE, author
from e2lm_core.ui.server import asgi
from tests.support import studios

ISSUER = "https://id.example"
BROWSER, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
SIGN_IN = "a" * 32
ASKS = {
    "/table": {"do": "delete", "ids": ["q1"]},
    "/drafts": {
        "place": "question/q1",
        "form": "a" * 32,
        "turn": 1,
        "fields": {"question": "Mine?"},
        "seen": {"question": "Old?"},
    },
    "/presence": {},
    "/known": {"question": "Mine?", "answer": "yes"},
}
MODES = {
    "none": {"E2LM_AUTH": "none"},
    "sandbox": {"E2LM_AUTH": "oidc", "E2LM_VISITORS": "sandbox"},
    "readonly": {"E2LM_AUTH": "oidc", "E2LM_VISITORS": "readonly"},
    "refused": {"E2LM_AUTH": "oidc", "E2LM_VISITORS": "refused"},
}


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=list(asgi.routes()))) as client:
        yield client


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """The server's settings in a mode."""

    def of(mode: str) -> Settings:
        for name, value in {"E2LM_HOME": str(tmp_path), **MODES[mode]}.items():
            monkeypatch.setenv(name, value)
        return Settings.from_env()

    return of


def signed_in(settings: Settings, name: str, sign_in: str = SIGN_IN) -> Settings:
    """Somebody with a set, as their page asks."""
    person = accounts.sign_in(settings, ISSUER, name, name)
    asked = settings.for_person(person.id, paths=False).model_copy(update={"sign_in": sign_in})
    if not (asked.sets / "mine").exists():
        collection.create_set(asked, "mine", [studios.question(n) for n in (1, 2)])
    return asked


def statuses(client: TestClient, given: str, **headers: str) -> list[int]:
    """What the four addresses answer to a pass."""
    return [
        client.post(path, json={"pass": given, **json.loads(json.dumps(body))}, headers=headers).status_code
        for path, body in ASKS.items()
    ]


def held(settings: Settings, name: str = "mine") -> int:
    return len(collection.open_set(settings, name).questions)


@pytest.mark.parametrize(("before", "after"), itertools.permutations(MODES, 2))
def test_a_pass_of_another_mode_does_nothing(client, opened, before, after):
    settings = opened(before)
    nobody = settings.for_person(None, author(BROWSER))
    asked = nobody if before == "none" else signed_in(settings, "ada")
    given = component_requests.issue_token(asked, "mine")
    now = opened(after)
    ada = signed_in(now, "bob") if after != "none" else now.for_person("ada")
    own = component_requests.issue_token(ada, "mine") if after != "none" else ""
    assert statuses(client, given) == [403] * 4
    if own:
        assert held(ada) == 2
        assert statuses(client, own) == [200, 204, 200, 200]
    # Its key is gone for good: the mode of before does not bring it back.
    component_requests.issue_token(now.for_person(None, "x"), "mine")
    opened(before)
    assert statuses(client, given) == [403] * 4


@pytest.mark.parametrize("mode", ["sandbox", "readonly", "refused"])
def test_a_pass_without_a_person_does_nothing_where_people_sign_in(client, opened, mode):
    settings = opened(mode)
    ada = signed_in(settings, "ada")
    for paths, readonly, task in itertools.product((True, False), (True, False), ("ada/mine", "mine")):
        asked = settings.for_person(None, author(BROWSER), paths=paths, readonly=readonly)
        assert statuses(client, component_requests.issue_token(asked, task)) == [403] * 4
    assert held(ada) == 2


def test_a_pass_ends_with_its_sign_in_and_no_other(client, opened):
    settings = opened("sandbox")
    ada, again, bob = (
        signed_in(settings, "ada"),
        signed_in(settings, "ada", "b" * 32),
        signed_in(settings, "bob", "c" * 32),
    )
    passes = [component_requests.issue_token(asked, "mine") for asked in (ada, again, bob)]
    accounts.end_sign_in(settings, SIGN_IN)
    assert statuses(client, passes[0]) == [403] * 4
    assert held(ada) == 2
    assert statuses(client, passes[1]) == [200, 204, 200, 200]
    assert statuses(client, passes[2]) == [200, 204, 200, 200]
    nobodys = component_requests.issue_token(ada.model_copy(update={"sign_in": ""}), "mine")
    assert statuses(client, nobodys) == [403] * 4


def test_a_pass_of_somebody_who_is_gone_does_nothing(client, opened):
    settings = opened("sandbox")
    ada = signed_in(settings, "ada")
    given = component_requests.issue_token(ada, "mine")
    accounts.delete_person(settings, "ada")
    assert statuses(client, given) == [403] * 4
    assert held(ada) == 2


def test_a_sandboxs_pass_is_its_browsers_and_ends_with_the_sandbox(client, opened):
    settings = opened("sandbox")
    person = visitors.open_visitor_workspace(settings, author(BROWSER))
    guest = settings.for_person(person.id, paths=False)
    collection.create_set(guest, "mine", [studios.question(n) for n in (1, 2, 3)])
    given = component_requests.issue_token(guest, "mine")
    assert statuses(client, given, cookie=f"{COOKIE}={OTHER}") == [403] * 4
    assert held(guest) == 3
    assert statuses(client, given, cookie=f"{COOKIE}={BROWSER}") == [200, 204, 200, 200]
    accounts.delete_person(settings, person.id)
    assert statuses(client, given) == [403] * 4


def test_a_reading_visitor_reads_and_writes_nothing(client, opened):
    settings = opened("readonly")
    guest = settings.for_person(f"visitor-{author(BROWSER)}", paths=False, readonly=True)
    asked = {"pass": component_requests.issue_token(guest, "ladder_general")}
    assert client.post("/table", json=asked).json()["rows"]
    assert client.post("/table", json=asked | ASKS["/table"]).json()["sentence"]
    assert not (settings.home / "people" / guest.person).exists()


DEEP = json.loads("[" * 900 + "]" * 900)
KNOWN = ["1e999", json.dumps(DEEP), '"{} {0} {a}"']
ODD = [
    *KNOWN,
    "-1e999",
    "1e308",
    str(10**400),
    '"x"',
    "null",
    "[]",
    "{}",
    "true",
    '"\\ud800"',
    '"\\u0000"',
    "-1",
]
ODD += [json.dumps({"a": DEEP}), json.dumps("x" * 5000), '"../../etc"', "[[1e999]]"]
ACTS = {
    "save": {"id": "q1", "fields": {"question": "New?"}, "seen": {"question": "Old?"}},
    "add": {"fields": {"question": "New?", "choices": ["a", "b"], "answer": 0}},
    "delete": {"ids": ["q9"]},
    "move": {"ids": ["q1"], "place": 1, "before": None, "after": None},
    "duplicate": {"ids": ["q9"]},
    "retag": {"ids": ["q1"], "subject": "x"},
    "copy": {"ids": ["q1"], "other": "other"},
    "sets": {},
    "shuffle": {"ids": ["q1"], "seed": 1},
    "balance": {"ids": ["q1"], "seed": 1},
    "find": {"ids": ["q1"], "text": "a", "by": "b", "fields": ["question"], "exact": True},
    "replace": {"ids": ["q1"], "text": "a", "by": "b", "fields": ["question"], "exact": True},
    "undo": {},
    "discard": {"place": "question/q1"},
}


def as_object(fields: dict[str, str]) -> str:
    """A JSON object of fields whose values are JSON already."""
    return "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in fields.items()) + "}"


@pytest.mark.parametrize("odds", [KNOWN, pytest.param(ODD, marks=pytest.mark.slow)], ids=["known", "all"])
def test_no_body_is_an_error_of_ours_or_names_a_place_of_the_machine(client, opened, tmp_path, odds):
    settings = opened("none")
    asked = settings.for_person(None, author(BROWSER))
    collection.create_set(asked, "mine", [studios.question(n) for n in (1, 2)])
    given = json.dumps(component_requests.issue_token(asked, "mine"))

    def post(path: str, body: dict[str, str]) -> None:
        content, headers = as_object(body), {"content-type": "application/json"}
        answer = client.post(path, content=content, headers=headers)
        assert answer.status_code in (200, 204, 400, 413), (path, body, answer.status_code)
        assert str(tmp_path) not in answer.text, body

    for do, fields in ACTS.items():
        whole = {key: json.dumps(value) for key, value in ({"do": do, "since": None} | fields).items()}
        for field, odd in itertools.product((*fields, "since", "do", "extra"), odds):
            post("/table", {"pass": given, **whole, field: odd})
        for field, value in fields.items():
            inner = {key: json.dumps(one) for key, one in value.items()} if isinstance(value, dict) else {}
            for key, odd in itertools.product(inner, odds):
                post("/table", {"pass": given, **whole, field: as_object({**inner, key: odd})})
    draft = {key: json.dumps(value) for key, value in ASKS["/drafts"].items()}
    for field, odd in itertools.product((*draft, "extra"), odds):
        post("/drafts", {"pass": given, **draft, field: odd})
        post("/drafts", {"pass": given, **draft, "fields": f'{{"question": {odd}}}'})
    for odd in odds:
        post("/presence", {"pass": given, "leaving": odd})
    for odd in odds:
        answer = client.post(
            "/table", content=f'{{"pass": {odd}}}', headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 403)
    collection.open_set(asked, "mine")


def test_a_path_as_the_set_to_copy_to_is_no_oracle(client, opened, tmp_path):
    settings = opened("none")
    asked = settings.for_person(None, author(BROWSER))
    collection.create_set(asked, "mine", [studios.question(n) for n in (1, 2)])
    elsewhere = Settings(home=tmp_path / "elsewhere")
    collection.create_set(elsewhere, "ts", [studios.question(1)])
    folder = elsewhere.sets / "ts"
    given = component_requests.issue_token(asked, "mine")
    said = set()
    for other in (
        str(folder),
        str(folder.parent),
        f"{folder}x",
        "/etc",
        "/nowhere",
        "ts",
        "nowhere",
        "n" * 300,
    ):
        body = {"pass": given, "do": "copy", "ids": ["q1"], "other": other}
        sentence = client.post("/table", json=body).json()["sentence"]
        said.add(re.sub(r"'[^']*'", "…", sentence))
    assert len(said) == 1, said


@pytest.mark.parametrize("folder", ["locks", "history", "drafts"])
def test_a_disk_that_refuses_is_said_without_its_place(client, opened, tmp_path, folder):
    settings = opened("none")
    asked = settings.for_person(None, author(BROWSER))
    collection.create_set(asked, "mine", [studios.question(n) for n in (1, 2)])
    given = component_requests.issue_token(asked, "mine")
    shutil.rmtree(tmp_path / folder, ignore_errors=True)
    (tmp_path / folder).write_text("a file where a folder is needed")
    answers = [
        client.post("/table", json={"pass": given, "do": "delete", "ids": ["q1"]}),
        client.post("/table", json={"pass": given, "do": "save", "id": "q1", **ACTS["save"]}),
        client.post("/drafts", json={"pass": given, **ASKS["/drafts"]}),
    ]
    assert str(tmp_path) not in "".join(answer.text for answer in answers)
    refused = [
        answer.json()["sentence"] for answer in answers if answer.content and answer.json().get("sentence")
    ]
    assert refused
    assert not [one for one in refused if ".json" in one]
