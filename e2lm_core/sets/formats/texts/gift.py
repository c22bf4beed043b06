"""GIFT.

https://docs.moodle.org/en/GIFT_format. A question's title (or `[id:…]`) is its id, a category's path the
subject. Weights other than 100%, feedback and tags are ignored; a question that is no choice of one answer
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.encodings import decode
from e2lm_core.sets.formats.markup.plain import AN_IMAGE, html_text, no_text, shows_image
from e2lm_core.sets.formats.records import FileRow, FileRows, ReadOptions, line_at
from e2lm_core.sets.rows import check_count

HOLDS = frozenset({"id", "subject"})
_SPECIAL = re.compile(r"[\\~=#{}:]")
_FORMAT = re.compile(r"\[(html|moodle|plain|markdown)\]")
_WEIGHT = re.compile(r"%(-?\d{1,3}(?:\.\d{0,9})?)%")
_IDENTITY = re.compile(r"\[id:((?:[^\]\\]|\\.)*)\]")
_CATEGORY = re.compile(r"\$CATEGORY:(.*)")
_TOP = re.compile(r"^(?:\$\w+\$(?:/(?!/)|$))?(?:top(?:/(?!/)|$))?")
_GAP = "_____"
MAX_OF_A_BLOCK = 200_000
TOO_LONG = Sentence(
    "it has more than {most} characters; leave an empty line behind each question.", most=MAX_OF_A_BLOCK
)


def read(data: bytes, name: str, limits: Limits, options: ReadOptions) -> FileRows:
    """Read the questions of a GIFT file.

    A block that is no choice of one answer is a row with the reason, named by its first line.

    Raises:
        TaskError: The file cannot be decoded, or has too many questions.
    """
    text, encoding = decode(data, name, options.encoding)
    rows, subject = [], None
    for number, lines in _blocks(text):
        identity = None
        kept = []
        for line in lines:
            if line.lstrip().startswith("//"):
                found = _IDENTITY.search(line)
                identity = _plain(found[1]) if found else identity
            elif found := _CATEGORY.match(line.strip()):
                subject = subject_of_category(found[1].strip())
            else:
                kept.append(line)
        block = "\n".join(kept).strip()
        if block:
            at = line_at(number)
            long = len(block) > MAX_OF_A_BLOCK
            rows.append(FileRow(at, {}, TOO_LONG) if long else _row(at, block, identity, subject))
            check_count(len(rows), name, limits)
    return FileRows(["id", "question", "choices", "answer", "subject"], rows, encoding, final=True)


def write(questions: Iterable[Question]) -> bytes:
    """Write questions as GIFT, their ids as titles and their subjects as categories; UTF-8."""
    parts, subject = [], None
    for q in questions:
        if (q.subject or None) != subject:
            subject = q.subject or None
            parts.append(f"$CATEGORY: {_escaped(subject.replace('/', '//')) if subject else '$course$'}\n\n")
        lines = [
            f"{'=' if n == q.answer else '~'}{_choice(c, n == q.answer)}" for n, c in enumerate(q.choices)
        ]
        parts.append(f"::{_escaped(q.id)}::{_text(q.question)} {{\n" + "\n".join(lines) + "\n}\n\n")
    return "".join(parts).encode()


def round_trip(text: str) -> str:
    """Text as it comes back from GIFT: no spaces at its ends, line breaks of one kind."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    block: list[str] = []
    first = 1
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if line.strip():
            if not block:
                first = number
            block.append(line)
        elif block:
            yield first, block
            block = []
    if block:
        yield first, block


def _row(at: str, block: str, identity: str | None, subject: str | None) -> FileRow:
    title = None
    if block.startswith("::") and (end := _closing(block, "::", 2)) >= 0:
        title = _plain(block[2:end].strip())
        block = block[end + 2 :].lstrip()
    start = _closing(block, "{", 0)
    end = _closing(block, "}", start + 1) if start >= 0 else -1
    if start < 0 or end < 0:
        return FileRow(at, {}, Sentence("it has no answers in braces; write them as {=right ~wrong}."))
    form = _FORMAT.match(block)
    before, inside, behind = block[:start], block[start + 1 : end].strip(), block[end + 1 :].strip()
    if _closing(behind, "{", 0) >= 0 or behind.startswith("::"):
        return FileRow(
            at, {}, Sentence("a second question begins in it; leave an empty line between questions.")
        )
    text = _read_text(f"{before.rstrip()} {_GAP} {behind}" if behind else before, form)
    if isinstance(text, tuple):
        return FileRow(at, {}, text[0])
    read = _answers(inside, form)
    if isinstance(read, str):
        return FileRow(at, {}, read)
    choices, gold = read
    values: dict[str, Any] = {"question": text, "choices": choices, "answer": gold}
    values |= {"id": identity or title or None, "subject": subject}
    return FileRow(at, values)


def _answers(inside: str, form: re.Match[str] | None) -> tuple[list[str], int] | str:
    """Choices and gold of the text in braces, or the reason why it has none."""
    if (general := inside.find("####")) >= 0 and inside[general - 1 : general] != "\\":
        inside = inside[:general].rstrip()
    if inside.split("#")[0].strip().upper() in ("T", "TRUE", "F", "FALSE"):
        return ["True", "False"], int(inside[0].upper() == "F")
    if not inside:
        return Sentence("it asks for an essay, which has no choices; give it {=right ~wrong}.")
    if inside.startswith("#"):
        return Sentence("its answer is a number and not a choice; give it {=right ~wrong}.")
    marks = [at for at, mark in _marks(inside) if mark in "=~"]
    if not any(inside[at] == "~" for at in marks):
        return Sentence(
            "it matches pairs, so that it has no wrong choice; give it {=right ~wrong}."
            if "->" in inside
            else "its answer is typed, so that it has no wrong choice; give it {=right ~wrong}."
        )
    choices: list[str] = []
    right: list[int] = []
    for at, after in zip(marks, [*marks[1:], len(inside)], strict=True):
        part = inside[at + 1 : after].strip()
        weight = _WEIGHT.match(part)
        if weight:
            part = part[weight.end() :]
        if (feedback := next((p for p, mark in _marks(part) if mark == "#"), None)) is not None:
            part = part[:feedback]
        text = _read_text(part, form)
        if isinstance(text, tuple):
            return text[0]
        if float(weight[1]) >= 100 if weight else inside[at] == "=":
            right.append(len(choices))
        choices.append(text)
    if len(right) != 1:
        return Sentence(
            "it has {number} right answers; a question has one, with = before it."
            if right
            else "it has no right answers; a question has one, with = before it.",
            number=str(len(right)),
        )
    return choices, right[0]


def _read_text(text: str, form: re.Match[str] | None) -> str | tuple[str]:
    """Text without its markup; a tuple with the reason if it shows more than text can hold."""
    own = _FORMAT.match(text.lstrip())
    if own:
        text = text.lstrip()[own.end() :]
    named = own or form
    plain = _plain(text.strip())
    if named and named[1] == "html":
        read = html_text(plain)
        return (no_text(read.shows),) if read.shows else read.text
    if (not named or named[1] != "plain") and shows_image(plain):
        return (no_text(AN_IMAGE),)
    return plain.strip() if not own or own[1] != "plain" else plain


def _marks(text: str) -> Iterator[tuple[int, str]]:
    """Positions of the marks without a backslash before them, each with its mark."""
    at = 0
    for found in _SPECIAL.finditer(text):
        if found.start() < at:
            continue
        if found[0] == "\\":
            at = found.start() + 2
            continue
        yield found.start(), found[0]


def _closing(text: str, mark: str, start: int) -> int:
    """Position of the next mark without a backslash before it; -1 without one."""
    for at, _ in _marks(text[start:]):
        if text.startswith(mark, start + at):
            return start + at
    return -1


def subject_of_category(path: str) -> str | None:
    """Subject of a category: its path without the roots that all categories have; None if empty."""
    return _plain(_TOP.sub("", path).replace("//", "/")).strip() or None


def _plain(text: str) -> str:
    return re.sub(r"\\([\\~=#{}:n])", lambda found: "\n" if found[1] == "n" else found[1], text)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", round_trip(text)).replace("\n", "\\n")


def _text(text: str) -> str:
    """Text with the format before it that keeps `[html]` and tags literal."""
    needs = _FORMAT.match(round_trip(text)) or any(mark in text for mark in "<&")
    return f"{'[plain]' if needs else ''}{_escaped(text)}"


def _choice(text: str, right: bool) -> str:
    weight = ("%100%" if right else "%0%") if _WEIGHT.match(round_trip(text)) else ""
    return f"{weight}{_text(text)}"
