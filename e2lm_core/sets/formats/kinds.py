"""Supported file formats and their detection."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.formats.encodings import decode
from e2lm_core.sets.formats.markup.parsing import root_name


class FileFormat(NamedTuple):
    """Format of files of questions.

    Attributes:
        label: Name in the interface.
        ends: Ends of the files' names, with the dot.
        is_text: Whether it is text that can be pasted.
    """

    label: str
    ends: tuple[str, ...]
    is_text: bool = True


KINDS = {
    "csv": FileFormat("CSV", (".csv",)),
    "tsv": FileFormat("TSV", (".tsv", ".tab")),
    "xlsx": FileFormat("XLSX", (".xlsx", ".xlsm"), is_text=False),
    "jsonl": FileFormat("JSONL", (".jsonl", ".ndjson")),
    "json": FileFormat("JSON", (".json",)),
    "parquet": FileFormat("Parquet", (".parquet",), is_text=False),
    "gift": FileFormat("GIFT", (".gift",)),
    "aiken": FileFormat("Aiken", (".aiken",)),
    "markdown": FileFormat("Markdown list", (".md", ".markdown")),
    "moodle": FileFormat("Moodle XML", (".xml",)),
    "qti": FileFormat("QTI", (".zip",), is_text=False),
}
ENDS = (*(end for kind in KINDS.values() for end in kind.ends), ".txt")
_LOOKED_AT = 50_000
_GIFT = re.compile(r"^::|\{\s*(?:[=~]|%-?\d|T(?:RUE)?\s*\}|F(?:ALSE)?\s*\})", re.MULTILINE)
_AIKEN = re.compile(r"^ANSWER:[ \t]*[A-Z][ \t]*$", re.MULTILINE)
_FIRST_CHOICE = re.compile(r"^A[.)][ \t]", re.MULTILINE)
_ITEM = re.compile(r"^[ \t]*(?:[-*+•][ \t]|\(?[A-Za-z][.)][ \t])", re.MULTILINE)


def detect_format(data: bytes, filename: str, encoding: str | None = None) -> str:
    """Key in `KINDS` of a file's format, by its content and the end of its name.

    Args:
        data: Bytes of the file.
        filename: Name of the file; "" for pasted text.
        encoding: One of `ENCODINGS`; None to detect it.

    Raises:
        TaskError: The file has none of the formats.
    """
    name = PurePath(filename).name[:80]
    end = PurePath(filename).suffix.lower()
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"PK\3\4") and end not in (".xlsx", ".xlsm"):
        return "xlsx" if b"[Content_Types].xml" in data[:_LOOKED_AT] and b"xl/" in data else "qti"
    if end in ("", ".txt") and _ends_as_aiken(data, name, encoding):
        return "aiken"
    named = next((key for key, kind in KINDS.items() if end in kind.ends), None)
    if named in ("moodle",) or (end in ("", ".txt") and data.lstrip()[:1] == b"<"):
        return _xml(data, name)
    if named:
        return named
    if end in ("", ".txt"):
        return _text(decode(data, name, encoding)[0])
    if end == ".xls":
        raise TaskError(Sentence("{name} is an old workbook; save it as .xlsx or .csv.", name=name))
    raise TaskError(
        Sentence("{name} is no file that can be imported; use {ends}.", name=name, ends=", ".join(ENDS))
    )


def _ends_as_aiken(data: bytes, name: str, encoding: str | None) -> bool:
    """Whether a file of lettered choices ends with `ANSWER: B`, which no format but Aiken does."""
    text = decode(data, name, encoding)[0].rstrip()
    return bool(_AIKEN.fullmatch(text[text.rfind("\n") + 1 :])) and bool(_FIRST_CHOICE.search(text))


def _xml(data: bytes, name: str) -> str:
    root = root_name(data, name)
    if root == "quiz":
        return "moodle"
    if root in ("assessmentitem", "assessmenttest", "manifest"):
        return "qti"
    if root == "questestinterop":
        raise TaskError(Sentence("{name} is QTI 1, which is not read; export it as QTI 2 or 3.", name=name))
    raise TaskError(
        Sentence(
            "{name} is XML of the kind {kind}; use Moodle XML or QTI 2 or 3.", name=name, kind=quote(root)
        )
    )


def _text(text: str) -> str:
    begin = text[:_LOOKED_AT].strip()
    if begin[:1] == "[":
        return "json"
    if begin[:1] == "{":
        return "jsonl" if _is_object(begin.split("\n", 1)[0]) or "\n" not in begin else "json"
    first = begin.split("\n", 1)[0]
    if _GIFT.search(begin):
        return "gift"
    if "\t" in first:
        return "tsv"
    if _AIKEN.search(begin):
        return "aiken"
    lines = [line for line in begin.split("\n") if line.strip()]
    listed = len(_ITEM.findall(begin))
    return "markdown" if listed >= 2 and listed >= 0.4 * len(lines) else "csv"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
