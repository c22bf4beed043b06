"""Reading of a table of scores in the sandbox, some rows at a time: names become numbers, and a bad row is one sentence.

A table has a row a score: model, benchmark, metric, value, and tokens or step; beside them stderr, num_fewshot and
questions, if it has them. Column names may be those of other tools (`ALIASES`).

Tested in tests/imported/shelf/test_added.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.untrusted import safejson
from e2lm_core.imported import files
from e2lm_core.imported.formats import frames
from e2lm_core.imported.formats.trackers import numeric_column
from e2lm_core.scores.arrays import Floats

MAX_ROWS = 5_000_000
MAX_NAMES = {"model": 20_000, "benchmark": 5_000, "metric": 500}
MAX_NAME_CHARS = 200
MAX_JSON_BYTES = 64 * 2**20  # JSON is parsed as a whole
LARGEST = 2**53  # up to it a float holds every whole number
READABLE = (*frames.READABLE, ".json", ".jsonl")
NEEDED = ("model", "benchmark", "metric", "value")
ALIASES = {
    "model": ("model_name",),
    "benchmark": ("task", "dataset"),
    "metric": ("metric_name",),
    "value": ("score",),
    "step": ("iteration",),
    "tokens": ("tokens_seen",),
    "stderr": ("standard_error", "std_err"),
    "num_fewshot": ("n_shot", "fewshot", "shots"),
}
FORM = "a row a score, with model, benchmark, metric, value, and tokens or step"


class Rows(NamedTuple):
    """Some rows of a table.

    Attributes:
        names: Names that were not met before, by column, in order of their codes.
        model: Codes of the models [N], integers, as those of the next two.
        benchmark: Codes of the benchmarks [N].
        metric: Codes of the metrics [N].
        shots: Few-shot counts [N], -1 where unknown.
        questions: Numbers of questions [N], -1 where unknown.
        steps: Training steps [N], -1 where unknown.
        tokens: Tokens seen [N], NaN where unknown.
        values: Scores [N].
        errors: Standard errors [N], NaN where unknown; None without the column.
        position: Bytes of the file that are done.
    """

    names: dict[str, list[str]]
    model: NDArray[np.int32]
    benchmark: NDArray[np.int32]
    metric: NDArray[np.int32]
    shots: NDArray[np.int64]
    questions: NDArray[np.int64]
    steps: NDArray[np.int64]
    tokens: Floats
    values: Floats
    errors: Floats | None
    position: int


def read_rows(opened: list[BinaryIO], name: str) -> Iterator[Rows]:
    """Read a table, some rows at a time; runs in the sandbox.

    Args:
        opened: The file.
        name: Its name, for sentences.

    Raises:
        TaskError: The file is no such table, or a row cannot be used.
        LimitError: It has too many rows or names.
    """
    (file,) = opened
    suffix = PurePath(name).suffix.lower()
    if suffix not in READABLE:
        raise TaskError(f"{name} is no table that the shelf reads: give {join_words(READABLE, 9)}, {FORM}.")
    if files.is_blank(file):
        raise TaskError(f"{name} is empty: a table has {FORM}.")
    table = _Table(name)
    for frame in _frames(file, name, suffix):
        if len(frame) or not table.rows:
            rows = table.take(frame, 0 if file.closed else file.tell())
            if len(rows.values):
                yield rows
    if not table.rows:
        raise TaskError(f"{name} has no rows: a table has {FORM}.")


def _frames(file: BinaryIO, name: str, suffix: str) -> Iterator[pd.DataFrame]:
    if suffix in frames.READABLE:
        yield from frames.iter_table(file, name)
        return
    if suffix == ".jsonl":
        lines = files.Lines(file)
        rows: Iterator[Any] = lines.iter_values()
    else:
        lines, rows = None, iter(_json_rows(file, name))
    for piece in iter(lambda: list(itertools.islice(rows, frames.ROWS_A_PIECE)), []):
        yield frames.frame_from_rows(piece, name)
        if lines is not None and lines.broken:
            break
    if lines is not None and lines.broken:
        raise TaskError(f"{name}, line {lines.broken[0]:,} is no whole JSON: copy the file again.")


def _json_rows(file: BinaryIO, name: str) -> Sequence[Any]:
    data = file.read(MAX_JSON_BYTES + 1)
    if len(data) > MAX_JSON_BYTES:
        raise LimitError(
            f"{name} has more than {MAX_JSON_BYTES // 2**20} MB of JSON: write it as JSONL, CSV or Parquet, which are "
            "read row by row."
        )
    try:
        content = safejson.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        raise TaskError(f"{name} cannot be read as JSON ({error}): write a list of objects.") from error
    if not isinstance(content, list):
        raise TaskError(f"{name} is no list of objects: a table has {FORM}.")
    return content


class _Table:
    """Rows of a table so far: codes of its names, and their number."""

    def __init__(self, name: str) -> None:
        self.name, self.rows = name, 0
        self._codes: dict[str, dict[str, int]] = {column: {} for column in MAX_NAMES}

    def take(self, frame: pd.DataFrame, position: int) -> Rows:
        """Numbers of some rows.

        Args:
            frame: The rows.
            position: Bytes of the file that are done.

        Raises:
            TaskError: A column is missing, or a row cannot be used.
            LimitError: There are too many rows or names.
        """
        frame = _renamed(frame)
        self._require(frame)
        before, self.rows = self.rows, self.rows + len(frame)
        if self.rows > MAX_ROWS:
            raise LimitError(
                f"{self.name} has more than {MAX_ROWS:,} rows: add the benchmarks that you compare."
            )
        names: dict[str, list[str]] = {}
        codes = {column: self._named(frame, column, before, names) for column in MAX_NAMES}
        steps = self._whole(frame, "step", before, optional="tokens" in frame.columns)
        tokens = self._tokens(frame, before, optional="step" in frame.columns)
        nowhere = (steps < 0) & np.isnan(tokens)
        self._refuse(nowhere, before, lambda place: "has neither tokens nor a step")
        return Rows(
            names,
            codes["model"],
            codes["benchmark"],
            codes["metric"],
            self._whole(frame, "num_fewshot", before, optional=True),
            self._whole(frame, "questions", before, optional=True),
            steps,
            tokens,
            self._numbers(frame, "value", before, False),
            self._errors(frame, before),
            position,
        )

    def _require(self, frame: pd.DataFrame) -> None:
        lacking = [column for column in NEEDED if column not in frame.columns]
        if not {"tokens", "step"} & set(frame.columns):
            lacking.append("tokens or step")
        if lacking:
            plural = "s" if len(lacking) > 1 else ""
            raise TaskError(
                f"{self.name} lacks the column{plural} {join_words(lacking, 9)}: a table has {FORM}."
            )

    def _refuse(self, bad: NDArray[np.bool_], before: int, why: Any) -> None:
        """Raise the sentence for the first bad row, with the number of the others."""
        places = np.flatnonzero(bad)
        if len(places):
            first = int(places[0])
            raise TaskError(
                f"{self.name}, row {before + first + 1:,} {why(first)}; correct the row or leave it out."
            )

    def _named(
        self, frame: pd.DataFrame, column: str, before: int, names: dict[str, list[str]]
    ) -> NDArray[np.int32]:
        found, unique = pd.factorize(frame[column], use_na_sentinel=True)
        texts = [str(one).strip() for one in unique]
        bad = np.array([not text or len(text) > MAX_NAME_CHARS for text in texts] or [False])
        wrong = (found < 0) | bad[np.maximum(found, 0)]
        self._refuse(wrong, before, lambda place: f"has no {column} of 1 to {MAX_NAME_CHARS} characters")
        codes = self._codes[column]
        fresh = [text for text in dict.fromkeys(texts) if text not in codes]
        for text in fresh:
            codes[text] = len(codes)
        if len(codes) > MAX_NAMES[column]:
            raise LimitError(
                f"{self.name} has more than {MAX_NAMES[column]:,} different {column}s: add what you compare."
            )
        names[column] = fresh
        return np.array([codes[text] for text in texts], dtype=np.int32)[found]

    def _numbers(self, frame: pd.DataFrame, column: str, before: int, optional: bool) -> Floats:
        """Numbers [N] of a column, NaN for an empty cell of an optional one; all must be finite."""
        cells = frame[column]
        numbers = numeric_column(cells).to_numpy(dtype=np.float64, na_value=np.nan)
        bad = ~np.isfinite(numbers)
        if optional:
            bad &= ~_is_empty(cells)
        self._refuse(
            bad,
            before,
            lambda place: f"has {quote(cells.iloc[place])} as {column}, which is no finite number",
        )
        return numbers

    def _whole(self, frame: pd.DataFrame, column: str, before: int, optional: bool) -> NDArray[np.int64]:
        """Integers [N] from 0 of a column, -1 for an empty cell or without the column."""
        if column not in frame.columns:
            return np.full(len(frame), -1, dtype=np.int64)
        numbers = self._numbers(frame, column, before, optional)
        known = ~np.isnan(numbers)
        bad = known & ((numbers < 0) | (numbers >= LARGEST) | (np.floor(numbers) != numbers))
        self._refuse(
            bad, before, lambda place: f"has {numbers[place]:g} as {column}, which is no whole number from 0"
        )
        return np.where(known, numbers, -1).astype(np.int64)

    def _tokens(self, frame: pd.DataFrame, before: int, optional: bool) -> Floats:
        if "tokens" not in frame.columns:
            return np.full(len(frame), np.nan)
        numbers = self._numbers(frame, "tokens", before, optional)
        bad = (numbers < 0) | (numbers >= LARGEST)
        self._refuse(
            bad, before, lambda place: f"has {numbers[place]:g} tokens, which is no number of tokens"
        )
        return np.round(numbers)

    def _errors(self, frame: pd.DataFrame, before: int) -> Floats | None:
        if "stderr" not in frame.columns:
            return None
        numbers = self._numbers(frame, "stderr", before, True)
        self._refuse(numbers < 0, before, lambda place: f"has {numbers[place]:g} as stderr, which is below 0")
        return numbers


def _renamed(frame: pd.DataFrame) -> pd.DataFrame:
    lowered = [str(column).strip().lower().replace(" ", "_") for column in frame.columns]
    frame = frame.set_axis(lowered, axis=1)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    for name, others in ALIASES.items():
        known = next((other for other in others if other in frame.columns), None)
        if name not in frame.columns and known is not None:
            frame = frame.rename(columns={known: name})
    return frame


def _is_empty(cells: pd.Series) -> NDArray[np.bool_]:
    """Whether cells [N] are missing or hold white space alone; a NaN that is written out counts as missing."""
    missing = np.array(cells.isna(), dtype=bool)
    if not pd.api.types.is_numeric_dtype(cells):
        texts = cells.astype(str).str.strip().str.lower()
        missing |= np.asarray(texts.isin(["", "nan", "none", "null"]), dtype=bool)
    return missing
