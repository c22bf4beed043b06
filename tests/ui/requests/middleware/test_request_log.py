"""Each request has an id that is answered and logged, and the log has nothing that a visitor typed."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from e2lm_core.deploy import logs
from e2lm_core.ui.requests.middleware.request_log import RequestLogMiddleware


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def failing(_: object) -> None:
    raise KeyError("what a visitor typed")


@pytest.fixture
def client() -> TestClient:
    routes = [
        *(
            Route(path, lambda _: PlainTextResponse("x"))
            for path in ("/", "/curves", "/static/a.js", "/secret")
        ),
        Route("/_stcore/upload_file/{session}/{file}", lambda _: PlainTextResponse("x")),
        Route("/questions", failing),
        WebSocketRoute("/_stcore/stream", stream),
    ]
    return TestClient(
        Starlette(routes=routes, middleware=[Middleware(RequestLogMiddleware)]), raise_server_exceptions=False
    )


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict]]]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Json())
    level = logs.log.level
    logs.log.addHandler(handler)
    logs.log.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logs.log.removeHandler(handler)
    logs.log.setLevel(level)


def test_an_id_is_answered_and_logged(client: TestClient, lines: Callable[[], list[dict]]) -> None:
    answer = client.get("/curves?set=my_secret_set")
    (line,) = lines()
    assert line["request"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/curves", 200)
    assert line["ms"] >= 0
    assert "secret" not in json.dumps(line)


def test_a_proxys_id_is_kept_and_a_made_up_one_is_not(client: TestClient) -> None:
    given = "0123456789abcdef0123456789abcdef"
    assert client.get("/", headers={"X-Request-Id": given}).headers["x-request-id"] == given
    for made_up in ("hello, world", "x" * 500, '{"a": 1}', ""):
        assert client.get("/", headers={"X-Request-Id": made_up}).headers["x-request-id"] != made_up


def test_addresses_are_named_by_kind(client: TestClient, lines: Callable[[], list[dict]]) -> None:
    for path in ("/", "/secret", "/static/a.js", "/static/gone.js", "/_stcore/upload_file/unguessable/1"):
        client.get(path)
    with client.websocket_connect("/_stcore/stream"):
        pass
    told = [(line["method"], line["path"], line["status"]) for line in lines()]
    assert told == [
        ("GET", "/", 200),
        ("GET", "/…", 200),
        ("GET", "/static", 404),
        ("GET", "/_stcore/upload_file", 200),
        ("WEBSOCKET", "/_stcore/stream", 101),
    ]


def test_a_failure_is_told_with_its_request(client: TestClient, lines: Callable[[], list[dict]]) -> None:
    assert client.get("/questions").status_code == 500
    (line,) = lines()
    assert (line["path"], line["status"]) == ("/questions", 500)
    assert "typed" not in json.dumps(line)
