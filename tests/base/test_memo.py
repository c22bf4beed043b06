"""A memo keeps what it is given, within its bound."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from e2lm_core.base.memo import Memo


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
