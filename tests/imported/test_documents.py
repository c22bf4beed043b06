"""What is printed and downloaded is read back."""

from __future__ import annotations

import json

from e2lm_core.imported import documents as imported_documents
from tests.support import harness_files
from tests.support.harness_files import read


def test_what_is_printed_and_downloaded_is_read_back():
    imported = read(harness_files.folder(steps=(1000, 2000, 3000)))
    for name, data in (
        ("x.json", json.dumps(imported_documents.document(imported)).encode()),
        ("x.csv", imported_documents.csv(imported.curves)),
    ):
        again = read({name: data})
        assert [(c.model.name, c.metric, c.steps, c.tokens_seen, c.scores) for c in again.curves] == [
            (c.model.name, c.metric, c.steps, c.tokens_seen, c.scores) for c in imported.curves
        ]


def test_names_that_a_spreadsheet_would_run_come_back_as_they_were():
    rows = [{"model": "=m", "task": "@t", "metric": "acc", "step": s, "score": s / 900} for s in (100, 200)]
    table = imported_documents.csv(read({"s.json": json.dumps(rows).encode()}).curves)
    assert b"'=m,'@t" in table
    again = read({"s.csv": table})
    assert [(c.model.name, c.task) for c in again.curves] == [("=m", "@t")]


def test_tokens_of_any_size_are_written():
    imported = read(harness_files.folder(steps=(1000, 2000)))
    curve = imported.curves[0].model_copy(update={"tokens_seen": (9_999_999_999_999 * 2_097_152, None)})
    lines = imported_documents.csv([curve]).decode().splitlines()
    assert [line.split(",")[5] for line in lines[1:]] == ["20971519999997902848", ""]
