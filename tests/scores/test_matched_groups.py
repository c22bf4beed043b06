"""Matched groups and all of a group right: by hand first, then what must hold for any set."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.scores.matched_groups import (
    all_right,
    chance,
    count_distribution,
    matched_groups,
    null_of_permuted_keys,
)

NAN = math.nan
FOUR = [[10, 11, 12, 13], [13, 12, 11, 10], [10, 11, 12, 13], [11, 10, 13, 12]]  # the same texts in any order
GOLD = [0, 2, 2, 2]  # texts 10, 11, 12, 13


def test_four_questions_with_the_same_choices_and_each_right_once_are_a_group():
    assert matched_groups(FOUR, GOLD).tolist() == [0, 0, 0, 0]


def test_questions_with_other_choices_are_in_no_group():
    texts = [[1, 2, 3], [1, 2, 4], [1, 2, -1], [2, 1, -1]]
    assert matched_groups(texts, [0, 0, 0, 0]).tolist() == [-1, -1, 0, 0]
    assert matched_groups([[1, 2, 3]], [0]).tolist() == [-1]
    assert matched_groups(np.empty((0, 1)), []).tolist() == []


def test_two_questions_with_one_right_answer_leave_no_group():
    """True and false, a scale, two wordings of one question: no group whose answers all differ."""
    assert matched_groups([[1, 2], [1, 2], [2, 1]], [0, 1, 0]).tolist() == [-1, -1, -1]


def test_declared_groups_tell_groups_with_the_same_choices_apart():
    texts, gold = FOUR + FOUR + [[1, 2, -1, -1]], GOLD + GOLD + [0]
    assert matched_groups(texts, gold).tolist() == [-1] * 9
    groups = ["a"] * 4 + ["b"] * 4 + [None]
    assert matched_groups(texts, gold, groups).tolist() == [0] * 4 + [1] * 4 + [-1]
    # A question that nobody declared is in none; a group by answer has one right answer.
    assert matched_groups(texts, gold, ["a"] * 4 + [None] * 5).tolist() == [0] * 4 + [-1] * 5
    assert matched_groups(texts, gold, [str(n) for n in GOLD + GOLD] + [None]).tolist() == [-1] * 9
    # Groups of other questions, by template or passage, part nothing that is a group without them.
    assert matched_groups(FOUR, GOLD, ["x", "y", "x", "y"]).tolist() == [0] * 4


def test_groups_are_numbered_by_their_first_questions():
    texts = [[7, 8], [5, 6], [1, 2], [6, 5], [8, 7]]
    assert matched_groups(texts, [0, 0, 0, 0, 0]).tolist() == [0, 1, -1, 1, 0]


def test_a_group_is_right_if_all_of_its_questions_are():
    numbers = [0, 0, -1, 1, 1, 0]
    right = [[1, 1, 0, 1, 0, 1], [1, 0, 1, 1, 1, 1], [1, NAN, 1, 1, 1, 1]]
    np.testing.assert_array_equal(all_right(right, numbers), [[1, 0], [0, 1], [NAN, 1]])
    assert all_right([[1.0, 0.0]], [-1, -1]).shape == (1, 0)


def test_chance_is_the_product_over_the_group():
    assert chance([4] * 4, [0] * 4) == pytest.approx(1 / 256)
    assert chance([4] * 4 + [3, 2, 2], [0] * 4 + [-1, 1, 1]) == pytest.approx((1 / 256 + 1 / 4) / 2)
    assert math.isnan(chance([4], [-1]))


def loglikelihoods(picks: list[int], texts=FOUR) -> np.ndarray:
    """Of a model that picks these texts."""
    return np.where(np.array(texts) == np.array(picks)[:, None], -1.0, -2.0)


def test_a_model_that_picks_each_answer_once_is_right_under_one_of_24_orders():
    null = null_of_permuted_keys(loglikelihoods([10, 11, 12, 13]), FOUR, GOLD, [0] * 4)
    assert null.mean == pytest.approx(1 / 24)
    assert null.q95 == 0.0  # 23 of 24 orders give 0
    assert null.p == pytest.approx(1 / 24)
    wrong = null_of_permuted_keys(loglikelihoods([11, 10, 12, 13]), FOUR, GOLD, [0] * 4)
    assert (wrong.mean, wrong.p) == (pytest.approx(1 / 24), 1.0)


def test_a_model_that_reads_the_subject_alone_is_right_under_no_order():
    null = null_of_permuted_keys(loglikelihoods([10, 10, 12, 12]), FOUR, GOLD, [0] * 4)
    assert (null.mean, null.q95, null.p) == (0.0, 0.0, 1.0)


def test_two_groups_by_hand():
    texts, gold, numbers = [*FOUR, [1, 2, -1, -1], [2, 1, -1, -1]], [*GOLD, 0, 0], [0] * 4 + [1, 1]
    picks = loglikelihoods([10, 11, 12, 13, 1, 2], texts)
    null = null_of_permuted_keys(picks, texts, gold, numbers)
    assert null.mean == pytest.approx((1 / 24 + 1 / 2) / 2)
    assert null.p == pytest.approx(1 / 48)
    assert null.q95 == 0.5  # none 23/48, one 24/48
    together = null_of_permuted_keys(picks, texts, gold, numbers, ["x", "x"])
    assert (together.mean, together.p) == (pytest.approx(1 / 2), pytest.approx(1 / 2))


def test_the_count_of_independent_hits_by_hand():
    assert count_distribution([1, 1], [0.5, 0.25]).tolist() == [0.375, 0.5, 0.125]
    assert count_distribution([2], [0.25]).tolist() == [0.75, 0.0, 0.25]
    assert count_distribution([], []).tolist() == [1.0]


# --- what must hold for any set ---------------------------------------------------------------------------


@st.composite
def grouped_sets(draw):
    """Texts [Q, C], gold [Q], numbers [Q] and picks [Q] of one or two groups, shuffled among other questions."""
    texts, right, numbers = [], [], []
    for group in range(draw(st.integers(1, 2))):
        choices = draw(st.integers(2, 4))
        own = [10 * group + c for c in range(choices)]
        for answer in own[: draw(st.integers(2, choices))]:
            texts.append(draw(st.permutations(own)) + [-1] * (4 - choices))
            right.append(answer)
            numbers.append(group)
    for single in range(draw(st.integers(0, 2))):
        texts.append([100 + single, 200 + single, -1, -1])
        right.append(100 + single)
        numbers.append(-1)
    order = draw(st.permutations(range(len(texts))))
    texts = [texts[at] for at in order]
    gold = [texts[place].index(right[at]) for place, at in enumerate(order)]
    picks = [draw(st.sampled_from([t for t in row if t >= 0])) for row in texts]
    return np.array(texts), np.array(gold), [numbers[at] for at in order], picks


@given(grouped_sets())
def test_groups_are_found_again_in_any_order(made):
    texts, gold, numbers, _ = made
    found = matched_groups(texts, gold)
    assert [f < 0 for f in found] == [n < 0 for n in numbers]
    for one, other in itertools.combinations(range(len(numbers)), 2):
        assert (found[one] == found[other]) == (numbers[one] == numbers[other])
    firsts = [int(np.flatnonzero(found == g)[0]) for g in range(found.max() + 1)]
    assert firsts == sorted(firsts)


@given(grouped_sets())
def test_the_null_is_that_of_every_order_of_every_groups_answers(made):
    texts, gold, _, picks = made
    numbers, rows = matched_groups(texts, gold), np.arange(len(gold))
    right = texts[rows, gold]
    members = [np.flatnonzero(numbers == g) for g in range(numbers.max() + 1)]
    counts = [
        sum(all(picks[q] == a for q, a in zip(m, order, strict=True)) for m, order in zip(members, orders, strict=True))
        for orders in itertools.product(*(itertools.permutations(right[m]) for m in members))
    ]  # fmt: skip
    observed = all_right((picks == right).astype(float), numbers).sum()
    null = null_of_permuted_keys(loglikelihoods(picks, texts), texts, gold, numbers)
    assert null.mean == pytest.approx(np.mean(counts) / len(members))
    assert null.p == pytest.approx(np.mean(np.array(counts) >= observed))
    upper = sorted(counts)[math.ceil(0.95 * len(counts) - 1e-9) - 1]
    assert null.q95 == pytest.approx(upper / len(members))


@given(grouped_sets(), st.data())
def test_who_answers_two_questions_of_a_group_alike_never_gets_it_right(made, data):
    texts, gold, _, picks = made
    numbers = matched_groups(texts, gold)
    for group in range(numbers.max() + 1):
        one, other = data.draw(st.permutations(list(np.flatnonzero(numbers == group))))[:2]
        picks[other] = picks[one]
    right = (np.array(picks) == texts[np.arange(len(gold)), gold]).astype(float)
    assert all_right(right, numbers).sum() == 0
    assert (all_right(right, numbers) <= [right[numbers == g].mean() for g in range(numbers.max() + 1)]).all()
