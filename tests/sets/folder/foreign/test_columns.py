"""Rows as a data set gives them."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.sets.folder.foreign.columns import same, typed


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
