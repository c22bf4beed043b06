"""Reader of W&B and trackio exports.

A panel's CSV of W&B has `Step` and `RUN - METRIC` with its `__MIN` and `__MAX`; a run's history (`_step`, or
trackio's `step` and `run_name`) has a column per metric. A metric is `TASK/METRIC` (`eval/arc_easy/acc`),
`TASK_METRIC` with a known ending (`eval/downstream/arc_easy_acc`) or `TASK (METRIC)`; metrics of the training
itself are skipped.
"""

from __future__ import annotations

import math
import re
from pathlib import PurePath
from typing import Any

import pandas as pd

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count
from e2lm_core.base.sentences import Sentence

_STEPS = ("step", "_step", "global_step", "train/global_step", "trainer/global_step")
_TOKENS = ("tokens_seen", "tokens", "total_tokens", "throughput/total_tokens", "train/num_input_tokens_seen")
_RUNS = ("run_name", "run", "model", "name")
_OF_TRAINING = frozenset(
    ["train", "trainer", "optim", "throughput", "system", "gpu", "memory", "timing", "lr", "grad"]
)
_WRAPPINGS = frozenset(["eval", "evaluation", "downstream", "lm_eval", "olmes", "benchmarks", "test", "val"])
_ENDING = re.compile(
    r"(.+)_(acc_norm|acc_raw|acc|accuracy|bpb|ce_loss|soft_loss|norm_prob|margin|len_norm|pmi_dc)$"
)
_BRACKETS = re.compile(r"(.+) \(([^()]{1,60})\)$")
_PANEL = re.compile(r"(.+?) - (.+)$")
_SPREAD = ("__MIN", "__MAX")


def as_scores(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]] | None:
    """Table of model, task, metric, step, tokens_seen and score from a tracker's export.

    Args:
        frame: The exported table.
        name: Name of the file, which names the model if the table does not.

    Returns:
        The table, and sentences on columns that were left out; None for a table of another kind.

    Raises:
        TaskError: It is such an export, but no column is a task's metric.
    """
    by_name = {str(column).strip().lower(): column for column in frame.columns}
    step = next((by_name[one] for one in _STEPS if one in by_name), None)
    if step is None or "task" in by_name or "benchmark" in by_name or "data" in by_name:
        return None
    tokens = next((by_name[one] for one in _TOKENS if one in by_name), None)
    run = next((by_name[one] for one in _RUNS if one in by_name), None)
    parts, passed = [], 0
    for column in frame.columns:
        if column in (step, tokens, run) or str(column).endswith(_SPREAD):
            continue
        model, called = _run_and_metric(str(column))
        named = task_and_metric(called)
        scores = numeric_column(frame[column])
        if named is None or not scores.notna().any():
            passed += 1
            continue
        part = pd.DataFrame(
            {
                "model": model or (PurePath(name).stem if run is None else frame[run].astype(str)),
                "task": named[0],
                "metric": named[1],
                "step": numeric_column(frame[step]),
                "score": scores,
            }
        )
        if tokens is not None:
            part["tokens_seen"] = numeric_column(frame[tokens])
        parts.append(part[scores.notna() & part["step"].notna()])
    if not parts:
        # Without a slash or a run's name in a column it may be any table, whose own error says more.
        if not any("/" in str(column) or " - " in str(column) for column in frame.columns):
            return None
        raise TaskError(
            Sentence(
                "{name} has no column of a task's metric: export TASK/METRIC, as in eval/arc_easy/acc, over the step.",
                name=name,
            )
        )
    said = [f"{name}: {count(passed, 'column')} without a task's metric left out."] if passed else []
    return pd.concat(parts, ignore_index=True), said


def task_and_metric(called: str) -> tuple[str, str] | None:
    """Task and metric of a column; None for a metric of the training, or without a task in the name."""
    parts = [part for part in called.split("/") if part]
    if not parts or parts[0].startswith("_") or parts[0].lower() in _OF_TRAINING:
        return None
    while len(parts) > 1 and parts[0].lower() in _WRAPPINGS:
        parts = parts[1:]
    if len(parts) > 1:
        return "/".join(parts[:-1]), parts[-1]
    found = _BRACKETS.match(parts[0]) or _ENDING.match(parts[0])
    return (found[1], _plain(found[2])) if found else None


def numeric_column(column: pd.Series) -> pd.Series:
    """Numbers of a column, NaN for everything else."""
    try:
        return pd.to_numeric(column, errors="coerce")
    except (OverflowError, TypeError):  # an integer of hundreds of digits, or a list in a cell
        return pd.Series([_numeric_cell(cell) for cell in column], index=column.index, dtype=float)


def _numeric_cell(cell: Any) -> float:
    try:
        return float(cell)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def _plain(metric: str) -> str:
    return "acc" if metric == "accuracy" else metric


def _run_and_metric(column: str) -> tuple[str, str]:
    panel = _PANEL.match(column)
    return (panel[1], panel[2]) if panel else ("", column)
