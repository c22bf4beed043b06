"""Where two answers differ, once times, versions and paths are set aside: the fields named here and nothing else."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

LONGEST = 160  # characters of a value that are shown
Kind = Literal["time", "version", "path"]


@dataclass(frozen=True)
class Aside:
    """A field of a command's JSON that may differ; `where` is its path, list places written as []."""

    command: str
    where: str
    kind: Kind
    reason: str


ASIDE = (
    Aside("evaluate", "$.seconds", "time", "how long this run took"),
    Aside("results", "$.kept[].when", "time", "when the import was kept"),
    Aside("report", "$.provenance.date", "time", "when the report was made"),
    Aside("report", "$.provenance.studio", "version", "the studio's own"),
    Aside("report", "$.provenance.python", "version", "Python's"),
    Aside("report", "$.provenance.libraries", "version", "those of the libraries at hand"),
    Aside("tasks", "$.tasks[].path", "path", "a set lies in the checkout or in the home"),
    Aside("checkpoints", "$.checkpoints[].path", "path", "checkpoints are unpacked in the home"),
    Aside("export", "$.path", "path", "the zip is written into the home"),
)
# The same of what is no JSON: command, pattern, kind and reason. What the pattern's group holds is set aside.
TEXT_ASIDE: tuple[tuple[str, str, Kind, str], ...] = (
    ("evaluate", r"\d reused, (\d+\.\d) s\n", "time", "how long this run took"),
    ("report", r"Report of the E2LM Task Studio (\S+) ·", "version", "the studio's own, in the heading"),
    ("report", r" · (\d{4}-\d\d-\d\d)</p>", "time", "the day of the report, in the heading"),
    ("report", r"<dt>date</dt><dd>([^<]+)<", "time", "when the report was made"),
    ("report", r"<dt>studio</dt><dd>([^,<]+),", "version", "the studio's own"),
    ("report", r"<dt>Python and libraries</dt><dd>([^<]+)<", "version", "Python's and the libraries'"),
    ("report", r'"provenance": \{"date": "([^"]+)"', "time", "the date in the JSON inside"),
    ("report", r'"studio": "([^"]+)", "python": ', "version", "the studio's own in the JSON inside"),
    ("report", r'"python": "([^"]+)", "libraries": ', "version", "Python's in the JSON inside"),
    ("report", r'"libraries": \{([^}]*)\}', "version", "the libraries' in the JSON inside"),
    (
        "export",
        r"\(`(tests/[\w/]+\.py)` checks it\)",
        "path",
        "an example's README names a test of this repository",
    ),
)

Places = Mapping[str, str]  # the name that stands for a folder, and the folder's path


def set_aside(command: str, document: Any, places: Places, path: str = "$") -> Any:
    """The document without what may differ; of a path only the folder that it lies in is set aside."""
    where = re.sub(r"\[\d+\]", "[]", path)
    aside = next((a for a in ASIDE if a.command == command and a.where == where), None)
    if aside is not None and document is not None:
        return _placed(document, places) if aside.kind == "path" else f"({aside.kind})"
    if isinstance(document, dict):
        return {k: set_aside(command, v, places, path + _step(k)) for k, v in document.items()}
    if isinstance(document, list):
        return [set_aside(command, v, places, f"{path}[{i}]") for i, v in enumerate(document)]
    return document


def set_aside_text(command: str, text: str) -> str:
    """The same of a page or a table."""
    for own, pattern, kind, _ in TEXT_ASIDE:
        if own == command:
            text = "".join(_without_group(pattern, text, f"({kind})"))
    return text


def _without_group(pattern: str, text: str, instead: str) -> Iterator[str]:
    at = 0
    for match in re.finditer(pattern, text):
        yield text[at : match.start(1)] + instead
        at = match.end(1)
    yield text[at:]


def _placed(path: str, places: Places) -> str:
    for name, folder in places.items():
        if path.startswith(f"{folder}/"):
            return name + path.removeprefix(folder)
    return path


def _step(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"


# --- comparing ------------------------------------------------------------------------------------------


def difference(command: str, old: bytes, new: bytes, places: tuple[Places, Places]) -> str | None:
    """Where the two first differ, beyond what is set aside, or None."""
    documents = (_document(old), _document(new))
    if all(found is not None for found in documents):
        return in_json(*(set_aside(command, *of) for of in zip(documents, places, strict=True)))
    try:
        return in_text(*(set_aside_text(command, raw.decode()) for raw in (old, new)))
    except UnicodeDecodeError:
        return in_zip(command, old, new) if _is_zip(old, new) else in_bytes(old, new)


def in_json(old: Any, new: Any, path: str = "$") -> str | None:
    """The path of the first difference and both values; the order of keys counts, as bytes do."""
    if isinstance(old, dict) and isinstance(new, dict) and list(old) == list(new):
        return _first(in_json(old[key], new[key], path + _step(key)) for key in old)
    if isinstance(old, dict) and isinstance(new, dict):
        return told(f"{path}, its keys", *_apart(list(old), list(new)))
    if isinstance(old, list) and isinstance(new, list):
        pairs = enumerate(zip(old, new, strict=False))
        found = _first(in_json(one, other, f"{path}[{i}]") for i, (one, other) in pairs)
        longer = None if len(old) == len(new) else told(f"{path}, its length", len(old), len(new))
        return found or longer
    # As written: 1 is not 1.0, and 0.0 not -0.0.
    return None if json.dumps(old) == json.dumps(new) else told(path, old, new)


def in_text(old: str, new: str) -> str | None:
    """The first line and column that differ."""
    lines = zip(old.splitlines(keepends=True), new.splitlines(keepends=True), strict=False)
    for number, (one, other) in enumerate(lines, start=1):
        if one != other:
            at = _same_until(one, other)
            return told(f"line {number}, column {at + 1}", one[at : at + 60], other[at : at + 60])
    return None if old == new else told("number of characters", len(old), len(new))


def in_zip(command: str, old: bytes, new: bytes) -> str | None:
    """The first member that differs in name, date, rights or content."""
    members = zip(_members(old), _members(new), strict=False)
    for (one, content), (other, present) in members:
        if one != other:
            return told("a member", one, other)
        if found := in_text(*(set_aside_text(command, raw.decode("latin-1")) for raw in (content, present))):
            return f"{one[0]}, {found}"
    longer = len(_members(old)), len(_members(new))
    return None if longer[0] == longer[1] else told("number of members", *longer)


def _is_zip(*files: bytes) -> bool:
    return all(zipfile.is_zipfile(io.BytesIO(raw)) for raw in files)


def _members(raw: bytes) -> list[tuple[tuple[str, str, int], bytes]]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return [
            ((i.filename, str(i.date_time), i.external_attr), archive.read(i)) for i in archive.infolist()
        ]


def in_bytes(old: bytes, new: bytes) -> str | None:
    """The first byte that differs, and how many there are."""
    return None if old == new else f"byte {_same_until(old, new)}: of {len(old)} → of {len(new)}"


def _same_until(old: str | bytes, new: str | bytes) -> int:
    """How many characters or bytes the two begin with alike."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _document(raw: bytes) -> Any:
    """The JSON, None where it is none or is written in another manner than the commands': that is compared as text."""
    try:
        document = json.loads(raw)
    except ValueError:
        return None
    return document if json.dumps(document).encode() + b"\n" == raw else None


def _apart(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """The keys that one side alone has; all keys where only their order differs."""
    gone, come = [k for k in old if k not in new], [k for k in new if k not in old]
    return (gone, come) if gone or come else (old, new)


def _first(found: Iterator[str | None]) -> str | None:
    return next((one for one in found if one is not None), None)


def told(where: str, old: Any, new: Any) -> str:
    """A difference as people read it: where, the old and the new value, cut."""
    one, other = (json.dumps(value, ensure_ascii=False) for value in (old, new))
    return f"{where}: {one[:LONGEST]} → {other[:LONGEST]}"
