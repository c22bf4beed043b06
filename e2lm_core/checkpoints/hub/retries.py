"""Retries of hub requests, after the pauses that the hub asks for.

Tested in tests/checkpoints/hub/test_client.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_MAX_PAUSE_S = 10  # a hub that asks for a longer pause is named instead of waited for
_PAUSES_S = (1, 2, 4)
_TOO_MANY = 429
_AWAY = (502, 503, 504)


def ask_with_retries(ask: Callable[[], T]) -> T:
    """The answer to `ask`, which is called up to four times: after a pause that the hub asks for, or where it is away.

    Raises HfHubHTTPError as `ask` does: for every other status at once.
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
    """The pause in seconds that an answer asks for; None where it asks for none."""
    from huggingface_hub.utils import parse_ratelimit_headers

    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return int(value)
    limit = parse_ratelimit_headers(response.headers)
    return limit.reset_in_seconds if limit is not None and limit.remaining == 0 else None
