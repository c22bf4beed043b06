"""Copies of a question: found by text and choices, and joined with every group of one of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.scores import copies

IDS = [f"q{n}" for n in range(6)]


@pytest.mark.parametrize(
    ("asked", "choices", "found"),
    [
        ([0, 1, 2], [[0, 1]] * 3, None),  # a frame or a scale
        ([0, 0, 1], [[0, 1], [2, 3], [0, 1]], None),  # one text, other choices
        ([0, 0, 1], [[0, 1], [1, 0], [0, 1]], [True, False]),  # in another order
        ([0, 0, 0], [[0, 1, -1], [0, 1, 2], [1, 0, -1]], [False, True]),
    ],
)
def test_copies_have_the_text_and_the_choices(
    asked: list[int], choices: list[list[int]], found: list[bool] | None
) -> None:
    numbers = copies.number_copies(asked, choices)
    if found is None:
        assert numbers is None
    else:
        assert numbers is not None
        assert (numbers[1:] == numbers[0]).tolist() == found


@given(
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.lists(st.sampled_from([None, "a", "b"]), min_size=6, max_size=6),
)
def test_who_shares_a_copy_or_a_group_is_in_one_group(asked: list[int], groups: list[str | None]) -> None:
    numbers = copies.number_rows(np.array(asked)[:, None])
    joined = copies.join_copies(groups, numbers, IDS)
    for at in range(6):
        for other in range(at):
            alike = asked[at] == asked[other] or (groups[at] is not None and groups[at] == groups[other])
            assert not alike or (joined[at] == joined[other] is not None)
    lone = [at for at in range(6) if asked.count(asked[at]) == 1 and groups[at] is None]
    assert all(joined[at] is None for at in lone)


def test_without_a_group_or_a_copy_nothing_is_joined() -> None:
    apart = np.arange(6)
    assert copies.join_copies((), apart, IDS) == (None,) * 6
    assert copies.join_copies(["a", "a", None, None, None, None], apart, IDS)[:3] == ("a", "a", None)
    chain = copies.join_copies(["a", "b", None, "b", None, None], np.array([0, 0, 1, 2, 1, 3]), IDS)
    assert chain == ("a", "a", "copies of q2", "a", "copies of q2", None)
