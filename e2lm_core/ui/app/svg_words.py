"""Texts of SVG pictures in the visitor's language.

A picture is drawn once for all sessions, in English; its texts are translated where it is shown.
Tested in tests/ui/app/test_svg_words.py.
"""

from __future__ import annotations

import re
from html import escape, unescape

from e2lm_core.base.settings import ENGLISH
from e2lm_core.ui.base import language
from e2lm_core.ui.base.text_patterns import TextPatterns

_TEXT = re.compile(r'(?<=>)[^<>]*[^\W\d_][^<>]*(?=</(?:text|title|desc)>)|(?<= aria-label=")[^"]+(?=")')
_NUMBER = r"[\d,]+"
_WORDS = TextPatterns(
    (
        (language.mark("{letter}, right"), {"letter": r"\w+"}),
        (language.mark("{metric}, the whole set"), {"metric": r"\w+"}),
        (
            language.mark("{metric} of question {question}, before and after the edit"),
            {"metric": r"\w+", "question": ".+"},
        ),
        (language.mark("Probability of each choice of question {question}"), {"question": ".+"}),
        (language.mark("Score of each model on {benchmark} against tokens seen"), {"benchmark": ".+"}),
        (
            language.mark("{benchmark}, {source}'s {models} models, means alone"),
            {"benchmark": r"[^,]+", "source": ".+", "models": _NUMBER},
        ),
        (
            language.mark("{benchmark}, {models} models of {source}; means alone, without standard errors."),
            {"benchmark": r"[^,]+", "source": ".+", "models": _NUMBER},
        ),
    ),
    (
        (language.mark("chance {share}"), {"share": r"[\d.]+%"}),
        (
            language.mark("{tokens_seen} tokens, step {step}"),
            {"tokens_seen": r"[\d,.]+(?: [kMBT])?", "step": _NUMBER},
        ),
        (language.mark("n = {number} questions"), {"number": _NUMBER}),
        (language.mark("mean of {number} models"), {"number": _NUMBER}),
        (language.mark("before: {value},"), {"value": r"[\d.%−-]+"}),
        (language.mark("now: {value},"), {"value": r"[\d.%−-]+"}),
    ),
)
language.mark("Accuracy of each model while it is trained")


def translated(svg: str) -> str:
    """A picture with its texts in the visitor's language."""
    if language.current() == ENGLISH:
        return svg
    return _TEXT.sub(lambda found: escape(_WORDS.translate(unescape(found[0]), _value)), svg)


def _value(text: str) -> str:
    """A value of a text: a source's name may be translated."""
    return language.translate(text)
