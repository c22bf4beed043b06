"""Headers of every answer, as a page with the policy is held to in tests/ui/browser/test_hostile_text.py."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from e2lm_core.base.settings import Settings
from e2lm_core.ui.server import headers


def answer(**own: str):
    app = Starlette(
        routes=[Route("/", lambda _: PlainTextResponse("", headers=own))],
        middleware=[Middleware(headers.GivesHeaders, frames=Settings.from_env({}).frames)],
    )
    return TestClient(app).get("/").headers


def rules(text: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (rule.split() for rule in text.split(";"))}


def test_nothing_comes_from_another_host_and_no_text_becomes_a_script():
    policy = rules(answer()["content-security-policy"])
    hosts = {s for name, sources in policy.items() if name != "frame-ancestors" for s in sources}
    assert not [source for source in hosts if "http" in source or source == "*"]
    assert not {"'unsafe-inline'", "'unsafe-eval'"} & set(policy["script-src"])
    assert policy["object-src"] == ["'none'"]


def test_frames_are_its_own_and_a_spaces():
    assert rules(answer()["content-security-policy"])["frame-ancestors"] == [
        "'self'",
        "https://huggingface.co",
    ]


def test_types_are_not_guessed_and_others_do_not_learn_of_the_address():
    got = answer()
    assert got["x-content-type-options"] == "nosniff"
    assert got["referrer-policy"] == "same-origin"
    assert "camera=()" in got["permissions-policy"]


def test_a_header_that_is_there_stays():
    assert answer(**{"referrer-policy": "no-referrer"})["referrer-policy"] == "no-referrer"


def test_streamlits_own_script_is_allowed_by_what_it_says(tmp_path: Path):
    page = tmp_path / "index.html"
    page.write_text('<script>\n one() </script><script src="x.js"></script>', encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(b"\n one() ").digest()).decode()
    assert headers.inline_scripts(page) == [f"'sha256-{digest}'"]
    assert headers.inline_scripts(Path(st.__file__).parent / "static" / "index.html")


def test_pages_that_begin_with_a_chart_name_its_script_ahead():
    static = Path(st.__file__).parent / "static"
    link = headers.ahead(static)
    assert (static / link[len("<./") : link.index(">")]).is_file()
    assert link == f"<{headers.charts_script(static)}>; rel=modulepreload"

    def page(_):
        return HTMLResponse("")

    app = Starlette(
        routes=[Route("/curves", page), Route("/share", page), Route("/a/", lambda _: PlainTextResponse(""))],
        middleware=[Middleware(headers.GivesHeaders, frames=(), charts=("/", "/curves"))],
    )
    with TestClient(app) as client:
        assert client.get("/curves").headers["link"] == link
        assert "link" not in client.get("/share").headers
        assert "link" not in client.get("/a/").headers


def test_a_streamlit_that_names_its_scripts_otherwise_is_waited_for(tmp_path: Path):
    assert headers.charts_script(tmp_path) == headers.ahead(tmp_path) == ""
