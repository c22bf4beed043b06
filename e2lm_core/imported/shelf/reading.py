"""Reading of a table of scores in the sandbox, some rows at a time: names become numbers, and a bad row is one sentence.

A table has a row a score: model, benchmark, metric, value, and tokens or step; beside them stderr, num_fewshot and
questions, if it has them. Column names may be those of other tools (`ALIASES`). DataDecide's rows, which have params,
data and seed for a model and all metrics in one text, are taken apart; of Signal and Noise's the main score is read.

Tested in tests/imported/shelf/test_added.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.json_values import to_json_number
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson
from e2lm_core.imported import files
from e2lm_core.imported.formats import frames, olmes
from e2lm_core.imported.formats.trackers import numeric_column
from e2lm_core.imported.records import matches_any_glob
from e2lm_core.imported.shelf.columns import Rows
from e2lm_core.scores.arrays import Floats

MAX_ROWS = 5_000_000
MAX_NAMES = {"model": 20_000, "benchmark": 5_000, "metric": 500}
MAX_NAME_CHARS = 200
MAX_SHOTS, MAX_QUESTIONS = 10_000, 10**9
MAX_JSON_BYTES = 64 * 2**20  # JSON is parsed as a whole
MAIN = ("primary_metric", "primary_score", "acc_raw", "acc")  # read of many metrics, where none is asked for
LARGEST = 2**53  # up to it a float holds every whole number
READABLE = (*frames.READABLE, ".json", ".jsonl")
_NAMES = {"model": Sentence("model"), "benchmark": Sentence("benchmark"), "metric": Sentence("metric")}
_NAMES_OF_MANY = {
    "model": Sentence("models"),
    "benchmark": Sentence("benchmarks"),
    "metric": Sentence("metrics"),
}
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
FORM = Sentence("a row a score, with model, benchmark, metric, value, and tokens or step")


def read_rows(opened: list[BinaryIO], name: str, metrics: tuple[str, ...] = ()) -> Iterator[Rows]:
    """Read a table, some rows at a time; runs in the sandbox.

    Args:
        opened: The file.
        name: Its name, for sentences.
        metrics: Globs of the metrics to read; all where empty, of DataDecide's texts the main one.

    Raises:
        TaskError: The file is no such table, or a row cannot be used.
        LimitError: It has too many rows or names.
    """
    (file,) = opened
    suffix = PurePath(name).suffix.lower()
    if suffix not in READABLE:
        raise TaskError(
            Sentence(
                "{name} is no table that the shelf reads: give {readable}, {form}.",
                name=name,
                readable=join_words(list(READABLE), 9),
                form=FORM,
            )
        )
    if files.is_blank(file):
        raise TaskError(Sentence("{name} is empty: a table has {form}.", name=name, form=FORM))
    table = _Table(name, metrics)
    for frame in _frames(file, name, suffix):
        if len(frame) or not table.rows:
            rows = table.take(frame, 0 if file.closed else file.tell())
            if len(rows.values):
                yield rows
    if not table.rows:
        raise TaskError(Sentence("{name} has no rows: a table has {form}.", name=name, form=FORM))
    if not table.taken:
        asked = (
            Sentence("metric like {metrics}", metrics=join_words(list(metrics), 5))
            if metrics
            else Sentence("score")
        )
        raise TaskError(
            Sentence("{name} has no {asked}: a table has {form}.", name=name, asked=asked, form=FORM)
        )


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
        raise TaskError(
            Sentence(
                "{name}, line {line} is no whole JSON: copy the file again.", name=name, line=lines.broken[0]
            )
        )


def _json_rows(file: BinaryIO, name: str) -> Sequence[Any]:
    data = file.read(MAX_JSON_BYTES + 1)
    if len(data) > MAX_JSON_BYTES:
        raise LimitError(
            Sentence(
                "{name} has more than {most} MB of JSON: write it as JSONL, CSV or Parquet, which are read row by "
                "row.",
                name=name,
                most=MAX_JSON_BYTES // 2**20,
            )
        )
    try:
        content = safejson.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        raise TaskError(
            Sentence(
                "{name} cannot be read as JSON ({error}): write a list of objects.",
                name=name,
                error=str(error),
            )
        ) from error
    if not isinstance(content, list):
        raise TaskError(Sentence("{name} is no list of objects: a table has {form}.", name=name, form=FORM))
    return content


class _Table:
    """Rows of a table so far: codes of its names, and their number."""

    def __init__(self, name: str, metrics: tuple[str, ...]) -> None:
        self.name, self.rows, self.taken = name, 0, 0
        self._metrics = metrics
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
        before, self.rows = self.rows, self.rows + len(frame)
        frame, left_out = self._long(_renamed(frame))
        self._require(frame)
        if self._metrics:
            wanted = [matches_any_glob(str(one), self._metrics) for one in frame["metric"]]
            frame = frame[np.array(wanted, dtype=bool)]
        self._origin = frame.index.to_numpy()
        self.taken += len(frame)
        if self.taken > MAX_ROWS:
            raise LimitError(
                Sentence(
                    "{name} has more than {max_rows} rows: add the benchmarks that you compare.",
                    name=self.name,
                    max_rows=MAX_ROWS,
                )
            )
        names: dict[str, list[str]] = {}
        codes = {column: self._named(frame, column, before, names) for column in MAX_NAMES}
        steps = self._whole(frame, "step", before, optional="tokens" in frame.columns)
        tokens = self._tokens(frame, before, optional="step" in frame.columns)
        nowhere = (steps < 0) & np.isnan(tokens)
        self._refuse(nowhere, before, lambda place: Sentence("has neither tokens nor a step"))
        return Rows(
            names,
            codes["model"],
            codes["benchmark"].astype(np.int16),
            codes["metric"].astype(np.int16),
            self._whole(frame, "num_fewshot", before, True, MAX_SHOTS).astype(np.int16),
            self._whole(frame, "questions", before, True, MAX_QUESTIONS).astype(np.int32),
            steps,
            tokens,
            self._numbers(frame, "value", before, False),
            self._errors(frame, before),
            left_out,
            position,
        )

    def _long(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
        """Rows with one score each, by their places as the index, and the number of scores that are no number."""
        frame = frame.reset_index(drop=True)
        if "value" in frame.columns or "metric" in frame.columns:
            return frame, 0
        if "primary_score" in frame.columns:
            return frame.assign(metric="primary_score", value=frame["primary_score"]), 0
        if "metrics" not in frame.columns:
            return frame, 0
        frame = olmes.with_models(frame)
        parsed = [olmes.parse_mapping(cell) if isinstance(cell, str) else None for cell in frame["metrics"]]
        self._refuse_rows([found is None for found in parsed], Sentence("has no readable `metrics`"))
        places, metrics, values, left_out = [], [], [], 0
        for place, found in enumerate(parsed):
            for metric in self._of_interest(found or {}):
                value = to_json_number((found or {})[metric])
                if value is None:
                    left_out += 1
                    continue
                places.append(place)
                metrics.append(metric)
                values.append(value)
        rows = frame.drop(columns=["metrics"]).iloc[places]
        return rows.assign(metric=metrics, value=values), left_out

    def _of_interest(self, found: Mapping[str, Any]) -> list[str]:
        """Metrics of a text to read: those that are asked for, or the main one."""
        if self._metrics:
            return [name for name in found if matches_any_glob(name, self._metrics)]
        return [name for name in MAIN if name in found][:1]

    def _refuse_rows(self, bad: Sequence[bool], why: Sentence) -> None:
        if any(bad):
            number = self.rows - len(bad) + list(bad).index(True) + 1
            raise TaskError(
                Sentence(
                    "{name}, row {number} {why}; correct the row or leave it out.",
                    name=self.name,
                    number=number,
                    why=why,
                )
            )

    def _require(self, frame: pd.DataFrame) -> None:
        lacking = [column for column in NEEDED if column not in frame.columns]
        if not {"tokens", "step"} & set(frame.columns):
            lacking.append(Sentence("tokens or step"))
        if lacking:
            raise TaskError(
                Sentence(
                    "{name} lacks the column {lacking}: a table has {form}.",
                    "{name} lacks the columns {lacking}: a table has {form}.",
                    number=len(lacking),
                    name=self.name,
                    lacking=join_words(lacking, 9),
                    form=FORM,
                )
            )

    def _refuse(self, bad: NDArray[np.bool_], before: int, why: Callable[[int], Sentence]) -> None:
        """Raise the sentence for the first bad row, with the number of the others."""
        places = np.flatnonzero(bad)
        if len(places):
            first = int(places[0])
            raise TaskError(
                Sentence(
                    "{name}, row {number} {why}; correct the row or leave it out.",
                    name=self.name,
                    number=before + int(self._origin[first]) + 1,
                    why=why(first),
                )
            )

    def _named(
        self, frame: pd.DataFrame, column: str, before: int, names: dict[str, list[str]]
    ) -> NDArray[np.int32]:
        found, unique = pd.factorize(frame[column], use_na_sentinel=True)
        texts = [str(one).strip() for one in unique]
        bad = np.array([not text or len(text) > MAX_NAME_CHARS for text in texts] or [False])
        wrong = (found < 0) | bad[np.maximum(found, 0)]
        self._refuse(
            wrong,
            before,
            lambda place: Sentence(
                "has no {column} of 1 to {most} characters", column=_NAMES[column], most=MAX_NAME_CHARS
            ),
        )
        codes = self._codes[column]
        fresh = [text for text in dict.fromkeys(texts) if text not in codes]
        for text in fresh:
            codes[text] = len(codes)
        if len(codes) > MAX_NAMES[column]:
            raise LimitError(
                Sentence(
                    "{name} has more than {most} different {names}: add what you compare.",
                    name=self.name,
                    most=MAX_NAMES[column],
                    names=_NAMES_OF_MANY[column],
                )
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
            lambda place: Sentence(
                "has {value} as {column}, which is no finite number",
                value=quote(cells.iloc[place]),
                column=column,
            ),
        )
        return numbers

    def _whole(
        self, frame: pd.DataFrame, column: str, before: int, optional: bool, most: int = LARGEST
    ) -> NDArray[np.int64]:
        """Integers [N] from 0 of a column, -1 for an empty cell or without the column."""
        if column not in frame.columns:
            return np.full(len(frame), -1, dtype=np.int64)
        numbers = self._numbers(frame, column, before, optional)
        known = ~np.isnan(numbers)
        bad = known & ((numbers < 0) | (numbers >= most) | (np.floor(numbers) != numbers))
        self._refuse(
            bad,
            before,
            lambda place: Sentence(
                "has {value} as {column}, which is no whole number from 0 to {most}",
                value=f"{numbers[place]:g}",
                column=column,
                most=most,
            ),
        )
        return np.where(known, numbers, -1).astype(np.int64)

    def _tokens(self, frame: pd.DataFrame, before: int, optional: bool) -> Floats:
        if "tokens" not in frame.columns:
            return np.full(len(frame), np.nan)
        numbers = self._numbers(frame, "tokens", before, optional)
        bad = (numbers < 0) | (numbers >= LARGEST)
        self._refuse(
            bad,
            before,
            lambda place: Sentence(
                "has {value} tokens, which is no number of tokens", value=f"{numbers[place]:g}"
            ),
        )
        return np.round(numbers)

    def _errors(self, frame: pd.DataFrame, before: int) -> Floats | None:
        if "stderr" not in frame.columns:
            return None
        numbers = self._numbers(frame, "stderr", before, True)
        self._refuse(
            numbers < 0,
            before,
            lambda place: Sentence("has {value} as stderr, which is below 0", value=f"{numbers[place]:g}"),
        )
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
