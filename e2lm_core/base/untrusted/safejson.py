"""Untrusted JSON: size is bounded before parsing, non-portable values are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from e2lm_core.base.sentences import Sentence

MAX_PARTS = 4_000_000  # commas and opening brackets, including those in texts
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class InvalidJson(ValueError):
    """JSON text that cannot be accepted, although its grammar may be right.

    The error's text is the reason, without a full stop.
    """


def loads(
    text: str,
    *,
    allow_surrogates: bool = False,
    parse_constant: Callable[[str], Any] | None = None,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Value of an untrusted JSON text.

    Args:
        text: The JSON text.
        allow_surrogates: Leave lone surrogates for the caller to check.
        parse_constant: As in `json.loads`.
        object_pairs_hook: As in `json.loads`.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        InvalidJson: There are too many values, they nest too deeply, a number has thousands of digits, or a
            text has a lone surrogate, which UTF-8 cannot store.
    """
    if text.count(",") + text.count("[") + text.count("{") > MAX_PARTS:
        raise InvalidJson(Sentence("it holds more than {most} values", most=MAX_PARTS))
    try:
        value = json.loads(text, parse_constant=parse_constant, object_pairs_hook=object_pairs_hook)
    except RecursionError as error:
        raise InvalidJson(Sentence("it nests too deeply")) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise InvalidJson(Sentence("it holds a number too long, of thousands of digits")) from error
        raise
    if not allow_surrogates and _HALF.search(text) and not _stored(value):
        raise InvalidJson(Sentence("it holds a half character (a lone surrogate)"))
    return value


def value_at(content: Any, *keys: str) -> Any:
    """Value at a path of keys in parsed JSON; None if a level lacks its key or is no object."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def object_at(content: Any, *keys: str) -> dict[str, Any]:
    """Object at a path of keys in parsed JSON; empty if there is none."""
    found = value_at(content, *keys)
    return found if isinstance(found, dict) else {}


def _stored(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
