"""A language model's server on this machine that answers as a test tells it, well or badly, and notes what it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

KEY = "sk-the-deployers-own-secret-0815"
MODEL = "test/writer-1"


class AssistServer:
    """The server.

    Attributes:
        url: Address for E2LM_ASSIST_URL.
        answer: Writes the answer to a request.
        asked: (path, headers, body) of each request so far.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Callable[[BaseHTTPRequestHandler], None] = completion(proposals("a badger", "an otter"))
        self.asked: list[tuple[str, dict[str, str], bytes]] = []

    def configure(self, monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> None:
        """Set the environment as a deployer does."""
        monkeypatch.setenv("E2LM_ASSIST_URL", self.url)
        monkeypatch.setenv("E2LM_ASSIST_MODEL", MODEL)
        monkeypatch.setenv("E2LM_ASSIST_KEY", key)

    @property
    def texts(self) -> list[str]:
        """The texts that were sent, as the server reads them."""
        return [json.loads(body)["messages"][0]["content"] for _, _, body in self.asked]


def proposals(*entries: Any) -> str:
    """An answer of the form that is asked for."""
    return json.dumps({"proposals": entries})


def completion(text: object) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with a chat completion of a text."""
    return sends(json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode())


def sends(
    data: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with these bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def drips(piece: bytes, pause_s: float, head: bytes = b"") -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with a piece at a time, for ever."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        while True:
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(pause_s)

    return answer


@contextmanager
def serving() -> Iterator[AssistServer]:
    """A server that runs until the test is over."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            here.asked.append((self.path, dict(self.headers), body))
            try:
                here.answer(self)
            except OSError:  # the client has closed
                self.close_connection = True

        do_GET = do_POST

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here = AssistServer(f"http://127.0.0.1:{server.server_port}/v1")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
