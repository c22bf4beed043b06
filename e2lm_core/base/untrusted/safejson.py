"""JSON of unknown origin: size is bounded before parsing, non-portable values are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

MAX_PARTS = 4_000_000  # commas and opening brackets, those in texts among them
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class InvalidJson(ValueError):
    """JSON by its grammar, perhaps, but nothing that can be read; its text says why, without a full stop."""


def loads(
    text: str,
    *,
    allow_surrogates: bool = False,
    parse_constant: Callable[[str], Any] | None = None,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """The value of a JSON text; with `halves`, half characters are left to whoever looks at the texts.

    Raises json.JSONDecodeError for what is no JSON, and Unusable for too many values or too deep ones, a
    number of thousands of digits, and half a character (a lone surrogate), which UTF-8 cannot store.
    """
    if text.count(",") + text.count("[") + text.count("{") > MAX_PARTS:
        raise InvalidJson(f"it holds more than {MAX_PARTS:,} values")
    try:
        value = json.loads(text, parse_constant=parse_constant, object_pairs_hook=object_pairs_hook)
    except RecursionError as error:
        raise InvalidJson("it nests too deeply") from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise InvalidJson("it holds a number too long, of thousands of digits") from error
        raise
    if not allow_surrogates and _HALF.search(text) and not _stored(value):
        raise InvalidJson("it holds a half character (a lone surrogate)")
    return value


def _stored(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
