"""Table reader for untrusted files: bounded rows, columns and cells.

Tested in tests/imported/formats/test_tables.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as arrow

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.json_values import strip_csv_guard, with_decimal_points
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import sandbox

MAX_ROWS = 200_000  # of an upload, as are the limits below
ROWS_A_PIECE = 20_000  # of a local table
LARGE_BYTES = 64 * 2**20
MAX_COLUMNS = 1_000
MAX_CELLS = 4_000_000
MAX_SEPARATORS = 6_000_000  # commas within quoted text among them
MAX_LINES = 2_000_000
MAX_TABLE_BYTES = 400 * 2**20  # of text, each repetition counted
# The same for columns other than `metrics`, whose texts are joined to longer ones later.
MAX_NAMES_BYTES = 64 * 2**20
MAX_PACKED = 50  # ratio of unpacked to packed size
MIN_SUSPECT_BYTES = 16 * 2**20
MAX_FOOTER_BYTES = 4 * 2**20
MEMORY_A_VALUE = 200  # bytes of a Python object, in lists and mappings
READABLE = (".csv", ".tsv", ".parquet")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
# Columns that Parquet may not hold in a type that is neither number nor text.
_NEEDED = frozenset({"model", "task", "metric", "score", "value", "step", "metrics"})


def read_frame(data: bytes, name: str) -> pd.DataFrame:
    """Table in an uploaded file, read by the suffix of its name.

    Raises:
        TaskError: The file cannot be read as a table of its suffix.
        LimitError: It has too many rows, columns, cells or bytes.
    """
    suffix = PurePath(name).suffix.lower()
    with _parsing(name, Sentence("a {format} table", format=suffix[1:].upper())):
        frame = _parquet(data, name) if suffix == ".parquet" else _separated(data, name)
    _check(len(frame), len(frame.columns), name)
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame


def frame_from_rows(rows: Sequence[Mapping[str, Any]], name: str) -> pd.DataFrame:
    """Table of JSON rows; columns that a row lacks are missing values.

    Raises:
        TaskError: `rows` is no list of objects, or holds values that no table can.
        LimitError: There are too many rows or columns.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TaskError(
            Sentence(
                "{name} cannot be read as a JSON table: it must be a list of objects, one a row.", name=name
            )
        )
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
        if len(columns) > MAX_COLUMNS:
            break
    _check(len(rows), len(columns), name)
    with _parsing(name, "a JSON table"):  # values that no column of pandas holds
        frame = pd.DataFrame(rows)
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame


def iter_table(file: BinaryIO, name: str) -> Iterator[pd.DataFrame]:
    """Table in a local file, 20,000 rows at a time, without a limit on their number.

    Raises:
        TaskError: The file cannot be read as a table of its suffix.
        LimitError: It has too many columns.
    """
    suffix = PurePath(name).suffix.lower()
    with _parsing(name, Sentence("a {format} table", format=suffix[1:].upper())):
        for frame in _parquet_pieces(file, name) if suffix == ".parquet" else _separated_pieces(file, name):
            _check(0, len(frame.columns), name)
            frame.columns = [str(column).strip() for column in frame.columns]
            yield frame


def row_count(file: BinaryIO, name: str) -> int | None:
    """Number of rows in a Parquet file's metadata; None for other files, or if it cannot be read."""
    import pyarrow.parquet as parquet

    if PurePath(name).suffix.lower() != ".parquet":
        return None
    try:
        return int(parquet.ParquetFile(file).metadata.num_rows)
    except Exception:  # `iter_table` reports the fault
        return None
    finally:
        file.seek(0)


def is_large(file: BinaryIO, rows: int | None) -> bool:
    """Whether a table exceeds an upload's rows, or 64 MiB if the number of rows is unknown."""
    if rows is not None:
        return rows > MAX_ROWS
    at = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(at)
    return size > LARGE_BYTES


def read_nested(data: bytes | BinaryIO, name: str, columns: Sequence[str]) -> list[dict[str, Any]] | None:
    """Rows of a Parquet file with lists and mappings in its columns; None if a column is missing.

    Args:
        data: The file or its content.
        name: Name of the file, for sentences.
        columns: Dotted names of the columns to read.

    Raises:
        TaskError: The file cannot be read as Parquet.
        LimitError: It has too many rows or values, or is packed too tightly.
    """
    import pyarrow.parquet as parquet

    given = io.BytesIO(data) if isinstance(data, bytes) else data
    with _parsing(name, "Parquet"):
        file = parquet.ParquetFile(_footed(given, name))
        paths = [file.schema.column(place).path for place in range(len(file.schema))]
        wanted = {p for p in paths if any(p == c or p.startswith(f"{c}.") for c in columns)}
        if not all(any(p == c or p.startswith(f"{c}.") for p in wanted) for c in columns):
            return None
        _check(file.metadata.num_rows, len(wanted), name)
        _check_packing(file.metadata, wanted, given.seek(0, io.SEEK_END), name)
        rows: list[dict[str, Any]] = []
        for group in range(file.metadata.num_row_groups):
            described = file.metadata.row_group(group)
            chunks = [described.column(place) for place in range(described.num_columns)]
            values = sum(chunk.num_values for chunk in chunks if chunk.path_in_schema in wanted)
            if values > MAX_CELLS:
                raise LimitError(
                    Sentence(
                        "{name} holds more than the {max_cells} values that are read.",
                        name=name,
                        max_cells=MAX_CELLS,
                    )
                )
            sandbox.raise_memory_limit(MEMORY_A_VALUE * values)
            rows += file.read_row_group(group, columns=sorted(wanted), use_threads=False).to_pylist()
    return rows


# --- within -------------------------------------------------------------------------------------------


@contextmanager
def _parsing(name: str, kind: str) -> Iterator[None]:
    """Turn errors of a parser into a TaskError: those of pandas and pyarrow raise errors of many types."""
    try:
        yield
    except (StudioError, MemoryError):
        raise
    except Exception as error:
        raise TaskError(
            Sentence("{name} cannot be read as {kind}: copy it again.", name=name, kind=kind)
        ) from error


def _check(rows: int, columns: int, name: str) -> None:
    if rows > MAX_ROWS:
        raise LimitError(
            Sentence(
                "{name} has {rows} rows; at most {max_rows} are read: keep the models and tasks that you compare.",
                name=name,
                rows=rows,
                max_rows=MAX_ROWS,
            )
        )
    if columns > MAX_COLUMNS:
        raise LimitError(
            Sentence(
                "{name} has more than {max_columns} columns; a table of scores has one a metric: keep those that you "
                "compare.",
                name=name,
                max_columns=MAX_COLUMNS,
            )
        )
    if rows * columns > MAX_CELLS:
        raise LimitError(
            Sentence(
                "{name} has {rows} rows of {columns} columns; at most {max_cells} cells are read: keep what you compare.",
                name=name,
                rows=rows,
                columns=columns,
                max_cells=MAX_CELLS,
            )
        )


def _separated(data: bytes, name: str) -> pd.DataFrame:
    separator = _separator(data.split(b"\n", 1)[0], name)
    lines = data.count(b"\n") + data.count(b"\r")
    if lines > MAX_LINES or data.count(separator.encode()) > MAX_SEPARATORS:
        raise LimitError(
            Sentence(
                "{name} has more cells than the {max_cells} that are read: keep what you compare.",
                name=name,
                max_cells=MAX_CELLS,
            )
        )
    return _cells(_read_csv(io.BytesIO(data), separator, nrows=MAX_ROWS + 1), separator)


def _separator(first_line: bytes, name: str) -> str:
    """Separator of a table's cells: a semicolon in CSV of spreadsheets whose decimals have a comma.

    Raises LimitError for too many columns before a row is parsed: a few bytes may hold many cells.
    """
    separator = _SEPARATORS[PurePath(name).suffix.lower()]
    if separator == "," and first_line.count(b";") > first_line.count(b","):
        separator = ";"
    _check(0, first_line.count(separator.encode()) + 1, name)
    return separator


def _read_csv(file: BinaryIO, separator: str, **rows: Any) -> Any:
    return pd.read_csv(file, sep=separator, dtype=object, keep_default_na=False, encoding="utf-8-sig", **rows)


def _cells(frame: pd.DataFrame, separator: str) -> pd.DataFrame:
    frame = frame.map(strip_csv_guard).rename(columns=strip_csv_guard)
    return with_decimal_points(frame) if separator == ";" else frame


def _separated_pieces(file: BinaryIO, name: str) -> Iterator[pd.DataFrame]:
    separator = _separator(file.readline(2**20), name)
    file.seek(0)
    with _read_csv(file, separator, chunksize=ROWS_A_PIECE) as reader:
        for frame in reader:
            yield _cells(frame, separator)


def _footed(file: BinaryIO, name: str) -> BinaryIO:
    """The same file, after a check that its table of contents is not too large."""
    file.seek(max(0, file.seek(0, io.SEEK_END) - 8))
    end = file.read(8)
    file.seek(0)
    if end[-4:] == b"PAR1" and int.from_bytes(end[:4], "little") > MAX_FOOTER_BYTES:
        raise LimitError(
            Sentence(
                "{name} describes more columns than can be read: keep those that you compare.", name=name
            )
        )
    return file


def _columns(schema: Any, name: str) -> tuple[list[str], list[str]]:
    """Columns of text, and columns of text or numbers. Raises TaskError if a needed one is neither."""
    texts = [field.name for field in schema if _is_text(field.type)]
    names = [field.name for field in schema if _is_text(field.type) or _is_number(field.type)]
    names = [column for column in names if not column.startswith("__index_level_")]
    needed = _NEEDED - {"metrics"} if "primary_score" in names else _NEEDED  # Signal and Noise has both
    for field in schema:
        if field.name.strip().lower() in needed and field.name not in names:
            raise TaskError(
                Sentence(
                    "{name}: the column {column} is of the type {type}; write it as numbers or text.",
                    name=name,
                    column=f"{field.name!r}",
                    type=str(field.type)[:60],
                )
            )
    if len(set(schema.names)) < len(schema.names):
        raise TaskError(Sentence("{name} has two columns of one name: rename one of them.", name=name))
    return texts, names


def _parquet_pieces(file: BinaryIO, name: str) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as parquet

    # Data read ahead stays in memory until the file is closed: in the end the whole file.
    opened = parquet.ParquetFile(_footed(file, name), pre_buffer=False)
    _, names = _columns(opened.schema_arrow, name)
    for batch in opened.iter_batches(ROWS_A_PIECE, columns=names, use_threads=False):
        yield batch.to_pandas(deduplicate_objects=True)


def _parquet(data: bytes, name: str) -> pd.DataFrame:
    """A Parquet table, read by groups of rows.

    Repeated text lies in a dictionary: its full size is counted, and the rows share the dictionary's texts.
    """
    import pyarrow.parquet as parquet

    schema = parquet.ParquetFile(_footed(io.BytesIO(data), name)).schema_arrow
    texts, names = _columns(schema, name)
    file = parquet.ParquetFile(arrow.BufferReader(data), read_dictionary=texts)
    _check(file.metadata.num_rows, len(schema.names), name)
    _check_packing(file.metadata, {*names}, len(data), name)
    parts: dict[str, list[Any]] = {column: [] for column in names}
    total = long = 0
    for group in range(file.metadata.num_row_groups):
        table = file.read_row_group(group, columns=names, use_threads=False)
        for column in names:
            if column not in texts:
                parts[column].append(table[column].to_pandas().to_numpy())
                continue
            for chunk in table[column].chunks:
                values, size = _texts(chunk)
                parts[column].append(values)
                total += size
                long += 0 if column.strip().lower() == "metrics" else size
            if total > MAX_TABLE_BYTES or long > MAX_NAMES_BYTES:
                most = MAX_NAMES_BYTES if long > MAX_NAMES_BYTES else MAX_TABLE_BYTES
                raise LimitError(
                    Sentence(
                        "{name} holds more than {most} MB of values: keep the rows that you compare.",
                        name=name,
                        most=str(most // 2**20),
                    )
                )
    return pd.DataFrame({c: np.concatenate(found) if found else [] for c, found in parts.items()})


def _is_text(kind: Any) -> bool:
    inner = kind.value_type if arrow.types.is_dictionary(kind) else kind
    return bool(arrow.types.is_string(inner) or arrow.types.is_large_string(inner))


def _is_number(kind: Any) -> bool:
    return bool(arrow.types.is_integer(kind) or arrow.types.is_floating(kind) or arrow.types.is_boolean(kind))


def _check_packing(metadata: Any, names: set[str], given: int, name: str) -> None:
    """Check the sizes in the table of contents before a page is unpacked; the process's memory is limited."""
    if metadata.num_row_groups * metadata.num_columns > MAX_ROWS:
        raise LimitError(
            Sentence(
                "{name} has {num_row_groups} groups of rows: write it with fewer.",
                name=name,
                num_row_groups=metadata.num_row_groups,
            )
        )
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    chunks = [group.column(place) for group in groups for place in range(metadata.num_columns)]
    size = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in names)
    if size > max(MIN_SUSPECT_BYTES, MAX_PACKED * given):
        raise LimitError(
            Sentence(
                "{name} is packed more than {max_packed} times smaller than it is, as no table of scores is: write it "
                "again.",
                name=name,
                max_packed=str(MAX_PACKED),
            )
        )


def _texts(chunk: Any) -> tuple[Any, int]:
    """Texts of a column [rows], each repeated one the same object, and the bytes of all of them apart."""
    import pyarrow.compute as compute

    known = chunk.dictionary
    codes = chunk.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    sizes = np.append(compute.binary_length(known).fill_null(0).to_numpy(zero_copy_only=False), 0)
    values = np.empty(len(known) + 1, dtype=object)
    values[:-1] = known.to_pylist()
    return values[codes], int(sizes[codes].sum(dtype=np.int64))
