"""Named columns over lines of cells, with limits.

Tested in tests/sets/formats/tables/test_delimited.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, islice, zip_longest
from typing import Any

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import join_words
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.answers import cell_text
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
    lines: Iterable[Sequence[Any]], name: str, limits: Limits, how: ReadOptions, of_one_width: bool = False
) -> FileRows:
    """Named rows of a table's lines; whether the first line names the columns is detected.

    Rows are numbered from 1; empty rows are counted and left out.

    Args:
        lines: Cells of each line.
        name: The file's name, for error sentences.
        limits: Bound on questions.
        how: The user's settings, of which `header` and `roles` decide on the first line.
        of_one_width: Refuse a row with cells behind the last column, since its cells may be another column's.

    Raises:
        TaskError: There are too many columns, cells or rows, or two columns of one name.
    """
    ahead = iter(lines)
    first = next(ahead, [])
    check_columns(len(first), name)
    head = [cell_text(cell).strip() for cell in first]
    looked_at = list(islice(ahead, _LOOKED_AT))
    ahead = chain(looked_at, ahead)
    named, notes = _is_named(head, looked_at, how)
    columns = head if named else [f"column {n}" for n in range(1, len(first) + 1)]
    rows: list[FileRow] = []
    count = 0
    for number, cells in enumerate(ahead if named else chain([first], ahead), start=1):
        if not named and len(cells) > len(columns):
            check_columns(len(cells), name)
            columns += [f"column {n}" for n in range(len(columns) + 1, len(cells) + 1)]
        own = list(cells[: len(columns)])
        if not any(cell not in (None, "") for cell in own):
            continue
        count += 1
        if count <= limits.max_questions:
            behind = sum(cell not in (None, "") for cell in cells[len(columns) :]) if of_one_width else 0
            if behind:
                wide = Sentence(
                    "it has {cells} cells for {columns} columns; put a text that holds a separator into quotes.",
                    cells=str(len(cells)),
                    columns=str(len(columns)),
                )
                rows.append(FileRow(row_at(number), {}, wide))
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
