"""Tables of scores as evaluations, CSV to Parquet, in the layouts that docs/results.md lists.

Long: a row a score (model, task, metric, step, tokens_seen, score). Wide: a row a checkpoint with a column a
metric. OLMES and DataDecide: params, data, task, step, seed, tokens, and `metrics`, a JSON object or a Python
dict in a string (their shards have either).
"""

from __future__ import annotations

import ast
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.plain import number
from e2lm_core.base.records import ModelInfo
from e2lm_core.base.strangers import confined
from e2lm_core.imported.formats import trackers
from e2lm_core.imported.places import Places, Spot
from e2lm_core.imported.records import Evaluation, lower_is_better

LARGEST = 2**53  # up to here a float holds every whole number
MAX_METRICS_CHARS = 20_000
MEMORY_A_ROW = 3_000  # bytes of its evaluation, beyond what a small Parquet file is given
MAX_SCORES = 1_500_000  # of one table, over its rows
_ALIASES = {
    "model": ("model_name",),
    "task": ("benchmark", "dataset"),
    "metric": ("metric_name",),
    "score": ("value",),
    "step": ("iteration",),
    "tokens_seen": ("tokens",),
    "num_fewshot": ("n_shot", "fewshot"),
}
# What stands in a table beside its metrics, in any of the layouts.
_NOT_METRICS = frozenset(
    [
        "model",
        "task",
        "metric",
        "score",
        "step",
        "tokens_seen",
        "num_fewshot",
        "params",
        "data",
        "seed",
        "compute",
        "chinchilla",
        "metrics",
        "gtokens",
        "revision",
        "early",
        "n",
        "questions",
        "size",
        "mix",
        "total_steps",
        "warmup_steps",
        "lr_max",
        "batch_size",
        "params_numeric",
        "model_path",
        "alias",
        "token_ratio",
        "num_instances",
        "processing_time",
        "task_idx",
        "flops",
    ]
)
_LITERALS = {"nan": "NaN", "inf": "Infinity", "None": "null", "True": "true", "False": "false"}
_WORD = re.compile(r"(?<![\w'\"])(nan|inf|None|True|False)(?![\w'\"])")
# What an evaluation is made of, beside its scores.
_ROW = ("model", "task", "step", "tokens_seen", "num_fewshot", "base", "params", "other")
DEFAULT_SEEDS = frozenset({"", "default", "nan", "none"})


def evaluations(frame: pd.DataFrame, name: str, places: Places) -> tuple[list[Evaluation], list[str]]:
    """Every (model, step, task) of a table, and what had to be left out.

    Raises TaskError for an unknown layout.
    """
    problems: list[str] = []
    if (tracked := trackers.as_scores(frame, name)) is not None:
        frame, problems = tracked
    frame = _with_models(_renamed(frame))
    lacking = [column for column in ("model", "task", "step") if column not in frame.columns]
    if lacking:
        raise TaskError(
            f"{name} is no table of scores that the studio knows: it lacks the columns "
            f"{', '.join(lacking)} (a plain table has model, task, metric, step, tokens_seen and score)."
        )
    texts = [c for c in ("model", "task", "metric") if c in frame.columns]
    frame = frame.assign(**{column: frame[column].map(str) for column in texts})
    if "num_fewshot" in frame.columns:
        frame = frame.assign(num_fewshot=frame["num_fewshot"].map(_whole).astype("Int64"))
    frame = _with_tokens(_with_whole_steps(frame, name, problems))
    if {"metric", "score"} <= set(frame.columns):
        rows = _long(frame, name, places, problems)
    elif "metrics" in frame.columns and "primary_score" not in frame.columns:
        rows = _bundled(frame, name, places, problems)
    else:
        rows = _wide(frame, name, places, problems)
    if not rows and not problems:
        problems.append(f"{name} holds no rows.")
    return rows, problems


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


def _with_models(frame: pd.DataFrame) -> pd.DataFrame:
    """With the model of a DataDecide row, which has its data, size and seed in columns of their own."""
    if not {"params", "data"} <= set(frame.columns) or "model" in frame.columns:
        return frame
    seeds = frame["seed"].astype(str) if "seed" in frame.columns else pd.Series("", index=frame.index)
    base = frame["data"].astype(str) + "-" + frame["params"].astype(str)
    plain = seeds.str.lower().isin(DEFAULT_SEEDS)
    return frame.assign(model=base.where(plain, base + " (" + seeds + ")"), base=base, other=~plain)


def _with_whole_steps(frame: pd.DataFrame, name: str, problems: list[str]) -> pd.DataFrame:
    steps = _numeric(frame["step"])
    good = steps.notna() & (steps >= 0) & (steps < LARGEST) & (steps % 1 == 0)
    if (bad := int((~good).sum())) > 0:
        problems.append(
            f"{name}: {bad:,} of {len(frame):,} rows have no whole step from 0; they are left out."
        )
    return frame[good].assign(step=steps[good].astype(np.int64))


def _with_tokens(frame: pd.DataFrame) -> pd.DataFrame:
    """With `tokens_seen` as a number, NaN where the table does not say it."""
    if "tokens_seen" in frame.columns:
        tokens = _numeric(frame["tokens_seen"])
    elif "gtokens" in frame.columns:
        tokens = (_numeric(frame["gtokens"]) * 1e9).round()
    else:
        tokens = pd.Series(np.nan, index=frame.index)
    return frame.assign(tokens_seen=tokens.where((tokens >= 0) & (tokens < LARGEST)))


def _long(frame: pd.DataFrame, name: str, places: Places, problems: list[str]) -> list[Evaluation]:
    scores = _numeric(frame["score"])
    usable = np.isfinite(scores)
    if (bad := int((~usable).sum())) > 0:
        rows = frame[~usable]
        problems.append(
            f"{name}: {bad:,} of {len(frame):,} rows have no number as score, the first for "
            f"{_who(rows.iloc[0])}; those points are left out."
        )
    frame = frame.assign(score=scores)[usable]
    repeated = frame.duplicated(
        ["model", "task", "metric", "step", *(["num_fewshot"] if "num_fewshot" in frame.columns else [])],
        keep="last",
    )
    if repeated.any():
        problems.append(
            f"{name}: {int(repeated.sum()):,} rows repeat a point, the first "
            f"{_who(frame[repeated].iloc[0])}; the last of each is taken."
        )
    keys = ["model", "task", "step", *(["num_fewshot"] if "num_fewshot" in frame.columns else [])]
    points: dict[tuple[Any, ...], tuple[dict[Any, Any], dict[str, float]]] = {}
    for row in _rows(frame[~repeated], "metric", "score"):
        key = tuple(None if pd.isna(row[column]) else row[column] for column in keys)
        points.setdefault(key, (row, {}))[1][str(row["metric"])] = float(row["score"])
    return [_evaluation(row, values, name, places) for row, values in points.values()]


def _bundled(frame: pd.DataFrame, name: str, places: Places, problems: list[str]) -> list[Evaluation]:
    read, broken, dropped, total = [], 0, 0, 0
    confined.grant(MEMORY_A_ROW * len(frame))
    parsed = lru_cache(maxsize=64)(_metrics_of)  # rows of a Parquet table may repeat one text
    for row in _rows(frame, "metrics"):
        given = row["metrics"]
        values = parsed(given) if isinstance(given, str) else _metrics(given)
        if values is None:
            broken += 1
            continue
        numbers = {
            sys.intern(key): score
            for key, v in values.items()
            if isinstance(key, str)
            and not key.startswith("predicted_index")
            and (score := number(v)) is not None
        }
        dropped += sum(
            isinstance(v, float) and not math.isfinite(v) for key, v in values.items() if key not in numbers
        )
        total = _counted(total + len(numbers), name)
        if numbers:
            read.append(_evaluation(row, numbers, name, places))
    if broken:
        problems.append(
            f"{name}: {broken:,} of {len(frame):,} rows have no readable `metrics`; they are left out."
        )
    if dropped:
        problems.append(f"{name}: {dropped:,} scores are not a number; those points are left out.")
    return read


def _wide(frame: pd.DataFrame, name: str, places: Places, problems: list[str]) -> list[Evaluation]:
    columns = [c for c in frame.columns if c not in _NOT_METRICS and c not in ("base", "other")]
    numbers = {c: _numeric(frame[c]) for c in columns}
    numbers = {c: values for c, values in numbers.items() if np.isfinite(values).any()}
    if not numbers:
        raise TaskError(
            f"{name} has no column of scores: give metric and score, or a column a metric, beside model, "
            "task and step."
        )
    for column, values in numbers.items():
        if (bad := int((~np.isfinite(values)).sum())) > 0:
            problems.append(f"{name}: {bad:,} rows have no number for {column}; those points are left out.")
    read, total = [], 0
    for index, row in zip(frame.index, _rows(frame), strict=True):
        scores = {c: float(values[index]) for c, values in numbers.items() if np.isfinite(values[index])}
        total = _counted(total + len(scores), name)
        if scores:
            read.append(_evaluation(row, scores, name, places))
    return read


def _numeric(column: pd.Series) -> pd.Series:
    """A column's numbers, NaN for everything else."""
    try:
        return pd.to_numeric(column, errors="coerce")
    except (OverflowError, TypeError):  # a whole number of hundreds of digits; a list in a cell
        return pd.Series([_numeric_cell(cell) for cell in column], index=column.index, dtype=float)


def _numeric_cell(cell: Any) -> float:
    try:
        return float(cell)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def _rows(frame: pd.DataFrame, *more: str) -> Sequence[dict[Any, Any]]:
    """The rows without the columns of other scores, of which there may be hundreds."""
    return frame[[c for c in (*_ROW, *more) if c in frame.columns]].to_dict("records")


def _counted(scores: int, name: str) -> int:
    if scores > MAX_SCORES:
        raise LimitError(
            f"{name} holds more than {MAX_SCORES:,} scores: keep the models, tasks and metrics that you compare."
        )
    return scores


def _evaluation(row: Mapping[Any, Any], scores: Mapping[str, float], name: str, places: Places) -> Evaluation:
    tokens = row.get("tokens_seen")
    seen = int(tokens) if tokens is not None and math.isfinite(tokens) else None
    spot = places.named(str(row["model"]), int(row["step"]), seen)
    return Evaluation(
        model=_replicate(spot, row),
        step=spot.step,
        tokens_seen=spot.tokens_seen,
        early=spot.early,
        checkpoint=spot.name,
        task=str(row["task"]),
        scores=dict(scores),
        source=name,
        num_fewshot=_whole(row.get("num_fewshot")),
        lower=frozenset(metric for metric in scores if lower_is_better(metric)),
    )


def _whole(value: Any) -> int | None:
    try:
        number = int(float(value))
        return number if 0 <= number < LARGEST else None
    except (TypeError, ValueError, OverflowError):  # empty, NaN, infinite
        return None


def _replicate(spot: Spot, row: Mapping[Any, Any]) -> ModelInfo:
    """A row of a table with seeds: another seed of the model stays out of the means."""
    if not row.get("base"):
        return spot.model
    return ModelInfo(
        name=str(row["model"]),
        family="datadecide",
        size=str(row["params"]),
        seed_of=str(row["base"]) if row["other"] else None,
    )


def _metrics(value: Any) -> Mapping[str, Any] | None:
    """A JSON object, a Python dict in a string (with nan), or an object already."""
    if isinstance(value, Mapping):
        return value
    return _metrics_of(value) if isinstance(value, str) else None


def _metrics_of(value: str) -> Mapping[str, Any] | None:
    if len(value) > MAX_METRICS_CHARS:
        return None
    text = value if value.lstrip().startswith('{"') else value.replace("'", '"')
    try:
        parsed = json.loads(_WORD.sub(lambda word: _LITERALS[word[1]], text))
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return parsed if isinstance(parsed, Mapping) else None


def _who(row: pd.Series) -> str:
    return f"{row['model']} on {row['task']} at step {int(row['step']):,}"
