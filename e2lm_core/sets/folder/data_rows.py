"""Rows of a task from JSONL, JSON or Parquet.

Tested in tests/sets/folder/test_datafiles.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from e2lm_core.base.errors import TaskError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted.safeyaml import decode_utf8
from e2lm_core.sets.folder.datafiles import ReadPlan
from e2lm_core.sets.formats.tables.parquet import parquet_rows
from e2lm_core.sets.rows import check_count, check_size, objects_of, parse_json, parse_jsonl

Rows = list[dict[str, Any]]


def find_test_files(files: Mapping[str, bytes], plan: ReadPlan) -> list[str]:
    """Files that hold the scored rows; of a hub dataset only the first that exists."""
    names = [name for name in plan.test if name in files]
    return names[:1] if plan.hub else names


def read_test_rows(
    files: Mapping[str, bytes], plan: ReadPlan, where: str, limits: Limits
) -> tuple[Rows, str]:
    """Read the scored rows of a task.

    Args:
        files: Files of the task's tree by their paths.
        plan: Location of the rows.
        where: Path of the YAML, which begins error sentences.
        limits: Bounds on rows and bytes.

    Returns:
        The rows, and the names of their files joined by "and".

    Raises:
        TaskError: A file of rows is missing or cannot be read, or there are too many rows.
    """
    names = find_test_files(files, plan)
    if not names or (not plan.hub and len(names) < len(plan.test)):
        source = (
            Sentence("names the hub dataset {hub}, which is not fetched", hub=repr(plan.hub))
            if plan.hub
            else Sentence("needs its rows")
        )
        raise TaskError(
            Sentence(
                "{where} {source}; put them beside it as {name}.",
                where=where,
                source=source,
                name=PurePosixPath(plan.test[-1]).with_suffix(".jsonl").name,
            )
        )
    return _read(files, names, limits)


def read_dev_rows(files: Mapping[str, bytes], plan: ReadPlan, limits: Limits) -> tuple[Rows, str]:
    """Read the rows of few-shot examples, none if the task has none.

    Returns:
        The rows, and the names of their files joined by "and"; for rows in the YAML
        `fewshot_config: samples`.

    Raises:
        TaskError: A file of rows cannot be read, or there are too many rows.
    """
    if plan.dev_rows is not None:
        return [dict(row) for row in plan.dev_rows], "fewshot_config: samples"
    names = [name for name in plan.dev if name in files]
    return _read(files, names[:1] if plan.hub else names, limits)


def read_row_file(files: Mapping[str, bytes], name: str, limits: Limits) -> tuple[Rows, bool]:
    """Read the rows of one file: JSONL, JSON or Parquet.

    Returns:
        The rows, and whether the file is a JSON list.

    Raises:
        TaskError: The file does not hold rows.
    """
    data = files[name]
    kind = PurePosixPath(name).suffix
    if kind == ".parquet":
        check_size(data, name, limits)
        return parquet_rows(data, name, limits), False
    if kind == ".json" and data.lstrip().startswith(b"["):
        return objects_of(parse_json(decode_utf8(data, name), name), name), True
    return parse_jsonl(data, name, limits), False


def _read(files: Mapping[str, bytes], names: Sequence[str], limits: Limits) -> tuple[Rows, str]:
    rows = [row for name in names for row in read_row_file(files, name, limits)[0]]
    where = " and ".join(PurePosixPath(name).name for name in names)
    check_count(len(rows), where, limits)
    return rows, where
