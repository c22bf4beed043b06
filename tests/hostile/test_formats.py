"""Files of other programs that would be large, long, or lead elsewhere: XML, workbooks, quizzes as text, packages."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

import openpyxl
import pytest

from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.reading import read_confined
from tests.hostile.ground import CANARY, Ground

LIMITS = Limits()
LAUGHS = "".join(
    f"<!ENTITY b{n} '&b{n - 1};&b{n - 1};&b{n - 1};&b{n - 1};&b{n - 1};&b{n - 1};'>" for n in range(1, 12)
)
ITEM = (
    "<question type='multichoice'><questiontext><text>{}</text></questiontext>"
    "<answer fraction='100'><text>a</text></answer><answer><text>b</text></answer></question>"
)
TYPED = "declares a document type"


def quiz(text: str = "Why?", head: str = "") -> bytes:
    return f"<?xml version='1.0'?>{head}<quiz>{ITEM.format(text)}</quiz>".encode()


def workbook(parts: Mapping[str, bytes | str] | None = None, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A workbook of one good question, some of whose parts are others."""
    made = openpyxl.Workbook()
    made.active.append(["question", "A", "B", "answer"])
    made.active.append(["Why?", "a", "b", "A"])
    plain, out = io.BytesIO(), io.BytesIO()
    made.save(plain)
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(out, "w", how) as after:
        for name in before.namelist():
            if name not in (parts or {}):
                after.writestr(name, before.read(name))
        for name, content in (parts or {}).items():
            after.writestr(name, content)
    return out.getvalue()


def sheet(rows: str, more: str = "", head: str = "") -> dict[str, str]:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    text = f"{head}<worksheet xmlns='{space}'>{more}<sheetData>{rows}</sheetData></worksheet>"
    return {"xl/worksheets/sheet1.xml": text}


def cells(*texts: str, row: int = 1) -> str:
    inner = "".join(f"<c t='inlineStr'><is><t>{text}</t></is></c>" for text in texts)
    return f"<row r='{row}'>{inner}</row>"


HEAD = cells("question", "A", "B", "answer")
GOOD = HEAD + cells("Why?", "a", "b", "A", row=2)


def package(count: int, item: str = "<x/>") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        resources = "".join(f"<resource type='imsqti_item_xmlv2p2' href='{n}.xml'/>" for n in range(count))
        archive.writestr("imsmanifest.xml", f"<manifest>{resources}</manifest>")
        for number in range(count):
            archive.writestr(f"{number}.xml", item)
    return out.getvalue()


# name: (the file's name, the file, what is said, or None where it is harmless)
FILES: dict[str, tuple[str, Callable[[], bytes], str | None]] = {
    "XML: a billion laughs": (
        "x.xml",
        lambda: quiz("&b11;", f"<!DOCTYPE quiz [<!ENTITY b0 'ha'>{LAUGHS}]>"),
        TYPED,
    ),
    "XML: one entity of 60 kB, 10,000 times": (
        "x.xml",
        lambda: quiz("&a;" * 10_000, f"<!DOCTYPE quiz [<!ENTITY a '{'x' * 60_000}'>]>"),
        TYPED,
    ),
    "XML: an entity that is a file": (
        "x.xml",
        lambda: quiz("&a;", "<!DOCTYPE quiz [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"),
        TYPED,
    ),
    "XML: an entity that is an address": (
        "x.xml",
        lambda: quiz("&a;", "<!DOCTYPE quiz [<!ENTITY a SYSTEM 'http://127.0.0.1:9/x'>]>"),
        TYPED,
    ),
    "XML: a parameter entity that is an address": (
        "x.xml",
        lambda: quiz("x", "<!DOCTYPE quiz [<!ENTITY % a SYSTEM 'http://127.0.0.1:9/x.dtd'> %a;]>"),
        TYPED,
    ),
    "XML: a document type elsewhere": (
        "x.xml",
        lambda: quiz("x", "<!DOCTYPE quiz PUBLIC '-//x' 'http://127.0.0.1:9/x.dtd'>"),
        TYPED,
    ),
    "XML: the same in UTF-16": (
        "x.xml",
        lambda: (
            quiz("&a;", "<!DOCTYPE quiz [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>").decode().encode("utf-16")
        ),
        TYPED,
    ),
    "XML: a style sheet and an inclusion": (
        "x.xml",
        lambda: quiz(
            "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>",
            "<?xml-stylesheet href='http://127.0.0.1:9/x.xsl'?>",
        ),
        None,
    ),
    "XML: 100,000 elements deep": ("x.xml", lambda: b"<quiz>" + b"<a>" * 100_000, "nests too deeply"),
    "XML: 5 million tags": ("x.xml", lambda: b"<quiz>" + b"<a/>" * 5_000_000, "more than 4,000,000 tags"),
    "XML: a question of 30,000 parts": (
        "x.xml",
        lambda: quiz("<b/>" * 30_000),
        "a question of too many parts",
    ),
    "XML: 50,000 attributes": (
        "x.xml",
        lambda: b"<quiz " + b" ".join(b"a%d='x'" % n for n in range(50_000)) + b"/>",
        None,
    ),
    "XML: 30,000 questions": (
        "x.xml",
        lambda: b"<quiz>" + b"<question type='essay'/>" * 30_000 + b"</quiz>",
        "20,000 questions",
    ),
    "XML: a text of 20 MB": ("x.xml", lambda: quiz("x" * 20_000_000), None),
    "XML: HTML that never closes": ("x.xml", lambda: quiz("&lt;a " * 200_000), None),
    "XML: HTML of 100,000 open tags": ("x.xml", lambda: quiz("&lt;sup&gt;x" * 100_000), None),
    "XML: half of it": ("x.xml", lambda: quiz()[:60], "not valid XML"),
    "XML: another encoding": (
        "x.xml",
        lambda: quiz().replace(b"version='1.0'", b"version='1.0' encoding='utf-7'"),
        "not valid XML",
    ),
    "XLSX: 60 MB of zeros": (
        "x.xlsx",
        lambda: workbook({"xl/worksheets/sheet1.xml": b"0" * 60_000_000}),
        "200 times smaller",
    ),
    "XLSX: a million cells": (
        "x.xlsx",
        lambda: workbook(sheet("<row>" + "<c><v>1</v></c>" * 1_000_000 + "</row>"), zipfile.ZIP_STORED),
        "too many cells",
    ),
    "XLSX: a row of 16,384 cells": (
        "x.xlsx",
        lambda: workbook(sheet(HEAD + "<row>" + "<c><v>1</v></c>" * 16_384 + "</row>")),
        None,
    ),
    "XLSX: a size that lies": (
        "x.xlsx",
        lambda: workbook(sheet(GOOD, "<dimension ref='A1:XFD1048576'/>")),
        None,
    ),
    "XLSX: a row a million below": (
        "x.xlsx",
        lambda: workbook(sheet(GOOD + cells("Who?", "a", "b", "A", row=1_048_576))),
        None,
    ),
    "XLSX: a column far to the right": (
        "x.xlsx",
        lambda: workbook(sheet(GOOD + "<row r='3'><c r='XFD3'><v>1</v></c></row>")),
        None,
    ),
    "XLSX: a million texts beside": (
        "x.xlsx",
        lambda: workbook(
            {"xl/sharedStrings.xml": "<sst>" + "<si><t>x</t></si>" * 1_000_000 + "</sst>"}, zipfile.ZIP_STORED
        ),
        "too many cells",
    ),
    "XLSX: 200,000 styles": (
        "x.xlsx",
        lambda: workbook(
            {"xl/styles.xml": "<styleSheet>" + "<xf/>" * 400_000 + "</styleSheet>"}, zipfile.ZIP_STORED
        ),
        "too much beside them",
    ),
    "XLSX: a document type in a sheet": (
        "x.xlsx",
        lambda: workbook(sheet(GOOD, head="<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>")),
        TYPED,
    ),
    "XLSX: one in its styles, in UTF-16": (
        "x.xlsx",
        lambda: workbook({"xl/styles.xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>".encode("utf-16")}),
        TYPED,
    ),
    "XLSX: a workbook elsewhere": (
        "x.xlsx",
        lambda: workbook(
            {
                "xl/externalLinks/externalLink1.xml": "<externalLink><externalBook r:id='rId1'/></externalLink>",
                "xl/externalLinks/_rels/externalLink1.xml.rels": "<Relationships><Relationship Id='rId1' Target='http://127.0.0.1:9/x.xlsx' TargetMode='External'/></Relationships>",
            }
        ),
        None,
    ),
    "XLSX: formulas": (
        "x.xlsx",
        lambda: workbook(
            sheet(
                HEAD
                + "<row><c><f>WEBSERVICE(\"http://127.0.0.1:9/\")</f></c><c><f>cmd|'/c calc'!A0</f></c></row>"
            )
        ),
        None,
    ),
    "XLSX: a name that leads out": ("x.xlsx", lambda: workbook({"../canary": b"dead"}), "leads out"),
    "XLSX: another zip": ("x.xlsx", lambda: package(1), "is no XLSX workbook"),
    "XLSX: cut short": ("x.xlsx", lambda: workbook()[:-200], "not a readable zip"),
    "GIFT: a million braces": ("x.gift", lambda: b"{" * 1_000_000, None),
    "GIFT: a block of a million marks": ("x.gift", lambda: b"a{=" + b"~:#" * 300_000 + b"}", None),
    "GIFT: 200,000 titles that never end": ("x.gift", lambda: b"::a {=b ~c}\n\n" * 200_000, "rows"),
    "GIFT: a megabyte of backslashes": ("x.gift", lambda: b"a{=b ~c" + b"\\" * 1_000_000 + b"}", None),
    "Markdown: a megabyte of dashes": ("x.md", lambda: b"- " * 500_000, None),
    "Markdown: 100,000 questions": ("x.md", lambda: b"1. a\n\n" * 100_000, "rows"),
    "Markdown: a megabyte of stars": ("x.md", lambda: b"a\n- " + b"*" * 1_000_000, None),
    "Aiken: spaces": ("x.aiken", lambda: b"a" + b" " * 1_000_000 + b"b\nA. x\nB. y\nANSWER: A", None),
    "TSV: quotes that never end": ("x.tsv", lambda: b'a\t"b' * 300_000, "columns"),
    "TSV: a line each": ("x.tsv", lambda: b"question\tA\tB\tanswer\n" + b'"b\tc"""\t""d\t"\n' * 15_000, None),
    "QTI: 30,000 items": ("x.zip", lambda: package(30_000), "at most 20,200"),
    "QTI: 3,000 items that are none": ("x.zip", lambda: package(3_000), None),
    "QTI: an item that is a file": (
        "x.zip",
        lambda: package(
            1, "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><assessmentItem>&a;</assessmentItem>"
        ),
        None,
    ),
    "text: UTF-16 that is none": (
        "x.csv",
        lambda: b"\xff\xfe" + b"\xd8" * 100_001,
        "is not written in utf-16",
    ),
    "text: 20 MB of no encoding": ("x.csv", lambda: b"\x81\x8d\x8f,\n" * 900_000, None),
}
SLOW = (
    "5 million",
    "20 MB",
    "million cells",
    "million texts",
    "30,000 items",
    "30,000 questions",
    "3,000 items",
    "60 MB",
    "a million below",
    "200,000 titles",
    "100,000 q",
    "200,000 styles",
    "no encoding",
)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if any(s in n for s in SLOW) else n for n in FILES]
)
def test_files_of_questions(ground: Ground, name: str) -> None:
    filename, make, says = FILES[name]
    data = make()
    previews: list = []
    said = ground.tried(lambda: previews.append(read_confined(data, filename, LIMITS)))
    for preview in previews:
        assert all(len(problem.sentence) <= 300 for problem in preview.problems)
        assert all("root:" not in q.question for q in preview.questions)
    if says is not None:
        assert said is not None, "it was taken for good"
        assert says in said
    assert (ground.folder / CANARY).read_text() == "alive"


@pytest.mark.parametrize(
    ("filename", "data"), [("x.xml", quiz()), ("x.xlsx", workbook()), ("x.xlsx", workbook(sheet(GOOD)))]
)
def test_ordinary_files_are_no_bombs(ground: Ground, filename: str, data: bytes) -> None:
    previews: list = []
    assert ground.tried(lambda: previews.append(read_confined(data, filename, LIMITS))) is None
    assert [q.question for q in previews[0].questions] == ["Why?"]
