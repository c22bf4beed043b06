"""Every dash of a table has a line that says why, one for each reason."""

from __future__ import annotations

import pandas as pd

from e2lm_core.analysis.reasons import UndefinedCell, undefined_notes, undefined_rows, undefined_scores

NOTHING = {"value": None, "why": "There is none."}


def test_a_reason_stands_once_with_all_its_rows_and_columns() -> None:
    cells = [UndefinedCell(row, column, "Too few.") for row in ("acc", "bpb") for column in ("sq", "rc")]
    assert undefined_notes([*cells, UndefinedCell("bpb", "cs", "No chance.")]) == [
        "– sq and rc of acc and bpb: Too few.",
        "– cs of bpb: No chance.",
    ]
    uneven = [*cells, UndefinedCell("margin", "rc", "Too few.")]
    assert undefined_notes(uneven) == ["– sq of acc and bpb; rc of acc, bpb and margin: Too few."]
    assert undefined_notes([]) == []


def test_the_score_names_the_parts_that_it_lacks() -> None:
    values = {"sq": {"value": 0.5, "why": None}, "rc": NOTHING, "cs": NOTHING, "score": NOTHING}
    assert undefined_notes(undefined_scores("acc", values)) == [
        "– rc and cs of acc: There is none.",
        "– score of acc: it needs RC and CS.",
    ]


def test_a_row_that_lacks_nothing_needs_no_reason() -> None:
    frame = pd.DataFrame(
        {"model": ["a", "b", "c"], "SQ": [0.5, None, None], "why": ["No interval.", "Flat.", "Flat."]}
    )
    assert undefined_notes(undefined_rows(frame, "model")) == ["– b and c: Flat."]
    assert undefined_rows(frame[:0], "model") == []
    assert undefined_rows(frame.drop(columns="why"), "model") == []
