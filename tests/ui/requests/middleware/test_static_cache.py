"""Streamlit's own files are read once, and come packed to whom they may; all else is its own to answer."""

import gzip
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from e2lm_core.ui.requests.middleware.static_cache import StaticCacheMiddleware

SCRIPT = b"export const question = 'which';\n" * 100
FONT = bytes(range(256)) * 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    js = tmp_path / "static" / "js"
    js.mkdir(parents=True)
    (js / "index.abc.js").write_bytes(SCRIPT)
    (js / "small.abc.js").write_bytes(b"export {};")
    (tmp_path / "static" / "font.abc.woff2").write_bytes(FONT)
    (tmp_path / "index.html").write_text("<html></html>")
    return tmp_path


@pytest.fixture
def client(folder: Path):
    passed = Route("/{rest:path}", lambda _: PlainTextResponse("passed on"), methods=["GET", "POST"])
    app = Starlette(routes=[passed], middleware=[Middleware(StaticCacheMiddleware, folder=folder)])
    with TestClient(app) as client:
        yield client


def test_a_script_comes_as_it_is_and_may_be_kept_for_ever(client: TestClient):
    answer = client.get("/static/js/index.abc.js", headers={"accept-encoding": "identity"})
    assert answer.content == SCRIPT
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]


def test_a_file_is_read_once(client: TestClient, folder: Path):
    client.get("/static/font.abc.woff2")
    (folder / "static" / "font.abc.woff2").unlink()
    answer = client.get("/static/font.abc.woff2")
    assert answer.content == FONT
    assert answer.headers["content-type"] == "font/woff2"


def test_whoever_asks_later_gets_it_packed_where_it_may(client: TestClient):
    path = "/static/js/index.abc.js"
    client.get(path)
    until = time.monotonic() + 10
    while "content-encoding" not in (answer := client.get(path)).headers and time.monotonic() < until:
        time.sleep(0.01)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(SCRIPT) / 5
    assert answer.content == SCRIPT  # as the client unpacks it
    assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT, mtime=0))
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert plain.content == SCRIPT
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "accept-encoding"


def test_fonts_and_short_scripts_are_not_packed(client: TestClient):
    for path in ("/static/font.abc.woff2", "/static/js/small.abc.js"):
        for _ in range(3):
            assert "content-encoding" not in client.get(path).headers


def test_beside_a_page_below_the_root_it_is_found_too(client: TestClient):
    assert client.get("/studio/static/js/small.abc.js").content == b"export {};"


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/static/js/other.js", "/static/../index.html", "/app/static/fonts/a.woff2"]
)
def test_whatever_else_is_asked_is_passed_on(client: TestClient, path: str):
    assert client.get(path).text == "passed on"


def test_part_of_a_file_and_other_methods_are_passed_on(client: TestClient):
    path = "/static/js/index.abc.js"
    assert client.get(path, headers={"range": "bytes=0-3"}).text == "passed on"
    assert client.post(path).text == "passed on"


def test_it_knows_the_files_of_the_streamlit_that_is_installed():
    import streamlit

    known = StaticCacheMiddleware(Starlette())._assets
    root = Path(streamlit.__file__).parent / "static"
    assert {root / path.lstrip("/") for path in known} == {
        f for f in (root / "static").rglob("*") if f.is_file()
    }
