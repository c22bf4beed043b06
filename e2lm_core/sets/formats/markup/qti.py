"""QTI 2 and 3.

https://www.imsglobal.org/spec/qti/v3p0. An item's label or identifier is the id; feedback and scoring are
ignored.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted.archives import read_zip
from e2lm_core.sets.folder.bundle import zip_files
from e2lm_core.sets.formats.markup.parsing import (
    attribute,
    descendants,
    elements,
    first_descendant,
    not_one_right,
)
from e2lm_core.sets.formats.markup.plain import as_xml, element_text, local_name, no_text, strip_invalid_xml
from e2lm_core.sets.formats.records import FileRow, FileRows, ReadOptions
from e2lm_core.sets.rows import check_count

HOLDS = frozenset({"id"})
MANIFEST = "imsmanifest.xml"
_ITEM = ("assessmentitem",)
_COLUMNS = ["id", "question", "choices", "answer"]
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_BEYOND = 200  # files of a package beside its items


def read(data: bytes, name: str, limits: Limits, options: ReadOptions) -> FileRows:
    """Read the items of a QTI package (a zip with a manifest) or of one XML file.

    An item that is no choice of one answer is a row with the reason.

    Raises:
        TaskError: The file holds no item, or too many, or cannot be read.
        LimitError: The package exceeds a limit of `archives.read_zip`, or its XML one of `parsing.elements`.
    """
    if not data.startswith(b"PK"):
        rows = [
            _row(Sentence("Item {number}", number=str(n)), node)
            for n, node in enumerate(_counted(data, name, limits), start=1)
        ]
        if not rows:
            raise TaskError(
                Sentence(
                    "{name} holds no item of QTI 2 or 3 (assessmentItem); export it as one of them.",
                    name=name,
                )
            )
        return FileRows(_COLUMNS, rows, final=True)
    bound = limits.model_copy(update={"max_archive_files": limits.max_questions + _BEYOND})
    files = read_zip(data, bound, name, Sentence("the package"))
    rows = []
    for number, path in enumerate(_items(files, name), start=1):
        at = Sentence("Item {number} ({file})", number=str(number), file=path[-40:])
        if path not in files:
            gone = Sentence("its file is not in the package; export it again, or take the item out.")
            rows.append(FileRow(at, {}, gone))
            continue
        try:
            nodes = list(elements(files[path], path, _ITEM))
            none = FileRow(at, {}, Sentence("it holds no item of QTI 2 or 3."))
            rows += [_row(at, node) for node in nodes] or [none]
        except StudioError as error:
            rows.append(FileRow(at, {}, error.sentence))
        check_count(len(rows), name, limits)
    return FileRows(_COLUMNS, rows, final=True)


def write(questions: Iterable[Question]) -> bytes:
    """Write questions as a QTI 2.2 content package; the same bytes on every day.

    The package holds a manifest, and one file for each question.
    """
    items = {f"items/item_{n:05}.xml": _item(q, n) for n, q in enumerate(questions, start=1)}
    resources = "".join(
        f'<resource identifier="item_{n:05}" type="imsqti_item_xmlv2p2" href="{path}"><file href="{path}"/></resource>\n'
        for n, path in enumerate(items, start=1)
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" identifier="questions">\n'
        "<metadata><schema>QTIv2.2 Package</schema><schemaversion>1.0.0</schemaversion></metadata>\n"
        f"<organizations/>\n<resources>\n{resources}</resources>\n</manifest>\n"
    )
    return zip_files({MANIFEST: manifest.encode(), **{path: text.encode() for path, text in items.items()}})


def round_trip(text: str) -> str:
    """Text as it comes back from QTI."""
    return strip_invalid_xml(text)


def _items(files: dict[str, bytes], name: str) -> list[str]:
    """Paths of a package's items, in the manifest's order."""
    manifests = [path for path in files if PurePosixPath(path).name == MANIFEST]
    if not manifests:
        raise TaskError(Sentence("{name} is no QTI package: it holds no {file}.", name=name, file=MANIFEST))
    manifest = min(manifests, key=len)
    folder = PurePosixPath(manifest).parent
    found: dict[str, None] = {}
    alike = {path.casefold(): path for path in files}
    for node in elements(files[manifest], MANIFEST, ("resource",)):
        if "item" in attribute(node, "type").lower() and (link := _link(node)):
            path = posixpath.normpath(str(folder / attribute(node, "base") / link))
            found[path if path in files else alike.get(path.casefold(), path)] = None
    if not found:
        raise TaskError(
            Sentence(
                "{name} names no item of QTI 2 or 3 in its {file}; export it as one of them.",
                name=name,
                file=MANIFEST,
            )
        )
    return list(found)


def _link(resource: Element) -> str:
    """Path of a resource's file as the manifest writes it, with forward slashes; "" without one."""
    links = [attribute(resource, "href"), *(attribute(f, "href") for f in descendants(resource, "file"))]
    return unquote(next(filter(None, links), "")).replace("\\", "/")


def _counted(data: bytes, name: str, limits: Limits) -> Iterable[Element]:
    for number, node in enumerate(elements(data, name, _ITEM), start=1):
        check_count(number, name, limits)
        yield node


def _row(at: str, node: Element) -> FileRow:
    body = first_descendant(node, "itembody")
    asks = [n for n in node.iter() if local_name(n.tag).endswith("interaction")]
    if body is None or len(asks) != 1 or local_name(asks[0].tag) != "choiceinteraction":
        kinds = ", ".join(sorted({local_name(n.tag) for n in asks}))[:60] or Sentence("nothing")
        why = Sentence("it asks for {kinds}; only one choice of several can be read.", kinds=kinds)
        return FileRow(at, {}, why)
    offered = descendants(asks[0], "simplechoice")
    right = _right(node, attribute(asks[0], "responseidentifier"))
    named = [attribute(choice, "identifier") for choice in offered]
    gold = [n for n, identifier in enumerate(named) if identifier in right]
    if len(gold) != 1 or len(right) != 1:
        return FileRow(at, {}, not_one_right(len(right)))
    if first_descendant(node, "assessmentstimulusref") is not None:
        return FileRow(at, {}, no_text(Sentence("a passage in a file of its own")))
    texts = [element_text(choice) for choice in offered]
    asked = element_text(body, without=frozenset({"simplechoice"}))
    shows = next((part.shows for part in (asked, *texts) if part.shows), "")
    if shows:
        return FileRow(at, {}, no_text(shows))
    values: dict[str, Any] = {
        "id": attribute(node, "label") or attribute(node, "identifier"),
        "question": asked.text,
        "choices": [text.text for text in texts],
        "answer": gold[0],
    }
    return FileRow(at, values)


def _right(node: Element, response: str) -> list[str]:
    """Identifiers of the right answers, by the declared response, else by its points."""
    declared = [n for n in descendants(node, "responsedeclaration") if attribute(n, "identifier") == response]
    if not declared:
        return []
    correct = first_descendant(declared[0], "correctresponse")
    if correct is not None:
        return [(value.text or "").strip() for value in descendants(correct, "value")]
    points = {
        attribute(n, "mapkey"): _number(attribute(n, "mappedvalue"))
        for n in descendants(declared[0], "mapentry")
    }
    return [key for key, value in points.items() if value > 0]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _item(q: Question, number: int) -> str:
    identity = strip_invalid_xml(q.id)
    plain = _IDENTIFIER.fullmatch(identity)
    label = "" if plain else f" label={_attribute(identity)}"
    choices = "\n".join(
        f'<simpleChoice identifier="C{n}">{as_xml(choice, inline=True)}</simpleChoice>'
        for n, choice in enumerate(q.choices, start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p2" '
        f'identifier="{identity if plain else f"item_{number:05}"}"{label} title={_attribute(identity)} '
        'adaptive="false" timeDependent="false">\n'
        '<responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">'
        f"<correctResponse><value>C{q.answer + 1}</value></correctResponse></responseDeclaration>\n"
        '<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>\n'
        f"<itemBody>\n{as_xml(q.question)}\n"
        '<choiceInteraction responseIdentifier="RESPONSE" shuffle="false" maxChoices="1">\n'
        f"{choices}\n</choiceInteraction>\n</itemBody>\n"
        '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p2/rptemplates/match_correct"/>\n'
        "</assessmentItem>\n"
    )


def _attribute(text: str) -> str:
    return quoteattr(text, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
