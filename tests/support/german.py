"""Sentences as a German visitor reads them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.ui.base import language

# Words that are none in German: a sentence that holds one is said in English in part.
ENGLISH_WORDS = re.compile(r"\b(the|of|and|is|are|with|from|not|for|this|that|which|by|its|no|or|has|to)\b")
_QUOTED = re.compile(r"/\S+|'[^']*'|\"[^\"]*\"|„[^“]*“|\{[^}]*\}|`[^`]*`")


def translated(said: str | StudioError) -> str:
    """A sentence, or that of an error, in German; fails if it is English as a whole or in part."""
    sentence = said.sentence if isinstance(said, StudioError) else said
    with language.in_language("de"):
        german = language.translate(sentence)
    assert german != sentence, sentence
    assert not ENGLISH_WORDS.search(_QUOTED.sub("", german)), german
    return german


@contextmanager
def all_translated(monkeypatch: pytest.MonkeyPatch, is_shown: Callable[[str, str], bool]) -> Iterator[None]:
    """Fail behind a test if an error that it met has no German.

    Args:
        monkeypatch: That of the test.
        is_shown: Whether pages show an error, by the file that raises it and its text.
    """
    said: dict[str, None] = {}
    init = StudioError.__init__

    def listened(error: StudioError, text: object = "") -> None:
        init(error, text)
        if is_shown(sys._getframe(1).f_code.co_filename, error.sentence):
            said[error.sentence] = None

    with monkeypatch.context() as patch:
        patch.setattr(StudioError, "__init__", listened)
        yield
    for sentence in said:
        translated(sentence)
