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
from e2lm_core.ui.requests.middleware import security_headers


def answer(**own: str):
    app = Starlette(
        routes=[Route("/", lambda _: PlainTextResponse("", headers=own))],
        middleware=[
            Middleware(security_headers.SecurityHeadersMiddleware, frames=Settings.from_env({}).frames)
        ],
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
    assert security_headers.inline_scripts(page) == [f"'sha256-{digest}'"]
    assert security_headers.inline_scripts(Path(st.__file__).parent / "static" / "index.html")


def links(link: str) -> list[str]:
    """The addresses that a `Link` names, each of them to be preloaded as a module."""
    parts = link.split(", ")
    assert all(part.startswith("<./") and part.endswith(">; rel=modulepreload") for part in parts)
    return [part[1 : part.index(">")] for part in parts]


def test_pages_name_the_scripts_of_what_all_of_them_hold_ahead_and_of_charts_where_they_begin_with_one():
    static = Path(st.__file__).parent / "static"

    def page(_):
        return HTMLResponse("")

    app = Starlette(
        routes=[Route("/curves", page), Route("/share", page), Route("/a/", lambda _: PlainTextResponse(""))],
        middleware=[
            Middleware(security_headers.SecurityHeadersMiddleware, frames=(), charts=("/", "/curves"))
        ],
    )
    with TestClient(app) as client:
        all_have, with_chart = (links(client.get(path).headers["link"]) for path in ("/share", "/curves"))
        assert "link" not in client.get("/a/").headers
    assert len(all_have) == len(security_headers._FRAME)  # this Streamlit has every one of them
    assert all((static / name).is_file() for name in with_chart)
    assert with_chart == [*all_have, security_headers.charts_script(static)]


def test_a_streamlit_that_names_its_scripts_otherwise_is_waited_for(tmp_path: Path):
    assert (
        security_headers.charts_script(tmp_path)
        == security_headers.preload_links(tmp_path, ("PlotlyChart", "Button"))
        == ""
    )
