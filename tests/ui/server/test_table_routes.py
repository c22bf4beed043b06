"""`POST /table`: rows once and then what changed, edits by what was seen, and refusals as sentences."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import drafts
from e2lm_core.ui.editor import table_script
from e2lm_core.ui.requests import component_requests
from e2lm_core.ui.requests.middleware.browser_cookie import author
from e2lm_core.ui.server import asgi
from tests.support import studios

BROWSER = "0123456789abcdef" * 2


@pytest.fixture
def ada(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    settings = Settings.from_env().for_person(None, author(BROWSER))
    collection.create_set(settings, "mine", [studios.question(n) for n in range(1, 5)])
    return settings


class Table:
    def __init__(self, settings: Settings) -> None:
        self.client = TestClient(Starlette(routes=list(asgi.routes())))
        self.settings, self.since = settings, None

    def __call__(self, do: str = "", code: int = 200, **body: object) -> dict:
        body |= {"pass": component_requests.issue_token(self.settings, "mine"), "since": self.since}
        answer = self.client.post("/table", json=body | ({"do": do} if do else {}))
        assert answer.status_code == code
        if code != 200:
            return {}
        told = answer.json()
        self.since = told.get("digest", self.since)
        return told


@pytest.fixture
def ask(ada) -> Table:
    return Table(ada)


def test_rows_come_once_and_then_what_changed(ask):
    told = ask()
    assert told["whole"]
    assert [row["id"] for row in told["rows"]] == ["q1", "q2", "q3", "q4"]
    told = ask("save", id="q2", fields={"question": "New?"}, seen={"question": told["rows"][1]["question"]})
    assert (told["sentence"], told["clashes"], told["whole"]) == ("", [], False)
    assert [(row["id"], row["question"]) for row in told["rows"]] == [("q2", "New?")]
    assert ask()["rows"] == []


PAIR = {"choices": ["a", "b"], "answer": 0}


@pytest.mark.parametrize(
    ("seen", "draft", "typed", "third"),
    [
        ({"question": "Was?"}, {"question": "Draft?"}, {"question": "Mine?"}, {"question": "Third?"}),
        (PAIR, {"choices": ["A", "b"]}, PAIR | {"choices": ["X", "b"]}, {"choices": ["C", "b"]}),
        (PAIR, {"answer": 1}, {"choices": ["a", "c"], "answer": 1}, {"choices": ["a", "d"]}),
    ],
)
def test_a_draft_that_another_window_saved_is_no_clash(ask, ada, seen, draft, typed, third):
    authoring.update_questions(ada, "mine", {"q1": {"question": "Was?", **PAIR}})
    said = {"id": "q1", "fields": typed, "seen": seen, "shown": draft}
    authoring.update_questions(ada, "mine", {"q1": third})
    assert ask("save", **said)["clashes"], "another text than the one that stood there"
    ask("discard", place="question/q1")
    authoring.update_questions(ada, "mine", {"q1": seen | draft})  # by the other window
    told = ask("save", **said)
    assert (told["clashes"], told["sentence"], told["drafts"]) == ([], "", [])
    assert told["rows"][0] | typed == told["rows"][0]


def test_a_clash_and_a_refusal_are_kept_as_drafts(ask, ada):
    rows = ask()["rows"]
    seen, pair = rows[0]["question"], {name: rows[1][name] for name in ("choices", "answer")}
    authoring.update_questions(ada, "mine", {"q1": {"question": "Theirs?"}})
    told = ask("save", id="q1", fields={"question": "Mine?"}, seen={"question": seen})
    assert told["clashes"] == ["question"]
    assert told["rows"][0]["question"] == "Theirs?"
    assert [(d["place"], d["tried"]) for d in told["drafts"]] == [("question/q1", True)]
    told = ask("save", id="q2", fields=pair | {"answer": 7}, seen=pair)
    assert "Not saved yet." in told["sentence"]
    assert "that you saw" not in told["sentence"]
    assert len(told["drafts"]) == 2
    told = ask("discard", place="question/q2")
    assert [d["place"] for d in told["drafts"]] == ["question/q1"]


OVERWRITING = [
    ("delete", {}),
    ("retag", {"subject": "x"}),
    ("replace", {"text": "twice", "by": "2 times", "fields": ["question"]}),
]


@pytest.mark.parametrize(("do", "body"), OVERWRITING)
def test_what_changed_after_it_was_shown_is_not_overwritten(ask, ada, do, body):
    ask()
    state = ask.since
    authoring.update_questions(ada, "mine", {"q2": {"note": "a colleague's"}})
    theirs = collection.open_set(ada, "mine").questions
    assert ask(do, ids=["q1", "q2"], **body)["sentence"] == (
        "Question q2 was changed after the table showed it: look again, and then repeat that."
    )
    ask.since = "f" * 32  # a state that nobody knows any more
    assert "2 questions may have been changed" in ask(do, ids=["q1", "q2"], **body)["sentence"]
    assert collection.open_set(ada, "mine").questions == theirs
    ask.since = state
    assert "sentence" not in ask(do, ids=["q1", "q3"], **body), "of others nothing is known to have changed"
    assert "sentence" not in ask(do, ids=["q2"], **body), "the table has seen it by now"


def test_a_replacement_that_finds_nothing_says_so(ask):
    ask()
    body = {"ids": ["q1", "q2"], "text": "twice", "by": "2 times", "fields": ["question"]}
    assert ask("replace", **body)["done"] == "Replaced in 2 places."
    assert "stands nowhere there any more" in ask("replace", **body)["sentence"]


@pytest.mark.parametrize(("fields", "seen"), [({"answer": 1}, {"answer": 0}), ({"choices": ["a", "b"]}, {})])
def test_half_of_choices_and_answer_is_refused_and_kept(ask, ada, fields, seen):
    ask()
    before = collection.open_set(ada, "mine").questions
    told = ask("save", id="q1", fields=fields, seen=seen)
    assert "that you saw, so another text could be marked" in told["sentence"]
    assert collection.open_set(ada, "mine").questions == before
    assert [draft["fields"] for draft in told["drafts"]] == [fields]


@pytest.mark.parametrize(
    ("do", "body", "ids"),
    [
        ("delete", {"ids": ["q2"]}, ["q1", "q3", "q4"]),
        ("duplicate", {"ids": ["q2"]}, ["q1", "q2", "q2-2", "q3", "q4"]),
        ("move", {"ids": ["q2"], "before": "q1"}, ["q2", "q1", "q3", "q4"]),
        ("move", {"ids": ["q2"], "place": 4}, ["q1", "q3", "q4", "q2"]),
        ("retag", {"ids": ["q2"], "subject": "x"}, ["q1", "q2", "q3", "q4"]),
        ("shuffle", {"ids": ["q1", "q2", "q3", "q4"], "seed": 1}, ["q1", "q2", "q3", "q4"]),
        ("balance", {"ids": ["q1", "q2", "q3", "q4"]}, ["q1", "q2", "q3", "q4"]),
        ("replace", {"ids": ["q1"], "text": "twice", "by": "2 times"}, ["q1", "q2", "q3", "q4"]),
        (
            "add",
            {"fields": {"question": "New?", "choices": ["a", "b"], "answer": 0}},
            ["q1", "q2", "q3", "q4", "q5"],
        ),
    ],
)
def test_what_is_done_can_be_undone(ask, ada, do, body, ids):
    ask()
    before = collection.open_set(ada, "mine").questions
    told = ask(do, **body)
    assert "sentence" not in told
    assert [q.id for q in collection.open_set(ada, "mine").questions] == ids
    ask("undo")
    assert collection.open_set(ada, "mine").questions == before


def test_find_and_copy(ask, ada):
    told = ask("find", ids=["q1", "q2"], text="twice", by="x", fields=["question"])
    assert (told["found"], told["shown"][0][:2]) == (2, ["q1", "question"])
    collection.create_set(ada, "other")
    assert ask("sets")["sets"] == ["other"]
    assert ask("copy", ids=["q3"], other="other")["done"] == "Copied question q3 to other."
    assert len(collection.open_set(ada, "other").questions) == 1


def test_refusals_are_sentences_and_nonsense_is_refused(ask, ada):
    assert "choose at least one" in ask("retag", ids=[], subject="x")["sentence"]
    assert ask("copy", ids=["q1"], other="../x")["sentence"]
    ask("explode", code=400)
    ask("save", code=400, id="q1")
    ask("delete", code=400)
    collection.delete_set(ada, "mine")
    assert ask()["lost"]
    assert drafts.list_drafts(ada, "mine") == []


def test_readers_change_nothing(ada):
    ask = Table(ada.model_copy(update={"readonly": True}))
    assert ask()["whole"]
    assert "Guests can only view" in ask("delete", ids=["q1"])["sentence"]
    assert len(collection.open_set(ada, "mine").questions) == 4


def test_a_large_answer_is_packed_and_the_script_is_kept(ask, ada):
    collection.create_set(ada, "large", [studios.question(n) for n in range(1000)])
    body = {"pass": component_requests.issue_token(ada, "large")}
    answer = ask.client.post("/table", json=body)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["rows"]) == 1000
    data, digest = table_script.read_script()
    script = ask.client.get(f"/table.js?v={digest}")
    assert script.content == data
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert ask.client.get("/table.js").headers["cache-control"] == "no-cache"
    assert json.dumps(digest)


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
def test_another_site_is_refused(ask, ada, headers):
    body = {"pass": component_requests.issue_token(ada, "mine"), "do": "delete", "ids": ["q1"]}
    assert ask.client.post("/table", json=body, headers=headers).status_code == 403
    assert ask.client.post("/table", json=body | {"pass": "made up"}).status_code == 403
    assert len(collection.open_set(ada, "mine").questions) == 4


def test_an_example_stays_as_it_is(ada):
    body = {"pass": component_requests.issue_token(ada, "ladder_general"), "do": "delete"}
    ask = Table(ada).client
    first = ask.post("/table", json={"pass": body["pass"]}).json()["rows"][0]["id"]
    told = ask.post("/table", json=body | {"ids": [first]}).json()
    assert told["sentence"]
    assert told["rows"][0]["id"] == first


def test_forms_that_are_over_are_told(ask, ada):
    form, fields = "a" * 32, {"question": "What?", "choices": ["a", "b"], "answer": 0}
    drafts.save_draft(ada, drafts.Draft(task="mine", place="new", form=form, at=0.0, fields=fields))
    assert ask()["over"] == {}
    told = ask("add", fields=fields, form=form)
    assert (told["added"], told["over"], told["drafts"]) == ("q5", {"new": [form]}, [])
    assert "added this question already" in ask("add", fields=fields, form=form)["sentence"]


@pytest.mark.parametrize(
    ("cookies", "accepted", "said"),
    [
        ({}, "de-DE,de;q=0.9", "hat keine richtige Antwort"),
        ({"e2lm_language": "de"}, "en-GB", "hat keine richtige Antwort"),
        ({"e2lm_language": "en"}, "de-DE", "has no right answer"),
        ({}, "", "has no right answer"),
    ],
)
def test_a_refusal_is_said_in_the_browsers_language(
    ask, monkeypatch, cookies: dict[str, str], accepted: str, said: str
) -> None:
    monkeypatch.delenv("E2LM_LANGUAGE", raising=False)
    ask.client.cookies.update(cookies)
    ask.client.headers["accept-language"] = accepted
    first = ask()["rows"][0]
    seen = {"choices": first["choices"], "answer": first["answer"]}
    assert (
        said
        in ask("save", id="q1", fields={"answer": None, "choices": first["choices"]}, seen=seen)["sentence"]
    )
