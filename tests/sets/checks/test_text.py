"""Texts compared as a reader would."""

from __future__ import annotations

from e2lm_core.sets.checks.text import (
    looks_english,
    ngrams,
    normalise_loosely,
    normalise_text,
    tokenize_words,
)


def test_text_that_is_english_and_text_that_is_not() -> None:
    assert not looks_english("水の沸点は何度ですか")
    assert not looks_english("Quelle est la couleur du ciel pendant la journée dans notre pays")
    assert looks_english("What is the boiling point of water?")
    assert looks_english("2x + 3y = 7, α = π/2")
    assert looks_english("Ca Fe Au")


def test_every_run_of_words() -> None:
    assert ngrams("a b c", 2) == {"a b", "b c"}
    assert ngrams("a b", 3) == frozenset()


def test_spellings_that_are_one() -> None:
    assert normalise_text(" ＡＢ  c\n") == normalise_text("ab C") == "ab c"
    assert normalise_loosely("The Moon.") == normalise_loosely("moon") == "moon"
    assert tokenize_words("It's 3,5 ﬁne") == ["it", "s", "3", "5", "fine"]
