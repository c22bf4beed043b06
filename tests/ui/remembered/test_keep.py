"""What a session keeps: found again by identity, dropped by number or weight, and nothing of what is past."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2lm_core.ui.remembered import keep
from e2lm_core.ui.remembered.keep import Kept


@pytest.fixture(autouse=True)
def session_state(monkeypatch: pytest.MonkeyPatch) -> dict:
    state: dict = {}
    monkeypatch.setattr(keep.st, "session_state", state)
    return state


class Counted:
    """Makes numbers, each only once."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> int:
        self.made += 1
        return self.made


@pytest.fixture
def make() -> Counted:
    return Counted()


def test_it_is_made_once_for_the_same_objects_and_an_equal_key(make: Counted) -> None:
    kept, thing = Kept("some", 2), [1]
    assert kept.made_of((thing,), ("a", 1), make) == kept.made_of((thing,), ("a", 1), make) == 1
    assert kept.made_of((thing,), ("a", 2), make) == 2


def test_equal_objects_are_not_the_same(make: Counted) -> None:
    kept = Kept("some", 2)
    assert kept.made_of(([1],), "", make) == 1
    assert kept.made_of(([1],), "", make) == 2


def test_kinds_and_sessions_do_not_share(make: Counted, session_state: dict) -> None:
    thing = [1]
    assert Kept("some", 2).made_of((thing,), "", make) == 1
    assert Kept("other", 2).made_of((thing,), "", make) == 2
    session_state.clear()
    assert Kept("some", 2).made_of((thing,), "", make) == 3


def test_the_oldest_leaves(make: Counted) -> None:
    kept, things = Kept("some", 2), [[n] for n in range(3)]
    for thing in things:
        kept.made_of((thing,), "", make)
    assert [kept.made_of((thing,), "", make) for thing in things[1:]] == [2, 3]
    assert kept.made_of((things[0],), "", make) == 4


def test_what_is_kept_keeps_its_objects_so_that_no_other_is_taken_for_them(make: Counted) -> None:
    kept = Kept("some", 1000)
    for number in range(1, 200):  # without that, one of these would get the place of one that is gone
        assert kept.made_of(([],), "", make) == number


def test_without_a_size_all_of_the_latest_objects_is_kept_and_nothing_of_others(make: Counted) -> None:
    kept, first, second = Kept("some", None), [1], [2]
    assert [kept.made_of((first,), key, make) for key in "abcabc"] == [1, 2, 3, 1, 2, 3]
    assert kept.made_of((second,), "a", make) == 4
    assert kept.made_of((first,), "a", make) == 5


def test_what_raises_is_not_kept(make: Counted) -> None:
    kept, thing = Kept("some", 2), [1]

    def fail() -> int:
        raise ValueError

    with pytest.raises(ValueError):
        kept.made_of((thing,), "", fail)
    assert kept.made_of((thing,), "", make) == 1


def test_making_may_ask_for_the_same_kind(make: Counted) -> None:
    kept, thing = Kept("some", 2), [1]
    outer: Callable[[], int] = lambda: 10 + kept.made_of((thing,), "inner", make)  # noqa: E731
    assert kept.made_of((thing,), "outer", outer) == 11
    assert kept.made_of((thing,), "inner", make) == 1


def test_what_is_taken_and_put_back_is_the_newest(make: Counted) -> None:
    kept = Kept("some", 2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.take("a") == 1
    assert kept.take("a") is None
    kept.put("a", 3)
    kept.put("c", 4)
    assert list(kept.items()) == [("a", 3), ("c", 4)]


def test_by_weight_the_newest_stays_whatever_it_weighs() -> None:
    kept = Kept("heavy", 10, weight=len)
    kept.put("a", "12345")
    kept.put("b", "12345")
    assert [key for key, _ in kept.items()] == ["a", "b"]
    kept.put("c", "1")
    assert [key for key, _ in kept.items()] == ["b", "c"]
    kept.put("d", "1" * 20)
    assert [key for key, _ in kept.items()] == ["d"]
