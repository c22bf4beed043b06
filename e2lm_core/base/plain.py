"""Values as JSON knows them: Python's own numbers, and null where a number is missing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def plain(value: Any) -> Any:
    """A value without numpy's type around it; None where it is NaN or infinite, which JSON cannot say."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(value: Any) -> float | None:
    """A number of JSON as Python's own; None for anything else, and for what is not finite or too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number of hundreds of digits
        return None


def numbers(values: Iterable[float], whole: bool = False) -> list[float | int | None]:
    """The numbers of an array [N], whole ones where asked; None where one is NaN or infinite."""
    number = int if whole else float
    return [number(value) if math.isfinite(value) else None for value in values]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON: one object a row, `plain` values by the columns' names."""
    return [{str(name): plain(value) for name, value in row.items()} for row in frame.to_dict("records")]
