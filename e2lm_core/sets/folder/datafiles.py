"""Where the rows of a task lie, as its YAML says: beside it, and nowhere else.

The studio's own loader is known by its bytes and never executed; a hub's dataset is never fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.strangers.safeyaml import FunctionName

LOADER = (Path(__file__).parent / "loader.py").read_bytes()
LOADER_NAME = "loader.load"


class ReadPlan(NamedTuple):
    """Where the rows lie, relative to the YAML: files to try for each split, or rows in the YAML itself.

    `hub` is the dataset that the YAML names on a hub; its rows are looked for beside the YAML.
    """

    test: tuple[str, ...]
    dev: tuple[str, ...]
    dev_rows: tuple[Mapping[str, Any], ...] | None
    hub: str | None


def read_plan(
    raw: Mapping[str, Any],
    fewshot: Mapping[str, Any],
    files: Mapping[str, bytes],
    where: str,
    warnings: list[str],
) -> ReadPlan:
    """Which files hold the test and dev questions, by lm-evaluation-harness's rules for splits.

    `raw` is the YAML called `where`, `fewshot` its `fewshot_config`, `files` are those of its folder;
    `warnings` is added to. Raises TaskError in one sentence.
    """
    test, dev = _splits(raw, fewshot, where)
    if dev == test:
        dev = None
        warnings.append(
            f"{where}: few-shot examples would come from the test questions; only 0-shot is possible."
        )
    rows = _sample_rows(fewshot.get("samples"), where) if dev is None else None
    custom, path = raw.get("custom_dataset"), raw.get("dataset_path")
    if custom is not None:
        _check_loader(custom, files, where)
        for split in (test, dev):
            if split not in ("test", "dev", None):
                raise TaskError(f"{where}: the loader gives the splits test and dev, not {split!r}.")
        return ReadPlan((f"{test}.jsonl",), (f"{dev}.jsonl",) if dev else (), rows, None)
    if path == "json":
        of_test = _data_files(raw, test, files, where)
        return ReadPlan(of_test, _data_files(raw, dev, files, where) if dev else (), rows, None)
    if not isinstance(path, str):
        raise TaskError(
            f"{where} names no data; use custom_dataset: !function {LOADER_NAME} with the studio's loader.py."
        )
    return ReadPlan(_beside(raw, test), _beside(raw, dev) if dev else (), rows, path)


def _splits(raw: Mapping[str, Any], fewshot: Mapping[str, Any], where: str) -> tuple[str, str | None]:
    """The names of the split that is scored and of that which few-shot examples come from, None for none."""
    test = raw.get("test_split") or raw.get("validation_split")
    dev = fewshot.get("split") or raw.get("fewshot_split")
    if dev is None and fewshot.get("samples") is None:
        dev = raw.get("training_split") or raw.get("validation_split")
    if not isinstance(test, str) or not isinstance(dev, str | None):
        raise TaskError(f"{where}: test_split and fewshot_split must name splits, such as test and dev.")
    return test, dev


def _sample_rows(samples: Any, where: str) -> tuple[Mapping[str, Any], ...] | None:
    if samples is None:
        return None
    if not isinstance(samples, list) or not all(isinstance(row, dict) for row in samples):
        raise TaskError(f"{where}: fewshot_config: samples must be a list of rows.")
    try:
        json.dumps(samples, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TaskError(
            f"{where}: fewshot_config: samples may hold text, numbers, lists and mappings only."
        ) from error
    return tuple(samples)


def _check_loader(custom: Any, files: Mapping[str, bytes], where: str) -> None:
    if not isinstance(custom, FunctionName):
        raise TaskError(f"{where}: custom_dataset must be !function {LOADER_NAME}.")
    if custom.dotted != LOADER_NAME or files.get("loader.py") != LOADER:
        raise TaskError(
            f"{where}: custom_dataset is !function {custom.dotted}, which is not the studio's own loader, "
            f"and the studio runs no code from a task; use {LOADER_NAME} with its loader.py, unchanged."
        )


def _data_files(
    raw: Mapping[str, Any], split: str, files: Mapping[str, bytes], where: str
) -> tuple[str, ...]:
    kwargs = raw.get("dataset_kwargs") or {}
    listed = kwargs.get("data_files") if isinstance(kwargs, dict) else None
    names = listed.get(split) if isinstance(listed, dict) else listed if split == "train" else None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise TaskError(f"{where}: dataset_kwargs: data_files must name the file of the split {split!r}.")
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "://" in name or "*" in name:
            raise TaskError(
                f"{where}: data_files: {name!r} must be a file beside the YAML, not a path or address."
            )
        if str(path) not in files:
            raise TaskError(f"{where}: data_files: {name!r} is not beside the YAML; put the file there.")
        if names.count(name) > 1:
            raise TaskError(
                f"{where}: data_files: {name!r} is named {names.count(name)} times; name it once."
            )
    return tuple(str(PurePosixPath(name)) for name in names)


def _beside(raw: Mapping[str, Any], split: str) -> tuple[str, ...]:
    """A hub's dataset is never fetched: its rows may lie beside the YAML, by configuration or not."""
    subset = raw.get("dataset_name")
    named = (f"{subset}/{split}.jsonl", f"{subset}_{split}.jsonl") if isinstance(subset, str) else ()
    return (*named, f"{split}.jsonl")
