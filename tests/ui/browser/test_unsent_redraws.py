"""Redrawings that follow a page so closely that it has not been sent yet.

A busy server sends late. Here it always does: each `SENDING_S` seconds all that was drawn meanwhile.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from e2lm_core.ui.base import urls
from scripts.screenshots import note_error, server, settle
from tests.support.browser import SET, go
from tests.ui.browser.test_late_redraws import PLACES, begin_endless_run

pytestmark = pytest.mark.slow
SENDING_S = 0.4
SEND_LATE = f"from streamlit.runtime import runtime\nruntime.MESSAGE_FLUSH_INTERVAL_SECS = {SENDING_S}\n"
MOMENTS_MS = range(0, 600, 50)
DRAWN_MS = 1800  # a page and its fragment are drawn and sent; longer on a busy machine
ROUNDS = 8
TABLE = b"question,A,B,answer\nWhat is warm?,ice,fire,B\n"


class Session:
    """A browser's last request, the fragments that it shows, and the way to ask for either again."""

    def __init__(self) -> None:
        self.fragments: set[str] = set()
        self.request = BackMsg()
        self.server: WebSocketRoute | None = None

    def follow(self, route: WebSocketRoute) -> None:
        """Pass on all messages in both directions."""
        self.server = route.connect_to_server()
        route.on_message(partial(self.note_request, self.server))
        self.server.on_message(partial(self.note_fragment, route))

    def note_request(self, server: WebSocketRoute, message: str | bytes) -> None:
        """Pass on a message to the server; keep a request for a redrawing."""
        assert isinstance(message, bytes)
        asked = BackMsg.FromString(message)
        if asked.WhichOneof("type") == "rerun_script":
            self.request = asked
        server.send(message)

    def note_fragment(self, browser: WebSocketRoute, message: str | bytes) -> None:
        """Pass on a message to the browser; keep the fragment that it belongs to."""
        assert isinstance(message, bytes)
        self.fragments.add(ForwardMsg.FromString(message).delta.fragment_id)
        browser.send(message)

    def redraw(self, fragment: str = "") -> None:
        """Ask for a fragment's redrawing, or for the page's."""
        asked = BackMsg()
        asked.CopyFrom(self.request)
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.is_auto_rerun = False
        assert self.server is not None
        self.server.send(asked.SerializeToString())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an own set whose run goes on."""
    collection.copy_set(Settings(home=tmp_path / "home"), "ladder_science", SET)
    begin_endless_run(tmp_path / "home", SET)
    return tmp_path / "home"


@pytest.fixture
def faults() -> list[str]:
    """The errors on the page's console."""
    return []


@pytest.fixture
def session() -> Session:
    """The page's messages."""
    return Session()


@pytest.fixture
def page(browser: Browser, home: Path, faults: list[str], session: Session, tmp_path: Path) -> Iterator[Page]:
    """Questions of the own set, from a server that sends late."""
    (tmp_path / "sitecustomize.py").write_text(SEND_LATE, "utf-8")
    with server(
        os.environ | {"E2LM_HOME": str(home), "E2LM_SHIPPED": "0", "PYTHONPATH": str(tmp_path)}
    ) as url:
        opened = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        opened.on("console", partial(note_error, faults))
        opened.route_web_socket("**/_stcore/stream", session.follow)
        opened.goto(f"{url}/{urls.address('questions', SET)}")
        settle(opened)
        yield opened
        opened.context.close()


def parts(page: Page) -> Counter[str]:
    """The page's elements by kind and text, but for the status bar, which tells of time."""
    drawn = page.evaluate(
        """() => [...document.querySelectorAll(".stMain [data-testid]")]
            .filter(part => !part.closest(".st-key-strip, [data-testid=stStatusWidget]") &&
                !part.querySelector(".st-key-strip"))
            .map(part => `${part.dataset.testid} ${part.textContent.slice(0, 60)}`)"""
    )
    return Counter(drawn)


def parts_at_rest(page: Page) -> Counter[str]:
    """The page's elements once they stay as they are."""
    drawn = parts(page)
    while True:
        page.wait_for_timeout(DRAWN_MS)
        before, drawn = drawn, parts(page)
        if drawn == before:
            return drawn


def lost_parts(page: Page, wanted: Counter[str]) -> Counter[str]:
    """Elements that the page lacks once it has been drawn again; polls bring no lost one back."""
    for _ in range(ROUNDS):
        page.wait_for_timeout(DRAWN_MS)
        if not (lost := wanted - parts(page)):
            return lost
    return lost


def test_a_fragment_redrawn_right_after_its_page_costs_no_element(
    page: Page, session: Session, faults: list[str]
) -> None:
    """Each fragment of each place; the elements below it moved up and the first of them was gone."""
    tried = 0
    for place in PLACES:
        go(page, place)
        parts_at_rest(page)
        session.fragments = set()  # those of the place before were sent late too
        session.redraw()
        before, shown = parts_at_rest(page), sorted(session.fragments - {""})
        for fragment in shown:
            session.redraw()
            page.wait_for_timeout(50)
            session.redraw(fragment)
            assert not lost_parts(page, before), f"{place}: {fragment}"
            tried += 1
    assert tried > len(PLACES), "more than the status bar is a fragment"
    assert not faults


def test_an_upload_begins_though_its_page_is_redrawn(page: Page, session: Session) -> None:
    """The browser asks for addresses first, and waits for them without an end."""
    page.get_by_role("radio", name="Import").click()
    settle(page)
    session.redraw()  # the server is busy sending its beginning
    page.locator("input[type=file]").first.set_input_files(
        {"name": "more.csv", "mimeType": "text/csv", "buffer": TABLE}
    )
    session.redraw()
    expect(page.get_by_role("button", name="Add 1 question")).to_be_visible(timeout=30_000)


def test_a_links_tab_is_chosen_though_its_page_is_redrawn(page: Page, session: Session) -> None:
    """A phone's width is told while the first drawing goes on; the second one did not name the chosen tab."""
    for moment_ms in MOMENTS_MS:
        session.request = BackMsg()
        page.goto(urljoin(page.url, urls.address("measured", SET)), wait_until="commit")
        while session.request.WhichOneof("type") is None:
            page.wait_for_timeout(10)
        page.wait_for_timeout(moment_ms)
        session.redraw()
        settle(page)
        chosen = page.locator(".st-key-tabs [aria-checked=true]")
        expect(chosen, f"redrawn after {moment_ms} ms").to_have_text("Measured", timeout=10_000)
