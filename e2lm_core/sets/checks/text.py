"""Text normalisation, 13-grams and language check."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

NGRAM = 13
MIN_WORDS_TO_JUDGE = 8
MAX_OTHER_SCRIPT = 0.3
KNOWN_TEXTS = 80_000  # texts of 15,000 questions; after an edit all but one are cached
_WORD = re.compile(r"\w+")
_ARTICLE = re.compile(r"^(?:an?|the)\s+")
_SURELY = """the and are which what how that this these those with from by when where why whose following
    does have being would could should can than their there between because its into most many much other each any both
    before during about through called used"""
# These are frequent in English but also words of another large language, so two of them are needed.
_PERHAPS = "of is was to in on for or as at be an has had will who it all not"


def tokenize_words(text: str) -> list[str]:
    """Casefolded runs of letters and digits after Unicode compatibility normalisation."""
    return _WORD.findall((text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold())


ENGLISH, PERHAPS_ENGLISH = frozenset(tokenize_words(_SURELY)), frozenset(tokenize_words(_PERHAPS))


@lru_cache(KNOWN_TEXTS)
def normalise_text(text: str) -> str:
    """One spelling for texts that differ only in case, width or white space."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold().split())


def normalise_loosely(choice: str) -> str:
    """Normalised choice without a leading article and closing punctuation."""
    return _ARTICLE.sub("", normalise_text(choice)).rstrip(" .,;:!?")


def ngrams(text: str, n: int = NGRAM) -> frozenset[str]:
    """All runs of n words of a text, joined by single spaces."""
    parts = tokenize_words(text)
    return frozenset(" ".join(parts[i : i + n]) for i in range(len(parts) - n + 1))


@lru_cache(KNOWN_TEXTS)
def looks_english(text: str) -> bool:
    """Whether a text may be English.

    False if more than 30% of the letters are of another script, or if a text of at least eight words lacks
    common English words. Short texts and formulas count as English.
    """
    if not text.isascii():
        letters = [c for c in text if c.isalpha()]
        other = sum(
            1 for c in letters if not unicodedata.name(c, "").startswith(("LATIN", "GREEK", "MODIFIER"))
        )
        if other > MAX_OTHER_SCRIPT * len(letters):
            return False
    parts = [word for word in tokenize_words(text) if word.isalpha() and len(word) > 1]
    if len(parts) < MIN_WORDS_TO_JUDGE:
        return True
    return not ENGLISH.isdisjoint(parts) or len(PERHAPS_ENGLISH.intersection(parts)) > 1
