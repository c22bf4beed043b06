"""QTI 2 and QTI 3."""

from __future__ import annotations

import io
import zipfile
from xml.etree.ElementTree import fromstring

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.markup import qti
from e2lm_core.sets.formats.reading import parse_file, read_confined
from e2lm_core.sets.formats.writing import lost_content
from tests.support import german

LIMITS = Limits()
# After 1EdTech's own examples of a simple choice.
THREE = """<?xml version="1.0" encoding="UTF-8"?>
<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="choice" title="Unattended Luggage">
  <qti-response-declaration identifier="RESPONSE" cardinality="single" base-type="identifier">
    <qti-correct-response><qti-value>ChoiceA</qti-value></qti-correct-response>
  </qti-response-declaration>
  <qti-item-body>
    <p>Look at the text in the picture.</p>
    <qti-choice-interaction response-identifier="RESPONSE" shuffle="false" max-choices="1">
      <qti-prompt>What does it say?</qti-prompt>
      <qti-simple-choice identifier="ChoiceA">You must stay with your luggage <i>at all times</i>.<qti-feedback-inline identifier="x" outcome-identifier="F">Yes!</qti-feedback-inline></qti-simple-choice>
      <qti-simple-choice identifier="ChoiceB">Do not let someone else look after your luggage.</qti-simple-choice>
    </qti-choice-interaction>
  </qti-item-body>
</qti-assessment-item>
"""
TWO = (
    THREE.replace("qti-", "")
    .replace("assessment-item", "assessmentItem")
    .replace("response-declaration", "responseDeclaration")
    .replace("item-body", "itemBody")
    .replace("correct-response", "correctResponse")
    .replace("choice-interaction", "choiceInteraction")
    .replace("simple-choice", "simpleChoice")
    .replace("response-identifier", "responseIdentifier")
    .replace("feedback-inline", "feedbackInline")
)


@pytest.mark.parametrize("item", [THREE, TWO], ids=["QTI 3", "QTI 2"])
def test_an_item_by_itself(item: str) -> None:
    preview = read_confined(item.encode(), "item.xml", LIMITS)
    assert preview.problems == ()
    assert preview.questions == (
        Question(
            id="choice",
            question="Look at the text in the picture.\nWhat does it say?",
            choices=(
                "You must stay with your luggage at all times.",
                "Do not let someone else look after your luggage.",
            ),
            answer=0,
        ),
    )


def package(**items: str) -> bytes:
    resources = "".join(
        f'<resource identifier="r" type="imsqti_item_xmlv2p1" href="{n}.xml"/>' for n in items
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("imsmanifest.xml", f"<manifest><resources>{resources}</resources></manifest>")
        for name, text in items.items():
            archive.writestr(f"{name}.xml", text)
    return buffer.getvalue()


def test_items_that_are_no_choice_of_one_are_named() -> None:
    points = TWO.replace(
        "<correctResponse><value>ChoiceA</value></correctResponse>",
        '<mapping><mapEntry mapKey="ChoiceB" mappedValue="1"/></mapping>',
    )
    data = package(
        good=points,
        text=TWO.replace("choiceInteraction", "extendedTextInteraction"),
        image=TWO.replace("<p>Look", '<p><img src="http://127.0.0.1/x.png"/>Look'),
        none=TWO.replace("<value>ChoiceA</value>", ""),
        dtd=TWO.replace("?>", "?><!DOCTYPE x>", 1),
        other="<x/>",
    )
    preview = read_confined(data, "t.zip", LIMITS)
    assert [q.answer for q in preview.questions] == [1]
    assert [problem.sentence for problem in preview.problems] == [
        "Item 2 (text.xml): it asks for extendedtextinteraction; only one choice of several can be read.",
        "Item 3 (image.xml): it shows an image, which a text cannot hold; describe it in words.",
        "Item 4 (none.xml): it has no right answers; a question has one.",
        "Item 5 (dtd.xml): dtd.xml declares a document type or an entity, which is not read; save it without.",
        "Item 6 (other.xml): it holds no item of QTI 2 or 3.",
    ]
    for problem in preview.problems:
        german.translated(problem.sentence)


def test_a_package_is_written_and_read_back() -> None:
    questions = (
        Question(
            id="q 1 <&\"'\n", question=" a  b\n\nc <b>", choices=("x & y", "l1\nl2", "\tz", "]]>"), answer=2
        ),
        Question(id="plain.id", question="Why?", choices=("a", "b"), answer=0),
    )
    data = qti.write(questions)
    assert data == qti.write(questions)
    assert parse_file(data, "t.zip", LIMITS).questions == questions
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            fromstring(archive.read(name))


def test_only_characters_that_xml_cannot_hold_are_said_to_be_lost() -> None:
    plain = Question(id="plain", question="Why?\n<b>", choices=("x & y", "b"), answer=0)
    odd = Question(id="odd", question="bell\x07", choices=("a\ufffe", "b"), answer=0)
    assert lost_content([plain], "qti") == ()
    assert lost_content([plain, odd], "qti") == (
        "In 1 question, line breaks, spaces at the ends or special characters are changed or lost: odd.",
    )
    (back,) = parse_file(qti.write([odd]), "t.zip", LIMITS).questions
    assert [back.question, *back.choices] == [qti.round_trip(text) for text in (odd.question, *odd.choices)]
    assert back.question == "bell"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (package(), "names no item of QTI"),
        (b"<assessmentTest/>", "holds no item of QTI"),
        (package()[:40], "not a readable zip"),
    ],
)
def test_what_holds_no_item(data: bytes, says: str) -> None:
    with pytest.raises(StudioError, match=says) as refusal:
        read_confined(data, "t.zip" if data[:1] == b"P" else "t.xml", LIMITS)
    german.translated(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "shows"),
    [
        (
            "What does it say?",
            "What is <qti-printed-variable identifier='x'/> + 2?",
            "the value of a variable",
        ),
        (
            "<qti-item-body>",
            "<qti-assessment-stimulus-ref identifier='s' href='s.xml'/><qti-item-body>",
            "a passage in a file of its own",
        ),
    ],
)
def test_content_that_a_text_lacks_is_refused(old: str, new: str, shows: str) -> None:
    preview = read_confined(THREE.replace(old, new).encode(), "item.xml", LIMITS)
    assert [problem.sentence for problem in preview.problems] == [
        f"Item 1: it shows {shows}, which a text cannot hold; describe it in words."
    ]
    german.translated(preview.problems[0].sentence)


def test_paths_of_a_manifest_and_a_file_that_is_not_there() -> None:
    item = '<resource identifier="r" type="imsqti_item_xmlv2p1" {}</resource>'
    links = (
        'href="Items/A.xml">',
        'href="e/../b.xml">',
        'href="g\\\\c.xml">'.replace("\\\\", "\\"),
        'xml:base="g/" href="d.xml">',
        '><file href="e.xml"/>',
        'href="gone.xml">',
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        resources = "".join(map(item.format, links))
        archive.writestr("imsmanifest.xml", f"<manifest><resources>{resources}</resources></manifest>")
        for name in ("items/a", "b", "g/c", "g/d", "e"):
            archive.writestr(f"{name}.xml", TWO.replace('identifier="choice"', f'identifier="{name[-1]}"'))
    preview = read_confined(buffer.getvalue(), "t.zip", LIMITS)
    assert [q.id for q in preview.questions] == ["a", "b", "c", "d", "e"]
    assert [problem.sentence for problem in preview.problems] == [
        "Item 6 (gone.xml): its file is not in the package; export it again, or take the item out."
    ]
    german.translated(preview.problems[0].sentence)


def test_a_text_below_the_choices_stays_there() -> None:
    below = THREE.replace("</qti-choice-interaction>", "</qti-choice-interaction><p>(Mind the units.)</p>")
    (question,) = read_confined(below.encode(), "item.xml", LIMITS).questions
    assert question.question == "Look at the text in the picture.\nWhat does it say?\n(Mind the units.)"
