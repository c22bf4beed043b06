"""A real server and a real browser that notes what must not happen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from scripts.screenshots import note_error, server
from tests.conftest import needs


@pytest.fixture
def url(tmp_path) -> Iterator[str]:
    env = os.environ | {"E2LM_HOME": str(tmp_path / "home"), "E2LM_LADDER": str(needs("ladder"))}
    with server(env) as address:
        yield address


@pytest.fixture
def page(browser: Browser, url) -> Iterator[Page]:
    """A page that notes what must not happen: an error on its console, or a word to another host."""
    faults: list[str] = []

    def note_host(address: str) -> None:
        parts = urlsplit(address)
        if parts.hostname and parts.hostname not in ("127.0.0.1", "localhost"):
            faults.append(f"asks {address}")

    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.on("request", lambda request: note_host(request.url))
    opened = context.new_page()
    opened.on("console", partial(note_error, faults))
    opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
    opened.on("websocket", lambda socket: note_host(socket.url))
    opened.set_default_timeout(60_000)
    yield opened
    context.close()
    assert not faults
