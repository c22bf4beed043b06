"""Tasks on several threads, their results in the tasks' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from typing import TypeVar

T = TypeVar("T")


def in_order(pool: Executor, tasks: Iterable[Callable[[], T]], ahead: int) -> Iterator[T]:
    """Each task's result; at most `ahead` tasks are given to the pool whose results nobody has taken.

    Where a task or the making of one raises, or the caller takes no more, those that have not begun are
    dropped and those that have are waited for: nothing runs on after the iterator's end.
    """
    given: deque[Future[T]] = deque()
    try:
        for task in tasks:
            given.append(pool.submit(task))
            if len(given) >= ahead:
                yield given.popleft().result()
        while given:
            yield given.popleft().result()
    finally:
        wait([future for future in given if not future.cancel()])
