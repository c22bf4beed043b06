"""Errors that users see: one line, of bounded length, that can be printed."""

from __future__ import annotations

import pickle

from e2lm_core.base.errors import LimitError, StudioError


def test_a_sentence_is_one_short_line_whatever_stands_in_it() -> None:
    assert str(StudioError("The row is wrong: mend it.")) == "The row is wrong: mend it."
    text = str(LimitError(f"x.csv holds {'9' * 100_000}\n\x1b[31m and more: " + "keep fewer rows. " * 100))
    assert len(text) <= 300
    assert text.isprintable()
    assert text.startswith("x.csv holds 9")
    assert text.endswith("keep fewer rows.")


def test_an_error_crosses_processes() -> None:
    again = pickle.loads(pickle.dumps(LimitError("Too much.")))
    assert (type(again), str(again)) == (LimitError, "Too much.")
