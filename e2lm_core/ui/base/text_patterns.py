"""English texts with values that reach a page as plain text, in the visitor's language.

A history keeps the words of its actions, and a picture is drawn once for all sessions: their templates are
recognised again. Tested in tests/ui/base/test_text_patterns.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from e2lm_core.base.settings import ENGLISH
from e2lm_core.ui.base import language


class TextPatterns:
    """Templates, whose texts are recognised and said in the visitor's language.

    Attributes:
        whole: Pattern and template of whole texts.
        parts: Pattern and template of texts that may stand within others.
    """

    def __init__(
        self,
        whole: Sequence[tuple[str, Mapping[str, str]]],
        parts: Sequence[tuple[str, Mapping[str, str]]] = (),
    ) -> None:
        """Compile the templates, each given with a regular expression for each of its values."""
        self.whole = [(_pattern(template, values), template) for template, values in whole]
        self.parts = [(_pattern(template, values), template) for template, values in parts]

    def translate(self, text: str, value: Callable[[str], str] = str) -> str:
        """A text in the visitor's language; as it is if no template is its own.

        Args:
            text: The text in English.
            value: Says a value of a whole text.
        """
        if language.current() == ENGLISH:
            return text
        if (known := language.translate(text)) != text:
            return known
        for pattern, template in self.whole:
            if found := pattern.fullmatch(text):
                given = {name: value(one) for name, one in found.groupdict().items()}
                text = language.translate(template, **given)
                break
        for pattern, template in self.parts:
            text = pattern.sub(_filled(template), text)
        return text


def _filled(template: str) -> Callable[[re.Match[str]], str]:
    return lambda found: language.translate(template, **found.groupdict())


def _pattern(template: str, values: Mapping[str, str]) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    pieces = (f"(?P<{part}>{values[part]})" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile("".join(pieces), re.DOTALL)
