"""Who may come in: browsers say where a request comes from, with or without cookies."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDisconnect
from streamlit.web.server.starlette.starlette_app_utils import validate_xsrf_token
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME

from e2lm_core.ui.base import local_request
from e2lm_core.ui.requests.middleware.origin_guard import OriginGuardMiddleware

OWN = "127.0.0.1:8501"
UPLOAD = "/_stcore/upload_file/session/file"


async def stream(socket):
    await socket.accept()
    await socket.close()


def client(host: str = OWN, server: str = "127.0.0.1", **options) -> TestClient:
    app = Starlette(
        routes=[
            Route(UPLOAD, lambda _: PlainTextResponse("taken"), methods=["PUT", "DELETE", "GET"]),
            Route("/auth/logout", lambda _: PlainTextResponse("out"), methods=["GET"]),
            Route("/_stcore/metrics", lambda _: PlainTextResponse("counters")),
            WebSocketRoute("/_stcore/stream", stream),
        ],
        middleware=[Middleware(OriginGuardMiddleware, **options)],
    )

    async def served(scope, receive, send):
        scope["server"] = (server, 8501)
        await app(scope, receive, send)

    return TestClient(served, base_url=f"http://{host}")


def opens(at: TestClient, **headers: str) -> bool:
    try:
        with at.websocket_connect(
            f"ws://{at.base_url.netloc.decode()}/_stcore/stream", headers=headers
        ) as socket:
            socket.receive()
    except WebSocketDisconnect:
        return False
    return True


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    ],
)
def test_another_sites_page_uploads_and_deletes_nothing(headers):
    for method in ("PUT", "DELETE"):
        answer = client().request(method, UPLOAD, headers=headers)
        assert (answer.status_code, answer.text[:12]) == (403, "Another site")


@pytest.mark.parametrize(
    "headers",
    [
        {},  # no browser
        {"origin": f"http://{OWN}"},
        {"sec-fetch-site": "same-origin"},
        {"origin": "https://proxied.example", "sec-fetch-site": "same-origin"},
        {"origin": "https://studio.example", "x-forwarded-host": "studio.example"},
    ],
)
def test_its_own_page_does_without_a_cookie(headers):
    assert client().put(UPLOAD, headers=headers).text == "taken"


def says_token(request):
    valid = validate_xsrf_token(request.headers.get("x-xsrftoken"), request.cookies.get(XSRF_COOKIE_NAME))
    return PlainTextResponse(f"{valid} {sorted(request.cookies)}")


@pytest.mark.parametrize(
    ("headers", "valid"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "cookie": "a=b"}, True),
        ({"origin": f"http://{OWN}"}, True),
        ({}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-origin", "x-xsrftoken": "made-up"}, False),
    ],
)
def test_what_the_browser_says_stands_for_the_cookie_that_a_frame_withholds(headers, valid):
    app = Starlette(
        routes=[Route(UPLOAD, says_token, methods=["PUT"])], middleware=[Middleware(OriginGuardMiddleware)]
    )
    answer = TestClient(app, base_url=f"http://{OWN}").put(UPLOAD, headers=headers).text
    assert answer.startswith(str(valid))
    assert ("'a'" in answer) is ("cookie" in headers), "others are kept"


def test_another_site_signs_nobody_out():
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        for method in ("GET", "HEAD"):
            answer = client().request(method, "/auth/logout", headers={"sec-fetch-site": site})
            assert answer.status_code == status


def test_what_only_reads_is_open():
    assert client().get(UPLOAD, headers={"origin": "https://evil.example"}).text == "taken"


@pytest.mark.parametrize(
    ("origin", "opened"),
    [
        (f"http://{OWN}", True),
        ("http://localhost:9999", False),
        ("http://127.0.0.1:9999", False),
        ("http://evil.localhost", False),
        ("http://[::1]:9999", False),
        ("null", False),
        ("https://elsewhere.example", True),  # Streamlit's own check comes next
    ],
)
def test_no_other_port_of_this_machine_opens_a_session(origin, opened):
    assert opens(client(), origin=origin) is opened


def test_a_name_that_was_made_to_lead_here_opens_none():
    evil = {"origin": "http://evil.example:8501"}
    assert not opens(client("evil.example:8501"), **evil)
    assert opens(client("evil.example:8501", hosts=["evil.example"]), **evil)
    assert opens(client("evil.example:8501"), **evil, **{"x-forwarded-for": "10.0.0.1"}), "a proxy's word"
    assert opens(client("evil.example:8501", server="10.0.0.2"), **evil), "served to others anyway"
    assert client("evil.example:8501").put(UPLOAD, headers=evil).status_code == 403


def test_the_counters_are_closed_unless_they_are_opened():
    assert client().get("/_stcore/metrics").status_code == 404
    assert client(metrics=True).get("/_stcore/metrics").text == "counters"


@pytest.mark.parametrize(
    ("address", "headers", "here"),
    [
        (None, {"Host": "localhost:8501"}, True),
        (None, {"Host": "127.0.0.1:8501"}, True),
        (None, {"Host": "studio.example"}, False),
        (None, {"Host": "localhost:8501", "X-Forwarded-For": "10.0.0.1"}, False),
        ("10.0.0.1", {"Host": "localhost:8501"}, False),
        (None, {}, False),
    ],
)
def test_who_sits_at_this_machine(monkeypatch, address, headers, here):
    context = SimpleNamespace(ip_address=address, headers=Headers(headers))
    monkeypatch.setattr(local_request.st, "context", context)
    assert local_request.is_local_request() is here
