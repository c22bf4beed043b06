"""Redrawings that a browser asked for on a page which has been left since."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs import start as run_start
from e2lm_core.runs.queue.claims import CheckpointClaims
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets.collection import open_set
from e2lm_core.ui.base import urls
from scripts.screenshots import note_error, server, settle
from tests.support.browser import go
from tests.support.short import IS_CI

pytestmark = pytest.mark.slow
expect.set_options(timeout=30_000)
LEASE_S = 3600.0
# All places with a status bar; `make proof` goes to each, continuous integration to three.
PLACES = [place.title for place in urls.PLACES if place is not urls.SETS]
if IS_CI:
    PLACES = PLACES[:1] + PLACES[2:3] + PLACES[4:5]
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
        self.send(message)

    def send(self, message: str | bytes) -> None:
        """Send the server a message."""
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


def begin_endless_run(home: Path, name: str) -> None:
    """Start a set's run that another computer holds for an hour."""
    studio = open_studio(Settings(home=home))
    task, checkpoints = open_set(studio.settings, name), without_extras(studio.local_checkpoints)
    run_start.submit_run(studio, task, checkpoints)
    job = studio.jobs.claim("elsewhere", LEASE_S)
    assert job is not None
    claims = CheckpointClaims(studio.store.database, job, LEASE_S)
    taken = [claims.take(checkpoint.name) for checkpoint in checkpoints]
    assert all(taken)
    studio.store.database.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a run that goes on."""
    begin_endless_run(tmp_path / "home", "ladder_science")
    return tmp_path / "home"


@pytest.fixture
def faults() -> list[str]:
    """What the page says on the console as an error."""
    return []


@pytest.fixture
def polls() -> Polls:
    """What the page sends the server."""
    return Polls()


@pytest.fixture
def page(browser: Browser, home: Path, faults: list[str], polls: Polls) -> Iterator[Page]:
    """Curves of the set that is run."""
    with server(os.environ | {"E2LM_HOME": str(home), "E2LM_SHIPPED": "0"}) as url:
        opened = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        opened.on("console", partial(note_error, faults))
        opened.route_web_socket("**/_stcore/stream", polls.follow)
        opened.goto(f"{url}/{urls.address('accuracy', 'ladder_science')}")
        settle(opened)
        yield opened
        opened.context.close()


def test_polls_of_pages_that_were_left_change_nothing(page: Page, polls: Polls, faults: list[str]) -> None:
    """The status bar polls on all pages while a run goes on; those of each page arrive late on each other one."""
    late = {}
    for place in PLACES:
        go(page, place)
        late[place] = polls_of(page, polls)
    for place in PLACES:
        go(page, place)
        for other in set(PLACES) - {place}:
            for message in late[other]:
                polls.send(message)
        assert polls_of(page, polls), "the browser has not been told that the run is over"
        expect(page.get_by_role("heading", level=1)).to_have_text(place)
        assert page.locator(".st-key-strip").count() == 1
        assert not faults, place


def test_nor_do_those_of_a_part_that_is_no_longer_shown(page: Page, polls: Polls, faults: list[str]) -> None:
    """The side panel is a fragment, and its part Curves another one within it, which polls."""
    go(page, "Questions")
    page.get_by_text("Side panel").click()
    settle(page)
    panel = page.locator(".st-key-beside")
    panel.get_by_role("radio", name="Curves", exact=True).click()
    settle(page)
    late = polls_of(page, polls)
    panel.get_by_role("radio", name="Prompt", exact=True).click()
    settle(page)
    for message in late:
        polls.send(message)
    assert len(polls_of(page, polls)) < len(late)
    expect(panel.get_by_role("radio", name="Prompt", exact=True)).to_be_checked()
    expect(page.locator(".qt-row").first).to_be_visible()
    assert not faults
