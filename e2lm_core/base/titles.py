"""Title of a set: text in any script, kept in the set's metadata beside its stable name."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

TITLE_KEY = "title"  # key of a set's metadata
MAX_TITLE_CHARS = 120
_NEVER_SHOWN = ("Cc", "Cs", "Co", "Cn")
_DIRECTION = frozenset(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # would turn the text around it


def clean_title(text: str) -> str:
    """A title on one line: single spaces, no control characters, and no marks that turn other text around."""
    shown = (
        " " if c.isspace() else c
        for c in text
        if c.isspace() or (unicodedata.category(c) not in _NEVER_SHOWN and c not in _DIRECTION)
    )
    return " ".join("".join(shown).split())


def title_of_metadata(metadata: Mapping[str, Any]) -> str:
    """Title that a set's metadata holds, at most `MAX_TITLE_CHARS` characters; "" without one."""
    value = metadata.get(TITLE_KEY)
    return clean_title(value)[:MAX_TITLE_CHARS].rstrip() if isinstance(value, str) else ""


def labels(sets: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Label of each set in a list: its title, with the address behind it where another's label looks the same.

    Args:
        sets: Address and title of each set; "" for a set without a title.
    """
    titles = dict(sets)
    seen = Counter((title or address).casefold() for address, title in titles.items())
    return {
        address: address
        if not title
        else title
        if seen[title.casefold()] == 1 and "/" not in address
        else f"{title} ({address})"
        for address, title in titles.items()
    }
