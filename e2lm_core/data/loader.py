"""Reads the question files beside this one, for lm-evaluation-harness (`custom_dataset: !function loader.load`).

The harness resolves `data_files` against the working directory; this resolves them against the task's own
folder, so the folder runs from anywhere. It is the same file, byte for byte, in every task folder.
"""

import json
from pathlib import Path

import datasets

FOLDER = Path(__file__).resolve().parent


def load(**_metadata):
    """The splits that lie here: `test` from test.jsonl and, where there are any, `dev` from dev.jsonl."""
    splits = {}
    for name in ("test", "dev"):
        path = FOLDER / f"{name}.jsonl"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").split("\n")
            splits[name] = datasets.Dataset.from_list([json.loads(line) for line in lines if line.strip()])
    return splits
