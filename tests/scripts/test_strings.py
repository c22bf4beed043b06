"""Texts of the interface: what counts as one, no banned phrase in any, and how long their sentences are."""

from __future__ import annotations

import ast

from scripts import strings


def test_no_text_has_a_phrase_that_is_wrong_wherever_it_stands() -> None:
    found = strings.texts(everywhere=True)
    assert len(found) > 3000  # else the search has lost its way
    assert not [f"{module}: “{phrase}” in: {text}" for phrase, module, text in strings.wrong(found)]


def test_sentences_are_short() -> None:
    assert strings.mean_words(strings.texts()) <= strings.MAX_MEAN_WORDS


def test_docstrings_code_and_single_words_are_no_texts() -> None:
    code = '''
"""A module of some kind."""
def f(name):
    """Do something with it."""
    log.info("The job has ended now")
    st.html("<b>not a text</b>")
    st.caption(f"{name} is left out of the mean.")
    return "Open the set", "key_of_it", "Open"
'''
    assert list(strings._prose(ast.parse(code))) == ["{…} is left out of the mean.", "Open the set"]


def test_a_banned_phrase_is_found_in_any_case_and_as_whole_words() -> None:
    found = {
        "Choice 0 is right.": "ui/a.py",
        "Choice 01 is right.": "ui/a.py",
        "The GOLD choice wins.": "b.py",
        "Two gold choices win.": "c.py",
        "Write `gold choice` there.": "d.py",
    }
    assert [(phrase, module) for phrase, module, _ in strings.wrong(found)] == [
        ("choice 0", "ui/a.py"),
        ("gold choice", "b.py"),
        ("gold choice", "c.py"),
    ]
    assert strings.mean_words({"One two three four. Five six seven; eight nine.": ""}) == 4.5
