"""The browser's cookie: given with the first page, kept after it, and never anybody's made-up one."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from e2lm_core.ui.requests.middleware.browser_cookie import (
    COOKIE,
    BrowserCookieMiddleware,
    author,
    browser_from_cookies,
)

KNOWN = "0123456789abcdef" * 2


@pytest.fixture
def client():
    app = Starlette(
        routes=[
            Route("/", lambda _: HTMLResponse("<p>")),
            Route("/picture", lambda _: PlainTextResponse("no page")),
        ],
        middleware=[Middleware(BrowserCookieMiddleware)],
    )
    return TestClient(app)


def test_a_browser_gets_its_cookie_with_its_first_page(client):
    first = client.get("/")
    assert browser_from_cookies(f"{COOKIE}={first.cookies[COOKIE]}")
    assert "set-cookie" not in client.get("/").headers


def test_only_pages_give_one(client):
    assert "set-cookie" not in client.get("/picture").headers


def test_it_is_out_of_reach_of_scripts_and_kept_in_a_frame(client):
    said = client.get("/", headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=None; Secure; Partitioned" in said
    assert "SameSite=Lax" in client.get("/").headers["set-cookie"]


@pytest.mark.parametrize("made_up", ["", "../x", KNOWN.upper(), KNOWN + "0", "0123; a=b"])
def test_a_made_up_one_is_no_browser(client, made_up):
    assert browser_from_cookies(f"{COOKIE}={made_up}") is None


def test_others_see_a_name_that_does_not_lead_back():
    assert browser_from_cookies(f"a=b; {COOKIE}={KNOWN}") == KNOWN
    assert author(KNOWN) != author(KNOWN[::-1])
    assert author(KNOWN) not in KNOWN
    assert len(author(KNOWN)) == 12
