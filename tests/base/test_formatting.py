"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from e2lm_core.base import formatting
from e2lm_core.base.records import NullDistribution


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0 k"),
        (2_097_152, "2.1 M"),
        (205.992e9, "206 B"),
        (1e12, "1.0 T"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_tokens(count: float | None, said: str) -> None:
    assert formatting.tokens(count) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (None, "–"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_500, "1.5 kB"),
        (34_900_000, "35 MB"),
        (1_200_000_000, "1.2 GB"),
        (20_000_000_000, "20 GB"),
        (3_652_000_000_000, "3.7 TB"),
    ],
)
def test_size(count: float | None, said: str) -> None:
    assert formatting.size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "about 1 s"),
        (4.4, "about 4 s"),
        (33, "about 35 s"),
        (180, "about 3 min"),
        (7_200, "about 2.0 h"),
        (None, "–"),
    ],
)
def test_duration(seconds: float | None, said: str) -> None:
    assert formatting.duration(seconds) == said


def test_values_by_their_metric() -> None:
    assert formatting.metric_value("acc", 0.2512) == "25.1%"
    assert formatting.metric_value("bpb", 1.23456) == "1.235"
    assert (
        formatting.metric_value("acc", math.nan) == formatting.score(None) == formatting.percent(None) == "–"
    )


def test_what_lies_below_0_has_a_sign_for_minus_everywhere() -> None:
    assert formatting.metric_value("margin", -18.3841) == "−18.384"
    assert formatting.interval(-0.02, 0.1) == "[−0.020, 0.100]"
    assert formatting.interval(-0.02, 0.1, share=True) == "[−2.0%, 10.0%]"
    assert formatting.with_minus("-31.55") == "−31.55"


def test_counts_and_lists() -> None:
    assert formatting.count(1, "question") == "1 question"
    assert formatting.count(1_234, "question") == "1,234 questions"
    assert formatting.count(0, "entry", "entries") == "0 entries"
    assert formatting.join_words([]) == ""
    assert formatting.join_words(["a"]) == "a"
    assert formatting.join_words(["a", "b", "c"]) == "a, b and c"
    assert formatting.join_words(list("abcdefg")) == "a, b, c and 4 more"


def test_what_a_user_gave_is_quoted_with_its_middle_left_out() -> None:
    assert formatting.quote("it's") == '"it\'s"'
    assert formatting.quote("a" * 60) == f"'{'a' * 60}'"
    assert formatting.quote("a" * 100 + "end") == f"'{'a' * 44}…{'a' * 12}end'"
    assert formatting.quote("\ud800\n") == r"'\ud800\n'"


def test_a_sentence_is_short_whatever_stands_in_it() -> None:
    short = "There is no set 'a': give one of mine."
    assert formatting.one_line(short) == short
    assert formatting.one_line("one\n  line\t\x1b[31m \ud800\u202e") == r"one line \x1b[31m \ud800\u202e"
    for long in ("x" * 200_000, "word " * 60_000):
        said = formatting.one_line(f"There is no set {long}: give one of mine.")
        assert len(said) <= 300
        assert said.startswith("There is no set")
        assert said.endswith("give one of mine.")
    many = formatting.one_line("There is no set 'a': " + " ".join("y" * 59 for _ in range(9)) + " end.")
    assert len(many) == 300
    assert many.endswith(" end.")


def test_what_random_answers_give_in_full_and_where_there_is_little_room() -> None:
    null = NullDistribution(mean=0.173, q95=0.324, p=0.31)
    assert (
        formatting.random_baseline(null) == "random answers give 0.173, up to 0.324 in 95% of draws; p = 0.31"
    )
    assert formatting.random_baseline_short(null) == "random answers give 0.173; p = 0.31"
    assert formatting.random_baseline_short(NullDistribution(mean=0.173, q95=0.324, p=0.001)).endswith(
        "; p < 0.01"
    )
    by_p = {
        p: formatting.random_baseline_short(NullDistribution(mean=0.173, q95=0.324, p=p))
        for p in (0.044, 0.047, 0.053)
    }
    assert [said.rpartition("; ")[2] for said in by_p.values()] == ["p = 0.04", "p = 0.047", "p = 0.053"]


def test_choices_have_letters() -> None:
    assert [formatting.choice_letter(place) for place in (0, 3, 25, 26)] == ["A", "D", "Z", "27"]


def test_one_difference_has_the_same_digits_however_it_was_computed() -> None:
    assert {formatting.lead("acc", value) for value in (0.0075, 0.5075 - 0.5, 0.0075 + 1e-16)} == {
        "0.8 points"
    }
