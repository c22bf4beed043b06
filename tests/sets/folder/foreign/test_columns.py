"""Rows as a data set gives them."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.sets.folder.foreign.columns import require_same_as_datasets, same, typed


def test_every_row_has_every_column_of_one_kind() -> None:
    rows = [{"a": 1, "m": {"x": [1]}}, {"a": 2.5, "m": {"y": "t", "x": [2.5, 3]}}, {"b": None}]
    assert typed(rows, "t") == [
        {"a": 1.0, "m": {"x": [1.0], "y": None}, "b": None},
        {"a": 2.5, "m": {"x": [2.5, 3.0], "y": "t"}, "b": None},
        {"a": None, "m": None, "b": None},
    ]
    assert repr(typed(rows, "t")[0]["a"]) == "1.0"


def test_they_are_those_of_the_datasets_library() -> None:
    datasets = pytest.importorskip("datasets")
    rows = [
        {"a": 1, "m": {"x": ["q"]}, "l": [{"k": 1}]},
        {"a": 2, "m": {"x": [], "y": 3}, "l": [{"k": 2, "j": "s"}]},
    ]
    full = [dict.fromkeys(("a", "m", "l")) | row for row in rows]
    assert typed(rows, "t") == datasets.Dataset.from_list(full).to_list()


@pytest.mark.parametrize(
    "values", [(1, "one"), ({"k": 1}, [1]), ([1], ["a"]), ({"k": 1}, {"k": "a"}), (True, 1)]
)
def test_a_column_of_several_kinds_is_refused(values: tuple[object, object]) -> None:
    with pytest.raises(TaskError, match=r"rows: the column 'c.*' holds values of several kinds"):
        typed([{"c": value} for value in values], "rows")


def test_rows_are_the_same_by_their_values() -> None:
    assert same({"a": [1, {"b": None}]}) == same({"a": [1, {"b": None}]}) != same({"a": [1, {"b": 0}]})


JSON_COLUMNS: dict[str, list[Any]] = {
    "words": ["a", "2010-01-11"],
    "dates": ["2010-01-11", "1999-12-31"],
    "dates and nothing": [None, "2010-01-11"],
    "times": ["2010-01-11T10:20", "2010-01-11 10"],
    "times of a zone": ["2010-01-11T10:20:30Z", "2010-01-11T10:20:30+01:00"],
    "parts of seconds": ["2010-01-11T10:20:30.5", "2010-01-11"],
    "no such day": ["2010-02-30", "2010-01-11"],
    "years": ["2010", "2011"],
    "empty texts": ["", "2010-01-11"],
    "a list of dates": [["2010-01-11"], []],
    "a list of words": [["2010-01-11", "x"], []],
    "dates inside": [{"a": "2010-01-11"}, {"a": "2011-01-11"}],
    "alike inside": [{"a": "x", "b": 1}, {"b": 2, "a": "y"}],
    "ragged": [{"a": "x"}, {"a": "y", "b": "z"}],
    "ragged in a list": [[{"a": 1}, {"b": 2}], []],
    "without keys": [{}, {}],
    "nothing inside": [{"a": None, "b": 1}, {"a": "x", "b": 2}],
    "whole numbers": [3, 2**40],
    "short fractions": [0.1, 123.456],
    "long fractions": [3.14159265358979, 0.1],
    "truths": [True, False],
}


@pytest.mark.parametrize("is_list", [False, True], ids=["lines", "list"])
@pytest.mark.parametrize("name", JSON_COLUMNS)
def test_what_the_reader_of_json_gives_otherwise_is_refused(tmp_path: Path, name: str, is_list: bool) -> None:
    """Beside the reader itself: what is not refused has the very values that it gives."""
    datasets = pytest.importorskip("datasets")
    rows = [{"id": n, "c": value} for n, value in enumerate(JSON_COLUMNS[name])]
    file = tmp_path / ("t.json" if is_list else "t.jsonl")
    text = json.dumps(rows) if is_list else "".join(json.dumps(row) + "\n" for row in rows)
    file.write_text(text)
    read = datasets.load_dataset(
        "json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache")
    )
    is_equal = repr(list(read)) == repr(typed(rows, "t"))
    with nullcontext() if is_equal and name != "without keys" else pytest.raises(TaskError) as refused:
        require_same_as_datasets(rows, None, "t", is_list)
    if refused is not None:
        assert str(refused.value).startswith("t: the column 'c' holds ")
    require_same_as_datasets(rows, {"id"}, "t", is_list)
