"""English texts with values that are recognised again: whole ones, parts of others, and what is none of either."""

from __future__ import annotations

import pytest

from e2lm_core.ui.base.text_patterns import TextPatterns

WORDS = TextPatterns(
    (("undo {action}", {"action": ".+"}), ("edit question {id}", {"id": ".+"})),
    (("chance {share}", {"share": r"[\d.]+%"}),),
)


@pytest.fixture(autouse=True)
def german(monkeypatch) -> None:
    monkeypatch.setenv("E2LM_LANGUAGE", "de")


def test_a_whole_text_is_said_with_its_values() -> None:
    assert WORDS.translate("edit question chance 3") == "Frage chance 3 geändert"


def test_a_value_may_be_said_too() -> None:
    assert WORDS.translate("undo edit question q3", WORDS.translate) == "Rückgängig: Frage q3 geändert"


def test_a_part_is_said_within_any_text() -> None:
    assert WORDS.translate("below chance 25% here") == "below Raten 25% here"


def test_a_text_of_no_template_and_english_stay(monkeypatch) -> None:
    assert WORDS.translate("edit 3 questions at once") == "edit 3 questions at once"
    monkeypatch.setenv("E2LM_LANGUAGE", "en")
    assert WORDS.translate("edit question q3") == "edit question q3"
