"""Client of the language model's server (OpenAI's chat completions): one request, within limits of time and bytes.

Every byte of the answer is counted and every wait ends at one deadline, headers and TLS included. No redirect is
followed, no proxy of the environment is used, certificates are checked, and compressed answers are refused. The key is
read from the environment when a request is sent; no record, log and error has it, and no error quotes the server.
"""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted import safejson

if TYPE_CHECKING:
    from httpcore2 import NetworkStream, Response

KEY_VARIABLE = "E2LM_ASSIST_KEY"
MAX_SECONDS = 60.0
MAX_BYTES = 2**20  # of the answer with its headers
_PATH = "/chat/completions"
# At DEBUG the library logs headers of answers, in which a server could repeat the key.
logging.getLogger("httpcore2").setLevel(logging.WARNING)
_TELL = Sentence("ask the person who runs this studio to check")


class AssistError(StudioError):
    """The language model's server gives no usable answer."""


class Server(Record):
    """Server of a language model, as the deployer configured it.

    Attributes:
        url: Address before `/chat/completions`.
        model: Name of the model there.
    """

    url: str
    model: str


def server_of(settings: Settings) -> Server | None:
    """The configured server and model; None if there is none."""
    return Server(url=settings.assist_url, model=settings.assist_model) if settings.assist_url else None


def request_body(server: Server, text: str) -> bytes:
    """JSON that is sent for a text: model and text alone.

    Limits of tokens and the temperature have other names from server to server, and some refuse them: time and bytes
    are limited here.

    Args:
        server: The server.
        text: The text.
    """
    content = {"model": server.model, "messages": [{"role": "user", "content": text}], "stream": False}
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def complete(server: Server, text: str) -> str:
    """The model's answer to one text.

    Args:
        server: The server.
        text: The text.

    Raises:
        AssistError: The server cannot be reached, refuses, sends on, takes longer than MAX_SECONDS, answers in more
            than MAX_BYTES, or gives something else than a chat completion.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not re.fullmatch(r"[!-~]{0,1000}", key):
        raise AssistError(
            Sentence(
                "The studio's key has characters that no request can hold: {tell} {key_variable}.",
                tell=_TELL,
                key_variable=KEY_VARIABLE,
            )
        )
    status, data = _post(server.url + _PATH, request_body(server, text), key)
    if status != 200:
        raise AssistError(_refusal(server, status))
    answer = _content(data)
    if key and key in answer:
        raise AssistError(
            Sentence("The answer of {model} was left out: it holds the studio's secret.", model=server.model)
        )
    return answer


def _post(url: str, body: bytes, key: str) -> tuple[int, bytes]:
    """Status and content of the answer to a POST request."""
    import httpcore2  # loaded at the first request

    headers: dict[bytes | str, bytes | str] = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "e2lm-task-studio",
        "Connection": "close",
    }
    if key:
        headers["Authorization"] = f"Bearer {key}"
    limits = _Limits(MAX_SECONDS, MAX_BYTES)
    try:
        with (
            httpcore2.ConnectionPool(
                ssl_context=ssl.create_default_context(), network_backend=_backend(limits), retries=0
            ) as pool,
            pool.stream("POST", url, headers=headers, content=body) as response,
        ):
            return response.status, b"" if response.status != 200 else _read(response)
    except AssistError:
        raise
    except (
        OSError,
        ValueError,
        OverflowError,
    ):  # an impossible host or port, certificates that cannot be read
        raise AssistError(
            Sentence("The request cannot be sent: {tell} E2LM_ASSIST_URL.", tell=_TELL)
        ) from None
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
        if limits.left_s <= 0 or isinstance(error, httpcore2.TimeoutException):
            reason = Sentence("took more than {seconds} s: try again later", seconds=f"{MAX_SECONDS:.0f}")
        elif isinstance(error, httpcore2.ConnectError):
            reason = Sentence("cannot be reached: try again later, or {tell} E2LM_ASSIST_URL", tell=_TELL)
        else:
            reason = Sentence("broke off its answer: try again later")
        raise AssistError(Sentence("The language model's server {reason}.", reason=reason)) from None


def _read(response: Response) -> bytes:
    names = {name.lower(): value.strip().lower() for name, value in response.headers}
    if names.get(b"content-encoding", b"identity") != b"identity":
        raise AssistError(
            Sentence(
                "The language model's server answers in a compressed form: {tell} the server.", tell=_TELL
            )
        )
    return b"".join(response.iter_stream())


def _refusal(server: Server, status: int) -> str:
    """Sentence on an answer other than 200; the server's own words are not repeated."""
    if 300 <= status < 400:
        return Sentence(
            "The language model's server sends on to another address, which is not followed: {tell} E2LM_ASSIST_URL.",
            tell=_TELL,
        )
    if status in (401, 403):
        return Sentence(
            "The language model's server refuses the studio's key: {tell} {variable}.",
            tell=_TELL,
            variable=KEY_VARIABLE,
        )
    if status in (400, 404, 405, 422):
        return Sentence(
            "The language model's server does not take the request (status {status}): {tell} E2LM_ASSIST_URL and "
            "E2LM_ASSIST_MODEL.",
            status=status,
            tell=_TELL,
        )
    if status == 429:
        return Sentence(
            "The language model's server has too many requests, or its limit is used up: try again later."
        )
    return Sentence("The language model's server fails (status {status}): try again later.", status=status)


def _content(data: bytes) -> str:
    """Text of the first choice of a chat completion."""
    try:
        found = safejson.loads(data.decode("utf-8"), parse_constant=_refuse)
        text = found["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        text = None
    if not isinstance(text, str) or not text.strip():
        raise AssistError(
            Sentence(
                "The language model's server gives no chat completion: {tell} E2LM_ASSIST_URL, which ends in /v1 on "
                "most.",
                tell=_TELL,
            )
        )
    return text


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


class _Limits:
    """Time and bytes that are left of one request."""

    def __init__(self, seconds: float, bytes_: int) -> None:
        self._end, self._bytes = time.monotonic() + seconds, bytes_

    @property
    def left_s(self) -> float:
        return self._end - time.monotonic()

    def wait_s(self) -> float:
        """Seconds that the next step may take.

        Raises:
            AssistError: The time is up.
        """
        if self.left_s <= 0:
            raise AssistError(
                Sentence(
                    "The language model's server took more than {seconds} s: try again later.",
                    seconds=f"{MAX_SECONDS:.0f}",
                )
            )
        return self.left_s

    def count(self, data: bytes) -> bytes:
        """Count the bytes of an answer.

        Raises:
            AssistError: They are too many.
        """
        self._bytes -= len(data)
        if self._bytes < 0:
            raise AssistError(
                Sentence(
                    "The language model's server answers in more than {max_bytes} bytes: ask again.",
                    max_bytes=MAX_BYTES,
                )
            )
        return data


def _backend(limits: _Limits) -> Any:
    """Network of httpcore2 in which each step ends at the deadline and each byte is counted."""
    import httpcore2

    class Stream(httpcore2.NetworkStream):
        def __init__(self, inner: NetworkStream) -> None:
            self._inner = inner

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            return limits.count(self._inner.read(max_bytes, limits.wait_s()))

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self._inner.write(buffer, limits.wait_s())

        def close(self) -> None:
            self._inner.close()

        def start_tls(
            self,
            ssl_context: ssl.SSLContext,
            server_hostname: str | None = None,
            timeout: float | None = None,
        ) -> NetworkStream:
            return Stream(self._inner.start_tls(ssl_context, server_hostname, limits.wait_s()))

        def get_extra_info(self, info: str) -> Any:
            return self._inner.get_extra_info(info)

    class Backend(httpcore2.NetworkBackend):
        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> NetworkStream:
            return Stream(
                httpcore2.SyncBackend().connect_tcp(
                    host, port, limits.wait_s(), local_address, socket_options
                )
            )

    return Backend()
