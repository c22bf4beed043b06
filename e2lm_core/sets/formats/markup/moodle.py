"""Moodle XML.

https://docs.moodle.org/en/Moodle_XML_format. A category is the subject, the question's `idnumber` or else its
name the id.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.markup.parsing import elements, first_descendant, not_one_right
from e2lm_core.sets.formats.markup.plain import (
    AN_IMAGE,
    Plain,
    html_text,
    local_name,
    no_text,
    shows_image,
)
from e2lm_core.sets.formats.records import FileRow, FileRows, ReadOptions
from e2lm_core.sets.formats.texts.gift import subject_of_category
from e2lm_core.sets.rows import check_count

_NEWLINE = re.compile(r"\r\n?|\n")
_OTHERS = {
    "essay": Sentence("it asks for an essay, which has no choices"),
    "shortanswer": Sentence("its answer is typed, so that it has no wrong choice"),
    "numerical": Sentence("its answer is a number and not a choice"),
    "matching": Sentence("it matches pairs"),
    "cloze": Sentence("it has gaps of several kinds"),
    "description": Sentence("it is a text and no question"),
}


def read(data: bytes, name: str, limits: Limits, options: ReadOptions) -> FileRows:
    """Read the questions of a Moodle quiz.

    A question that is no multiple choice of one answer is a row with the reason, named by its number.

    Raises:
        TaskError: The file is no XML, or has too many questions.
        LimitError: Elements are too many or nested too deeply.
    """
    rows: list[FileRow] = []
    subject = None
    for node in elements(data, name, ("question",)):
        if node.get("type") == "category":
            path = first_descendant(node, "category")
            subject = subject_of_category(_text(path).text) if path is not None else None
            continue
        rows.append(_row(Sentence("Question {n}", n=str(len(rows) + 1)), node, subject))
        check_count(len(rows), name, limits)
    return FileRows(["id", "question", "choices", "answer", "subject"], rows, final=True)


def _row(at: str, node: Element, subject: str | None) -> FileRow:
    kind = node.get("type", "")
    if kind not in ("multichoice", "truefalse"):
        why = _OTHERS.get(kind) or Sentence("it is of the kind {kind}", kind=repr(kind[:30]))
        return FileRow(at, {}, Sentence("{why}; only multiple choice can be read.", why=why))
    asked = _own(node, "questiontext")
    text = _text(asked[0]) if asked else Plain("", "")
    choices: list[str] = []
    right: list[int] = []
    shows = text.shows
    for answer in _own(node, "answer"):
        choice = _text(answer)
        shows = shows or choice.shows
        if _share(answer) >= 100:
            right.append(len(choices))
        choices.append(choice.text)
    if kind == "truefalse":
        choices = [choice.capitalize() for choice in choices]
    if shows:
        return FileRow(at, {}, no_text(shows))
    if len(right) != 1:
        return FileRow(at, {}, not_one_right(len(right)))
    values: dict[str, Any] = {
        "question": text.text,
        "choices": choices,
        "answer": right[0],
        "subject": subject,
    }
    identity = next(
        (_text(n).text for wish in ("idnumber", "name") for n in _own(node, wish) if _text(n).text), None
    )
    return FileRow(at, values | {"id": identity})


def _own(node: Element, name: str) -> list[Element]:
    return [element for element in node if local_name(element.tag) == name]


def _text(node: Element) -> Plain:
    """Text of an element's `<text>`, as HTML unless its format is another."""
    inner = first_descendant(node, "text")
    content = (inner.text if inner is not None else node.text) or ""
    form = node.get("format", "html")
    if local_name(node.tag) in ("idnumber", "name", "category") or form == "plain_text":
        return Plain(content.strip(), "")
    if form == "markdown":
        return Plain(content.strip(), AN_IMAGE if shows_image(content) else "")
    if form == "moodle_auto_format":
        content = _NEWLINE.sub("<br>", content)
    return html_text(content)


def _share(answer: Element) -> float:
    try:
        return float(answer.get("fraction", "0"))
    except ValueError:
        return 0.0
