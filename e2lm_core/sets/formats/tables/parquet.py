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

MAX_FOOTER_BYTES = 4 * 2**20
MAX_GROUPS = 10_000
_COUNTED = {b"answers_from": b"0"}


def write(questions: Iterable[Question]) -> bytes:
    """The questions as one table, every column of theirs; the same bytes for the same questions and library.

    A column whose values no column can hold together, such as text and numbers, is JSON text.
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
    # In the file's own metadata: a column in one split of a data set and not in another would make it unreadable.
    table = arrow.table(columns).replace_schema_metadata(_COUNTED)
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def counts_from_0(data: bytes) -> bool:
    """Whether the studio wrote the table, whose answers count from 0 then, for data that `parquet_rows` has read."""
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    told = parquet.read_schema(arrow.BufferReader(data)).metadata or {}
    return all(told.get(key) == value for key, value in _COUNTED.items())


def parquet_rows(data: bytes, name: str, columns: int, limits: Limits) -> list[dict[str, Any]]:
    """Its rows as plain values, lists and mappings among them.

    Raises TaskError for what is no Parquet or has more than `columns`, LimitError for more rows or bytes than a set may have.
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
    if about.num_columns > columns:
        raise TaskError(f"{name} has more than {columns} columns; keep those that you need.")
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
