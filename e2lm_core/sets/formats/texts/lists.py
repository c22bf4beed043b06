"""Aiken and Markdown lists.

A question is a numbered line, a heading or a paragraph; its choices are list items (`- [x] right`, `- wrong`)
or lettered lines (`A. …`, `b) …`); the right answer is ticked, bold, or named by a line `ANSWER: B`. Aiken
(https://docs.moodle.org/en/Aiken_format) is the strict form of such lists, and the only one that is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.answers import index_of_text
from e2lm_core.sets.formats.encodings import decode
from e2lm_core.sets.formats.markup.plain import AN_IMAGE, no_text, shows_image
from e2lm_core.sets.formats.records import LETTERS, FileRow, FileRows, ReadOptions, line_at
from e2lm_core.sets.rows import check_count

HOLDS: frozenset[str] = frozenset()
_ANSWER = re.compile(
    r"\s*[*_]{0,2}(?:the )?(?:correct |right )?(?:answer|key|solution|antwort|lösung|réponse|respuesta|risposta|resposta)"
    r"[*_]{0,2}\s*[:=][*_]{0,2}\s*(\S.*)",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"\s*[*_]{0,2}(?:explanation|feedback|rationale|erklärung)[*_]{0,2}\s*:[*_]{0,2}\s*(\S.*)", re.IGNORECASE
)
_HEADING = re.compile(r"#{1,6}\s+(\S.*)")
_TICKED = re.compile(r"\[([ xX✓✔])\]\s+(.*)")
_BULLET = re.compile(r"(\s*)[-*+•]\s+(\S.*)")
_LETTERED = re.compile(r"(\s*)\(?([A-Za-z])[.)]\s+(\S.*)")
_NUMBERED = re.compile(  # `1. Why?`, `Question 1: Why?`, `**Question 1:** Why?`
    r"(\s*)(?P<bold>\*\*|__)?(?P<word>(?:question|frage|q)\s*)?(?P<number>\d{1,5})"
    r"(?(bold)(?:\s*[.):](?P=bold)|(?P=bold)\s*[.):])|\s*[.):])\s+(?P<text>\S.*)",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"(?:question|frage|q)\s*\d*\s*[.:]?", re.IGNORECASE)
# A letter or number, perhaps with a mark behind it. Text may follow the mark only: `A gas` is a text.
_MARK = re.compile(r"\(?(?P<mark>[A-Za-z]|[0-9]{1,2})[.):]?(?P<behind>(?<=[.):])\s.*|\s+[^\w\s].*)?")
_RULE = re.compile(r"\s*(?:-\s*){3,}|\s*(?:\*\s*){3,}|\s*(?:_\s*){3,}|\s*={3,}")
_BOLD = re.compile(r"(\*\*|__)(.+)\1")


def read(data: bytes, name: str, limits: Limits, options: ReadOptions) -> FileRows:
    """Read the questions of an Aiken or Markdown list.

    A text that is no question is a row with the reason, named by its first line.

    Raises:
        TaskError: The file cannot be decoded, or has too many questions.
    """
    text, encoding = decode(data, name, options.encoding)
    reader = _Reader()
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        reader.line(number, line)
        check_count(len(reader.rows), name, limits)
    reader.end()
    return FileRows(
        ["question", "choices", "answer", "subject", "note"], reader.numbered_rows(), encoding, final=True
    )


def write(questions: Iterable[Question]) -> bytes:
    """Write the questions that Aiken can hold as Aiken; UTF-8."""
    parts = ["\n".join(_lines(q)) for q in storable_questions(list(questions))]
    return "".join(f"{part}\n\n" for part in parts).encode()


def round_trip(text: str) -> str:
    """Text as it comes back from Aiken: one line, without spaces at its ends."""
    return " ".join(filter(None, (line.strip() for line in re.split(r"[\r\n]+", text))))


_BEFORE = {"question": "?", "choices": ["1", "2"], "answer": 0}


def storable_questions(questions: Sequence[Question]) -> Sequence[Question]:
    """Questions without a text that reads as a choice, an answer or a mark of Markdown's."""
    return [q for q in questions if _comes_back(q)]


def _lines(q: Question) -> list[str]:
    choices = (f"{LETTERS[n]}. {round_trip(choice)}" for n, choice in enumerate(q.choices))
    return [round_trip(q.question), *choices, f"ANSWER: {LETTERS[q.answer]}"]


def _comes_back(q: Question) -> bool:
    reader = _Reader()  # which has read another question before
    for number, line in enumerate(("?", "A. 1", "B. 2", "ANSWER: A", "", *_lines(q)), start=1):
        reader.line(number, line)
    reader.end()
    wanted = {
        "question": round_trip(q.question),
        "choices": [round_trip(c) for c in q.choices],
        "answer": q.answer,
    }
    rows = [
        {k: v for k, v in row.values.items() if k in (*wanted, "note") and v is not None}
        for row in reader.rows
    ]
    return rows == [_BEFORE, wanted] and reader.rows == reader.numbered_rows()


class _Number(NamedTuple):
    """Number before a question.

    Attributes:
        number: The number; None without one, and for one that follows the word *Question*.
        prefix: Text from the line's begin to the question.
    """

    number: int | None = None
    prefix: str = ""


class _Reader:
    """Reader that takes lines and gives rows, with one question open at a time."""

    def __init__(self) -> None:
        self.rows: list[FileRow] = []
        self._numbers: list[_Number] = []  # of each row
        self._subject: str | None = None
        self._heading = False  # whether the text so far is a heading
        self._fenced = False
        self._clear()

    def _clear(self) -> None:
        self._at = 0
        self._text: list[str] = []
        self._choices: list[str] = []
        self._marked: list[int] = []
        self._marks: list[str] = []  # the letter or number before each choice, "" for a bullet
        self._written: list[str] = []  # each choice with the ticks around it
        self._number = _Number()
        self._answer: str | None = None
        self._note: str | None = None
        self._indent = 0
        self._blank = False

    def line(self, number: int, line: str) -> None:
        """Take the next line of the text."""
        line = line.rstrip()
        if line.lstrip().startswith("```"):
            self._fenced = not self._fenced
        if self._fenced:
            self._more(number, line)
        elif not line:
            self._blank = True
            if self._text and not self._choices:
                self._text.append("")
        elif _RULE.fullmatch(line):
            self.end()
        elif found := _ANSWER.fullmatch(line):
            self._answer = found[1].strip("*_ \t") or found[1]
        elif (found := _REMARK.fullmatch(line)) and self._choices:
            self._note = found[1]
        elif found := _HEADING.fullmatch(line):
            self._start_heading(number, found[1])
        elif not self._choice(number, line):
            self._start_or_go_on(number, line)

    def end(self) -> None:
        """Close the open question."""
        text = "\n".join(self._text).strip()
        if self._heading and not self._choices:
            self._subject = self._subject if _COUNTED.fullmatch(text) else text  # a heading above questions
        elif text or self._choices:
            self.rows.append(self._row(text))
            self._numbers.append(self._number)
        self._heading = False
        self._clear()

    def numbered_rows(self) -> list[FileRow]:
        """Rows in which a number that does not count the questions is text again, as in *1945: What ended?*"""
        found = [number.number for number in self._numbers]
        rows = []
        for place, (row, own) in enumerate(zip(self.rows, self._numbers, strict=True)):
            before, after = found[:place][-1:], found[place + 1 : place + 2]
            number = own.number
            counts = number in (None, 0, 1) or before == [number - 1] or after == [number + 1]
            if not counts and row.values:
                row = row._replace(values={**row.values, "question": own.prefix + row.values["question"]})
            rows.append(row)
        return rows

    def _row(self, text: str) -> FileRow:
        at = line_at(self._at)
        if not self._choices:
            none = Sentence("it has no choices; write each on a line of its own, as - … or A. …")
            return FileRow(at, {}, none)
        gold = self._gold()
        if isinstance(gold, str):
            return FileRow(at, {}, gold)
        choices = self._choices
        if self._answer is not None and self._marked not in ([], [gold]):  # what looks like ticks is text
            choices = self._written
        if any(shows_image(one) for one in (text, *choices)):
            return FileRow(at, {}, no_text(AN_IMAGE))
        values: dict[str, Any] = {"question": text, "choices": choices, "answer": gold}
        return FileRow(at, values | {"subject": self._subject, "note": self._note})

    def _gold(self) -> int | str:
        if self._answer is not None:
            return self._named(self._answer)
        if len(self._marked) == 1:
            return self._marked[0]
        if self._marked:
            return Sentence(
                "{number} of its choices are marked as right; a question has one.",
                number=str(len(self._marked)),
            )
        return Sentence("no choice is marked as right; tick one as [x], or write ANSWER: B behind them.")

    def _named(self, answer: str) -> int | str:
        """Choice that an answer names by letter, number or text, or the reason why it names none."""
        same = index_of_text(answer, self._choices)
        place = None
        if (found := _MARK.fullmatch(answer)) and not (found["behind"] and same is not None):
            mark = found["mark"].upper()
            places = self._marks if mark.isdigit() else LETTERS[: len(self._choices)]
            place = places.index(mark) if mark in places else None
        is_label = place is not None and self._marks[place] == LETTERS[place]  # as in Aiken
        if same is None or place is None or same == place or is_label:
            chosen = same if place is None else place
            if chosen is not None:
                return chosen
            return Sentence(
                "its answer is {answer}, which is none of its choices; use its letter or its text.",
                answer=repr(answer[:40]),
            )
        return Sentence(
            "its answer {answer} is the text of one choice and the place of another; tick the right one as [x].",
            answer=repr(answer[:40]),
        )

    def _start_heading(self, number: int, text: str) -> None:
        self.end()
        before, _, marks = text.rpartition(" ")
        self._at, self._text, self._heading = number, [before.rstrip() if set(marks) == {"#"} else text], True

    def _choice(self, number: int, line: str) -> bool:
        """Take the line if it is the open question's next choice; whether it is."""
        if not self._text or self._answer is not None:
            return False
        lettered = _LETTERED.fullmatch(line)
        if lettered and lettered[2].upper() == LETTERS[len(self._choices) : len(self._choices) + 1]:
            self._add(lettered[1], lettered[3], lettered[2].upper())
            return True
        found = _BULLET.fullmatch(line)
        if found and (not self._choices or len(found[1]) >= self._indent):
            inner = _LETTERED.fullmatch(found[2])
            is_next = inner and inner[2].upper() == LETTERS[len(self._choices) : len(self._choices) + 1]
            if inner and is_next:
                self._add(found[1], inner[3], inner[2].upper())
            else:
                self._add(found[1], found[2])
            return True
        found = _NUMBERED.fullmatch(line)
        if found and len(found[1]) > 1 and int(found["number"]) == len(self._choices) + 1:
            self._add(found[1], found["text"], str(int(found["number"])))
            return True
        return False

    def _add(self, indent: str, text: str, mark: str = "") -> None:
        self._heading = False
        self._indent = len(indent)
        self._blank = False
        right, written = False, text
        if ticked := _TICKED.fullmatch(text):
            right, text = ticked[1] != " ", ticked[2]
        elif (bold := _BOLD.fullmatch(text)) and bold[1] not in bold[2]:
            right, text = True, bold[2]
        elif text.endswith((" ✓", " ✔")):
            right, text = True, text[:-2].rstrip()
        if right:
            self._marked.append(len(self._choices))
        self._written.append(written)
        self._choices.append(text)
        self._marks.append(mark)

    def _start_or_go_on(self, number: int, line: str) -> None:
        begins = _NUMBERED.fullmatch(line)
        deeper = len(line) - len(line.lstrip()) > self._indent
        if self._choices and self._answer is None and deeper and not self._blank and not begins:
            self._go_on(line.strip())
            return
        if self._choices or self._answer is not None or self._heading or (begins and self._text):
            self.end()  # a numbered line begins another question; a heading above a paragraph is its subject
        bullet = None if self._text else _BULLET.fullmatch(line)
        text = begins["text"] if begins else bullet[2] if bullet else line.strip()
        if not self._text:
            self._at = number
            if begins:
                prefix = line.strip().removesuffix(text)
                self._number = _Number(None if begins["word"] else int(begins["number"]), prefix)
        self._text.append(text)

    def _more(self, number: int, line: str) -> None:
        if self._choices:
            self._go_on(line)
            return
        if not self._text:
            self._at = number
        self._text.append(line)

    def _go_on(self, line: str) -> None:
        """Add a line to the last choice."""
        self._choices[-1] += f"\n{line}"
        self._written[-1] += f"\n{line}"
