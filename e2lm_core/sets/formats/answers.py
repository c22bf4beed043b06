"""Interprets answer keys: number, letter or text.

Numbers count from 0 where an answer is 0, and from 1 where one is the number of its choices. They are texts
where every one is a choice's text. If two of these readings fit and differ, the names of the choices' columns
decide; if they do not, the person who imports the file is asked.

Tested in tests/sets/formats/test_questions.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.formats.records import LETTERS

LETTER = re.compile(r"\(?([A-Za-z])[).:]?")
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_LETTERED = re.compile(r"\(?([A-Za-z])[).:]\s+(\S.*)", re.DOTALL)
_SEVERAL = re.compile(r"[A-Za-z](?:\s*[,;/&+]\s*|\s+and\s+)[A-Za-z](?:\s*[,;/&+]\s*[A-Za-z])*")
Pairs = Sequence[tuple[Any, Sequence[str]]]  # (answer as given, choices of its row)
Reading = Literal[0, 1, "text"]  # base of numbers, or "text" for a choice's text
BASES: tuple[Literal[0, 1], ...] = (1, 0)  # in the order of the question to the user


class NumberedAnswer(NamedTuple):
    """Answer that is a number, with the choices of its row.

    Attributes:
        row: Index of the row, from 0.
        text: The number as text.
        number: The number.
        choices: Choices of the row.
    """

    row: int
    text: str
    number: int
    choices: Sequence[str]

    def choice_index(self, reading: Reading) -> int | None:
        """Index from 0 of the choice under a reading; None if there is no such choice."""
        if reading == "text":
            return index_of_text(self.text, self.choices)
        index = self.number - reading
        return index if 0 <= index < len(self.choices) else None


class AnswerEncoding(NamedTuple):
    """Meaning of a column of answers.

    Attributes:
        numbers: Base of numbers, or "text" if they are a choice's text; None without numbers, and if there
            are `readings`.
        letters: Whether letters are those of choices, even if a choice's text is that letter; None if all
            answers are letters and each is a choice's text as well.
        readings: Readings of numbers if neither names nor rows decide among them; empty if they do.
        telling: An answer that the readings read differently; two if each reading misses one.
    """

    numbers: Reading | None
    letters: bool | None = False
    readings: tuple[Reading, ...] = ()
    telling: tuple[NumberedAnswer, ...] = ()


def detect_encoding(cells: Pairs, counted: Literal[0, 1] | None = None) -> AnswerEncoding:
    """Meaning of a column of answers, each given with the choices of its row.

    Args:
        cells: Answers with their rows' choices; empty answers are skipped.
        counted: Base of the names of the choices' columns (`Option 1`, …); None for names without numbers.
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
    """Readings that numbers allow, one if the rows decide; `beside` are the column's other answers."""

    def fits(reading: Reading, rows: Sequence[NumberedAnswer]) -> bool:
        return all(one.choice_index(reading) is not None for one in rows)

    if fits("text", numbered):
        if beside and all(text in choices for text, choices in beside):
            return ("text",)
        allowed: list[Reading] = ["text", *(base for base in BASES if fits(base, numbered))]
    else:
        # A number that is an index from neither 0 nor 1 says nothing about the others: its row is an error.
        places = [one for one in numbered if any(one.choice_index(base) is not None for base in BASES)]
        if not places:
            return (0,)
        allowed = [base for base in BASES if fits(base, places)] or [*BASES]
    by_places = {
        tuple(one.choice_index(reading) for one in numbered): reading for reading in reversed(allowed)
    }
    return tuple(reading for reading in allowed if reading in by_places.values())


def _telling(numbered: Sequence[NumberedAnswer], readings: Sequence[Reading]) -> tuple[NumberedAnswer, ...]:
    """Answer on which the readings differ most; if every reading misses one, an answer for each."""
    numbered = [one for one in numbered if any(one.choice_index(each) is not None for each in readings)]
    missed = [
        next((one for one in numbered if one.choice_index(reading) is None), None) for reading in readings
    ]
    if None not in missed:
        return tuple(one for one in missed if one is not None)
    return (max(numbered, key=lambda one: len({one.choice_index(reading) for reading in readings} - {None})),)


def answer_index(
    value: Any, choices: Sequence[str], encoding: AnswerEncoding, labels: Sequence[str], where: str
) -> int:
    """Index from 0 of the choice that an answer means.

    Args:
        value: The answer's cell.
        choices: Choices of its row.
        encoding: Meaning of the column.
        labels: The file's own names of the choices; empty without them.
        where: Place in the file, which begins error sentences.

    Returns:
        The index; a number's may be out of range, which `check.structural_errors` reports.

    Raises:
        TaskError: The answer means no choice, or several.
    """
    text = (
        cell_text(value).strip()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
        else ""
    )
    if (labelled := index_of_label(text, labels)) is not None:
        return labelled
    number = whole_number(value)
    if number is not None and encoding.numbers != "text":
        place = number - (encoding.numbers or 0)
        if 0 <= place < len(choices):
            return place
        if encoding.numbers == 1 and (same := index_of_text(text, choices)) is not None:
            return same
        if encoding.numbers == 1 and choices:
            raise TaskError(
                Sentence(
                    "{where}: its answer is {answer}, but it has {most} choices (use 1–{most}).",
                    where=where,
                    answer=str(number),
                    most=str(len(choices)),
                )
            )
        return place
    letter = index_of_letter(text, choices)
    if text in choices and encoding.letters is not True:
        if encoding.letters is None and letter != choices.index(text):
            raise TaskError(
                Sentence(
                    "{where}: its answer {answer} is the letter of one choice and the text of another; write both, "
                    'as in "{example}".',
                    where=where,
                    answer=quote(text),
                    example=f"{LETTERS[choices.index(text)]}. {text}",
                )
            )
        return choices.index(text)
    if letter is not None:
        return letter
    if (found := index_of_text(text, choices)) is not None:
        return found
    if _SEVERAL.fullmatch(text):
        raise TaskError(
            Sentence(
                "{where}: its answer is {answer}, which is more than one choice; a question has one that is right.",
                where=where,
                answer=quote(text),
            )
        )
    if not text:
        raise TaskError(Sentence("{where}: it has no answer; say which choice is right.", where=where))
    raise TaskError(
        Sentence(
            "{where}: answer is {answer}, which is no choice; use the right answer's letter, its text or its number.",
            where=where,
            answer=quote(value),
        )
    )


def index_of_label(text: str, labels: Sequence[str]) -> int | None:
    """Index of the choice with a label: the same text, else the only one alike but for case; None without one."""
    if text in labels:
        return labels.index(text)
    alike = [place for place, label in enumerate(labels) if label and label.casefold() == text.casefold()]
    return alike[0] if len(alike) == 1 else None


def index_of_letter(text: str, choices: Sequence[str]) -> int | None:
    """Index of the choice with a letter: `B`, `b`, `(b)`, `B.`; None if there is none."""
    found = LETTER.fullmatch(text)
    place = LETTERS.index(found[1].upper()) if found else len(choices)
    return place if place < len(choices) else None


def whole_number(value: Any) -> int | None:
    """Integer that a number, decimal or text stands for; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e9 else None
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if _NUMBER.fullmatch(text) else None


def cell_text(value: Any) -> str:
    """Cell as text; a whole number loses the zero behind its decimal point."""
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
    """Index of the one choice that a text equals, but for case and spaces; None without one.

    The choice's letter may stand before the text.
    """
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
