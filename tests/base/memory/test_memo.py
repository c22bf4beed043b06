"""A memo keeps what it is given, within its bound."""

from __future__ import annotations

import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2lm_core.base.memory.memo import Each, Filled, Memo


def memo(most: int) -> Memo[str, str]:
    return Memo(most, lambda key, value: len(key) + len(value))


def test_what_was_kept_comes_back() -> None:
    kept = memo(100)
    assert kept.get("a") is None
    kept.put("a", "made of a")
    assert kept.get("a") == "made of a"
    kept.put("a", "made of a")
    assert len(kept) == 1


def test_the_least_recently_used_is_forgotten_first() -> None:
    kept = memo(8)
    for key in "abcd":
        kept.put(key, key)
    assert kept.get("a") == "a"
    kept.put("e", "e")
    assert [kept.get(key) for key in "abcde"] == ["a", None, "c", "d", "e"]


def test_what_is_larger_than_the_bound_is_not_kept() -> None:
    kept = memo(8)
    kept.put("a", "x" * 100)
    assert (len(kept), kept.get("a")) == (0, None)
    kept.put("b", "b")
    assert kept.get("b") == "b"


def test_threads_share_it() -> None:
    kept = memo(40)

    def use(number: int) -> bool:
        key = str(number % 17)
        kept.put(key, key)
        return kept.get(key) in (key, None)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(2_000)))
    assert sum(2 * len(str(n)) for n in range(17) if kept.get(str(n))) <= 40


class Thing:
    def __init__(self, name: str) -> None:
        self.name = name


def test_of_many_only_new_ones_are_made() -> None:
    each, made = Each[str](10), []

    def make(thing: Thing) -> str:
        made.append(thing.name)
        return thing.name.upper()

    a, b, c = map(Thing, "abc")
    assert each.values_of(None, [a, b], make) == ["A", "B"]
    assert each.values_of(None, [b, c, a], make) == ["B", "C", "A"]
    assert each.values_of("another key", [a], make) == ["A"]
    assert made == ["a", "b", "c", "a"]
    b2 = Thing("b")  # alike, and another
    assert each.values_of(None, [a, b2], make) == ["A", "B"]
    assert made[-1] == "b"


def test_of_too_many_those_stay_that_were_asked_for_last() -> None:
    each, made = Each[str](3), []

    def make(thing: Thing) -> str:
        made.append(thing.name)
        return thing.name

    first, last = [Thing(n) for n in "ab"], [Thing(n) for n in "cd"]
    each.values_of(None, first, make)
    each.values_of(None, last, make)
    each.values_of(None, last, make)
    assert made == ["a", "b", "c", "d"]
    each.values_of(None, first, make)
    assert made[4:] == ["a", "b"]
    too_many = [Thing(n) for n in "efgh"]
    assert each.values_of(None, too_many, make) == ["e", "f", "g", "h"]
    each.values_of(None, too_many, make)
    assert made[-4:] == ["e", "f", "g", "h"]


def test_nothing_is_kept_of_what_cannot_be_made() -> None:
    each, thing = Each[int](10), Thing("a")
    with pytest.raises(ZeroDivisionError):
        each.values_of(None, [thing], lambda _: 1 // 0)
    assert each.values_of(None, [thing], lambda _: 1) == [1]


def test_threads_share_each() -> None:
    each, things = Each[str](30), [Thing(str(n)) for n in range(40)]

    def use(number: int) -> bool:
        some = things[number % 25 :][:12]
        return each.values_of(number % 2, some, lambda thing: thing.name) == [thing.name for thing in some]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(2_000)))


def test_a_filled_one_makes_each_value_when_it_is_asked_for_and_is_empty_elsewhere() -> None:
    asked: list[str] = []
    filled = Filled(lambda key: asked.append(key) or len(asked))
    assert (filled["a"], filled["b"], filled["a"], filled.passing("a")) == (1, 2, 1, 1)
    assert (filled.passing("c"), list(filled)) == (3, ["a", "b"])
    sent = pickle.loads(pickle.dumps(Filled(len)))
    assert (dict(sent), sent["four"]) == ({}, 4)


def test_of_many_who_ask_a_filled_one_at_once_one_makes_it() -> None:
    made: list[str] = []

    def slowly(key: str) -> str:
        time.sleep(0.05)
        made.append(key)
        return key

    filled = Filled(slowly)
    with ThreadPoolExecutor(8) as many:
        assert list(many.map(lambda _: filled["a"], range(8))) == ["a"] * 8
    assert made == ["a"]
