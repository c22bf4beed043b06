"""Readings of ranking consistency: by hand, ties included, and the one figure that was published."""

from __future__ import annotations

import json

import numpy as np
import pytest

from e2lm_core.scores.ranking.order import tau
from e2lm_core.scores.ranking.readings import READINGS, rc_value
from tests.conftest import needs

PAIR = ("500m", "500m")
# Checkpoints 15 to 61 of the organisers' figure of mmlu: B where arch1 leads, O where arch2 does. Read from
# evaluation.png of e2lmc.github.io; RC = 0.2979 is printed in it.
FIGURE = "BBBOBBBBBBBOBOBBBOBBBBBBBBBBBBBOOOBBOBBBOBOOOOO"


def from_signs(signs: str, window_end: str) -> np.ndarray:
    """[2, T]: two models whose order at each checkpoint is as the letters say, the window's end before them."""
    lead = np.array([0.01 if sign == "B" else -0.01 for sign in window_end + signs])
    return np.stack([0.25 + lead, np.full(lead.size, 0.25)])


def rc(name, scores, end, sizes):
    return rc_value(name, scores, end, sizes).value


def test_the_organisers_figure():
    scores = from_signs(FIGURE, window_end="B")
    assert FIGURE.count("O") == 14
    assert rc("organisers", scores, 0, PAIR) == pytest.approx(14 / 47)
    assert round(14 / 47, 4) == 0.2979
    # The window's end as the reference is excluded by the figure.
    assert rc("all_models", scores, 0, PAIR) == pytest.approx(33 / 47)
    assert rc("first_place", scores, 0, PAIR) == pytest.approx(33 / 47)


def test_the_figure_cannot_tell_the_order_of_early_means_apart():
    scores = from_signs(FIGURE, window_end="OOB")  # arch2 leads in the mean, arch1 at the window's end
    assert rc("early_means", scores, 2, PAIR) == pytest.approx(14 / 47)
    assert rc("organisers", scores, 2, PAIR) == pytest.approx(14 / 47)


def test_the_signs_as_they_were_read():
    read = json.loads((needs("reference") / "rc-figure-signs.json").read_text(encoding="utf-8"))
    first, last = read["checkpoints"]
    signs = "".join("O" if at in read["arch2_ahead"] else "B" for at in range(first, last + 1))
    assert signs == FIGURE
    value = rc("organisers", from_signs(signs, window_end="B"), 0, PAIR)
    assert round(value, 4) == read["printed_rc"]


TWO_SIZES = ("small", "small", "large", "large")
#            early         later
HAND = [
    [0.30, 0.32, 0.33, 0.31, 0.36],  # small, arch1
    [0.31, 0.31, 0.33, 0.34, 0.35],  # small, arch2
    [0.40, 0.41, 0.45, 0.46, 0.48],  # large, arch1
    [0.42, 0.43, 0.44, 0.46, 0.49],  # large, arch2
]


def test_by_hand():
    # small: the last has arch1 ahead; later: tie 0, against 0, itself 1. large: arch2; against 0, tie 0, itself 1.
    assert rc("organisers", HAND, 1, TWO_SIZES) == pytest.approx((1 / 3 + 1 / 3) / 2)
    # The window's end: small arch1, large arch2. Same best: none of both (tie, against), none (against, tie), both.
    assert rc("first_place", HAND, 1, TWO_SIZES) == pytest.approx((0 + 0 + 1) / 3)
    # Sizes together: pairs (s1 s2)(s1 l1)(s1 l2)(s2 l1)(s2 l2)(l1 l2), four of them sizes, which hold.
    end = [row[1] for row in HAND]
    assert rc("all_models", HAND, 1, TWO_SIZES) == pytest.approx(
        np.mean([tau(end, [row[k] for row in HAND]) for k in (2, 3, 4)])
    )


def test_a_tie_in_the_early_means_has_no_order():
    value = rc_value("early_means", HAND, 1, TWO_SIZES)  # small: .31 and .31
    assert value.value is None
    assert "early means" in value.why
    assert rc("early_means", HAND[2:], 1, PAIR) == pytest.approx((0 + 0 + 1) / 3)


def test_a_tie_at_the_reference_makes_it_undefined():
    tied = np.array(HAND)
    tied[0, -1] = tied[1, -1]
    value = rc_value("organisers", tied, 1, TWO_SIZES)
    assert value.value is None
    assert "at the last checkpoint" in value.why


def test_three_shapes_of_a_size():
    # Last: a < b < c. Later: a < c < b (two pairs of three as there, one against), then itself.
    scores = [[0, 1, 1], [0, 3, 2], [0, 2, 3]]
    assert rc("organisers", scores, 0, ("s", "s", "s")) == pytest.approx((1 / 3 + 1) / 2)
    reversed_then_last = [[0, 3, 1], [0, 2, 2], [0, 1, 3]]
    assert rc("organisers", reversed_then_last, 0, ("s", "s", "s")) == pytest.approx((0 + 1) / 2)  # clipped


@pytest.mark.parametrize("name", [name for name in READINGS if name != "all_models"])
@pytest.mark.parametrize("sizes", [("a", "b", "c", "d"), (None, None, None, None)])
def test_without_two_shapes_of_a_size_it_says_what_is_wanted(name, sizes):
    value = rc_value(name, HAND, 1, sizes)
    assert value.value is None
    assert "second shape of a size" in value.why


@pytest.mark.parametrize("name", READINGS)
def test_a_missing_score_makes_it_undefined(name):
    missing = np.array(HAND)
    missing[0, 2] = np.nan
    value = rc_value(name, missing, 1, TWO_SIZES)
    assert value.value is None
    assert "missing" in value.why


@pytest.mark.parametrize("name", READINGS)
def test_without_a_later_checkpoint_there_is_none(name):
    assert "No checkpoint after the early window" in rc_value(name, HAND, None, TWO_SIZES).why
    assert "No checkpoint after the early window" in rc_value(name, HAND, 4, TWO_SIZES).why


@pytest.mark.parametrize("name", READINGS)
def test_axes_in_front_are_carried_along(name):
    draws = np.random.default_rng(0).normal(size=(5, 4, 9))
    together = READINGS[name](draws, 4, TWO_SIZES)
    assert together.shape == (5,)
    assert together == pytest.approx([float(READINGS[name](one, 4, TWO_SIZES)) for one in draws])


def test_noise_scores_a_half_of_two_shapes_and_the_last_counts_itself():
    draws = np.random.default_rng(1).normal(size=(20_000, 2, 11))
    # Nine later checkpoints agree half the time, the tenth is the reference.
    assert READINGS["organisers"](draws, 0, PAIR).mean() == pytest.approx((9 * 0.5 + 1) / 10, abs=0.005)
