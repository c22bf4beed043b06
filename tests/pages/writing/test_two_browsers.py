"""Two people's browsers at one set, and one whose app is killed: nothing lost, both texts seen, no cursor taken."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from scripts.screenshots import note_error, server, settle
from tests.conftest import ROOT
from tests.support.browser import cell, strip, type_into_question

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)  # a busy machine answers late
KEPT_MS = 900  # a draft is sent .4 s after it was typed


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    questions = [
        Question(id=f"q{n}", question=f"What comes after {n}?", choices=(str(n + 1), str(n)), answer=0)
        for n in range(1, 7)
    ]
    collection.create_set(settings, "mine", questions)
    return settings


@pytest.fixture
def environment(home: Settings) -> dict[str, str]:
    # Without models: what is written is all that matters here.
    return os.environ | {"E2LM_HOME": str(home.home), "E2LM_LADDER": str(home.home / "none")}


def visitor(browser: Browser, url: str, faults: list[str]) -> Page:
    """A page of Author in a browser of its own."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.on("console", partial(note_error, faults))
    page.on("pageerror", lambda error: faults.append(f"throws {error}"))
    page.set_default_timeout(60_000)
    page.goto(f"{url}/questions?set=mine")
    settle(page)
    return page


def question(home: Settings, row: int) -> str:
    return collection.open_set(home, "mine").questions[row].question


def view(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).click()
    settle(page)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    settle(page)


def test_two_people_lose_nothing_in_the_table_or_in_the_card(browser, home, environment):
    faults: list[str] = []
    with server(environment) as url:
        ada, bob = visitor(browser, url, faults), visitor(browser, url, faults)
        expect(ada.get_by_text("1 other browser has this set open")).to_be_visible()

        # Another question, saved by one: the other sees it without a reload.
        type_into_question(ada, 0, "What follows one?")
        expect(cell(bob, 0)).to_have_text("What follows one?")

        # A cell that is open and not typed in follows what is saved: who begins to type has seen that.
        cell(bob, 2).click()
        type_into_question(ada, 2, "What follows three?")
        expect(bob.locator(".qt-list textarea")).to_have_value("What follows three?")
        bob.keyboard.type(" Ever?")
        bob.keyboard.press("Enter")
        expect(cell(ada, 2)).to_have_text("What follows three? Ever?")
        assert question(home, 2) == "What follows three? Ever?"

        # The same cell: Bob is typing when Ada saves. His cursor stays, and so does what both wrote.
        cell(bob, 3).click()
        field = bob.locator(".qt-list textarea")
        field.fill("Bob asks what follows four?")
        type_into_question(ada, 3, "Ada asks what follows four?")
        expect(bob.get_by_text("1 question was changed by another.")).to_be_visible()
        expect(bob.get_by_text("Somebody else has just saved this: Ada asks")).to_be_visible()
        expect(field).to_have_value("Bob asks what follows four?")
        expect(field).to_be_focused()
        # Other rows follow meanwhile, and take nothing from his.
        type_into_question(ada, 4, "Ada asks what follows five?")
        expect(cell(bob, 4)).to_have_text("Ada asks what follows five?")
        expect(field).to_be_focused()
        bob.keyboard.press("Enter")
        expect(bob.get_by_text("q4: the text was changed elsewhere")).to_be_visible()
        assert question(home, 3) == "Ada asks what follows four?"
        texts = bob.locator(".both-texts")
        expect(texts.nth(0)).to_have_text("Ada asks what follows four?")
        expect(texts.nth(1)).to_have_text("Bob asks what follows four?")
        expect(texts.nth(1).locator("mark")).to_have_text("Bob")
        bob.reload()
        settle(bob)
        bob.get_by_role("button", name="Keep mine").click()
        settle(bob)
        assert question(home, 3) == "Bob asks what follows four?"

        # The same question in the card: the Save that was pressed is not lost.
        for page, name in ((ada, "Ada"), (bob, "Bob")):
            view(page, "Card")  # which opens the question that the table had in hand
            page.get_by_role("combobox", name="Question", exact=True).click()
            page.get_by_role("option", name="1 of 6 · q1").click()
            settle(page)
            page.locator("textarea").first.fill(f"In the card {name} asks?")
        ada.wait_for_timeout(KEPT_MS)
        save(ada)
        expect(bob.get_by_text("1 question was changed by another.")).to_be_visible()
        assert bob.locator("textarea").first.input_value() == "In the card Bob asks?"
        save(bob)
        assert question(home, 0) == "In the card Ada asks?"
        expect(bob.locator(".both-texts").nth(1)).to_have_text("In the card Bob asks?")
        bob.get_by_role("button", name="Keep theirs").click()
        settle(bob)
        expect(bob.locator("textarea").first).to_have_value("In the card Ada asks?")
    assert not faults


@contextmanager
def killable(environment: dict[str, str], port: int) -> Iterator[subprocess.Popen]:
    """The studio on a port, as `scripts.screenshots.server` has it, but killed."""
    options = ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", str(port)]
    app = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield app
    finally:
        app.send_signal(signal.SIGKILL)
        app.wait()


def test_a_draft_outlives_a_reload_another_page_and_a_kill_of_the_app(browser, home, environment):
    faults: list[str] = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with killable(environment, port):
        until_served(url)
        page = visitor(browser, url, faults)
        view(page, "Card")
        area = page.locator("textarea").first
        area.press("End")
        page.keyboard.type(" Or two", delay=10)
        page.keyboard.press("Control+z")  # takes back typing, not the set's last change
        page.keyboard.type("o?", delay=10)
        typed = area.input_value()
        assert typed.startswith("What comes after 1? Or tw")
        page.reload()  # at once: what was not sent yet goes with the leaving page
        settle(page)
        expect(area).to_have_value(typed)
        expect(page.get_by_text("Unsaved changes, typed")).to_be_visible()

        page.get_by_test_id("stSidebarNavLink").filter(has_text="Share").click()
        expect(strip(page)).to_be_visible()
        settle(page)
        page.get_by_test_id("stSidebarNavLink").filter(has_text="Questions").click()
        settle(page)
        if not area.count():
            view(page, "Card")
        expect(area).to_have_value(typed)

        page.locator("textarea").first.fill("Typed before the kill?")
        page.wait_for_timeout(KEPT_MS)
    with killable(environment, port):
        until_served(url)
        page.reload()
        settle(page)
        expect(page.locator("textarea").first).to_have_value("Typed before the kill?")
        save(page)
        assert question(home, 0) == "Typed before the kill?"


def until_served(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("The server did not start.")
