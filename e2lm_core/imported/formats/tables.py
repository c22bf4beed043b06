"""Tables of scores as evaluations, CSV to Parquet, in the layouts that docs/results.md lists.

Long: a row a score (model, task, metric, step, tokens_seen, score). Wide: a row a checkpoint with a column a
metric. OLMES and DataDecide: params, data, task, step, seed, tokens, and `metrics`, a JSON object or a Python
dict in a string (their shards have either).
"""

from __future__ import annotations

import ast
import io
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.records import ModelInfo
from e2lm_core.imported.places import Places, Spot
from e2lm_core.imported.records import Evaluation, lower_is_better

MAX_ROWS = 200_000
LARGEST = 2**53  # up to here a float holds every whole number
MAX_METRICS_CHARS = 20_000
MAX_TABLE_BYTES = 400 * 2**20
READABLE = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
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
    ]
)
_LITERALS = {"nan": "NaN", "inf": "Infinity", "None": "null", "True": "true", "False": "false"}
_WORD = re.compile(r"(?<![\w'\"])(nan|inf|None|True|False)(?![\w'\"])")
DEFAULT_SEEDS = frozenset({"", "default", "nan", "none"})


def read_frame(data: bytes, name: str) -> pd.DataFrame:
    """The table in a file, by the end of its name. Raises TaskError or LimitError in one sentence."""
    suffix = PurePath(name).suffix.lower()
    readers: Mapping[str, Callable[[io.BytesIO], pd.DataFrame]] = {
        ".csv": lambda file: pd.read_csv(file, dtype=object, keep_default_na=False, encoding="utf-8-sig"),
        ".tsv": lambda file: pd.read_csv(
            file, sep="\t", dtype=object, keep_default_na=False, encoding="utf-8-sig"
        ),
        ".jsonl": lambda file: pd.DataFrame([json.loads(line) for line in file if line.strip()]),
        ".json": lambda file: pd.DataFrame(json.load(file)),
        ".parquet": lambda file: _parquet(file, name),
    }
    try:
        frame = readers[suffix](io.BytesIO(data))
    except LimitError:
        raise
    except Exception as error:  # pandas and pyarrow raise whatever their parsers do
        raise TaskError(f"{name} cannot be read as a {suffix[1:].upper()} table: copy it again.") from error
    if len(frame) > MAX_ROWS:
        raise LimitError(
            f"{name} has {len(frame):,} rows; at most {MAX_ROWS:,} are read: keep the models and tasks "
            "that you compare."
        )
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame


def evaluations(frame: pd.DataFrame, name: str, places: Places) -> tuple[list[Evaluation], list[str]]:
    """Every (model, step, task) of a table, and what had to be left out.

    Raises TaskError for an unknown layout.
    """
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
    problems: list[str] = []
    frame = _with_tokens(_with_whole_steps(frame, name, problems))
    if {"metric", "score"} <= set(frame.columns):
        rows = _long(frame, name, places, problems)
    elif "metrics" in frame.columns:
        rows = _bundled(frame, name, places, problems)
    else:
        rows = _wide(frame, name, places, problems)
    if not rows and not problems:
        problems.append(f"{name} holds no rows.")
    return rows, problems


# --- within -------------------------------------------------------------------------------------------


def _parquet(file: io.BytesIO, name: str) -> pd.DataFrame:
    """A Parquet table.

    Repeated text lies in a dictionary, so its full size is counted before it is written out.
    """
    import pyarrow as arrow
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    about = parquet.ParquetFile(file)
    if about.metadata.num_rows > MAX_ROWS:
        raise LimitError(
            f"{name} has {about.metadata.num_rows:,} rows; at most {MAX_ROWS:,} are read: keep the models "
            "and tasks that you compare."
        )
    texts = [field.name for field in about.schema_arrow if arrow.types.is_string(field.type)]
    table = parquet.read_table(file, read_dictionary=texts)
    total = table.nbytes
    for text in texts:
        for chunk in table[text].chunks:
            lengths = compute.binary_length(chunk.dictionary).take(chunk.indices)
            total += compute.sum(lengths).as_py() or 0
    if total > MAX_TABLE_BYTES:
        raise LimitError(
            f"{name} holds more than {MAX_TABLE_BYTES // 2**20} MB of values: keep the rows that you compare."
        )
    for text in texts:
        at = table.schema.get_field_index(text)
        table = table.set_column(at, text, table[text].cast(arrow.string()))
    return table.to_pandas()


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
    steps = pd.to_numeric(frame["step"], errors="coerce")
    good = steps.notna() & (steps >= 0) & (steps < LARGEST) & (steps % 1 == 0)
    if (bad := int((~good).sum())) > 0:
        problems.append(
            f"{name}: {bad:,} of {len(frame):,} rows have no whole step from 0; they are left out."
        )
    return frame[good].assign(step=steps[good].astype(np.int64))


def _with_tokens(frame: pd.DataFrame) -> pd.DataFrame:
    """With `tokens_seen` as a number, NaN where the table does not say it."""
    if "tokens_seen" in frame.columns:
        tokens = pd.to_numeric(frame["tokens_seen"], errors="coerce")
    elif "gtokens" in frame.columns:
        tokens = (pd.to_numeric(frame["gtokens"], errors="coerce") * 1e9).round()
    else:
        tokens = pd.Series(np.nan, index=frame.index)
    return frame.assign(tokens_seen=tokens.where((tokens >= 0) & (tokens < LARGEST)))


def _long(frame: pd.DataFrame, name: str, places: Places, problems: list[str]) -> list[Evaluation]:
    scores = pd.to_numeric(frame["score"], errors="coerce")
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
    read = []
    keys = ["model", "task", "step", *(["num_fewshot"] if "num_fewshot" in frame.columns else [])]
    for _, rows in frame[~repeated].groupby(keys, sort=False, dropna=False):
        values = dict(zip(rows["metric"].astype(str), rows["score"].astype(float), strict=True))
        read.append(_evaluation(rows.iloc[0].to_dict(), values, name, places))
    return read


def _bundled(frame: pd.DataFrame, name: str, places: Places, problems: list[str]) -> list[Evaluation]:
    read, broken, dropped = [], 0, 0
    for row in frame.to_dict("records"):
        values = _metrics(row["metrics"])
        if values is None:
            broken += 1
            continue
        numbers = {key: float(v) for key, v in values.items() if _is_score(key, v)}
        dropped += sum(
            isinstance(v, float) and not math.isfinite(v) for key, v in values.items() if key not in numbers
        )
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
    numbers = {c: pd.to_numeric(frame[c], errors="coerce") for c in columns}
    numbers = {c: values for c, values in numbers.items() if np.isfinite(values).any()}
    if not numbers:
        raise TaskError(
            f"{name} has no column of scores: give metric and score, or a column a metric, beside model, "
            "task and step."
        )
    for column, values in numbers.items():
        if (bad := int((~np.isfinite(values)).sum())) > 0:
            problems.append(f"{name}: {bad:,} rows have no number for {column}; those points are left out.")
    read = []
    for index, row in zip(frame.index, frame.to_dict("records"), strict=True):
        scores = {c: float(values[index]) for c, values in numbers.items() if np.isfinite(values[index])}
        if scores:
            read.append(_evaluation(row, scores, name, places))
    return read


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
    if not isinstance(value, str) or len(value) > MAX_METRICS_CHARS:
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


def _is_score(key: Any, value: Any) -> bool:
    return (
        isinstance(key, str)
        and not key.startswith("predicted_index")
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _who(row: pd.Series) -> str:
    return f"{row['model']} on {row['task']} at step {int(row['step']):,}"
