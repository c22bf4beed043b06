"""The cache: each value once, bytes within their limit, a value from itself refused."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2lm_core.base.cache import BESIDE, Cache, CacheCycleError


def test_a_value_is_computed_once_for_all_threads() -> None:
    cache, made, gate = Cache(1_000, len), [], threading.Event()

    def make() -> str:
        gate.wait(5)
        made.append(1)
        return "value"

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(cache.get_or_compute, "key", make) for _ in range(8)]
        assert cache.get("key") is None
        gate.set()
        assert {one.result() for one in asked} == {"value"}
    assert made == [1]
    assert cache.get("key") == "value"
    assert cache.bytes == 5


def test_the_least_recently_used_go_first() -> None:
    cache = Cache(30, len)
    for key in "abc":
        cache.get_or_compute(key, lambda key=key: key * 10)
    cache.get_or_compute("a", lambda: pytest.fail("it is there"))
    cache.get_or_compute("d", lambda: "d" * 10)
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]
    assert cache.bytes == 30


def test_a_value_beyond_the_limit_leaves_room_for_small_ones() -> None:
    cache = Cache(10, len)
    for key, size in (("a", 4), ("large", 100), ("b", 30), ("c", 30)):
        cache.get_or_compute(key, lambda size=size: "x" * size)
    assert cache.get("c")
    assert cache.bytes <= BESIDE * 100
    cache.clear()
    assert (cache.bytes, cache.get("c")) == (0, None)


def test_of_versions_only_the_latest_is_kept_and_weighed() -> None:
    cache = Cache(1_000, len)
    for version, text in ((1, "first"), (1, "not computed"), (2, "second one"), (None, "none")):
        cache.get_or_compute("key", lambda text=text: text, version)
    assert (cache.get("key"), cache.bytes) == ("none", 4)


def test_a_version_that_is_overtaken_while_it_is_computed_is_not_kept() -> None:
    cache, began, gate = Cache(1_000, len), threading.Event(), threading.Event()

    def slow() -> str:
        began.set()
        gate.wait(5)
        return "first"

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(cache.get_or_compute, "key", slow, 1)
        began.wait(5)
        assert cache.get_or_compute("key", lambda: "second", 2) == "second"
        gate.set()
        assert first.result() == "first"
    assert (cache.get("key"), cache.bytes) == ("second", 6)


def test_a_failure_is_not_kept_and_ends_nobody_else() -> None:
    cache, gate = Cache(100, len), threading.Event()

    def fail() -> str:
        gate.wait(5)
        raise KeyError("first")

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(cache.get_or_compute, "key", fail)
        second = threads.submit(cache.get_or_compute, "key", lambda: "second")
        gate.set()
        with pytest.raises(KeyError):
            first.result()
        assert second.result() == "second"
    assert cache.get("key") == "second"


def test_a_value_from_itself_is_an_error_and_no_deadlock() -> None:
    cache = Cache(100, len)

    def make() -> str:
        return cache.get_or_compute("outer", lambda: cache.get_or_compute("inner", make))

    with pytest.raises(CacheCycleError, match="The value of 'outer' is computed from itself"):
        make()
    assert cache.get_or_compute("outer", lambda: "made") == "made"


def test_two_threads_that_wait_for_each_other_are_told() -> None:
    cache, both = Cache(100, len), threading.Barrier(2, timeout=5)

    def crossed(own: str, other: str) -> str:
        def make() -> str:
            both.wait()
            return cache.get_or_compute(other, lambda: "alone")

        return cache.get_or_compute(own, make)

    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(crossed, *pair) for pair in (("a", "b"), ("b", "a"))]
        ends = [one.exception(timeout=5) for one in asked]
    assert any(isinstance(end, CacheCycleError) for end in ends)


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_asking_gives_every_value(seed: int) -> None:
    """Values of numbers that need smaller ones, from four threads, in a cache with room for a few."""
    cache: Cache = Cache(200, len)

    def value(number: int) -> str:
        def make() -> str:
            needed = [value(number - step) for step in (1, 2) if number >= step]
            return str(sum(map(int, needed)) + 1)

        return cache.get_or_compute(number, make)

    expected: list[int] = []
    for number in range(30):
        expected.append(sum(expected[max(number - 2, 0) :]) + 1)
    draw = random.Random(seed)
    ask: Callable[[int], str] = value
    with ThreadPoolExecutor(4) as threads:
        numbers = [draw.randrange(30) for _ in range(200)]
        assert [int(text) for text in threads.map(ask, numbers)] == [expected[n] for n in numbers]
    assert cache.bytes <= 200
