"""Proposals of a language model on the page: the text and consent first, a click for each one that is taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from e2lm_core.people import accounts
from e2lm_core.sets import collection
from e2lm_core.ui.base import markdown
from e2lm_core.ui.places.questions import alternatives
from e2lm_core.ui.places.questions import proposals as page
from tests.pages.test_alternatives import with_worker
from tests.support.assist_server import KEY, MODEL, AssistServer, completion, proposals, sends, serving
from tests.support.visits import OWN, Visit

VIEW = "alternatives_view"
EVIL = "<script>alert(1)</script> ![](http://evil.example/x) [a](http://evil.example) :red[b] **c** $d$"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AssistServer]:
    """A server whose answers a click waits for, however busy the machine is."""
    monkeypatch.setattr(page, "PATIENCE_S", 60.0)
    with serving() as one:
        one.configure(monkeypatch)
        yield one


@pytest.fixture
def helped(server: AssistServer, done: Visit) -> Visit:
    """A session with results, where a language model is configured."""
    return done


def first(visit: Visit):
    return collection.open_set(visit.studio.settings, OWN).questions[0]


def test_without_a_model_nothing_is_offered(done: Visit) -> None:
    at = done.open("alternatives")
    assert "Ask a model" not in at.segmented_control(key=VIEW).options
    assert not [p for p in at.get("popover") if "language model" in p.proto.popover.label]


def test_wrong_answers_become_candidates_and_the_taken_one_names_the_model(
    helped: Visit, server: AssistServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alternatives, "MAX_BUTTONS", 20)
    server.answer = completion(proposals("0", "1"))
    at = helped.open("alternatives")
    before = first(helped)
    assert f"to the model **{MODEL}**" in helped.said
    (shown,) = [code.value for code in at.code if "multiple-choice" in code.value]
    assert not server.asked
    helped.click("Agree and ask")
    assert server.texts == [shown]
    assert "- 0" in helped.said
    assert first(helped) == before
    with_worker(helped, lambda: helped.click("Try other choices"))
    table = at.dataframe[0].value
    assert list(table.loc[table["proposal"] == "0", "from"]) == [f"proposed by {MODEL}"]
    next(b for b in at.button if b.label in ("Take 0", "Take 1")).click().run()
    assert not at.exception
    assert first(helped).extra["written_with"].endswith(f" proposed by {MODEL}")


def test_a_wording_is_taken_by_a_click_and_taken_back(helped: Visit, server: AssistServer) -> None:
    server.answer = completion(proposals("How much is two times one?", EVIL))
    before = first(helped)
    at = helped.open("alternatives")
    at.segmented_control(key=VIEW).set_value("Ask a model").run()
    helped.click("Agree and ask")
    assert "How much is two times one?" in helped.said
    (drawn,) = [m.value for m in at.markdown if "script" in m.value]
    assert drawn == markdown.escape(EVIL)
    assert "Agree and ask" not in helped.labels(), "asked once a set"
    at.button(key="assist_take_0").click().run()
    assert not at.exception
    assert first(helped).question == "How much is two times one?"
    assert first(helped).extra["written_with"] == f"question in other words by {MODEL}"
    assert "Use this wording" not in helped.labels(), "they were for the question before"
    helped.click("Undo")
    assert first(helped) == before


def test_questions_from_a_passage_are_added_one_by_one(helped: Visit, server: AssistServer) -> None:
    made = [{"question": f"What is {k}?", "right": "an alga", "wrong": ["a moss", "a fern"]} for k in "xy"]
    server.answer = completion(proposals(*made, "no question"))
    at = helped.open("alternatives")
    at.segmented_control(key=VIEW).set_value("Ask a model").run()
    at.get("button_group")
    at.pills(key="assist_kind").set_value("Questions from a passage").run()
    at.text_area(key="assist_passage").set_value("Kelp is an alga.").run()
    helped.click("Agree and ask")
    assert "an alga ✓" in helped.said
    assert "1 more was left out" in helped.said
    at.button(key="assist_add_1").click().run()
    assert not at.exception
    added = collection.open_set(helped.studio.settings, OWN).questions[-1]
    assert added.question == "What is y?"
    assert "What is x?" in helped.said
    assert "What is y?" not in helped.said


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (sends(f'{{"error": "wrong key {KEY}"}}'.encode(), 401), "refuses the studio's key"),
        (sends(b"", 302, {"Location": "http://evil.example"}), "not followed"),
        (completion("I would rather not."), "answered in another form"),
        (completion(f"{KEY} {EVIL}"), "left out"),
        (sends(b"x" * 2**21), "more than 1,048,576 bytes"),
    ],
)
def test_a_bad_server_is_one_sentence_on_the_page(
    helped: Visit, server: AssistServer, answer, sentence: str
) -> None:
    server.answer = answer
    helped.open("alternatives")
    helped.click("Agree and ask")
    assert sentence in helped.said
    assert KEY not in helped.said
    assert "evil" not in helped.said


def test_the_page_goes_on_while_an_answer_is_awaited(
    helped: Visit, server: AssistServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PATIENCE_S", 0.01)
    may_answer, answer = threading.Event(), completion(proposals("How much is two times one?"))
    server.answer = lambda handler: (may_answer.wait(60), answer(handler))[1]
    at = helped.open("alternatives")
    at.segmented_control(key=VIEW).set_value("Ask a model").run()
    helped.click("Agree and ask")
    assert f"Waiting for {MODEL}" in helped.said
    assert at.button(key="assist_go_panel").disabled, "one request at a time"
    assert "Agree and ask" not in helped.labels()
    at.pills(key="assist_kind").set_value("Beginning of a sentence").run()
    assert f"Waiting for {MODEL}" not in helped.said
    at.pills(key="assist_kind").set_value("Other wordings").run()
    assert f"Waiting for {MODEL}" in helped.said
    _, awaited = at.session_state["assist_awaited_panel"]
    may_answer.set()
    assert awaited.result(60).texts
    at.run()
    assert "How much is two times one?" in helped.said
    assert f"Waiting for {MODEL}" not in helped.said
    assert not at.button(key="assist_go_panel").disabled


def test_an_awaited_answer_is_cancelled(
    helped: Visit, server: AssistServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PATIENCE_S", 0.01)
    may_answer, answer = threading.Event(), completion(proposals("How much is two times one?"))
    server.answer = lambda handler: (may_answer.wait(60), answer(handler))[1]
    at = helped.open("alternatives")
    at.segmented_control(key=VIEW).set_value("Ask a model").run()
    helped.click("Agree and ask")
    _, awaited = at.session_state["assist_awaited_panel"]
    helped.click("Cancel")
    may_answer.set()
    awaited.result(60)
    at.run()
    assert not at.exception
    assert "How much is two times one?" not in helped.said
    assert not at.button(key="assist_go_panel").disabled


def test_an_example_is_copied_first(helped: Visit, server: AssistServer) -> None:
    helped.choose("little")
    at = helped.open("alternatives")
    at.segmented_control(key=VIEW).set_value("Ask a model").run()
    assert "copy the set to ask" in helped.said
    assert not server.asked


@pytest.mark.parametrize("mode", ["sandbox", "readonly"])
def test_visitors_are_not_offered_it(
    server: AssistServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("E2LM_AUTH", "oidc")
    monkeypatch.setenv("E2LM_ADMINS", "sub:root")
    monkeypatch.setenv("E2LM_VISITORS", mode)
    visit = request.getfixturevalue("visit")
    accounts.sign_in(visit.studio.settings, "https://id.example", "root", "Root", username="root")
    visit.choose("little")
    at = visit.open("alternatives")
    assert "Ask a model" not in at.segmented_control(key=VIEW).options
    assert not server.asked
