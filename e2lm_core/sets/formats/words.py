"""What is said of a file that was read: its format, how its cells are cut, what its columns were taken for.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from e2lm_core.base.phrasing import count, listing
from e2lm_core.sets.formats.answers import Reading
from e2lm_core.sets.formats.kinds import KINDS
from e2lm_core.sets.formats.records import KEPT, LEFT_OUT, Preview
from e2lm_core.sets.formats.tables.delimited import SEPARATORS


def found(read: Preview) -> str:
    """CSV, a semicolon between cells, cp1252: 40 questions; …"""
    parts = [KINDS[read.kind].label]
    if read.separator:
        parts.append(f"a {SEPARATORS[read.separator]} between cells")
    if read.encoding and read.encoding != "utf-8":
        parts.append(read.encoding)
    if read.sheets:
        parts.append(f"sheet {read.sheets[0]}")
    said = ", ".join(parts)
    if not read.readings:
        said += f": {count(len(read.questions), 'question')}"
    if read.answers_from is not None:
        said += f"; answers that are numbers count from {read.answers_from}"
    return f"{said}."


def mapped(read: Preview) -> str:
    """Question is the column Frage, …; kept as they are: x, y."""
    named = [
        f"{role_label(c.role)} = {c.name}" for c in read.columns if c.role not in (KEPT, LEFT_OUT, c.name)
    ]
    kept = [column.name for column in read.columns if column.role == KEPT]
    said = f"Columns: {', '.join(named)}." if named else ""
    return f"{said} Kept as they are: {listing(kept, 8)}.".strip() if kept else said


def repeats(doubles: Mapping[str, str]) -> str:
    """2 of them repeat others: q1 repeats …; "" where none does."""
    if not doubles:
        return ""
    first = [f"{one} repeats {other}" for one, other in doubles.items()]
    return f"{count(len(doubles), 'question')} of the file {'is' if len(doubles) == 1 else 'are'} there already: {listing(first)}."


def reading_label(reading: Reading, readings: Sequence[Reading]) -> str:
    """A reading of answers that are numbers, as the answer to the question that is asked of them."""
    if "text" not in readings:
        return "the first" if reading == 1 else "the second"
    return "a choice's text" if reading == "text" else f"its number, counted from {reading}"


def role_label(role: str) -> str:
    """How a role is called to people."""
    return {
        KEPT: "keep as it is",
        LEFT_OUT: "leave out",
        "answer": "right answer",
        "choices": "list of choices",
    }.get(role, role.replace("_", " "))
