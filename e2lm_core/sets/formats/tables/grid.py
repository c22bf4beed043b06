"""Named columns over lines of cells, with limits.

Tested in tests/sets/formats/tables/test_delimited.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, dropwhile, islice, zip_longest
from typing import Any

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.answers import cell_text, whole_number
from e2lm_core.sets.formats.columns import are_column_names, names_columns
from e2lm_core.sets.formats.records import FileRow, FileRows, ReadOptions, row_at
from e2lm_core.sets.rows import check_count

MAX_COLUMNS = 200
MAX_CELLS = 1_000_000
_LOOKED_AT = 200  # lines that tell whether the first one names columns


def check_columns(columns: int, name: str, max_columns: int = MAX_COLUMNS) -> None:
    """Refuse a table with too many columns.

    Raises:
        TaskError: There are more than `max_columns`; the sentence names `MAX_COLUMNS`.
    """
    if columns > max_columns:
        raise TaskError(
            Sentence(
                "{name} has more than {most} columns; keep those that you need.", name=name, most=MAX_COLUMNS
            )
        )


def too_many_cells(name: str) -> TaskError:
    """Error for a table with more than `MAX_CELLS` cells."""
    return TaskError(
        Sentence(
            "{name} has more than {most} cells; keep the columns and rows that you need.",
            name=name,
            most=MAX_CELLS,
        )
    )


def rows_of(
    lines: Iterable[Sequence[Any]], name: str, limits: Limits, how: ReadOptions, quoted: bool = False
) -> FileRows:
    """Named rows of a table's lines; whether the first line that is not empty names the columns is detected.

    Rows are numbered from 1; empty rows are counted and left out. A row with a cell under no name is refused,
    since that may be a choice; a column of row numbers needs no name.

    Args:
        lines: Cells of each line.
        name: The file's name, for error sentences.
        limits: Bound on questions.
        how: The user's settings, of which `header` and `roles` decide on the first line.
        quoted: Whether cells may stand in quotes, for the sentence about a row with too many cells.

    Raises:
        TaskError: There are too many columns, cells or rows, or two columns of one name.
    """
    ahead: Iterator[Sequence[Any]] = dropwhile(_is_empty, lines)
    first = next(ahead, [])
    check_columns(len(first), name)
    head = [cell_text(cell).strip() for cell in first]
    looked_at = list(islice(ahead, _LOOKED_AT))
    ahead = chain(looked_at, ahead)
    named, notes = _is_named(head, looked_at, how)
    columns = head if named else [f"column {n}" for n in range(1, len(first) + 1)]
    counted = all(
        whole_number(line[0]) is not None for line in looked_at if line
    )  # as pandas writes its index
    rows: list[FileRow] = []
    count = 0
    for number, cells in enumerate(ahead if named else chain([first], ahead), start=1):
        if not named and len(cells) > len(columns):
            check_columns(len(cells), name)
            columns += [f"column {n}" for n in range(len(columns) + 1, len(cells) + 1)]
        own = list(cells[: len(columns)])
        if _is_empty(own):
            continue
        count += 1
        if count <= limits.max_questions:
            if refused := _unnamed_cell(cells, columns, counted, quoted):
                rows.append(FileRow(row_at(number), {}, refused))
                continue
            values = {c: v for c, v in zip_longest(columns, own, fillvalue="") if c}
            rows.append(FileRow(row_at(number), values))
        if count * len(columns) > MAX_CELLS:
            raise too_many_cells(name)
    check_count(count, name, limits)
    repeated = next((c for c, times in Counter(columns).items() if c and times > 1), None)
    if repeated is not None:
        raise TaskError(
            Sentence(
                "{name} has the column {column} twice; rename one of them.", name=name, column=repr(repeated)
            )
        )
    return FileRows([column for column in columns if column], rows, header=named, notes=notes)


def _is_empty(cells: Sequence[Any]) -> bool:
    return all(cell in (None, "") for cell in cells)


def _unnamed_cell(cells: Sequence[Any], columns: Sequence[str], counted: bool, quoted: bool) -> str:
    """Reason to refuse a row for a cell under no name; "" without one."""
    if quoted and not _is_empty(cells[len(columns) :]):
        return Sentence(
            "it has {cells} cells for {columns} columns; put a text that holds a separator into quotes.",
            cells=str(len(cells)),
            columns=str(len(columns)),
        )
    for place, cell in enumerate(cells):
        unnamed = place >= len(columns) or not columns[place]
        if unnamed and cell not in (None, "") and not (place == 0 and counted):
            return Sentence(
                "its cell {number} ({text}) stands under no name; name the column in the first line, or empty it.",
                number=str(place + 1),
                text=quote(cell_text(cell)[:40]),
            )
    return ""


def _is_named(
    head: Sequence[str], others: Sequence[Sequence[Any]], how: ReadOptions
) -> tuple[bool, tuple[str, ...]]:
    """Whether the first line names the columns, and a note if the other lines decided that."""
    if how.header is not None:
        return how.header, ()
    if how.roles and how.roles.keys() <= set(head):
        return True, ()
    filled = [line for line in others if any(cell not in (None, "") for cell in line)]
    named = names_columns(head, [[cell_text(cell) for cell in line[:MAX_COLUMNS]] for line in filled])
    if not named or are_column_names(head) or not filled:
        return named, ()
    read = Sentence("The first line was read as names of columns: {names}.", names=join_words([*head], 8))
    return True, (read,)
