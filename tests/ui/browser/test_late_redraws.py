"""Redrawings that a browser asked for on a page which has been left since."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from scripts.screenshots import note_error, queue_long_run, server, settle
from tests.support.browser import go

pytestmark = pytest.mark.slow
expect.set_options(timeout=30_000)
ROUNDS_MS = 2500  # the status bar polls each second, charts each two seconds


class Polls:
    """The last poll of each fragment that a browser sent, and the way to send them again."""

    def __init__(self) -> None:
        self.last: dict[str, bytes] = {}
        self.server: WebSocketRoute | None = None

    def follow(self, route: WebSocketRoute) -> None:
        """Pass on what either side sends."""
        self.server = route.connect_to_server()
        route.on_message(self.pass_on)

    def pass_on(self, message: str | bytes) -> None:
        """Pass a message on to the server; keep it if it is a poll."""
        if isinstance(message, bytes):
            sent = BackMsg.FromString(message)
            if sent.WhichOneof("type") == "rerun_script" and sent.rerun_script.fragment_id:
                self.last[sent.rerun_script.fragment_id] = message
        assert self.server is not None
        self.server.send(message)


def polls_of(page: Page, polls: Polls) -> list[bytes]:
    """Polls that the current page sends in two rounds or more."""
    polls.last = {}
    for _ in range(100):
        page.wait_for_timeout(100)
        if polls.last:
            page.wait_for_timeout(ROUNDS_MS)
            return list(polls.last.values())
    raise AssertionError("the page does not poll: is the run over?")


def test_a_poll_of_a_page_that_was_left_changes_nothing(browser: Browser, tmp_path: Path) -> None:
    """The status bar polls while a run goes on, on both pages; a poll of the first one arrives late."""
    home, faults, polls = tmp_path / "home", [], Polls()
    queue_long_run(home, "ladder_science")
    with server(os.environ | {"E2LM_HOME": str(home), "E2LM_SHIPPED": "0"}) as url:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.on("console", partial(note_error, faults))
        page.route_web_socket("**/_stcore/stream", polls.follow)
        page.goto(f"{url}/curves?set=ladder_science")
        settle(page)
        late = polls_of(page, polls)
        go(page, "Share")
        assert polls.server is not None
        for message in late:
            polls.server.send(message)
        assert polls_of(page, polls), "the browser has not been told that the run is over"
        expect(page.get_by_role("heading", level=1)).to_have_text("Share")
        expect(page.get_by_role("heading", name="Report")).to_be_visible()
        assert not faults
        page.context.close()
