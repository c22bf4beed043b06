"""Which choice an answer means: a number, counted from 0 or from 1 as the whole column tells, a letter, or the choice's text.

Tested in tests/sets/formats/test_questions.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import quoted
from e2lm_core.sets.formats.records import LETTERS

LETTER = re.compile(r"\(?([A-Za-z])[).:]?")
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_LETTERED = re.compile(r"\(?([A-Za-z])[).:]\s+(\S.*)", re.DOTALL)
_SEVERAL = re.compile(r"[A-Za-z](?:\s*[,;/&+]\s*|\s+and\s+)[A-Za-z](?:\s*[,;/&+]\s*[A-Za-z])*")
Pairs = Sequence[tuple[Any, Sequence[str]]]  # an answer as it is given, and the choices of its row


class Meaning(NamedTuple):
    """What the answers of a column mean: numbers count from 0 or 1 or are a choice's text (None where there are none);
    letters are those of choices, even where a choice is that letter."""

    numbers: Literal[0, 1, "text"] | None
    letters: bool = False


def meaning(answers: Pairs) -> Meaning:
    """What fits most numbers of a column, of several the first; and whether all of it are letters and not all of them texts."""
    given = [
        (text, choices)
        for value, choices in answers
        if (text := str(value if value is not None else "").strip())
    ]
    letters = all(of_letter(text, choices) is not None for text, choices in given)
    letters = letters and not all(text in choices for text, choices in given)
    pairs = [(number, choices, text) for text, choices in given if (number := number_of(text)) is not None]
    if not pairs:
        return Meaning(None, letters)
    fits: dict[Literal[0, 1, "text"], int] = {
        0: sum(0 <= number < len(choices) for number, choices, _ in pairs),
        1: sum(1 <= number <= len(choices) for number, choices, _ in pairs),
        "text": sum(text in choices for _, choices, text in pairs),
    }
    return Meaning(max(fits.items(), key=lambda one: one[1])[0], letters)


def index(value: Any, choices: Sequence[str], meant: Meaning, labels: Sequence[str], at: str) -> int:
    """The index from 0 of the choice that `value` means. `labels` are what the file itself calls its choices.

    Raises TaskError, which begins with `at`, for what means none, or several.
    """
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if labels and text in labels:
        return labels.index(text)
    number = number_of(value)
    if number is not None and meant.numbers != "text":
        return number - (meant.numbers or 0)
    if text in choices and not meant.letters:
        return choices.index(text)
    if (letter := of_letter(text, choices)) is not None:
        return letter
    if (found := of_text(text, choices)) is not None:
        return found
    if _SEVERAL.fullmatch(text):
        raise TaskError(
            f"{at}: its answer is {quoted(text)}, which is more than one choice; a question has one that is right."
        )
    if not text:
        raise TaskError(f"{at}: it has no answer; say which choice is right.")
    raise TaskError(
        f"{at}: answer is {quoted(value)}, which is no choice; use the right choice's letter, its text or its number."
    )


def of_letter(text: str, choices: Sequence[str]) -> int | None:
    """The choice of that letter: `B`, `b`, `(b)`, `B.`"""
    found = LETTER.fullmatch(text)
    place = LETTERS.index(found[1].upper()) if found else len(choices)
    return place if place < len(choices) else None


def number_of(value: Any) -> int | None:
    """A whole number, or text or a decimal that is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e9 else None
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if _NUMBER.fullmatch(text) else None


def _alike(text: str) -> str:
    return " ".join(text.casefold().split())


def of_text(text: str, choices: Sequence[str]) -> int | None:
    """The one choice that a text is, but for case and spaces; perhaps with its letter before it."""
    if not text:
        return None
    if text in choices:
        return choices.index(text)
    alike = [n for n, choice in enumerate(choices) if choice.strip() and _alike(choice) == _alike(text)]
    if len(alike) == 1:
        return alike[0]
    if (found := _LETTERED.fullmatch(text)) and found[1].upper() in LETTERS[: len(choices)]:
        at = LETTERS.index(found[1].upper())
        return at if _alike(choices[at]) == _alike(found[2]) else None
    return None
