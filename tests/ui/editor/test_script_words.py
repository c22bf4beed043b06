"""Words of the question table's script: the page's list is that of the script, and English needs none."""

from __future__ import annotations

import json
import re

from e2lm_core.ui.editor import script_words
from tests.conftest import ROOT

SOURCE = ROOT / "e2lm_core" / "ui" / "editor" / "table" / "source"
_SAID = re.compile(r"\b(?:say|mark)\((\"(?:[^\"\\]|\\.)*\")")
_TEXT_OF_ELEMENT = re.compile(r"(?:aria-label|title|placeholder)=\"[A-Za-z]|>[A-Z][a-z]+[^<>{}]*</")


def _said() -> set[str]:
    return {
        json.loads(text) for path in SOURCE.glob("*.ts*") for text in _SAID.findall(path.read_text("utf-8"))
    }


def test_the_page_knows_every_word_of_the_script_and_no_other() -> None:
    assert set(script_words.TEXTS) == _said()
    assert len(script_words.TEXTS) == len(set(script_words.TEXTS))


def test_no_element_has_words_of_its_own() -> None:
    found = {p.name: _TEXT_OF_ELEMENT.findall(p.read_text("utf-8")) for p in SOURCE.glob("*.tsx")}
    assert not {name: texts for name, texts in found.items() if texts}
    assert _TEXT_OF_ELEMENT.search('<button title="Delete">')
    assert _TEXT_OF_ELEMENT.search("<b>Save</b>")


def test_english_sends_nothing_and_german_every_word(monkeypatch) -> None:
    monkeypatch.setenv("E2LM_LANGUAGE", "en")
    assert script_words.script_words() == {}
    monkeypatch.setenv("E2LM_LANGUAGE", "de")
    assert script_words.script_words()["no subject"] == "ohne Fach"
    assert script_words.script_words().keys() == set(script_words.TEXTS)
