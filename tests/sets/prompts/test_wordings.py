"""Other wordings of a question: shuffled words, the rarest word alone, negated."""

from __future__ import annotations

import pytest

from e2lm_core.sets.prompts import wordings


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("What is the chemical symbol of tin?", "tin?"),
        ("Which great achievement do we owe Mendeleev?", "mendeleev?"),
        ("Whoever speaks of one quart has what measured quantity in mind?", "quart?"),
        ("Is the sphygmomanometer, or the barometer, the longer word?", "sphygmomanometer?"),
        ("Zorble or quimpy?", "zorble?"),  # neither is listed, and both are as long: the first
        ("What is 3 + 4?", "4?"),
        ("horse?", "horse?"),
        ("Does a well-known koala's cub eat?", "koala's?"),
        ("...?", ""),
        ("", ""),
    ],
)
def test_the_rarest_word_stands_alone(question: str, word: str) -> None:
    assert wordings.rarest_word(question).casefold() == word


def test_words_are_shuffled_by_the_text_and_the_sign_at_the_end_stays() -> None:
    question = "Where does the grey kangaroo live, and why?"
    made = wordings.shuffled_words(question)
    assert made != question
    assert made.endswith("?")
    assert sorted(made.rstrip("?").split()) == sorted(question.rstrip("?").split())
    assert made == wordings.shuffled_words(question)
    assert wordings.shuffled_words("gold iron") == "iron gold"
    assert wordings.shuffled_words("horse?") == "horse?"
    assert wordings.shuffled_words("no no no") == "no no no"
    assert wordings.shuffled_words("") == ""


def test_a_script_without_spaces_is_read_sign_by_sign() -> None:
    question = "金的化学符号是什么？"
    made = wordings.shuffled_words(question)
    assert sorted(made.replace(" ", "")) == sorted(question)
    assert len(wordings.rarest_word(question)) == 2


def test_the_rarest_new_word_is_one_that_an_edit_added_whatever_its_case() -> None:
    before = "Which baby animal is carried in its mother's pouch?"
    assert wordings.rarest_new_word(before, f"{before[:-1]}, as by a koala?") == "koala?"
    assert wordings.rarest_new_word(before, "Which POUCH is its mother's?") == ""
    assert wordings.rarest_new_word("", "What is tin?") == "tin?"


def test_the_list_is_small_and_has_each_word_once() -> None:
    text = wordings._LIST.read_text(encoding="utf-8")
    words = text.split()
    assert len(text.encode()) < 500_000
    assert len(set(words)) == len(words) > 20_000
    assert words.index("the") < words.index("water") < words.index("barometer")
