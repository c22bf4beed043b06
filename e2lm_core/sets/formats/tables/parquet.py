"""Parquet.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.tables.grid import check_columns

MAX_FOOTER_BYTES = 4 * 2**20
MAX_GROUPS = 10_000
_COUNTED = {b"answers_from": b"0"}


def write(questions: Iterable[Question]) -> bytes:
    """Write questions as one table with all their columns.

    The same questions and library give the same bytes. A column of values without a common type, such as
    text and numbers, is JSON text.
    """
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    rows = [{**q.model_dump(mode="json", exclude={"extra"}), **q.extra} for q in questions]
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(Question.model_fields)[:4]
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name not in ("id", "question", "choices", "answer") and all(value is None for value in values):
            continue
        try:
            columns[name] = arrow.array(values)
        except (arrow.ArrowException, OverflowError):
            columns[name] = arrow.array([json.dumps(value, ensure_ascii=False) for value in values])
    buffer = io.BytesIO()
    # In the file's own metadata: a column in only one split of a data set would make the data set unreadable.
    table = arrow.table(columns).replace_schema_metadata(_COUNTED)
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def counts_from_0(data: bytes) -> bool:
    """Whether the studio wrote a table, with answers that count from 0.

    The data is that of a file that `parquet_rows` has read.
    """
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    told = parquet.read_schema(arrow.BufferReader(data)).metadata or {}
    return all(told.get(key) == value for key, value in _COUNTED.items())


def parquet_rows(data: bytes, name: str, limits: Limits) -> list[dict[str, Any]]:
    """Rows of a Parquet table as plain values, with lists and mappings.

    Args:
        data: Bytes of the file.
        name: The file's name, for error sentences.
        limits: Bounds on rows and bytes.

    Raises:
        TaskError: The file is no Parquet table, or has more columns than `grid.MAX_COLUMNS`.
        LimitError: The file has more rows or unpacked bytes than a set may have, more than `MAX_GROUPS`
            groups of rows, or too large a footer.
    """
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    if data[-4:] == b"PAR1" and int.from_bytes(data[-8:-4], "little") > MAX_FOOTER_BYTES:
        raise LimitError(f"{name} describes more columns than can be read; keep those that you need.")
    try:
        file = parquet.ParquetFile(arrow.BufferReader(data))
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise TaskError(f"{name} is no Parquet table: copy it again.") from error
    about = file.metadata
    check_columns(about.num_columns, name)
    if about.num_rows > limits.max_questions:
        raise LimitError(
            f"{name} has {about.num_rows:,} rows; a set may have at most {limits.max_questions:,} questions."
        )
    if about.num_row_groups > MAX_GROUPS:
        raise LimitError(f"{name} has {about.num_row_groups:,} groups of rows; write it with fewer.")
    size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    if size > limits.max_file_bytes:
        raise LimitError(
            f"{name} unpacks to {size:,} bytes; a file may have at most {limits.max_file_bytes:,} bytes."
        )
    try:
        rows: list[dict[str, Any]] = file.read(use_threads=False).to_pylist()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise TaskError(f"{name} cannot be read as a Parquet table: copy it again.") from error
    return rows
