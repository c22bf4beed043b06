"""Titles: one line of any script, and no two labels alike."""

from __future__ import annotations

import pytest

from e2lm_core.base.titles import MAX_TITLE_CHARS, clean_title, labels, title_of_metadata


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Über Kräfte & Energie (10b)", "Über Kräfte & Energie (10b)"),
        ("  物理\n第一章\t", "物理 第一章"),
        ("a\u0000b\u202egnp.exe\u2066", "abgnp.exe"),
        ("می‌خواهم 👩‍🔬", "می‌خواهم 👩‍🔬"),  # joiners belong to the script
        ("\ud800", ""),
        (" \n ", ""),
    ],
)
def test_a_title_is_one_line_that_turns_nothing_around(text: str, title: str) -> None:
    assert clean_title(text) == title


@pytest.mark.parametrize("value", [None, 3, ["a"], {"a": 1}])
def test_what_is_no_text_is_no_title(value: object) -> None:
    assert title_of_metadata({"title": value}) == ""


def test_a_long_title_of_another_program_is_cut() -> None:
    assert len(title_of_metadata({"title": "x" * 1000})) == MAX_TITLE_CHARS


def test_no_two_sets_look_the_same_in_a_list() -> None:
    sets = [("a", "Forces"), ("b", "forces"), ("c", "Light"), ("d", ""), ("e", "D"), ("ada/f", "Sound")]
    assert labels(sets) == {
        "a": "Forces (a)",
        "b": "forces (b)",
        "c": "Light",
        "d": "d",
        "e": "D (e)",  # another set is called so
        "ada/f": "Sound (ada/f)",  # whose it is
    }
