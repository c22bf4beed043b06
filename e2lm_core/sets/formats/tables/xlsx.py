"""XLSX (values of one sheet)."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted.archives import read_zip
from e2lm_core.sets.folder.bundle import zip_files
from e2lm_core.sets.formats.records import FileRows, ReadOptions
from e2lm_core.sets.formats.tables.delimited import cell_to_text, lines_of
from e2lm_core.sets.formats.tables.grid import MAX_COLUMNS, rows_of

MAX_CHARACTERS = 32_767  # characters of a cell
MAX_TAGS = 2_000_000  # tags in the sheets and their texts together
MAX_TAGS_BESIDE = 300_000  # tags in every other part
MAX_EMPTY = 10_000  # empty rows in succession that end a sheet
_PARTS = (".xml", ".rels")
_SHEETS = "xl/worksheets/"
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_MERGED = b"mergeCell "
_OLD = b"\xd0\xcf\x11\xe0"  # first bytes of .xls, and of .xlsx with a password
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
_ILLEGAL = frozenset(map(chr, (*range(9), 11, 12, *range(14, 32))))
_DATED = re.compile(rb"(<dcterms:(?:created|modified)\b[^>]*>)[^<]*")


def read(data: bytes, name: str, limits: Limits, options: ReadOptions) -> FileRows:
    """Read the rows of a workbook's sheet: the one that the options name, else the first with a row, hidden ones last.

    Raises:
        TaskError: The file is no XLSX, is encrypted, lacks the sheet, or holds no row.
        LimitError: The file exceeds a limit of `archives.read_zip`, or has too many elements in its parts.
    """
    if data.startswith(_OLD):
        raise TaskError(
            Sentence("{name} is an old .xls or has a password; save it as .xlsx without one.", name=name)
        )
    parts = _check(data, name, limits)
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if options.sheet is not None and options.sheet not in sheets:
            raise TaskError(
                Sentence(
                    "{name} has no sheet {sheet}; it has {sheets}.",
                    name=name,
                    sheet=quote(options.sheet),
                    sheets=join_words(list(sheets), 8),
                )
            )
        seen = sorted(sheets.values(), key=lambda sheet: sheet.sheet_state != "visible")
        for sheet in [sheets[options.sheet]] if options.sheet is not None else seen:
            found = rows_of(_lines(sheet), name, limits, options)
            if found.rows or options.sheet is not None:
                break
        else:
            raise TaskError(
                Sentence("{name} holds no row; put the questions into a sheet, one a row.", name=name)
            )
        if any(_FORMULA.search(content) for part, content in parts.items() if part.startswith(_SHEETS)):
            _check_formulas(data, name, sheet)
        others = [other for other in seen if other is not sheet]
        unread = [other.title for other in others if options.sheet is None and any(map(any, _lines(other)))]
        notes = list(found.notes)
        if unread:
            notes.append(
                Sentence(
                    "Only the sheet {sheet} was read, not {others}.",
                    sheet=quote(sheet.title),
                    others=join_words(unread, 8),
                )
            )
        if any(_MERGED in content for part, content in parts.items() if part.startswith(_SHEETS)):
            notes.append(Sentence("Some cells are merged: only the first of them holds their text."))
        return found._replace(sheets=(sheet.title, *(other.title for other in others)), notes=tuple(notes))
    except (TaskError, LimitError, MemoryError):
        raise
    except Exception as error:  # openpyxl may raise anything on a broken part
        raise TaskError(
            Sentence(
                "{name} cannot be read as XLSX ({kind}): save it again, or as CSV.",
                name=name,
                kind=type(error).__name__,
            )
        ) from error


def write(questions: Iterable[Question]) -> bytes:
    """Write questions as a workbook that `read` reads back; the same bytes on every day.

    There is one column for each choice; `answer` is the index from 0.
    """
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Questions")
    sheet.freeze_panes = "A2"
    for line in lines_of(list(questions)):
        cells = []
        for value in line:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            cell = WriteOnlyCell(
                sheet, value=value if number or value is None else round_trip(str(cell_to_text(value)))
            )
            if isinstance(cell.value, str):
                cell.data_type = "s"  # never a formula, whatever it begins with
            cells.append(cell)
        sheet.append(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        return zip_files({part: _undated(archive.read(part)) for part in archive.namelist()})


def round_trip(text: str) -> str:
    """Text as it comes back from a cell."""
    text = "".join(c for c in text.replace("\r\n", "\n").replace("\r", "\n") if c not in _ILLEGAL)
    return text.replace("\ufffe", "").replace("\uffff", "")[:MAX_CHARACTERS]


def _undated(content: bytes) -> bytes:
    """Part without the day of saving, which openpyxl writes into one of them."""
    return _DATED.sub(rb"\g<1>1980-01-01T00:00:00Z", content)


def _check(data: bytes, name: str, limits: Limits) -> dict[str, bytes]:
    """Parts of a workbook within limits, before it is parsed; raises TaskError and LimitError."""
    parts = read_zip(data, limits, name, Sentence("the workbook"))
    if "[Content_Types].xml" not in parts:
        raise TaskError(Sentence("{name} is no XLSX workbook: save it again as .xlsx.", name=name))
    tags = 0
    for part, content in parts.items():
        if not part.lower().endswith(_PARTS):
            continue
        if any(mark in content for mark in _DOCTYPES):
            raise TaskError(
                Sentence(
                    "{name} declares a document type in {part}, which is not read; save it again.",
                    name=name,
                    part=quote(part),
                )
            )
        of_cells = part.startswith(_SHEETS) or part == "xl/sharedStrings.xml"
        own = content.count(b"<")
        tags += own if of_cells else 0
        if tags > MAX_TAGS or (not of_cells and own > MAX_TAGS_BESIDE):
            raise LimitError(
                Sentence(
                    "{name} has too many cells or too much beside them; copy the questions into a workbook of their own.",
                    name=name,
                )
            )

    return parts


def _check_formulas(data: bytes, name: str, sheet: Any) -> None:
    """Refuse a sheet with a formula whose value is not stored, as programs without a spreadsheet write them."""
    import openpyxl

    written = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)[sheet.title]
    for values, formulas in zip(_cells(sheet), _cells(written), strict=False):
        for value, formula in zip(values, formulas, strict=False):
            if formula.data_type == "f" and value.value is None:
                raise TaskError(
                    Sentence(
                        "{name} has a formula without its value in cell {cell}: open it in a spreadsheet program, "
                        "save it there, and give it again.",
                        name=name,
                        cell=formula.coordinate,
                    )
                )


def _cells(sheet: Any) -> Iterator[Sequence[Any]]:
    """Rows of cells up to the first that ends a sheet; the size that a sheet states is not trusted."""
    sheet.reset_dimensions()
    empty = 0
    for row in sheet.iter_rows(max_col=MAX_COLUMNS + 1):
        empty = empty + 1 if all(cell.value in (None, "") for cell in row) else 0
        if empty > MAX_EMPTY:
            return
        yield row


def _lines(sheet: Any) -> Iterator[list[Any]]:
    for row in _cells(sheet):
        cells = [_value(cell) for cell in row]
        while cells and cells[-1] in (None, ""):
            cells.pop()
        yield cells


def _value(cell: Any) -> Any:
    """Cell's value as it is displayed: dates as text, shares in percent if they are shown so."""
    value = cell.value
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return str(value)
    if (
        isinstance(value, float | int)
        and not isinstance(value, bool)
        and str(cell.number_format).endswith("%")
    ):
        return f"{value * 100:.10g}%"
    return value
