"""The card and a set without questions in a real browser: what the review of the interface saw lost there is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from scripts.screenshots import note_error, server, settle

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    questions = [
        Question(id=f"q{n}", question=f"What comes after {n}?", choices=(str(n + 1), str(n)), answer=0)
        for n in range(1, 7)
    ]
    collection.create_set(settings, "mine", questions)
    collection.create_set(settings, "bare")
    return settings


@pytest.fixture
def page(browser: Browser, home: Settings) -> Iterator[Page]:
    faults: list[str] = []
    env = os.environ | {"E2LM_HOME": str(home.home), "E2LM_LADDER": str(home.home / "none")}
    with server(env) as url:
        opened = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=url).new_page()
        opened.on("console", partial(note_error, faults))
        opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
        opened.set_default_timeout(60_000)
        yield opened
        opened.context.close()
    assert not faults


def texts(home: Settings, name: str = "mine") -> list[str]:
    return [question.question for question in collection.open_set(home, name).questions]


def test_undo_in_a_text_is_the_texts_own(page, home):
    page.goto("/questions?set=mine&tab=write&view=Card")
    settle(page)
    area = page.get_by_label("Question", exact=True).and_(page.locator("textarea")).first
    area.fill("What follows one?")
    page.get_by_role("button", name="Save", exact=True).click()
    settle(page)
    assert texts(home)[0] == "What follows one?"
    area.press("End")
    page.keyboard.type(" And two?")
    page.keyboard.press("Control+z")
    expect(area).not_to_have_value("What follows one? And two?")
    settle(page)
    assert texts(home)[0] == "What follows one?"
    page.locator("h1").click()
    page.keyboard.press("Control+z")  # nobody types: the set's last change
    expect(area).not_to_have_value("What follows one?")
    settle(page)
    assert texts(home)[0] == "What comes after 1?"


def test_a_set_without_questions_begins_with_an_empty_form(page, home):
    page.goto("/questions?set=bare&tab=write")
    settle(page)
    form = page.get_by_role("form", name="A new question")
    form.get_by_role("textbox", name="The new question's text").fill("What is pH?")
    form.get_by_role("textbox", name="Choice A of the new question").fill("a measure of acids")
    form.get_by_role("textbox", name="Choice B of the new question").fill("a metal")
    expect(form.get_by_role("button", name="Add the question")).to_be_disabled()
    assert texts(home, "bare") == []
    form.get_by_role("radio", name="A is right").click()
    page.keyboard.press("Control+Enter")
    form.get_by_role("textbox", name="Choice B of the new question").press("Control+Enter")
    expect(page.locator(".qt-row")).to_have_count(1)
    assert texts(home, "bare") == ["What is pH?"]


@pytest.mark.parametrize("button", ["Save", "Discard"])
def test_nothing_can_be_typed_into_a_form_that_is_ending(page, home, button):
    """What was typed between a click and the new form went with the old form, without a word."""
    held: list[str | bytes] | None = None
    route = None

    def answer(message):
        if held is None:
            route.send(message)
        else:
            held.append(message)

    def follow(opened):
        nonlocal route
        route = opened
        opened.connect_to_server().on_message(answer)

    page.route_web_socket("**/_stcore/stream", follow)
    page.goto("/questions?set=mine&tab=write&view=Card")
    settle(page)
    area = page.locator(".st-key-card_area")
    text = area.locator("textarea")
    text.fill("What follows one?")
    page.wait_for_timeout(900)  # a draft is sent .4 s after it was typed
    page.reload()
    expect(area.get_by_role("button", name="Discard")).to_be_visible()
    expect(text).to_have_value("What follows one?")
    settle(page)
    held = []  # the server's answers are held back
    area.get_by_role("button", name=button, exact=True).click()
    expect(text).not_to_be_editable()
    answers, held = held, None
    for message in answers:
        route.send(message)
    editable = area.locator("textarea:not([readonly])")
    expect(editable).to_have_count(1, timeout=4_000)  # before the time after which it would be in any case
    expect(text).to_have_count(1)  # the old form has gone
    text.fill("What follows two?")
    expect(text).to_have_value("What follows two?")
    page.reload()
    expect(text).to_have_value("What follows two?")
    assert texts(home)[0] == ("What follows one?" if button == "Save" else "What comes after 1?")


def test_a_form_whose_saving_is_refused_can_be_typed_in_again(page, home):
    page.goto("/questions?set=mine&tab=write&view=Card")
    settle(page)
    area = page.locator(".st-key-card_area")
    text = area.locator("textarea")
    text.fill("")
    area.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_test_id("stAlert").first).to_be_visible()
    expect(text).to_be_editable(timeout=4_000)  # before the time after which it would be in any case
    text.fill("What follows one?")
    area.get_by_role("button", name="Save", exact=True).click()
    expect(area.get_by_text(re.compile(r"Saved \d"))).to_be_visible()
    expect(text).to_have_count(1)  # the old form has gone
    expect(text).to_have_value("What follows one?")
    assert texts(home)[0] == "What follows one?"


def test_a_click_into_a_text_that_is_not_there_yet_is_no_draft(page, home):
    page.goto("/questions?set=mine&tab=write&view=Card")
    settle(page)
    area = page.get_by_label("Question", exact=True).and_(page.locator("textarea")).first
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.post_data or "") if "draft" in request.url else None
    )
    # As Streamlit has it just after it draws the form.
    area.evaluate(
        "field => { field.value = ''; field.dispatchEvent(new MouseEvent('click', {bubbles: true})); }"
    )
    settle(page)
    assert not sent
    with page.expect_request(lambda request: "What?" in (request.post_data or "")):
        area.press_sequentially("What?")
    settle(page)
    assert texts(home)[0] == "What comes after 1?"
