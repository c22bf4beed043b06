"""Values for JSON: no number of numpy, no NaN."""

import json

import numpy as np
import pandas as pd
import pytest

from e2lm_core.base.plain import numbers, plain, rows


@pytest.mark.parametrize(
    "missing", [float("nan"), np.nan, np.float64("inf"), float("-inf"), np.float32("nan")]
)
def test_a_number_that_json_cannot_say_is_null(missing):
    assert plain(missing) is None


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
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_whole_numbers_of_an_array_are_written_without_a_point():
    assert json.dumps(numbers(np.array([1.0, np.nan, 3.0]), whole=True)) == "[1, null, 3]"
    assert json.dumps(numbers(np.array([1, 2]))) == "[1.0, 2.0]"


def test_a_table_is_one_object_a_row():
    frame = pd.DataFrame({"id": ["a", "b"], "value": [0.5, np.nan], "n": [1, 2], 3: [True, False]})
    assert json.dumps(rows(frame)) == (
        '[{"id": "a", "value": 0.5, "n": 1, "3": true}, {"id": "b", "value": null, "n": 2, "3": false}]'
    )


def test_a_table_without_rows_is_an_empty_list():
    assert rows(pd.DataFrame(columns=["id"])) == []
