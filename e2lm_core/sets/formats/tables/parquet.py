"""A Parquet table of a stranger's questions as rows: counted before they exist, in the process that may do nothing else.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

from typing import Any

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.settings import Limits

MAX_FOOTER_BYTES = 4 * 2**20
MAX_GROUPS = 10_000


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
