"""Reader of score tables.

Long: one row per score (model, task, metric, step, tokens_seen, score). Wide: one row per checkpoint with a
column per metric. OLMES and DataDecide: params, data, task, step, seed, tokens, and `metrics`, a JSON object
or a Python dict in a string (their shards have either).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.json_values import to_json_number
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import sandbox
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import olmes, trackers
from e2lm_core.imported.formats.trackers import numeric_column
from e2lm_core.imported.records import (
    EVERYTHING,
    PLAIN,
    Evaluation,
    ImportFilter,
    Setup,
    lower_is_better,
    matches_any_glob,
    split_stderr,
    stderr_metric,
)

LARGEST = 2**53  # up to it a float holds every whole number
MEMORY_A_ROW = 3_000  # bytes of its evaluation, beyond the memory for a small Parquet file
MAX_SCORES = 1_500_000  # of one table, over its rows
MAX_SCORES_OF_ONES_OWN = 3_000_000
FEW_METRICS = 5  # a large table with at most so many metrics is read completely
_MAIN = ("primary_metric", "primary_score", "acc_raw", "acc")
_NO_SCORES = "{name} has no column of scores: give metric and score, or a column a metric, beside model, task and step."
_ALIASES = {
    "model": ("model_name",),
    "task": ("benchmark", "dataset"),
    "metric": ("metric_name",),
    "score": ("value",),
    "step": ("iteration",),
    "tokens_seen": ("tokens",),
    "num_fewshot": ("n_shot", "fewshot"),
}
# Columns of any layout that are no metrics.
_BESIDE = (
    "model task metric score step tokens_seen num_fewshot params data seed compute chinchilla metrics gtokens "
    "revision early n questions size mix total_steps warmup_steps lr_max batch_size params_numeric model_path "
    "alias token_ratio num_instances processing_time task_idx flops stderr seed_of"
)
_SETUP = tuple(Setup.model_fields)
_NOT_METRICS = frozenset(_BESIDE.split()) | set(_SETUP)
# Columns of an evaluation besides its scores.
_ROW = ("model", "task", "step", "tokens_seen", "base", "params", "other", "seed_of")
# Columns by which rows of one model, task and step belong to different curves.
_APART = ("num_fewshot", "questions", *_SETUP)


def evaluations(
    frame: pd.DataFrame, name: str, places: CheckpointResolver
) -> tuple[list[Evaluation], list[str]]:
    """Evaluations of every (model, step, task) of a table, and sentences on rows that were left out.

    Args:
        frame: The table.
        name: Name of the file, for sentences.
        places: Resolver of checkpoint names.

    Raises:
        TaskError: The table lacks the columns model, task or step, or any column of scores.
        LimitError: It holds more than 1,500,000 scores.
    """
    table = Table(name, places)
    return table.take(frame), table.finish()


class Table:
    """Table of scores read some rows at a time; `finish` reports the rows that were left out.

    Attributes:
        name: Name of the file, for sentences.
        places: Resolver of checkpoint names.
        wanted: Models, tasks and metrics to read.
        results: Number of evaluations so far.
        rows: Number of rows so far.
    """

    def __init__(
        self, name: str, places: CheckpointResolver, wanted: ImportFilter = EVERYTHING, large: bool = False
    ) -> None:
        """Set up a table without rows.

        Args:
            name: Name of the file, for sentences.
            places: Resolver of checkpoint names.
            wanted: Models, tasks and metrics to read.
            large: Whether the table is large: of more than five metrics only the main one is then read,
                unless `wanted` names metrics.
        """
        self.name, self.places, self.wanted = name, places, wanted
        self.results = 0
        self._most = MAX_SCORES_OF_ONES_OWN if large or wanted != EVERYTHING else MAX_SCORES
        self._large = large and not wanted.metrics
        self._scores = 0
        self.rows = 0
        self._said: dict[str, None] = {}
        self._seeds: dict[str, str] = {}  # by model, the seed whose rows keep the model's name
        self._left: dict[str, list[Any]] = {}  # by sentence: rows left out, rows in all, the first

    def take(self, frame: pd.DataFrame) -> list[Evaluation]:
        """Evaluations of some rows.

        Raises:
            TaskError: The rows lack the columns model, task or step.
            LimitError: The table holds too many scores: 1,500,000, or 3,000,000 if it is large or filtered.
        """
        name = self.name
        if (tracked := trackers.as_scores(frame, name)) is not None:
            frame, said = tracked
            self._said |= dict.fromkeys(said)
        frame = olmes.with_models(_renamed(frame))
        lacking = [column for column in ("model", "task", "step") if column not in frame.columns]
        if lacking:
            raise TaskError(
                Sentence(
                    "{name} is no table of scores that the studio knows: it lacks the columns {lacking} (a plain table "
                    "has model, task, metric, step, tokens_seen and score).",
                    name=name,
                    lacking=", ".join(lacking),
                )
            )
        self.rows += len(frame)
        texts = [c for c in ("model", "task", "metric") if c in frame.columns]
        frame = frame.assign(**{column: frame[column].map(str) for column in texts})
        frame = olmes.with_seeds(frame, self._seeds)
        for column, globs in (("model", self.wanted.models), ("task", self.wanted.tasks)):
            if globs:
                frame = frame[
                    frame[column].isin([n for n in frame[column].unique() if matches_any_glob(n, globs)])
                ]
        for column in ("num_fewshot", "questions"):
            if column in frame.columns:
                frame = frame.assign(**{column: frame[column].map(_whole).astype("Int64")})
        for column in (*_SETUP, "seed_of"):
            if column in frame.columns:
                frame = frame.assign(**{column: frame[column].map(_text)})
        frame = _with_tokens(self._with_whole_steps(frame))
        if {"metric", "score"} <= set(frame.columns):
            found = self._long(frame)
        elif "metrics" in frame.columns and "primary_score" not in frame.columns:
            found = self._bundled(frame)
        else:
            found = self._wide(frame)
        self.results += len(found)
        return found

    def finish(self) -> list[str]:
        """Sentences on the rows, scores and metrics that were left out.

        Raises:
            TaskError: No column held scores.
        """
        said = [
            sentence.format(name=self.name, bad=f"{bad:,}", rows=f"{rows:,}", first=first)
            for sentence, (bad, rows, first) in self._left.items()
            if bad
        ]
        if _NO_SCORES in self._said and not self.results:
            raise TaskError(_NO_SCORES.format(name=self.name))
        said = [*(sentence for sentence in self._said if sentence != _NO_SCORES), *said]
        if not self.results and not said and self.wanted == EVERYTHING:
            said.append(f"{self.name} holds no rows.")
        return said

    # --- within ---------------------------------------------------------------------------------------

    def _leave(self, sentence: str, bad: int, rows: int = 0, first: Callable[[], str] = str) -> None:
        """Count rows that are left out, by the sentence that will report them."""
        left = self._left.setdefault(sentence, [0, 0, ""])
        if bad and not left[0]:
            left[2] = first()
        left[0] += bad
        left[1] += rows

    def _with_whole_steps(self, frame: pd.DataFrame) -> pd.DataFrame:
        steps = numeric_column(frame["step"])
        good = steps.notna() & (steps >= 0) & (steps < LARGEST) & (steps % 1 == 0)
        said = "{name}: {bad} of {rows} rows have no whole step from 0; they are left out."
        self._leave(said, int((~good).sum()), len(frame))
        return frame[good].assign(step=steps[good].astype(np.int64))

    def _long(self, frame: pd.DataFrame) -> list[Evaluation]:
        scores = numeric_column(frame["score"])
        usable = np.isfinite(scores)
        self._leave(
            "{name}: {bad} of {rows} rows have no number as score, the first for {first}; those points are left out.",
            int((~usable).sum()),
            len(frame),
            lambda: _who(frame[~usable].iloc[0]),
        )
        frame = frame.assign(score=scores)[usable]
        if self.wanted.metrics:
            frame = frame[[self._is_wanted(metric) for metric in frame["metric"]]]
        keys = ["model", "task", "step", *(column for column in _APART if column in frame.columns)]
        repeated = frame.duplicated([*keys, "metric"], keep="last")
        self._leave(
            "{name}: {bad} rows repeat a point, the first {first}; the last of each is taken.",
            int(repeated.sum()),
            first=lambda: _who(frame[repeated].iloc[0]),
        )
        points: dict[tuple[Any, ...], tuple[dict[Any, Any], dict[str, float]]] = {}
        if "stderr" in frame.columns:
            frame = frame.assign(stderr=numeric_column(frame["stderr"]))
        for row in _rows(frame[~repeated], "metric", "score", "stderr"):
            key = tuple(None if pd.isna(row[column]) else row[column] for column in keys)
            values = points.setdefault(key, (row, {}))[1]
            values[str(row["metric"])] = float(row["score"])
            if math.isfinite(row.get("stderr", math.nan)):
                values[f"{row['metric']}_stderr"] = float(row["stderr"])
        return self._evaluations(points.values())

    def _bundled(self, frame: pd.DataFrame) -> list[Evaluation]:
        read: list[Evaluation] = []
        broken, dropped = 0, 0
        if not self._large:
            sandbox.raise_memory_limit(MEMORY_A_ROW * len(frame))
        parsed = lru_cache(maxsize=64)(olmes.parse_mapping)  # rows of a Parquet table repeat texts
        for row in _rows(frame, "metrics"):
            given = row["metrics"]
            values = (
                parsed(given) if isinstance(given, str) else given if isinstance(given, Mapping) else None
            )
            if values is None:
                broken += 1
                continue
            values = {key: values[key] for key in self._metrics_of_interest(values)}
            numbers = {
                sys.intern(key): score
                for key, v in values.items()
                if (score := to_json_number(v)) is not None
            }
            if len(numbers) < len(values):
                dropped += sum(isinstance(v, float) and not math.isfinite(v) for v in values.values())
            read.extend(self._evaluations([(row, numbers)]))  # one by one: too many scores are seen at once
        said = "{name}: {bad} of {rows} rows have no readable `metrics`; they are left out."
        self._leave(said, broken, len(frame))
        self._leave("{name}: {bad} scores are not a number; those points are left out.", dropped)
        return read

    def _wide(self, frame: pd.DataFrame) -> list[Evaluation]:
        columns = [c for c in frame.columns if c not in _NOT_METRICS and c not in ("base", "other")]
        numbers = {c: numeric_column(frame[c]) for c in self._metrics_of_interest(columns)}
        numbers = {c: values for c, values in numbers.items() if np.isfinite(values).any()}
        if not numbers and len(frame):
            self._said[_NO_SCORES] = None
        for column, values in numbers.items():
            said = f"{{name}}: {{bad}} rows have no number for {_braced(column)}; those points are left out."
            if stderr_metric(column) is None:
                self._leave(said, int((~np.isfinite(values)).sum()))
        read = []
        for index, row in zip(frame.index, _rows(frame), strict=True):
            scores = {c: float(values[index]) for c, values in numbers.items() if np.isfinite(values[index])}
            if scores:
                read.append((row, scores))
        return self._evaluations(read)

    def _metrics_of_interest(self, names: Iterable[Any]) -> list[str]:
        """Metrics to read: of a large table its main one, unless others are wanted by name."""
        there = [n for n in names if isinstance(n, str) and not n.startswith("predicted_index")]
        if self.wanted.metrics:
            return [n for n in there if self._is_wanted(n)]
        metrics = sum(stderr_metric(n) is None for n in there)
        main = next((n for n in _MAIN if n in there), None) if self._large and metrics > FEW_METRICS else None
        if main is None:
            return there
        self._said[
            f"{self.name} is large, so of its {metrics} metrics {main} alone is read: name others with --metric."
        ] = None
        return [n for n in there if main in (n, stderr_metric(n))]

    def _is_wanted(self, name: str) -> bool:
        return matches_any_glob(stderr_metric(name) or name, self.wanted.metrics)

    def _evaluations(
        self, points: Iterable[tuple[Mapping[Any, Any], Mapping[str, float]]]
    ) -> list[Evaluation]:
        """One evaluation per point that has a score, not only its standard error."""
        return [one for row, values in points if (one := self._evaluation(row, values)).scores]

    def _evaluation(self, row: Mapping[Any, Any], values: Mapping[str, float]) -> Evaluation:
        scores, stderr = split_stderr(values)
        self._scores += len(scores)
        if self._scores > self._most:
            raise LimitError(
                Sentence(
                    "{name} holds more than {most} scores: keep the models, tasks and metrics that you compare "
                    "(--model, --task, --metric).",
                    name=self.name,
                    most=self._most,
                )
            )
        tokens = row.get("tokens_seen")
        seen = int(tokens) if tokens is not None and math.isfinite(tokens) else None
        spot = self.places.from_row(str(row.get("seed_of") or row["model"]), int(row["step"]), seen)
        return Evaluation(
            model=olmes.model_of(spot, row),
            step=spot.step,
            tokens_seen=spot.tokens_seen,
            early=spot.early,
            checkpoint=spot.name,
            task=sys.intern(str(row["task"])),
            scores=scores,
            stderr=stderr,
            source=self.name,
            num_fewshot=_whole(row.get("num_fewshot")),
            n=_whole(row.get("questions")) or None,
            lower=_lower(tuple(scores)),
            setup=_setup(*(row.get(field) or "" for field in _SETUP)),
        )


# --- within -------------------------------------------------------------------------------------------


def _renamed(frame: pd.DataFrame) -> pd.DataFrame:
    lowered = {str(column): str(column).strip().lower().replace(" ", "_") for column in frame.columns}
    frame = frame.rename(columns=lowered)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    renames = {
        alias: name
        for name, aliases in _ALIASES.items()
        for alias in aliases
        if name not in frame.columns and alias in frame.columns
    }
    return frame.rename(columns=renames)


def _with_tokens(frame: pd.DataFrame) -> pd.DataFrame:
    """Add `tokens_seen` as a number, NaN where the table does not give it."""
    if "tokens_seen" in frame.columns:
        tokens = numeric_column(frame["tokens_seen"])
    elif "gtokens" in frame.columns:
        tokens = (numeric_column(frame["gtokens"]) * 1e9).round()
    else:
        tokens = pd.Series(np.nan, index=frame.index)
    return frame.assign(tokens_seen=tokens.where((tokens >= 0) & (tokens < LARGEST)))


def _rows(frame: pd.DataFrame, *more: str) -> Sequence[dict[Any, Any]]:
    """Rows without the columns of other scores, of which there may be hundreds."""
    return frame[[c for c in (*_ROW, *_APART, *more) if c in frame.columns]].to_dict("records")


def _whole(value: Any) -> int | None:
    try:
        number = int(float(value))
        return number if 0 <= number < LARGEST else None
    except (TypeError, ValueError, OverflowError):  # empty, NaN, infinite
        return None


def _text(value: Any) -> str:
    """Text of a cell; empty for an empty cell."""
    return "" if value is None or value != value else str(value).strip()


@lru_cache(maxsize=1024)
def _setup(*values: str) -> Setup:
    return (
        Setup(**dict(zip(_SETUP, (value or None for value in values), strict=True))) if any(values) else PLAIN
    )


@lru_cache(maxsize=1024)
def _lower(metrics: tuple[str, ...]) -> frozenset[str]:
    return frozenset(metric for metric in metrics if lower_is_better(metric))


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _who(row: pd.Series) -> str:
    return f"{row['model']} on {row['task']} at step {int(row['step']):,}"
