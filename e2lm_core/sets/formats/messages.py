"""Sentences on a file that was read.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from e2lm_core.base.formatting import count, join_words
from e2lm_core.sets.formats.answers import Reading
from e2lm_core.sets.formats.kinds import KINDS
from e2lm_core.sets.formats.records import KEPT, LEFT_OUT, Preview
from e2lm_core.sets.formats.tables.delimited import SEPARATORS


def format_summary(preview: Preview) -> str:
    """Sentence on how a file was read, and on the number of its questions.

    An example: "CSV, a semicolon between cells, cp1252: 40 questions.".
    """
    parts = [KINDS[preview.kind].label]
    if preview.separator:
        parts.append(f"a {SEPARATORS[preview.separator]} between cells")
    if preview.encoding and preview.encoding != "utf-8":
        parts.append(preview.encoding)
    if preview.sheets:
        parts.append(f"sheet {preview.sheets[0]}")
    said = ", ".join(parts)
    if not preview.readings:
        said += f": {count(len(preview.questions), 'question')}"
    if preview.answers_from is not None:
        said += f"; answers that are numbers count from {preview.answers_from}"
    return f"{said}."


def mapping_summary(preview: Preview) -> str:
    """Sentences on the renamed and the kept columns of a file; "" without any.

    An example: "Columns: question = Frage. Kept as they are: x, y.".
    """
    named = [
        f"{role_label(c.role)} = {c.name}" for c in preview.columns if c.role not in (KEPT, LEFT_OUT, c.name)
    ]
    kept = [column.name for column in preview.columns if column.role == KEPT]
    said = f"Columns: {', '.join(named)}." if named else ""
    return f"{said} Kept as extra columns: {join_words(kept, 8)}.".strip() if kept else said


def duplicates_sentence(doubles: Mapping[str, str]) -> str:
    """Sentence that names repeated questions; "" if there are none.

    An example: "2 questions of the file are there already: q1 repeats …."
    """
    if not doubles:
        return ""
    first = [f"{one} repeats {other}" for one, other in doubles.items()]
    return f"{count(len(doubles), 'question')} of the file {'is' if len(doubles) == 1 else 'are'} there already: {join_words(first)}."


def reading_label(reading: Reading, readings: Sequence[Reading]) -> str:
    """Label of a reading of numbered answers, as the answer to the question about them."""
    if "text" not in readings:
        return "the first" if reading == 1 else "the second"
    return "a choice's text" if reading == "text" else f"its number, counted from {reading}"


def role_label(role: str) -> str:
    """Label of a column's role in the interface."""
    return {
        KEPT: "keep as it is",
        LEFT_OUT: "leave out",
        "answer": "right answer",
        "choices": "list of choices",
    }.get(role, role.replace("_", " "))
