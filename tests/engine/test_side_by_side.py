from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2lm_core.engine.side_by_side import in_order


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_results_come_in_the_order_of_the_tasks(pool: ThreadPoolExecutor) -> None:
    second_done = threading.Event()

    def first() -> str:
        assert second_done.wait(10)
        return "first"

    def second() -> str:
        second_done.set()
        return "second"

    assert list(in_order(pool, [first, second], ahead=2)) == ["first", "second"]
    assert list(in_order(pool, [], ahead=2)) == []


def test_no_more_are_made_than_are_ahead(pool: ThreadPoolExecutor) -> None:
    made: list[int] = []

    def tasks() -> Iterator[Callable[[], int]]:
        for number in range(10):
            made.append(number)
            yield lambda number=number: number

    results = in_order(pool, tasks(), ahead=3)
    assert next(results) == 0
    assert made == [0, 1, 2]
    assert next(results) == 1
    assert made == [0, 1, 2, 3]
    assert list(results) == list(range(2, 10))


@pytest.mark.parametrize("ends", ["an error of a task", "an error of the making", "the caller's own"])
def test_nothing_runs_on_after_the_end(pool: ThreadPoolExecutor, ends: str) -> None:
    begun, over, go_on = [], [], threading.Event()

    def task(number: int) -> int:
        begun.append(number)
        if number == 1:
            go_on.wait(10)
        if number == 0 and ends == "an error of a task":
            raise ValueError("the first")
        over.append(number)
        return number

    def tasks() -> Iterator[Callable[[], int]]:
        for number in range(8):
            if number == 4 and ends == "an error of the making":
                raise ValueError("the making")
            yield lambda number=number: task(number)

    results = in_order(pool, tasks(), ahead=4)
    if ends == "the caller's own":
        assert next(results) == 0
        go_on.set()
        results.close()
    else:
        threading.Timer(0.2, go_on.set).start()
        with pytest.raises(ValueError, match="the first" if "task" in ends else "the making"):
            list(results)
    finished = list(over)
    assert set(begun) - {0} <= set(finished)  # what had begun was waited for
    pool.submit(lambda: None).result()
    assert over == finished
    assert len(begun) < 8
