"""Lines of cells as rows with named columns, counted while they come: what CSV, TSV and spreadsheets share.

Tested in tests/sets/formats/tables/test_delimited.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.columns import names_columns
from e2lm_core.sets.formats.records import Row
from e2lm_core.sets.rows import check_count

MAX_COLUMNS = 200
MAX_CELLS = 1_000_000


def too_many_columns(name: str) -> TaskError:
    return TaskError(f"{name} has more than {MAX_COLUMNS} columns; keep those that you need.")


def too_many_cells(name: str) -> TaskError:
    return TaskError(f"{name} has more than {MAX_CELLS:,} cells; keep the columns and rows that you need.")


def rows_of(
    lines: Iterable[Sequence[Any]], name: str, limits: Limits, header: bool | None
) -> tuple[list[str], list[Row], bool]:
    """(columns, rows, whether the first line named the columns): found out where `header` does not say.

    Rows are numbered from 1, empty ones counted and left out. Raises TaskError for too many columns, cells or rows,
    and for a name that stands twice.
    """
    ahead = iter(lines)
    first = next(ahead, [])
    if len(first) > MAX_COLUMNS:
        raise too_many_columns(name)
    head = [str(cell if cell is not None else "").strip() for cell in first]
    named = names_columns(head) if header is None else header
    columns = head if named else [f"column {n}" for n in range(1, len(first) + 1)]
    rows: list[Row] = []
    count = 0
    for number, cells in enumerate(ahead if named else _again(first, ahead), start=1):
        if not named and len(cells) > len(columns):
            if len(cells) > MAX_COLUMNS:
                raise too_many_columns(name)
            columns += [f"column {n}" for n in range(len(columns) + 1, len(cells) + 1)]
        own = list(cells[: len(columns)])
        if not any(cell not in (None, "") for cell in own):
            continue
        count += 1
        if count <= limits.max_questions:
            values = {c: v for c, v in zip_longest(columns, own, fillvalue="") if c}
            rows.append(Row(f"Row {number}", values))
        if count * len(columns) > MAX_CELLS:
            raise too_many_cells(name)
    check_count(count, name, limits)
    repeated = next((c for c, times in Counter(columns).items() if c and times > 1), None)
    if repeated is not None:
        raise TaskError(f"{name} has the column {repeated!r} twice; rename one of them.")
    return [column for column in columns if column], rows, named


def _again(first: Sequence[Any], rest: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    yield first
    yield from rest
