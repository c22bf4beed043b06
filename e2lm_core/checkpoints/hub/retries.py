"""Retries of hub requests, after the pauses that the hub asks for.

Tested in tests/checkpoints/hub/test_client.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_MAX_PAUSE_S = 10  # a request for a longer pause is reported instead of obeyed
_PAUSES_S = (1, 2, 4)
_TOO_MANY = 429
_AWAY = (502, 503, 504)


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
