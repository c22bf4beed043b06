"""Values that no field expects, by name: as JSON writes them, and as YAML does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

EVERY = 12  # of so many pairs one is tried by the fast tests

JSON = {
    "400 digits": "9" * 400,
    "minus 400 digits": "-" + "9" * 400,
    "5,000 digits": "9" * 5_000,
    "1e400": "1e400",
    "NaN": "NaN",
    "a superscript": '"²"',
    "two minuses": '"--1"',
    "half a character": '"\\ud800"',
    "a nil": '"a\\u0000b"',
    "control characters": '"\\u001b[31m\\r\\n\\u202e"',
    "200,000 characters": '"' + "x" * 200_000 + '"',
    "900 lists": "[" * 900 + "1" + "]" * 900,
    "an object": '{"a": {"b": [1, {}]}}',
    "a list of everything": '[null, true, -1, 1e308, "x", [], {}]',
    "null": "null",
    "true": "true",
}
YAML = {
    "400 digits": "9" * 400,
    "hexadecimal": "0x" + "f" * 5_000,
    "octal": "0" + "7" * 5_000,
    "binary": "0b" + "1" * 20_000,
    "base 60": "59:" * 3_000 + "1",
    "5,000 digits": "9" * 5_000,
    "infinity": ".inf",
    "a date": "2001-12-31",
    "an impossible date": "2001-99-99",
    "bytes": "!!binary //8=",
    "a set": "!!set {a, b}",
    "pairs": "!!pairs [a: 1]",
    "90 lists": "[" * 90 + "1" + "]" * 90,
    "a function": "!function os.system",
    "a long function": "!function " + "x" * 200_000,
    "Python": "!!python/object/apply:os.system ['touch canary']",
    "an anchor": "&a [*a]",
    "half a character": '"\\ud800"',
    "control characters": '"\\e[31m\\r\\n\\u202e"',
    "200,000 characters": '"' + "x" * 200_000 + '"',
    "a mapping of lists": "{[a]: b}",
    "a list of everything": "[~, true, -1, 1.0e+308, x, [], {}]",
}


def some(values: Iterable[str], *fast: str) -> list[Any]:
    """All values as parameters, those that are not named as slow ones."""
    return [value if value in fast else pytest.param(value, marks=pytest.mark.slow) for value in values]


def pairs(keys: Iterable[str], values: Iterable[str], slow: str) -> list[Any]:
    """Every key with every value: each of them once or twice among the fast tests, the rest slow."""
    every = [(key, value, i + j) for i, key in enumerate(keys) for j, value in enumerate(values)]
    return [
        pytest.param(key, value, marks=() if not at % EVERY and value != slow else pytest.mark.slow)
        for key, value, at in every
    ]
