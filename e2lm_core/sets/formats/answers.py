"""Interprets answer keys: number, letter or text.

Numbers count from 0 where an answer is 0, and from 1 where one is the number of its choices. They are texts where every
one is a choice's text. Where two of these readings fit and differ, the names of the choices' columns decide, or
nothing does: then whoever brings the file is asked.

Tested in tests/sets/formats/test_questions.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.sets.formats.records import LETTERS

LETTER = re.compile(r"\(?([A-Za-z])[).:]?")
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_LETTERED = re.compile(r"\(?([A-Za-z])[).:]\s+(\S.*)", re.DOTALL)
_SEVERAL = re.compile(r"[A-Za-z](?:\s*[,;/&+]\s*|\s+and\s+)[A-Za-z](?:\s*[,;/&+]\s*[A-Za-z])*")
Pairs = Sequence[tuple[Any, Sequence[str]]]  # an answer as it is given, and the choices of its row
Reading = Literal[0, 1, "text"]  # of numbers: what they count from, or that they are a choice's text
BASES: tuple[Literal[0, 1], ...] = (1, 0)  # in the order in which people are asked


class NumberedAnswer(NamedTuple):
    """An answer that is a number: its row, the number as text and as such, and the choices of its row."""

    row: int
    text: str
    number: int
    choices: Sequence[str]

    def choice_index(self, reading: Reading) -> int | None:
        """The index from 0 of the choice under a reading; None where it means none."""
        if reading == "text":
            return index_of_text(self.text, self.choices)
        index = self.number - reading
        return index if 0 <= index < len(self.choices) else None


class AnswerEncoding(NamedTuple):
    """The meaning of a column of answers.

    Attributes:
        numbers: What numbers count from, or "text" where they are a choice's text; None without numbers.
        letters: Whether letters are those of choices, even where a choice is that letter; None where all answers
            are letters and each is a choice's text as well.
        readings: The readings of numbers among which neither names nor rows decide; empty where they do.
        telling: An answer that the readings read differently; two where each reading misses one.
    """

    numbers: Reading | None
    letters: bool | None = False
    readings: tuple[Reading, ...] = ()
    telling: tuple[NumberedAnswer, ...] = ()


def detect_encoding(cells: Pairs, counted: Literal[0, 1] | None = None) -> AnswerEncoding:
    """The meaning of a column of answers, each given with the choices of its row.

    Args:
        answers: The answers and their rows' choices; empty answers tell nothing.
        counted: What the names of the choices' columns count from (`Option 1`, …), None for names that do not count.
    """
    given = [
        (row, text, choices)
        for row, (value, choices) in enumerate(cells)
        if (text := cell_text(value).strip())
    ]
    letters: bool | None = all(index_of_letter(text, choices) is not None for _, text, choices in given)
    if letters and all(text in choices for _, text, choices in given):
        letters = None
    numbered = [
        NumberedAnswer(row, text, number, choices)
        for row, text, choices in given
        if (number := whole_number(text)) is not None
    ]
    if not numbered:
        return AnswerEncoding(None, letters)
    beside = [(text, choices) for _, text, choices in given if whole_number(text) is None]
    readings = _readings(numbered, beside)
    if counted in readings and "text" not in readings:
        readings = (counted,)
    if len(readings) == 1:
        return AnswerEncoding(readings[0], letters)
    return AnswerEncoding(None, letters, readings, _telling(numbered, readings))


def _readings(numbered: Sequence[NumberedAnswer], beside: Pairs) -> tuple[Reading, ...]:
    """The readings that numbers allow: one where the rows decide. `beside` are the column's other answers."""

    def fits(reading: Reading, rows: Sequence[NumberedAnswer]) -> bool:
        return all(one.choice_index(reading) is not None for one in rows)

    if fits("text", numbered):
        if beside and all(text in choices for text, choices in beside):
            return ("text",)
        allowed: list[Reading] = ["text", *(base for base in BASES if fits(base, numbered))]
    else:
        # A number that is no place from either 0 or 1 tells nothing of the others: its row is an error.
        places = [one for one in numbered if any(one.choice_index(base) is not None for base in BASES)]
        if not places:
            return (0,)
        allowed = [base for base in BASES if fits(base, places)] or [*BASES]
    by_places = {
        tuple(one.choice_index(reading) for one in numbered): reading for reading in reversed(allowed)
    }
    return tuple(reading for reading in allowed if reading in by_places.values())


def _telling(numbered: Sequence[NumberedAnswer], readings: Sequence[Reading]) -> tuple[NumberedAnswer, ...]:
    """The answer of which the readings make the most choices; for readings that all miss one, what each misses."""
    missed = [
        next((one for one in numbered if one.choice_index(reading) is None), None) for reading in readings
    ]
    if None not in missed:
        return tuple(one for one in missed if one is not None)
    return (max(numbered, key=lambda one: len({one.choice_index(reading) for reading in readings} - {None})),)


def answer_index(
    value: Any, choices: Sequence[str], encoding: AnswerEncoding, labels: Sequence[str], where: str
) -> int:
    """The index from 0 of the choice that `value` means. `labels` are what the file itself calls its choices.

    Raises TaskError, which begins with `at`, for what means none, or several.
    """
    text = (
        cell_text(value).strip()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
        else ""
    )
    if labels and text in labels:
        return labels.index(text)
    number = whole_number(value)
    if number is not None and encoding.numbers != "text":
        return number - (encoding.numbers or 0)
    letter = index_of_letter(text, choices)
    if text in choices and encoding.letters is not True:
        if encoding.letters is None and letter != choices.index(text):
            raise TaskError(
                f"{where}: its answer {quote(text)} is the letter of one choice and the text of another; write both, "
                f'as in "{LETTERS[choices.index(text)]}. {text}".'
            )
        return choices.index(text)
    if letter is not None:
        return letter
    if (found := index_of_text(text, choices)) is not None:
        return found
    if _SEVERAL.fullmatch(text):
        raise TaskError(
            f"{where}: its answer is {quote(text)}, which is more than one choice; a question has one that is right."
        )
    if not text:
        raise TaskError(f"{where}: it has no answer; say which choice is right.")
    raise TaskError(
        f"{where}: answer is {quote(value)}, which is no choice; use the right choice's letter, its text or its number."
    )


def index_of_letter(text: str, choices: Sequence[str]) -> int | None:
    """The choice of that letter: `B`, `b`, `(b)`, `B.`"""
    found = LETTER.fullmatch(text)
    place = LETTERS.index(found[1].upper()) if found else len(choices)
    return place if place < len(choices) else None


def whole_number(value: Any) -> int | None:
    """A whole number, or text or a decimal that is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e9 else None
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if _NUMBER.fullmatch(text) else None


def cell_text(value: Any) -> str:
    """A cell as text; a number without the nil behind its point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _alike(text: str) -> str:
    return " ".join(text.casefold().split())


def index_of_text(text: str, choices: Sequence[str]) -> int | None:
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
