"""What is kept for all: found again by identity, made once however many ask, forgotten by weight."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from e2lm_core.ui.base.store import Kept, Store


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


@pytest.fixture
def store() -> Store:
    return Store(10**6)


def test_it_is_made_once_for_the_same_objects_and_an_equal_key(make: Counted, store: Store) -> None:
    kept, thing = Kept("some", store), [1]
    assert kept.made_of((thing,), ("a", 1), make) == kept.made_of((thing,), ("a", 1), make) == 1
    assert kept.made_of((thing,), ("a", 2), make) == 2


def test_what_is_kept_can_be_asked_for_without_making_it(make: Counted, store: Store) -> None:
    kept, thing = Kept("some", store), [1]
    assert not kept.has((thing,), "a")
    kept.made_of((thing,), "a", make, version=1)
    assert kept.has((thing,), "a")
    assert not kept.has((thing,), "b")
    assert not kept.has(([1],), "a")
    assert not Kept("other", store).has((thing,), "a")
    assert make.made == 1


def test_equal_objects_are_not_the_same(make: Counted, store: Store) -> None:
    kept, one, other = Kept("some", store), [1], [1]
    assert kept.made_of((one,), "", make) == 1
    assert kept.made_of((other,), "", make) == 2


def test_kinds_do_not_share_and_sessions_do(make: Counted, store: Store) -> None:
    thing = [1]
    assert Kept("some", store).made_of((thing,), "", make) == 1
    assert Kept("other", store).made_of((thing,), "", make) == 2
    with ThreadPoolExecutor(1) as another:
        assert another.submit(Kept("some", store).made_of, (thing,), "", make).result() == 1


def test_many_who_ask_at_once_wait_for_the_one_that_makes_it(store: Store) -> None:
    kept, thing, made = Kept("some", store), [1], []

    def slowly() -> object:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return object()

    with ThreadPoolExecutor(8) as many:
        values = list(many.map(lambda _: kept.made_of((thing,), "", slowly), range(8)))
    assert len(made) == 1
    assert len(set(map(id, values))) == 1


def test_one_who_waits_for_a_maker_that_fails_makes_it_himself(store: Store) -> None:
    kept, thing, begun = Kept("some", store), [1], threading.Event()

    def fail() -> int:
        begun.set()
        time.sleep(0.05)
        raise KeyboardInterrupt  # as Streamlit ends a script: no Exception

    def first() -> None:
        with pytest.raises(KeyboardInterrupt):
            kept.made_of((thing,), "", fail)

    with ThreadPoolExecutor(2) as two:
        failing = two.submit(first)
        begun.wait()
        assert two.submit(kept.made_of, (thing,), "", lambda: 7).result() == 7
        failing.result()


def test_what_was_asked_about_longest_ago_leaves_with_all_that_was_made_of_it(make: Counted) -> None:
    store = Store(3_000)
    kept, things = Kept("some", store), [np.zeros(100) for _ in range(3)]  # 800 bytes each
    for thing in things[:2]:
        kept.made_of((thing,), "a", lambda: np.zeros(50))
    kept.made_of((things[0],), "b", make)
    kept.made_of((things[2],), "a", lambda: np.zeros(50))
    assert store.bytes <= store.most
    assert kept.made_of((things[0],), "b", make) == 1
    kept.made_of((things[1],), "a", make)
    assert make.made == 2


def test_the_newest_stays_whatever_it_weighs(make: Counted) -> None:
    kept, thing = Kept("some", Store(100)), np.zeros(1_000)
    assert [kept.made_of((thing,), "", make) for _ in range(2)] == [1, 1]


def test_little_things_stay_beside_what_alone_weighs_too_much_and_another_such_does_not(
    make: Counted,
) -> None:
    kept = Kept("some", Store(1_000))
    little, heavy, next_heavy = np.zeros(1), np.zeros(1_000), np.zeros(1_000)
    asked = [kept.made_of((thing,), "", make) for thing in (heavy, little, heavy, little)]
    assert asked == [1, 2, 1, 2]
    assert kept.made_of((next_heavy,), "", make) == 3
    assert kept.made_of((little,), "", make) == 2
    assert kept.made_of((heavy,), "", make) == 4


def test_what_is_kept_keeps_its_objects_so_that_no_other_is_taken_for_them(
    make: Counted, store: Store
) -> None:
    kept = Kept("some", store)
    for number in range(1, 200):  # without that, one of these would get the place of one that is gone
        assert kept.made_of(([],), "", make) == number


def test_what_raises_is_not_kept(make: Counted, store: Store) -> None:
    kept, thing = Kept("some", store), [1]

    def fail() -> int:
        raise ValueError

    with pytest.raises(ValueError):
        kept.made_of((thing,), "", fail)
    assert kept.made_of((thing,), "", make) == 1


def test_making_may_ask_for_the_same_kind(make: Counted, store: Store) -> None:
    kept, thing = Kept("some", store), [1]
    outer: Callable[[], int] = lambda: 10 + kept.made_of((thing,), "inner", make)  # noqa: E731
    assert kept.made_of((thing,), "outer", outer) == 11
    assert kept.made_of((thing,), "inner", make) == 1


def test_of_versions_only_the_one_asked_for_last_is_kept(make: Counted, store: Store) -> None:
    kept = Kept("some", store)
    assert [kept.made_of((), "set", make, version=v) for v in (1, 1, 2, 2, 1)] == [1, 1, 2, 2, 3]


def test_a_version_that_was_replaced_weighs_nothing_any_more(store: Store) -> None:
    kept = Kept("some", store)
    for version in range(20):
        kept.made_of((), "set", lambda: np.zeros(1_000), version=version)
    assert store.bytes == 8_000


def test_what_is_made_of_one_heavy_thing_in_several_groups_stays(make: Counted) -> None:
    store = Store(1_000)
    kept, heavy, beside = Kept("some", store), np.zeros(1_000), [np.zeros(1) for _ in range(3)]
    groups = [(heavy,), *((heavy, one) for one in beside)]
    for _ in range(2):
        for group in groups:
            kept.made_of(group, "", make)
    assert make.made == len(groups)
    made = kept.made_of((heavy,), "array", lambda: np.zeros(100))
    before = store.bytes
    kept.made_of((made,), "", make)
    assert store.bytes - before < 100  # it is counted as what was made already


def test_what_leaves_is_counted_no_more(make: Counted) -> None:
    store = Store(3_000)
    kept = Kept("some", store)
    for number in range(50):
        thing = np.zeros(100)
        kept.made_of((thing,), "", lambda: np.zeros(50), version=number)
        kept.made_of((thing,), "", lambda: np.zeros(60), version=-number)
        kept.made_of((thing, np.zeros(10)), "", make)
        assert store.bytes <= store.most
    store.clear()
    assert store.bytes == 0
