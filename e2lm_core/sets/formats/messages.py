"""Sentences on a file that was read.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from e2lm_core.base.formatting import count, join_words
from e2lm_core.base.sentences import Sentence, joined, recognised
from e2lm_core.sets.formats.answers import Reading
from e2lm_core.sets.formats.columns import CHOICE
from e2lm_core.sets.formats.kinds import KINDS
from e2lm_core.sets.formats.records import KEPT, LEFT_OUT, Preview
from e2lm_core.sets.formats.tables.delimited import SEPARATORS

_PLACES = (
    Sentence("{id} of the set"),
    Sentence("Row {number}"),
    Sentence("Line {number}"),
    Sentence("Question {n}"),
    Sentence("Item {number}"),
)


def format_summary(preview: Preview) -> str:
    """Sentence on how a file was read, and on the number of its questions.

    An example: "CSV, a semicolon between cells, cp1252, which is a guess: 40 questions.".
    """
    parts = [KINDS[preview.kind].label]
    if preview.separator:
        parts.append(Sentence("a {separator} between cells", separator=SEPARATORS[preview.separator]))
    if preview.encoding and preview.encoding != "utf-8":
        guessed = Sentence("{encoding}, which is a guess", encoding=preview.encoding)
        parts.append(guessed if preview.is_encoding_guessed else preview.encoding)
    if preview.sheets:
        parts.append(Sentence("sheet {sheet}", sheet=preview.sheets[0]))
    said = joined(parts, ", ")
    if not preview.readings:
        said = joined((said, count(len(preview.questions), "question")), ": ")
    if preview.answers_from is not None:
        said = Sentence(
            "{said}; answers that are numbers count from {first}", said=said, first=preview.answers_from
        )
    return Sentence("{said}.", said=said)


def mapping_summary(preview: Preview) -> str:
    """Sentences on the renamed and the kept columns of a file; "" without any.

    An example: "Columns: question = Frage. Kept as they are: x, y.".
    """
    named = [
        Sentence("{role} = {name}", role=role_label(c.role), name=c.name)
        for c in preview.columns
        if c.role not in (KEPT, LEFT_OUT, c.name)
    ]
    kept = [column.name for column in preview.columns if column.role == KEPT]
    said = Sentence("Columns: {columns}.", columns=joined(named, ", ")) if named else ""
    if not kept:
        return said
    also = Sentence("Kept as extra columns: {kept}.", kept=join_words(kept, 8))
    return joined((said, also)) if said else also


def duplicates_sentence(preview: Preview, doubles: Mapping[str, str]) -> str:
    """Sentence that names repeated questions by their places in the file; "" if there are none.

    An example: "2 questions of the file are there already: Row 2 repeats q7 of the set, …."
    """
    if not doubles:
        return ""
    places = {q.id: at for q, at in zip(preview.questions, preview.rows, strict=True)}
    first = [
        Sentence("{one} repeats {other}", one=place_of(places[identity]), other=place_of(other))
        for identity, other in islice(doubles.items(), 3)
    ]
    return Sentence(
        "{number} question of the file is there already: {first}.",
        "{number} questions of the file are there already: {first}.",
        number=len(doubles),
        first=join_words([*first, *[""] * (len(doubles) - len(first))]),
    )


def place_of(text: str) -> str:
    """Sentence of a place in a preview's rows, or of a repeated question's other place."""
    return recognised(text, _PLACES)


def reading_label(reading: Reading, readings: Sequence[Reading]) -> str:
    """Label of a reading of numbered answers, as the answer to the question about them."""
    if "text" not in readings:
        return Sentence("the first") if reading == 1 else Sentence("the second")
    return (
        Sentence("a choice's text")
        if reading == "text"
        else Sentence("its number, counted from {reading}", reading=reading)
    )


def role_label(role: str) -> str:
    """Label of a column's role in the interface."""
    if CHOICE.fullmatch(role):
        return Sentence("choice {letter}", letter=role.removeprefix("choice_"))
    return {
        KEPT: Sentence("keep as it is"),
        LEFT_OUT: Sentence("leave out"),
        "question": Sentence("question"),
        "answer": Sentence("right answer"),
        "choices": Sentence("list of choices"),
        "id": Sentence("id"),
        "subject": Sentence("subject"),
        "source": Sentence("source"),
        "license": Sentence("license"),
        "note": Sentence("note"),
        "group": Sentence("group"),
    }.get(role, role.replace("_", " "))
