"""Sentences as a German visitor reads them."""

from __future__ import annotations

import re

from e2lm_core.base.errors import StudioError
from e2lm_core.ui.base import language

# Words that are none in German: a sentence that holds one is said in English in part.
ENGLISH_WORDS = re.compile(r"\b(the|of|and|is|are|with|from|not|for|this|that|which|by|its|no|or|has|to)\b")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|„[^“]*“|\{[^}]*\}|`[^`]*`")


def translated(said: str | StudioError) -> str:
    """A sentence, or that of an error, in German; fails if it is English as a whole or in part."""
    sentence = said.sentence if isinstance(said, StudioError) else said
    with language.in_language("de"):
        german = language.translate(sentence)
    assert german != sentence, sentence
    assert not ENGLISH_WORDS.search(_QUOTED.sub("", german)), german
    return german
