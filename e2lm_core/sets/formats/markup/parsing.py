"""XML elements of untrusted files, streamed within limits."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.formats.markup.plain import MAX_DEEP, local_name

MAX_TAGS = 4_000_000
MAX_OF_ONE = 20_000  # elements within one wanted element
_LOOKED_AT = 4_000


def elements(data: bytes, about: str, wanted: Collection[str]) -> Iterator[Element]:
    """Yield the outermost elements of some names, each complete and dropped at the next step.

    Args:
        data: Bytes of the XML.
        about: Name of the file, which begins error sentences.
        wanted: Names of the elements as `plain.local_name` writes them.

    Raises:
        TaskError: The file is no XML, or declares a document type.
        LimitError: Elements are too many or nested too deeply.
    """
    if data.count(b"<") > MAX_TAGS:
        raise LimitError(
            Sentence("{name} holds more than {most} tags; give less at once.", name=about, most=MAX_TAGS)
        )
    open_: list[Element] = []
    inside, count = 0, 0
    for event, node in _events(data, about, ("start", "end")):
        if event == "start":
            open_.append(node)
            count += 1
            if not inside and local_name(node.tag) in wanted:
                inside, count = len(open_), 0
            if len(open_) > MAX_DEEP or (inside and count > MAX_OF_ONE):
                raise LimitError(
                    Sentence(
                        "{name} nests too deeply, or holds a question of too many parts; make it simpler.",
                        name=about,
                    )
                )
            continue
        open_.pop()
        if inside == len(open_) + 1:
            inside = 0
            yield node
        if not inside and open_:
            del open_[-1][:]  # elements that have been passed are freed


def root_name(data: bytes, about: str) -> str:
    """Name of the outermost element, as `plain.local_name` writes it.

    Raises:
        TaskError: The file is no XML, or declares a document type.
    """
    return next((local_name(node.tag) for _, node in _events(data[:_LOOKED_AT], about, ("start",))), "")


def _events(data: bytes, about: str, kinds: Collection[str]) -> Iterator[tuple[str, Element]]:
    try:
        yield from iterparse(io.BytesIO(data), kinds, forbid_dtd=True)
    except DefusedXmlException as error:
        raise TaskError(
            Sentence(
                "{name} declares a document type or an entity, which is not read; save it without.",
                name=about,
            )
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise TaskError(
            Sentence("{name} is not valid XML ({problem}).", name=about, problem=str(error)[:80])
        ) from error


def not_one_right(number: int) -> str:
    """Reason to refuse a question with none or several right answers."""
    return Sentence(
        "it has {number} right answers; a question has one."
        if number
        else "it has no right answers; a question has one.",
        number=str(number),
    )


def first_descendant(element: Element, *names: str) -> Element | None:
    """First element of these names within another, at any depth; None without one."""
    return next((node for node in element.iter() if local_name(node.tag) in names), None)


def descendants(element: Element, name: str) -> list[Element]:
    """All elements of a name within another, at any depth, in document order."""
    return [node for node in element.iter() if local_name(node.tag) == name]


def attribute(element: Element, name: str) -> str:
    """Attribute by its name as `plain.local_name` writes it, else ""."""
    attributes: dict[str, Any] = element.attrib
    return next((str(value) for key, value in attributes.items() if local_name(key) == name), "")
