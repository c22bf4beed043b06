"""Uploads held in memory are counted: of one session, of all, and while they come in."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from e2lm_core.ui.requests.middleware.upload_limit import UploadLimitMiddleware

MOST = 300


@pytest.fixture
def there() -> dict[str, int]:
    return {}


@pytest.fixture
def client(there: dict[str, int]) -> TestClient:
    async def take(request: Request) -> PlainTextResponse:
        session = request.path_params["session"]
        there[session] = there.get(session, 0) + len(await request.body())
        return PlainTextResponse("taken")

    app = Starlette(
        routes=[Route("/_stcore/upload_file/{session}/{file}", take, methods=["PUT"])],
        middleware=[Middleware(UploadLimitMiddleware, most=MOST, held=lambda: there)],
    )
    return TestClient(app)


def put(client: TestClient, session: str, size: int) -> int:
    return client.put(f"/_stcore/upload_file/{session}/f", content=b"x" * size).status_code


def test_a_session_has_its_third_and_all_have_the_whole(client, there):
    assert [put(client, "a", 60) for _ in range(3)] == [200, 413, 413]
    assert put(client, "a", 40) == 200
    assert [put(client, session, 100) for session in "bcd"] == [200, 200, 413]
    assert there == {"a": 100, "b": 100, "c": 100}


def test_what_is_let_go_is_room_again(client, there):
    assert put(client, "a", 100) == 200
    assert put(client, "a", 1) == 413
    there.clear()  # the session has ended
    assert put(client, "a", 100) == 200


def test_room_is_made_of_what_nobody_has_open_any_more():
    there = {"gone": 250, "a": 40}

    async def taken(scope, receive, send):
        await PlainTextResponse("taken")(scope, receive, send)

    middleware = UploadLimitMiddleware(
        taken, most=MOST, held=lambda: there, let_go=lambda: there.pop("gone", None)
    )
    client = TestClient(middleware)
    assert put(client, "a", 10) == 200
    assert "gone" in there, "only where there is need"
    assert put(client, "a", 50) == 200
    assert put(client, "a", 61) == 413
    assert there == {"a": 40}


def test_the_refusal_is_a_sentence(client):
    answer = client.put("/_stcore/upload_file/a/f", content=b"x" * 101)
    assert answer.text.startswith("Upload limit reached (100 bytes for a guest")


def test_a_length_that_was_not_said_is_counted_as_it_comes(client, there):
    def pieces():
        for _ in range(20):
            yield b"x" * 10

    assert client.put("/_stcore/upload_file/a/f", content=pieces()).status_code == 413
    assert there == {}
    assert put(client, "a", 100) == 200, "what was refused takes no room"


def test_uploads_side_by_side_do_not_find_the_same_room():
    async def both() -> list[int]:
        going = asyncio.Event()

        async def slow(scope, receive, send):
            await going.wait()
            await PlainTextResponse("taken")(scope, receive, send)

        middleware, statuses = UploadLimitMiddleware(slow, most=MOST, held=dict), []

        async def one() -> None:
            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            async def receive():
                return {"type": "http.request", "body": b"", "more_body": False}

            scope = {
                "type": "http",
                "method": "PUT",
                "path": "/_stcore/upload_file/a/f",
                "headers": [(b"content-length", b"60")],
            }
            await middleware(scope, receive, send)

        first, second = asyncio.create_task(one()), asyncio.create_task(one())
        await asyncio.wait([second], timeout=5)
        going.set()
        await first
        assert not middleware.coming
        return statuses

    assert asyncio.run(both()) == [413, 200]
