"""Reads `test.jsonl` and `dev.jsonl` from the folder that this file lies in.

lm-evaluation-harness calls `load` because the task's YAML says `custom_dataset: !function loader.load`; it
resolves `data_files` against the working directory, but this file against the YAML, so the task runs from
anywhere. The file is the same in every task folder: the studio knows it by its hash and never executes it.
A column that holds more than one kind of value, or nested ones, is given as JSON text.
"""

import json
from pathlib import Path

from datasets import Dataset


def read_rows(path):
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def is_text_list(value):
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def as_column(values):
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds <= {str} or kinds <= {bool} or kinds <= {float}:
        return values
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in present):
        return values
    if kinds == {list} and all(is_text_list(value) for value in present):
        return values
    return [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]


def load(**kwargs):
    folder = Path(__file__).resolve().parent
    test, dev = read_rows(folder / "test.jsonl"), read_rows(folder / "dev.jsonl")
    every = test + dev
    names = dict.fromkeys(name for row in every for name in row)
    columns = {name: as_column([row.get(name) for row in every]) for name in names}
    return {
        "test": Dataset.from_dict({name: values[: len(test)] for name, values in columns.items()}),
        "dev": Dataset.from_dict({name: values[len(test) :] for name, values in columns.items()}),
    }
