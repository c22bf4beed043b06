"""Parquet.

Tested in tests/sets/formats/test_reading.py.
"""

from __future__ import annotations

import datetime
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted import sandbox
from e2lm_core.sets.formats.tables.grid import check_columns

MAX_FOOTER_BYTES = 4 * 2**20
MAX_GROUPS = 10_000
MAX_GROUP_BYTES = 256 * 2**20  # unpacked bytes of a group of rows of which the first are read
_NOT_JSON = re.compile(
    "date|time|duration|decimal|binary|float|double"
)  # Arrow's types with values that JSON lacks
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


def first_rows(paths: Sequence[Path], limits: Limits, origin: str, name: str) -> bytes:
    """First rows of untrusted Parquet files as one small table, at most a set's number of questions.

    Args:
        paths: The files, in order.
        limits: Bounds on rows and bytes.
        origin: Text of the column `source`, which is added where the files have none.
        name: Name of the table, for error sentences.

    Raises:
        TaskError: A file is no Parquet table, or has more columns than `grid.MAX_COLUMNS`.
        LimitError: A group of rows unpacks to more bytes than a file may have, or reading takes too much.
    """
    with ExitStack() as opened:
        files = [opened.enter_context(path.open("rb")) for path in paths]
        (data,) = sandbox.iterate_confined(
            first_rows_unconfined,
            limits,
            origin,
            name,
            files=files,
            input_bytes=sum(path.stat().st_size for path in paths),
            description=name,
            modules=("pyarrow.parquet",),
        )
    return data


def first_rows_unconfined(
    files: Sequence[BinaryIO], limits: Limits, origin: str, name: str
) -> Iterator[bytes]:
    """Yield the table of `first_rows` from open files.

    Raises:
        TaskError: As by `first_rows`.
        LimitError: As by `first_rows`.
    """
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    buffer = io.BytesIO()
    try:
        found = arrow.Table.from_batches(list(_batches(files, limits, name)))
        if "source" not in found.column_names:
            found = found.append_column("source", arrow.array([origin] * len(found), arrow.string()))
        parquet.write_table(found.replace_schema_metadata(None), buffer, compression="zstd")
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise TaskError(
            Sentence("{name} holds no Parquet tables of one form: choose another split.", name=name)
        ) from error
    yield buffer.getvalue()


def _batches(files: Sequence[BinaryIO], limits: Limits, name: str) -> Iterator[Any]:
    """Batches of the first rows, as many as a set may have questions; groups of rows are unpacked one by one."""
    import pyarrow.parquet as parquet

    rows = size = 0
    for file in files:
        table = parquet.ParquetFile(file)
        check_columns(table.metadata.num_columns, name)
        for group in range(min(table.metadata.num_row_groups, MAX_GROUPS)):
            if table.metadata.row_group(group).total_byte_size > MAX_GROUP_BYTES:
                raise LimitError(
                    Sentence(
                        "{name} has a group of rows of more than {most} MB: choose another split.",
                        name=name,
                        most=round(MAX_GROUP_BYTES / 1e6),
                    )
                )
            for batch in table.iter_batches(1000, row_groups=[group], use_threads=False):
                part = batch.slice(0, limits.max_questions - rows)
                rows, size = rows + len(part), size + part.nbytes
                if size > limits.max_file_bytes * 0.9:
                    return
                yield part
                if rows >= limits.max_questions:
                    return


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
        raise LimitError(
            Sentence("{name} describes more columns than can be read; keep those that you need.", name=name)
        )
    try:
        file = parquet.ParquetFile(arrow.BufferReader(data))
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise TaskError(Sentence("{name} is no Parquet table: copy it again.", name=name)) from error
    about = file.metadata
    check_columns(about.num_columns, name)
    if about.num_rows > limits.max_questions:
        raise LimitError(
            Sentence(
                "{name} has {number} rows; a set may have at most {most} questions.",
                name=name,
                number=about.num_rows,
                most=limits.max_questions,
            )
        )
    if about.num_row_groups > MAX_GROUPS:
        raise LimitError(
            Sentence(
                "{name} has {number} groups of rows; write it with fewer.",
                name=name,
                number=about.num_row_groups,
            )
        )
    size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    if size > limits.max_file_bytes:
        raise LimitError(
            Sentence(
                "{name} unpacks to {number} bytes; a file may have at most {most} bytes.",
                name=name,
                number=size,
                most=limits.max_file_bytes,
            )
        )
    try:
        rows: list[dict[str, Any]] = file.read(use_threads=False).to_pylist()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise TaskError(
            Sentence("{name} cannot be read as a Parquet table: copy it again.", name=name)
        ) from error
    plain = [
        name
        for name, kind in zip(file.schema_arrow.names, file.schema_arrow.types, strict=True)
        if _NOT_JSON.search(str(kind))
    ]
    for row in rows if plain else ():
        for name in plain:
            row[name] = _plain(row[name], name)
    return rows


def _plain(value: Any, column: str) -> Any:
    """Value of JSON at any depth: dates, times and decimals become texts, numbers that are none become None."""
    if isinstance(value, dict):
        return {key: _plain(part, column) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, column) for part in value]
    if isinstance(value, bytes):
        raise TaskError(
            Sentence(
                "The column {column} holds bytes, such as those of an image: write the file without it.",
                column=quote(column),
            )
        )
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Decimal | datetime.timedelta) else value
