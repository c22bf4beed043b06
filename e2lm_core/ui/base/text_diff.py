"""Word diff of two texts as HTML."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from html import escape

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
# The comparison takes quadratic time: longer texts are marked as a whole.
MAX_WORDS = 3_000


def mark_differences(text: str, other: str) -> str:
    """HTML of a text, with the words that it does not share with another text in `<mark>`."""
    mine, theirs = _WORD.findall(text), _WORD.findall(other)
    if max(len(mine), len(theirs)) > MAX_WORDS:
        return escape(text) if text == other else f"<mark>{escape(text)}</mark>"
    said = []
    for kind, start, end, *_ in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        part = escape("".join(mine[start:end]))
        said.append(part if kind == "equal" or not part else f"<mark>{part}</mark>")
    # Adjacent marked words are joined across the space between them.
    return re.sub(r"</mark>(\s*)<mark>", r"\1", "".join(said))
