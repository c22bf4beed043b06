"""One request to a language model's server: what is sent, and that no bad server keeps, leads or fills anything."""

from __future__ import annotations

import gzip
import json
import logging
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from e2lm_core.assist import client
from e2lm_core.assist.client import AssistError, Server
from tests.hostile.ground import check_sentence
from tests.support.assist_server import KEY, MODEL, AssistServer, completion, drips, sends, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def ask(server: AssistServer) -> str:
    return client.complete(Server(url=server.url, model=MODEL), "Is this a test?")


def refused(server: AssistServer) -> str:
    with pytest.raises(AssistError) as error:
        ask(server)
    said = str(error.value)
    check_sentence(said)
    assert KEY not in said
    return said


def test_model_and_text_are_sent_and_the_answer_comes_back(server: AssistServer) -> None:
    server.answer = completion(" yes \n")
    assert ask(server) == " yes \n"
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert json.loads(body) == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Is this a test?"}],
        "stream": False,
    }
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert set(headers) == {
        *("Host", "Content-Type", "Accept", "Accept-Encoding", "User-Agent", "Connection", "Authorization"),
        "Content-Length",
    }


def test_without_a_key_no_authorization_is_sent(
    server: AssistServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("E2LM_ASSIST_KEY")
    ask(server)
    assert "Authorization" not in server.asked[0][1]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "refuses the studio's key"),
        (403, "refuses the studio's key"),
        (404, "does not take the request (status 404)"),
        (429, "too many requests"),
        (500, "fails (status 500)"),
        (418, "fails (status 418)"),
    ],
)
def test_a_refusal_is_one_sentence_without_the_servers_words(
    server: AssistServer, status: int, sentence: str
) -> None:
    server.answer = sends(f'{{"error": "wrong key {KEY} ![](http://evil.example)"}}'.encode(), status)
    said = refused(server)
    assert sentence in said
    assert "evil" not in said


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: AssistServer, status: int) -> None:
    with serving() as elsewhere:
        server.answer = sends(b"", status, {"Location": f"{elsewhere.url}/chat/completions"})
        assert "which is not followed" in refused(server)
        assert not elsewhere.asked


@pytest.mark.parametrize(
    "answer",
    [
        sends(b""),
        sends(b"<html>no</html>"),
        sends(b"\xff\xfe"),
        sends(b"[" * 100_000),
        sends(b'{"choices": []}'),
        sends(b'{"choices": [{"message": {"content": null}}]}'),
        sends(b'{"choices": [{"message": {"content": NaN}}]}'),
        sends(b'{"choices": [{"message": {"content": "\\ud800"}}]}'),
        sends(b'{"choices": {"0": 1}}'),
        sends(b"1" * 10_000),
        completion(["a list"]),
        completion("  "),
    ],
)
def test_what_is_no_chat_completion_is_one_sentence(server: AssistServer, answer) -> None:
    server.answer = answer
    assert "gives no chat completion" in refused(server)


def test_a_compressed_answer_is_refused(server: AssistServer) -> None:
    server.answer = sends(gzip.compress(b" " * 10**8), headers={"Content-Encoding": "gzip"})
    assert "compressed" in refused(server)


@pytest.mark.parametrize(
    "answer",
    [
        sends(b'{"choices": "' + b"x" * (8 * 2**20)),
        drips(b"x" * 2**16, 0.0, OK + b"\r\n"),
        drips(b"10000\r\n" + b"x" * 2**16 + b"\r\n", 0.0, OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    ],
)
def test_megabytes_end_at_the_limit(server: AssistServer, answer) -> None:
    server.answer = answer
    assert "more than 1,048,576 bytes" in refused(server)


def test_headers_without_an_end_are_refused(server: AssistServer) -> None:
    server.answer = drips(b"X-More: " + b"x" * 1000 + b"\r\n", 0.0, OK)
    assert "broke off" in refused(server) or "bytes" in refused(server)


@pytest.mark.parametrize(
    "answer",
    [
        drips(b"", 0.05),  # says nothing
        drips(b"x", 0.05),  # a status line that never ends
        drips(b"X-A: b\r\n", 0.05, OK),  # headers that never end
        drips(b" ", 0.05, OK + b"\r\n"),  # a body that never ends
    ],
)
def test_a_slow_answer_ends_at_the_deadline(
    server: AssistServer, answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_SECONDS", 0.5)
    server.answer = answer
    start = time.monotonic()
    assert "took more than" in refused(server)
    assert time.monotonic() - start < 2.0


def test_an_answer_that_breaks_off_or_a_server_that_is_gone_is_said(server: AssistServer) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(OK + b"Content-Length: 1000\r\n\r\n{")
        handler.wfile.flush()
        handler.connection.shutdown(2)

    server.answer = half
    assert "broke off" in refused(server)
    with pytest.raises(AssistError, match="cannot be reached"):
        client.complete(Server(url="http://127.0.0.1:9/v1", model=MODEL), "x")


def test_an_answer_that_gives_the_key_away_is_left_out(server: AssistServer) -> None:
    server.answer = completion(f"the key is {KEY}")
    assert "left out" in refused(server)


@pytest.mark.parametrize("key", ["two\r\nlines", "ключ", "with spaces", "x" * 2000])
def test_a_key_that_no_header_holds_is_said_without_it(
    server: AssistServer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("E2LM_ASSIST_KEY", key)
    with pytest.raises(AssistError, match="no request can hold") as error:
        ask(server)
    assert key not in str(error.value)
    assert not server.asked


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/v1", "http://./v1", "http://a..b/v1", "https://[::zz]/v1"]
)
def test_an_impossible_address_is_one_sentence(url: str) -> None:
    with pytest.raises(AssistError, match="E2LM_ASSIST_URL") as error:
        client.complete(Server(url=url, model=MODEL), "x")
    check_sentence(str(error.value))


def test_no_proxy_of_the_environment_is_used(server: AssistServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        ask(server)
        assert not proxy.asked


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path) -> None:
    pem = tmp_path / "own.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run(
        [*command.split(), "-keyout", str(tmp_path / "key.pem"), "-out", str(pem)],
        check=True,
        capture_output=True,
    )
    from http.server import HTTPServer

    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            completion("no")(self)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, tmp_path / "key.pem")
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        threading.Thread(target=secure.serve_forever, daemon=True).start()
        url = f"https://localhost:{secure.server_port}/v1"
        with pytest.raises(AssistError, match="cannot be reached"):
            client.complete(Server(url=url, model=MODEL), "x")
        assert not asked
        import os

        os.environ["SSL_CERT_FILE"] = str(pem)  # the deployer vouches for it
        try:
            assert client.complete(Server(url=url, model=MODEL), "x") == "no"
        finally:
            del os.environ["SSL_CERT_FILE"]
        secure.shutdown()


def test_no_log_has_the_key_or_the_text(server: AssistServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ask(server)
        server.answer = sends(b"", 500)
        refused(server)
    assert KEY not in caplog.text
    assert "Is this a test?" not in caplog.text


def test_no_library_of_requests_is_loaded_at_the_start() -> None:
    code = "import sys, e2lm_core.assist.service; print([m for m in sys.modules if m.startswith('httpcore')])"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"
