"""Retries of hub requests, after the pauses that the hub asks for, and of broken downloads.

Tested in tests/checkpoints/hub/test_client.py and tests/checkpoints/hub/test_download.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")
_MAX_PAUSE_S = 10  # a request for a longer pause is reported instead of obeyed
_PAUSES_S = (1, 2, 4)
_TOO_MANY = 429
_AWAY = (502, 503, 504)
_MAX_BREAKS = 5  # broken connections in a row without a new byte
_BREAK_S = 1.0


def ask_with_retries(ask: Callable[[], T]) -> T:
    """Answer to a hub request, repeated up to three times.

    A request is repeated after a pause of up to 10 s that the hub asks for, or of 1, 2 and 4 s if the hub is
    away (502, 503, 504).

    Raises:
        HfHubHTTPError: `ask` raised it with another status, for a longer pause, or for the fourth time.
    """
    from huggingface_hub.errors import HfHubHTTPError

    for pause in _PAUSES_S:
        try:
            return ask()
        except HfHubHTTPError as error:
            asked = retry_after(error.response)
            status = error.response.status_code
            wait = asked if asked is not None or status == _TOO_MANY else pause
            if status not in (_TOO_MANY, *_AWAY) or wait is None or wait > _MAX_PAUSE_S:
                raise
            time.sleep(wait)
    return ask()


def retry_after(response: Any) -> int | None:
    """Pause in seconds that an answer asks for; None if it asks for none."""
    from huggingface_hub.utils import parse_ratelimit_headers

    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return int(value)
    limit = parse_ratelimit_headers(response.headers)
    return limit.reset_in_seconds if limit is not None and limit.remaining == 0 else None


def append_rest(
    location: str, headers: dict[str, str], size: int, target: BinaryIO, written: Callable[[int], None]
) -> None:
    """Append the rest of a file to an open file; a broken connection is resumed.

    Args:
        location: Address of the file.
        headers: Headers of the request.
        size: Bytes of the whole file.
        target: Open file that holds the first bytes, positioned at its end.
        written: Called after each write with the bytes that are there; it may raise to stop.

    Raises:
        HfHubHTTPError: The address is refused.
        TransportError: The connection broke six times in a row without a new byte.
        OSError: The answer ended early, or the file cannot be written.
    """
    import httpx2

    breaks = 0
    while (begin := target.tell()) < size:
        try:
            _append(location, headers, size, target, written)
        except (httpx2.ConnectError, httpx2.TimeoutException, httpx2.RemoteProtocolError):
            breaks = 1 if target.tell() != begin else breaks + 1
            if breaks > _MAX_BREAKS:
                raise
            time.sleep(_BREAK_S)


def _append(
    location: str, headers: dict[str, str], size: int, target: BinaryIO, written: Callable[[int], None]
) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import hf_raise_for_status, http_stream_backoff

    # Offsets in a compressed answer are not those in the file.
    asked = {**headers, "Accept-Encoding": "identity"}
    if begin := target.tell():
        asked["Range"] = f"bytes={begin}-"
    with http_stream_backoff(
        "GET",
        location,
        headers=asked,
        timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
        retry_on_exceptions=(),
        retry_on_status_codes=(408, _TOO_MANY),
    ) as answer:
        hf_raise_for_status(answer)
        if begin and answer.status_code == 200:  # the whole file instead of the range
            target.seek(0)
            target.truncate()
        for block in answer.iter_bytes(constants.DOWNLOAD_CHUNK_SIZE):
            target.write(block)
            written(target.tell())
    if target.tell() != size:
        raise OSError("The answer does not have the length of the file.")
