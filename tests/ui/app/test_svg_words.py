"""Texts of pictures: those of the axes, of points on hover and for screen readers, and nothing but texts."""

from __future__ import annotations

import pytest

from e2lm_core.ui.app import svg_words

PICTURE = (
    '<svg aria-label="acc of question q&lt;1, before and after the edit"><desc>mmlu, Pythia&#x27;s 6 models, means alone</desc>'
    '<polyline data-name="before" points="0,1"/><text x="1">tokens seen</text><text>chance 25%</text>'
    "<text>small-arch1</text><g><title>now: 41.2%, 2.1 M tokens, step 1,300, mean of 12 models</title></g></svg>"
)


def test_a_german_visitor_reads_a_picture_in_german(monkeypatch) -> None:
    monkeypatch.setenv("E2LM_LANGUAGE", "de")
    said = svg_words.translated(PICTURE)
    assert 'aria-label="acc der Frage q&lt;1, vor und nach der Änderung"' in said
    assert ">mmlu, 6 Modelle von Pythia, nur Mittelwerte</desc>" in said
    assert ">gelesene Token</text><text>Raten 25%</text><text>small-arch1</text>" in said
    assert ">jetzt: 41.2%, 2.1 M Token, Schritt 1,300, Mittel über 12 Modelle</title>" in said
    assert '<polyline data-name="before" points="0,1"/>' in said  # scripts read it


@pytest.mark.parametrize("language", ["en", "xx"])
def test_english_is_the_picture_itself(monkeypatch, language: str) -> None:
    monkeypatch.setenv("E2LM_LANGUAGE", language)
    assert svg_words.translated(PICTURE) == PICTURE
