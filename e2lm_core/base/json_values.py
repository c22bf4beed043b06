"""Conversion of values to JSON and to spreadsheet-safe cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def to_json_value(value: Any) -> Any:
    """A value without its numpy type; None if it is NaN or infinite, which JSON cannot express."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json_number(value: Any) -> float | None:
    """A number of JSON as a Python float; None for anything else, and if it is not finite or too large."""
    if type(value) is float:  # a table has millions of them
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number of hundreds of digits
        return None


def to_json_numbers(values: Iterable[float], as_integers: bool = False) -> list[float | int | None]:
    """The numbers [N] of an array for JSON, as integers on request; None for NaN and infinite ones."""
    number = int if as_integers else float
    return [number(value) if math.isfinite(value) else None for value in values]


def frame_to_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON: one object per row, with `to_json_value` of each cell by column name."""
    return [
        {str(name): to_json_value(value) for name, value in row.items()} for row in frame.to_dict("records")
    ]


# A spreadsheet takes a cell that begins with one of these for a formula, and a formula may call programs and
# addresses. Full-width forms count as the ordinary characters.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_QUOTED = re.compile(r"'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?|[+-]?(inf|nan)", re.ASCII)


def guard_csv_cell(value: Any) -> Any:
    """A table's value made safe for a spreadsheet: text that would run as a formula gets an apostrophe.

    Numbers stay as they are. `strip_csv_guard` restores every value.
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}" if _FORMULA.match(value) or _QUOTED.match(value) else value


def strip_csv_guard(value: Any) -> Any:
    """The original value of a cell from `guard_csv_cell`; any other value is unchanged."""
    return value[1:] if isinstance(value, str) and _QUOTED.match(value) else value


def frame_to_csv(frame: pd.DataFrame) -> bytes:
    """A table as CSV for a spreadsheet, in UTF-8; texts and column names pass `guard_csv_cell`."""
    texts = {
        name: frame[name].map(guard_csv_cell)
        for name, kind in frame.dtypes.items()
        if kind.kind not in "biufMm"
    }
    safe = frame.assign(**{str(name): values for name, values in texts.items()}) if texts else frame
    return safe.rename(columns=guard_csv_cell).to_csv(index=False).encode()


# Numbers with a decimal comma, and numbers with points or spaces between their thousands.
_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.I)
_GROUPED = re.compile(r"([+-]?\d{1,3})((?:[.\u00a0\u202f]\d{3})+)(,\d+)?")
_NUMERAL = re.compile(r"[+-]?[\d.,\u00a0\u202f]*\d(e[+-]?\d+)?|nan|", re.I)


def with_decimal_points(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of texts with decimal points instead of decimal commas.

    Only columns of numerals change; a table without a decimal comma is returned as it is.
    """
    numerals = [c for c in frame.columns if all(_NUMERAL.fullmatch(str(cell)) for cell in frame[c])]
    if not any(_COMMA.fullmatch(str(cell)) for c in numerals for cell in frame[c]):
        return frame
    return frame.assign(**{str(column): frame[column].map(_with_point) for column in numerals})


def _with_point(cell: Any) -> str:
    text = str(cell)
    if found := _GROUPED.fullmatch(text):
        text = found[1] + re.sub(r"\D", "", found[2]) + (found[3] or "")
    return text.replace(",", ".") if text.count(",") == 1 else text
