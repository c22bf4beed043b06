"""Values for JSON: no number of numpy, no NaN; and cells that no spreadsheet runs."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from e2lm_core.base.json_values import (
    frame_to_csv,
    frame_to_records,
    guard_csv_cell,
    strip_csv_guard,
    to_json_numbers,
    to_json_value,
    with_decimal_points,
)


@pytest.mark.parametrize(
    "missing", [float("nan"), np.nan, np.float64("inf"), float("-inf"), np.float32("nan")]
)
def test_a_number_that_json_cannot_say_is_null(missing):
    assert to_json_value(missing) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.1), 0.1),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (0, 0),
        ("nan", "nan"),
        (None, None),
        ([1.0, 2.0], [1.0, 2.0]),
    ],
)
def test_other_values_stay_in_pythons_own_type(value, expected):
    assert to_json_value(value) == expected
    assert type(to_json_value(value)) is type(expected)


def test_whole_numbers_of_an_array_are_written_without_a_point():
    assert json.dumps(to_json_numbers(np.array([1.0, np.nan, 3.0]), as_integers=True)) == "[1, null, 3]"
    assert json.dumps(to_json_numbers(np.array([1, 2]))) == "[1.0, 2.0]"


def test_a_table_is_one_object_a_row():
    frame = pd.DataFrame({"id": ["a", "b"], "value": [0.5, np.nan], "n": [1, 2], 3: [True, False]})
    assert json.dumps(frame_to_records(frame)) == (
        '[{"id": "a", "value": 0.5, "n": 1, "3": true}, {"id": "b", "value": null, "n": 2, "3": false}]'
    )


def test_a_table_without_rows_is_an_empty_list():
    assert frame_to_records(pd.DataFrame(columns=["id"])) == []


FORMULAS = (
    "=1+1",
    '=HYPERLINK("http://127.0.0.1","x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "-",
    "-x",
    "＝1+1",
)
HARMLESS = ("", "5", "-5", "+3.2e-5", "-.5", "12%", "-inf", "x", "'tis", "'", " =1", "a=b", "1-2", "#x")


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert guard_csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [*HARMLESS, 5, -5.0, None, True])
def test_numbers_and_other_text_stay(value):
    assert guard_csv_cell(value) == value


@pytest.mark.parametrize("text", [*FORMULAS, *HARMLESS, "'=1", "''=1", "'-5", "'@"])
def test_what_was_written_is_read_back(text):
    assert strip_csv_guard(guard_csv_cell(text)) == text


def test_a_table_for_a_spreadsheet_holds_no_formula_in_cells_or_names():
    frame = pd.DataFrame({"id": ["=1", "b"], "=name": ["-x", "-5"], "n": [-1.5, 2.0], "k": [-1, 2]})
    back = pd.read_csv(io.BytesIO(frame_to_csv(frame)), dtype=str)
    assert back.columns.tolist() == ["id", "'=name", "n", "k"]
    assert back.iloc[0].tolist() == ["'=1", "'-x", "-1.5", "-1"]
    assert back.iloc[1].tolist() == ["b", "-5", "2.0", "2"]
    assert frame["id"].tolist() == ["=1", "b"], "the table itself stays"


def test_decimal_commas_become_points_in_columns_of_numbers_alone():
    frame = pd.DataFrame({"model": ["a,1", "b"]})
    frame["step"] = ["1.000", "2\u00a0000"]
    frame["score"] = ["0,5", "-1.234,5"]
    found = with_decimal_points(frame)
    assert found.to_dict("list") == {
        "model": ["a,1", "b"],
        "step": ["1000", "2000"],
        "score": ["0.5", "-1234.5"],
    }
    pointed = pd.DataFrame({"step": ["1.000"], "score": ["0.5"]})
    assert with_decimal_points(pointed) is pointed
