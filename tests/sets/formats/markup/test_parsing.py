"""XML of strangers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.sets.formats.markup import parsing
from tests.support import german


def test_elements_come_one_by_one_and_whole() -> None:
    data = b"<r><x/>t<q n='1'><a><b/></a>u</q>v<y><q n='2'/></y></r>"
    found = list(parsing.elements(data, "t", ("q",)))
    assert [node.get("n") for node in found] == ["1", "2"]
    assert [child.tag for child in found[0].iter()] == ["q", "a", "b"]
    assert [node.get("n") for node in parsing.elements(b"<q n='3'/>", "t", ("q",))] == ["3"]


def test_parts_are_found_in_both_spellings() -> None:
    (node,) = parsing.elements(
        b"<qti-item response-identifier='R'><qti-a-b/><aB c='1'/></qti-item>", "t", ("item",)
    )
    assert len(parsing.descendants(node, "ab")) == 2
    assert parsing.attribute(node, "responseidentifier") == "R"
    assert parsing.attribute(node, "none") == ""
    assert parsing.first_descendant(node, "none") is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (lambda: b"<q>" * 100, "nests too deeply"),
        (lambda: b"<r><q>" + b"<a/>" * 30_000 + b"</q></r>", "a question of too many parts"),
        (lambda: b"<r>" + b"<" * 4_000_001, "more than 4,000,000 tags"),
        (lambda: b"<r><q></r>", "not valid XML"),
        (lambda: b"\x00", "not valid XML"),
        (lambda: b"<?xml version='1.0' encoding='none'?><r/>", "not valid XML"),
        (lambda: b"<!DOCTYPE r><r/>", "declares a document type"),
        (
            lambda: "<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><r>&a;</r>".encode("utf-16"),
            "declares a document type",
        ),
    ],
)
def test_what_is_refused(data: Callable[[], bytes], says: str) -> None:
    with pytest.raises(StudioError, match=says) as refusal:
        list(parsing.elements(data(), "t.xml", ("q",)))
    german.translated(refusal.value)
